"""Page-shaped reads of history: each answers a fixed number of queries, however long the history is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypedDict

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Left

from deployments.models import Blame, CodeLocation, Deploy, Hold
from deployments.querysets import mounted_by
from deployments.states import UNFINISHED, DeployKind, DeployStatus

# Words that places are looked for by.
MOST_WORDS = 8


class Glance(TypedDict):
    """A deploy at a glance: `gist` is how its description begins."""

    pk: int
    code_location_id: int
    number: int
    status: str
    kind: str
    created_at: datetime
    gist: str


class InstantField(django_filters.fields.IsoDateTimeField):  # type: ignore[misc]  # django-filter ships no types
    """A time that a database can be asked for."""

    def to_python(self, value: Any) -> datetime | None:
        """Answer the time in UTC. Raises ValidationError: the ends of the calendar have none."""
        at = super().to_python(value)
        try:
            return at.astimezone(UTC) if at else None
        except OverflowError as odd:
            raise ValidationError("Enter a valid date/time.") from odd


class InstantFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # django-filter ships no types
    """Asks for a time."""

    field_class = InstantField


class DeployFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """What history can be asked for: by page and by API alike, in the URL."""

    kind = django_filters.MultipleChoiceFilter(choices=DeployKind.choices)
    status = django_filters.MultipleChoiceFilter(choices=DeployStatus.choices)
    actor = django_filters.CharFilter(field_name="actor_name", lookup_expr="iexact")
    commit = django_filters.CharFilter(field_name="git__commit", lookup_expr="istartswith")
    image = django_filters.CharFilter(field_name="release__image", lookup_expr="icontains")
    q = django_filters.CharFilter(method="search", label="Text")
    since = InstantFilter(field_name="created_at", lookup_expr="gte")
    until = InstantFilter(field_name="created_at", lookup_expr="lte")

    class Meta:
        model = Deploy
        fields: list[str] = []
        form = forms.Form

    def search(self, rows: QuerySet[Deploy], name: str, value: str) -> QuerySet[Deploy]:
        """Keep the rows whose description, actor, commit, message or image has the text, or whose number it is."""
        found = (
            Q(description__icontains=value)
            | Q(actor_name__icontains=value)
            | Q(git__commit__istartswith=value)
            | Q(git__message__icontains=value)
            | Q(git__branch__iexact=value)
            | Q(release__image__icontains=value)
        )
        number = value.removeprefix("#")
        if number.isdecimal() and len(number) < 16:
            found |= Q(number=int(number))
        return rows.filter(found)


def deploys_of(location: CodeLocation) -> QuerySet[Deploy]:
    """Answer the location's deploys with all that a row shows."""
    return Deploy.objects.filter(code_location=location).with_places()


def ends_of_runs(rows: QuerySet[Deploy]) -> QuerySet[Deploy]:
    """Keep the newest of consecutive similar deploys. `run_began` is the number that its run began with."""
    began = Deploy.objects.filter(
        code_location_id=OuterRef("code_location_id"), continues=False, number__lte=OuterRef("number")
    )
    return rows.filter(continued=False).annotate(run_began=Subquery(began.order_by("-number").values("number")[:1]))


def code_locations() -> QuerySet[CodeLocation]:
    """Answer code locations with all that a row of the deployments page shows."""
    return CodeLocation.objects.select_related(
        "deployment__organization",
        "deployment__watch",
        "wanted_deploy",
        "placed_deploy__release",
        "live_deploy__release",
        "last_load__deploy__release",
    )


def locations_named(locations: QuerySet[CodeLocation], text: str) -> QuerySet[CodeLocation]:
    """Keep those whose place has every word of the text: a code location, deployment or organization by its name.

    Names have few words: beyond the first eight, no more are looked at.
    """
    for word in text.replace("/", " ").replace("\0", " ").split()[:MOST_WORDS]:
        locations = locations.filter(
            Q(name__icontains=word)
            | Q(deployment__slug__icontains=word)
            | Q(deployment__name__icontains=word)
            | Q(deployment__organization__slug__icontains=word)
        )
    return locations


