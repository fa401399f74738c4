"""What a deploy has to do with others: which restored it, tried it again, or made place for it; and what it holds."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.safestring import SafeString

from deployments.models import Deploy, Hold
from deployments.views.moments import ago
from deployments.views.rows import Around

# How many of a kind are named, and how many others are looked at.
NAMED = 5
MOST = 100


@dataclass(frozen=True)
class Relation:
    """Deploys that have the same to do with this one, the newest first."""

    words: str
    numbers: list[int]
    more: int = 0


def relations_of(deploy: Deploy) -> list[Relation]:
    """Answer the acts that name this one, in one query."""
    naming = Q(restores=deploy.pk) | Q(retry_of=deploy.pk) | Q(superseded_by=deploy.pk)
    rows = Deploy.objects.filter(naming).order_by("-number")
    told = list(rows.values_list("number", "restores_id", "retry_of_id", "superseded_by_id")[:MOST])
    kinds = (("Restored by", 1), ("Retried by", 2), ("Supersedes", 3))
    found = []
    for words, column in kinds:
        numbers = [row[0] for row in told if row[column] == deploy.pk]
        if numbers:
            found.append(Relation(words, numbers[:NAMED], max(0, len(numbers) - NAMED)))
    return found


@dataclass(frozen=True)
class Holding:
    """What a rollback holds, or held."""

    since: SafeString | str
    released: SafeString | str
    by: str


def holding_of(deploy: Deploy, about: Around) -> Holding | None:
    """Answer what this rollback holds; None for what holds nothing."""
    if not deploy.is_rollback:
        return None
    now = about.hold if about.hold is not None and about.hold.deploy_id == deploy.pk else None
    hold = now or Hold.objects.filter(deploy=deploy.pk).order_by("-pk").first()
    if hold is None:
        return None
    return Holding(ago(hold.created_at, about.now), ago(hold.released_at, about.now), hold.released_by_name)
