"""Code locations as lines of a list: how each stands, what is live, what was done last. Few queries for any number."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import prefetch_related_objects
from django.utils.safestring import SafeString

from deployments import history
from deployments.models import CodeLocation, Deploy, Hold
from deployments.querysets import mounted_by
from deployments.views.moments import ago
from deployments.views.parts import image_tag
from deployments.views.rows import told
from deployments.views.standing import Chip, fails_since, standing
from deployments.views.strips import Tick


@dataclass(frozen=True)
class Facts:
    """What is true of some code locations, by code location, besides what their own rows hold."""

    holds: dict[int, Hold]
    newest: dict[int, Deploy]
    failing: dict[int, datetime]

    def chips(self, location: CodeLocation) -> list[Chip]:
        """Answer how the code location stands, the most urgent first."""
        own = location.pk
        return standing(
            location, hold=self.holds.get(own), newest=self.newest.get(own), fails_since=self.failing.get(own)
        )


@dataclass(frozen=True)
class Line:
    """One code location. `last_good` is the number that a rollback to the last known good would restore."""

    location: CodeLocation
    chips: list[Chip]
    newest: Deploy | None
    newest_words: str
    updated: SafeString | str
    live_words: str
    live_image: str
    last_good: int | None = None
    ticks: Sequence[Tick] = field(default=())


def facts_of(locations: list[CodeLocation]) -> Facts:
    """Read the facts of all of them at once."""
    return Facts(history.active_holds(locations), history.newest_deploys(locations), fails_since(locations))


def lines_of(
    locations: list[CodeLocation],
    facts: Facts,
    now: datetime,
    *,
    last_good: dict[int, int] | None = None,
    strips: dict[int, list[Tick]] | None = None,
) -> list[Line]:
    """Answer a line for each code location."""
    prefetch_related_objects(locations, mounted_by("live_deploy__release__mounts"))
    return [
        Line(
            location=each,
            chips=facts.chips(each),
            newest=facts.newest.get(each.pk),
            newest_words=told(facts.newest.get(each.pk)),
            updated=ago(_updated(each, facts.newest.get(each.pk)), now),
            live_words=told(each.live_deploy),
            live_image=_image(each.live_deploy),
            last_good=(last_good or {}).get(each.pk),
            ticks=(strips or {}).get(each.pk, ()),
        )
        for each in locations
    ]


def _image(live: Deploy | None) -> str:
    return image_tag(live.release.image) if live and live.release and live.release.image else ""


def _updated(location: CodeLocation, newest: Deploy | None) -> datetime | None:
    """Answer when something was deployed or loaded there last."""
    moments = [newest.finished_at or newest.created_at] if newest else []
    moments += [location.last_load.reported_at] if location.last_load else []
    return max(moments, default=None)
