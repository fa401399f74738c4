"""How well a place delivers in a period, from our own rows: read once, in a fixed number of queries, narrow columns only.

What the figures mean stands in `delivery`. However long a history is, only what ended in the period and in the one
before it is read, and never more than `MOST_ROWS`.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import FloatField, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT

from deployments.delivery import Ended, Failure, Left, Tally, by_location, judged, sum_of
from deployments.models import Blame, CodeLocation, Deploy
from deployments.periods import Period
from deployments.states import DeployKind, DeployStatus
from portal.common.problems import Invalid

MOST_ROWS = 200_000
MOST_LOCATIONS = 2_000
MOST_FAILURES = 10
CHUNK = 5_000
IN_PLACE = (DeployStatus.FAILED, DeployStatus.SUPERSEDED, DeployStatus.ERRORED)


class Seconds(Func):
    """A time as seconds since 1970, which cost a fifth of what times do: exact to the millisecond."""

    arity = 1
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Count from the days that SQLite counts, without what they lack of a whole millisecond."""
        template = "(ROUND((JULIANDAY(%(expressions)s) - 2440587.5) * 86400000.0) / 1000.0)"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Ask for what PostgreSQL calls the epoch."""
        template = "(EXTRACT(EPOCH FROM %(expressions)s)::double precision)"
        return super().as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True)
class Spot:
    """A code location, by its names."""

    pk: int
    name: str
    deployment: str
    organization: str

    @property
    def place(self) -> str:
        """Answer its deployment, as people write it."""
        return f"{self.organization}/{self.deployment}"


@dataclass(frozen=True)
class Insights:
    """What was counted: in all, in the period before, step by step, place by place; the newest failures, newest first."""

    period: Period
    now: Tally
    before: Tally
    steps: list[Tally]
    spots: list[tuple[Spot, Tally]]
    failures: list[tuple[Spot, Failure]]


def insights_of(locations: QuerySet[CodeLocation], period: Period) -> Insights:
    """Answer how well these code locations deliver. Raises Invalid `too_much`."""
    spots = _spots(locations)
    counted: dict[tuple[int, int], Tally] = defaultdict(Tally)
    failures: list[Failure] = []
    for each in _found(list(spots), period):
        change = each.change if isinstance(each, Failure) else each
        step = period.step_at(change.at)
        counted[change.location, step].add(each)
        if isinstance(each, Failure) and step >= 0:
            failures.append(each)
    steps: list[list[Tally]] = [[] for _ in period.steps]
    before: list[Tally] = []
    of_spot: dict[int, list[Tally]] = {pk: [] for pk in spots}
    for (location, step), tally in counted.items():
        if step < 0:
            before.append(tally)
            continue
        steps[step].append(tally)
        of_spot[location].append(tally)
    newest = heapq.nlargest(MOST_FAILURES, failures, key=lambda each: (each.change.at, each.change.number))
    by_step = [sum_of(tallies) for tallies in steps]
    return Insights(
        period=period,
        now=sum_of(by_step),
        before=sum_of(before),
        steps=by_step,
        spots=[(spots[pk], sum_of(tallies)) for pk, tallies in of_spot.items()],
        failures=[(spots[each.change.location], each) for each in newest],
    )


def by_deployment(spots: list[tuple[Spot, Tally]]) -> dict[str, Tally]:
    """Answer what was counted in each deployment, by "organization/deployment"."""
    grouped: dict[str, list[Tally]] = defaultdict(list)
    for spot, tally in spots:
        grouped[spot.place].append(tally)
    return {place: sum_of(tallies) for place, tallies in grouped.items()}


def _spots(locations: QuerySet[CodeLocation]) -> dict[int, Spot]:
    names = locations.values_list("pk", "name", "deployment__slug", "deployment__organization__slug")
    found = [Spot(*row) for row in names.order_by("pk")[: MOST_LOCATIONS + 1]]
    if len(found) > MOST_LOCATIONS:
        raise _too_much(f"{MOST_LOCATIONS:,} code locations")
    return {spot.pk: spot for spot in found}


def _found(spots: list[int], period: Period) -> Iterator[Ended | Failure]:
    """Answer the changes and failures of the period and of the one before."""
    within = Q(finished_at__gte=period.before.begins, finished_at__lt=period.ends)
    rows = Deploy.objects.filter(within, code_location_id__in=spots)
    left = _left(spots, period)
    live = _read(rows.filter(live_seq__isnull=False).order_by("code_location_id", "live_seq"))
    in_place = Q(activated_at__isnull=False) | Q(kind=DeployKind.OBSERVED)
    others = rows.filter(in_place, status__in=IN_PLACE).exclude(kind=DeployKind.ROLLBACK)
    open_: list[Failure] = []
    for location, ended in by_location(live, _read(others.order_by("code_location_id", "finished_at", "number"))):
        for each in judged(ended, left.get(location, ())):
            if isinstance(each, Failure) and each.restored is None:
                open_.append(each)
            else:
                yield each
    yield from _restored_later(open_, period)


def _read(rows: QuerySet[Deploy]) -> Iterator[Ended]:
    columns = rows.values_list(
        "code_location_id",
        "number",
        "kind",
        "status",
        Seconds("finished_at"),
        Seconds("activated_at"),
        "live_seq",
        "release_id",
        "release__code_digest",
        KT("git__committed_at"),
    )
    for count, row in enumerate(columns[: MOST_ROWS + 1].iterator(CHUNK)):
        if count == MOST_ROWS:
            raise _too_much(f"{MOST_ROWS:,} deploys")
        yield Ended(*row)


def _left(spots: list[int], period: Period) -> dict[int, list[Left]]:
    """Answer, by code location, what rollbacks left since the earlier period began: after it ended, too."""
    found: dict[int, list[Left]] = defaultdict(list)
    blames = Blame.objects.filter(code_location_id__in=spots, created_at__gte=period.before.begins)
    for location, code, lifted_at, number, seq in blames.values_list(
        "code_location_id", "code_digest", "lifted_at", "blamed_by__number", "blamed_by__live_seq"
    )[:MOST_ROWS]:
        found[location].append(Left(code, number, seq, blamed=lifted_at is None))
    return found


def _restored_later(failures: list[Failure], period: Period) -> Iterator[Failure]:
    """Answer these failures, that were open when the period ended, with what ended them since."""
    if not failures:
        return
    later = Deploy.objects.filter(
        code_location_id=OuterRef("pk"), live_seq__isnull=False, finished_at__gte=period.ends
    ).order_by("finished_at", "live_seq")
    locations = CodeLocation.objects.filter(pk__in={each.change.location for each in failures})
    firsts = locations.annotate(first=Subquery(later.values("pk")[:1])).values("first")
    ended = {row.location: row for row in _read(Deploy.objects.filter(pk__in=firsts))}
    for failure in failures:
        row = ended.get(failure.change.location)
        if row is not None and failure.ends_with(row):
            failure.restored = row
        yield failure


def _too_much(what: str) -> Invalid:
    return Invalid(
        f"That are more than {what}: choose a shorter period, or one of the deployments.",
        code="too_much",
    )
