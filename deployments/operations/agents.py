"""Remote execution agents: nothing that we could roll back, so they tell what they run."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from deployments.access import Right, name_of, require
from deployments.models import Deployment, RemoteAgent
from deployments.models.watching import agent_rule
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid, Refusal

MOST = 500


def report_agent(*, deployment: Deployment, name: str, version: str, actor: User, now: datetime) -> RemoteAgent:
    """Take an agent's report of itself. Raises NotAllowed, Invalid, Refusal `too_many_agents`."""
    require(actor, Right.DEPLOY, deployment)
    try:
        agent_rule(name)
    except ValidationError as wrong:
        raise Invalid(f"{name[:80]!r} is no agent's name: {' '.join(wrong.messages)}", code="bad_name") from wrong
    agents = RemoteAgent.objects.filter(deployment=deployment)
    if not agents.filter(name=name).exists() and agents.count() >= MOST:
        raise Refusal(f"{deployment} has {MOST} agents already: forget those that are no more.", code="too_many_agents")
    agent, _ = agents.update_or_create(
        deployment=deployment,
        name=name,
        defaults={"version": version, "reported_at": now, "reported_by_name": name_of(actor)},
    )
    return agent


def forget_agent(*, deployment: Deployment, name: str, actor: User) -> None:
    """Forget an agent. Raises NotAllowed, Absent."""
    require(actor, Right.CONFIGURE, deployment)
    gone, _ = RemoteAgent.objects.filter(deployment=deployment, name=name).delete()
    if not gone:
        raise Absent(NOT_FOUND_DETAIL)
