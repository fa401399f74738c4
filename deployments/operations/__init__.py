"""The verbs for people and CI. Each is keyword-only, takes `actor` and `now`, checks the actor first, and returns the row."""

from deployments.operations.accounts import (
    create_service_account,
    create_token,
    remove_service_account,
    revoke_token,
)
from deployments.operations.alerts import change_channel, create_channel, remove_channel, test_channel
from deployments.operations.connecting import answer_order, change_code_location, test_connection
from deployments.operations.deploying import Push, cancel, create_deploy, describe, retry
from deployments.operations.holding import hold, lift_expired, resume
from deployments.operations.pinning import pin, unpin
from deployments.operations.places import (
    change_deployment,
    create_code_location,
    create_deployment,
    create_organization,
)
from deployments.operations.rolling_back import request_rollback
from deployments.operations.uploading import register_bundle, upload_blob

__all__ = [
    "Push",
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
    "hold",
    "lift_expired",
    "pin",
    "register_bundle",
    "remove_channel",
    "remove_service_account",
    "request_rollback",
    "resume",
    "retry",
    "revoke_token",
    "test_channel",
    "test_connection",
    "unpin",
    "upload_blob",
]