def active_holds(locations: list[CodeLocation]) -> dict[int, Hold]:
    """Answer the holds in force, by code location."""
    found = Hold.objects.filter(code_location__in=[location.pk for location in locations], released_at=None)
    return {hold.code_location_id: hold for hold in found.select_related("deploy")}


def hold_of(location: CodeLocation) -> Hold | None:
    """Answer the location's hold in force, or None."""
    return Hold.objects.filter(code_location=location, released_at=None).select_related("deploy").first()


def last_good_numbers(locations: list[CodeLocation]) -> dict[int, int]:
    """Answer the number of each code location's last known good, by code location, in one query.

    The same rule as `last_known_good`, written for many at once.
    """
    unusable = Q(release__mounts__bundle__purged_at__isnull=False) | Q(
        release__mounts__bundle__damaged_at__isnull=False
    )
    good = (
        Deploy.objects.filter(code_location=OuterRef("pk"), release__purged_at=None)
        .exclude(release_id=OuterRef("left_release"))
        .exclude(unusable)
        .trusted()
        .placeable()
        .not_blamed()
        .went_live()
    )
    coming = Q(wanted_deploy__status=DeployStatus.RUNNING, wanted_deploy__activated_at=None)
    placed_before = Q(placed_deploy__activated_at=None) | Q(placed_deploy__activated_at__lt=F("last_load__reported_at"))
    served = Case(
        When(coming & ~Q(wanted_deploy__kind=DeployKind.ROLLBACK), then="wanted_deploy__release_id"),
        When(Q(last_load__deploy__kind=DeployKind.OBSERVED) & placed_before, then="last_load__deploy__release_id"),
        default="placed_deploy__release_id",
    )
    left = Coalesce(served, Value(0))
    found = CodeLocation.objects.filter(pk__in=[location.pk for location in locations]).annotate(left_release=left)
    numbers = found.annotate(last_good=Subquery(good.values("number")[:1])).values_list("pk", "last_good")
    return {pk: number for pk, number in numbers if number is not None}


def newest_deploys(locations: list[CodeLocation]) -> dict[int, Deploy]:
    """Answer each code location's newest deploy, by code location."""
    found = Deploy.objects.filter(
        code_location__in=[location.pk for location in locations], number=F("code_location__next_number") - 1
    )
    return {deploy.code_location_id: deploy for deploy in found}


def newest_of_each(locations: list[CodeLocation], count: int, *, longest: int) -> Iterator[Glance]:
    """Yield so many of the newest deploys of each code location, in the order of their numbers, in one query.

    Only what a glance shows is read, and of a description no more than `longest` characters.
    """
    found = Deploy.objects.filter(
        code_location__in=[location.pk for location in locations],
        # Numbers have no holes: a range of the index, however long the history is.
        number__gte=F("code_location__next_number") - count,
    )
    gist = Left("description", longest)
    glances = found.annotate(gist=gist).values(
        "pk", "code_location_id", "number", "status", "kind", "created_at", "gist"
    )
    yield from glances.order_by("code_location_id", "number").iterator()


def unfinished_of(location: CodeLocation) -> list[Deploy]:
    """Answer what is held, queued or running in the location, newest first; at most a hundred."""
    # In the index's own order: asked for the newest, SQLite would walk through the whole history.
    found = Deploy.objects.filter(code_location=location, status__in=UNFINISHED).order_by("-status", "-number")[:100]
    return sorted(found, key=lambda deploy: -deploy.number)


def blamers_of(location: CodeLocation) -> dict[str, int]:
    """Answer, by code digest, the number of the rollback that left this code and blocks it."""
    blames = Blame.objects.filter(code_location=location, lifted_at=None)
    return dict(blames.values_list("code_digest", "blamed_by__number"))


def live_before(deploy: Deploy) -> Deploy | None:
    """Answer what was live when this deploy began, with its release: what it is to be compared with."""
    before = Deploy.objects.filter(code_location_id=deploy.code_location_id).went_live()
    if deploy.live_seq is not None:
        before = before.filter(live_seq__lt=deploy.live_seq)
    else:
        before = before.filter(finished_at__lte=deploy.started_at or deploy.created_at)
    return before.select_related("release").prefetch_related(mounted_by("release__mounts")).first()
