"""The verbs for people and CI. Each is keyword-only, takes `actor` and `now`, checks the actor first, and returns the row."""

from deployments.operations.accounts import (
    create_service_account,
    create_token,
    remove_service_account,
    revoke_token,
)
from deployments.operations.agents import forget_agent, report_agent
from deployments.operations.alerts import change_channel, create_channel, remove_channel, test_channel
from deployments.operations.connecting import answer_order, change_code_location, test_connection
from deployments.operations.deploying import Push, cancel, create_deploy, describe, retry
from deployments.operations.git_fetching import fetch_source
from deployments.operations.git_hooks import take_delivery
from deployments.operations.git_sources import (
    GitSettings,
    fetch_now,
    pause_source,
    remove_source,
    set_source,
)
from deployments.operations.holding import hold, lift_expired, resume
from deployments.operations.inviting import (
    accept_invitation,
    invite,
    join,
    mail_invitation,
    open_invitation,
    withdraw_invitation,
)
from deployments.operations.members import find_account, remove_role, set_role
from deployments.operations.pinning import pin, unpin
from deployments.operations.places import (
    change_deployment,
    create_code_location,
    create_deployment,
    create_organization,
)
from deployments.operations.rolling_back import plan_of, request_rollback
from deployments.operations.uploading import register_bundle, upload_blob

__all__ = [
    "GitSettings",
    "Push",
    "accept_invitation",
    "answer_order",
    "cancel",
    "change_channel",
    "change_code_location",
    "change_deployment",
    "create_channel",
    "create_code_location",
    "create_deploy",
    "create_deployment",
    "create_organization",
    "create_service_account",
    "create_token",
    "describe",
    "fetch_now",
    "fetch_source",
    "find_account",
    "forget_agent",
    "hold",
    "invite",
    "join",
    "lift_expired",
    "mail_invitation",
    "open_invitation",
    "pause_source",
    "pin",
    "plan_of",
    "register_bundle",
    "remove_channel",
    "remove_role",
    "remove_service_account",
    "remove_source",
    "report_agent",
    "request_rollback",
    "resume",
    "retry",
    "revoke_token",
    "set_role",
    "set_source",
    "take_delivery",
    "test_channel",
    "test_connection",
    "unpin",
    "upload_blob",
    "withdraw_invitation",
]
