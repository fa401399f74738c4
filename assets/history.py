"""Page-shaped reads of assets: each answers a fixed number of queries, however long the history is."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

from assets.comparing import change_of, fullest
from assets.definitions.differ import Change
from assets.definitions.normal import Definition
from assets.definitions.prints import CHANGE_TYPES
from assets.models import Asset, AssetChange, AssetDependency, AssetSet
from assets.states import ChangeKind, World
from deployments.models import CodeLocation, Deploy

# Neighbours of one asset that are answered; more than anybody reads.
MOST_NEIGHBOURS = 500


class AssetFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """What assets can be asked for: by page and by API alike, in the URL."""

    q = django_filters.CharFilter(field_name="key", lookup_expr="icontains", label="Key")
    group = django_filters.CharFilter(field_name="group")
    kind = django_filters.CharFilter(method="of_kind")
    world = django_filters.ChoiceFilter(field_name="chain__world", choices=World.choices)
    changed_since = django_filters.CharFilter(method="changed_after", label="Changed since")

    class Meta:
        model = Asset
        fields: list[str] = []
        form = forms.Form

    def __init__(self, data: Any, *, location: CodeLocation) -> None:
        super().__init__(data, queryset=assets_of(location))
        self._location = location

    def of_kind(self, rows: QuerySet[Asset], name: str, value: str) -> QuerySet[Asset]:
        """Keep those of one kind."""
        return rows.filter(kinds__contains=f" {value} ")

    def changed_after(self, rows: QuerySet[Asset], name: str, value: str) -> QuerySet[Asset]:
        """Keep those that changed after a deploy (by its number) or after a time. Other words: none."""
        seq = seq_after(self._location, value)
        return rows.none() if seq is None else rows.filter(changed_seq__gt=seq)


def seq_after(location: CodeLocation, value: str) -> int | None:
    """Answer the `live_seq` that a deploy's number or a time stands for; None: neither."""
    number = value.removeprefix("#").strip()
    live = Deploy.objects.filter(code_location=location).went_live()
    if number.isdecimal() and len(number) < 18:
        # Of this very deploy, if it went live: one with a lower number may have come after it.
        live = live.filter(number__lte=int(number)).order_by("-number")
    elif (at := parse_time(value)) is not None:
        live = live.filter(finished_at__lte=at).order_by("-finished_at", "-live_seq")
    else:
        return None
    return live.values_list("live_seq", flat=True).first() or 0


def parse_time(value: str) -> datetime | None:
    """Answer a time or the beginning of a day, as ISO 8601 writes them; None for other words."""
    try:
        at = parse_datetime(value.strip())
        if at is None and (day := parse_date(value.strip())) is not None:
            at = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # made aware below
        aware = make_aware(at) if at is not None and is_naive(at) else at
        # In UTC, as the database asks for it: the ends of the calendar have none.
        return aware.astimezone(UTC) if aware else None
    except (ValueError, OverflowError):
        return None


def assets_of(location: CodeLocation) -> QuerySet[Asset]:
    """Answer the assets that the newest recorded sets have."""
    return Asset.objects.filter(code_location=location, current__isnull=False).select_related("chain", "current")


def asset_named(location: CodeLocation, key: str) -> Asset | None:
    """Answer an asset of now or of before by its key as shown."""
    found = Asset.objects.filter(code_location=location, key=key).select_related("chain", "current")
    return found.first()


def groups_of(location: CodeLocation) -> list[str]:
    """Answer the groups that there are, for choosing; at most two hundred."""
    groups = assets_of(location).exclude(group="").order_by("group").values_list("group", flat=True).distinct()
    return list(groups[:200])


def kinds_of(location: CodeLocation) -> list[str]:
    """Answer the kinds that there are, for choosing."""
    said = assets_of(location).exclude(kinds="").values_list("kinds", flat=True).distinct()[:500]
    return sorted({kind for kinds in said for kind in kinds.split()})


def sets_of(deploy: Deploy) -> list[AssetSet]:
    """Answer what was recorded of this deploy."""
    found = AssetSet.objects.filter(deploy=deploy).select_related("chain", "follows__deploy", "known_from")
    return list(found.order_by("chain__world"))


def changes_of(asset: Asset) -> QuerySet[AssetChange]:
    """Answer all that happened to an asset, with what a row shows. Ordered by whoever pages, by `live_seq`."""
    return AssetChange.objects.filter(asset=asset).select_related("deploy", "asset", "before", "after")


def marks_of(asset: Asset) -> Any:
    """Answer what a line about each of an asset's changes says, newest first, and no definition with it."""
    rows = AssetChange.objects.filter(asset=asset).order_by("-live_seq")
    of_deploy = ("deploy__number", "deploy__finished_at", "deploy__actor_name", "deploy__description")
    return rows.values("live_seq", "kind", "change_types", "before__number", "after__number", *of_deploy)


def changes_by(
    deploy: Deploy, *, kinds: Collection[str] = (), types: Collection[str] = (), text: str = ""
) -> QuerySet[AssetChange]:
    """Answer what a deploy changed, with what a row shows. Ordered by whoever pages, by `asset__key`."""
    rows = AssetChange.objects.filter(deploy=deploy).select_related("asset__chain", "deploy", "before", "after")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if types:
        wanted = Q()
        for each in types:
            wanted |= Q(change_types__contains=f" {each} ")
        rows = rows.filter(wanted)
    return rows.filter(asset__key__icontains=text) if text else rows


def counts_by_type(deploy: Deploy) -> dict[str, int]:
    """Answer how many assets the deploy changed in each aspect."""
    rows = AssetChange.objects.filter(deploy=deploy, kind=ChangeKind.CHANGED)
    said = rows.values_list("change_types", flat=True)
    counts = dict.fromkeys(CHANGE_TYPES, 0)
    for words in said.iterator():
        for word in words.split():
            counts[word] += 1
    return {word: count for word, count in counts.items() if count}


def details_of(change: AssetChange, ignored: Collection[str]) -> Change | None:
    """Answer what changed, from what to what; None for what came or went."""
    if change.before is None or change.after is None:
        return None
    # A label that is ignored since then counted then: rather all of it than a change of nothing.
    found = change_of(change.before, change.after, change.sight, ignored)
    return found or change_of(change.before, change.after, change.sight, ())


def definition_of(change: AssetChange) -> Definition | None:
    """Answer the definition of what came or went; None for what changed."""
    if change.before is not None and change.after is not None:
        return None
    version = change.after or change.before
    return fullest(version) if version else None


def words_of(change: AssetChange) -> list[str]:
    """Answer the change types."""
    return change.change_types.split()


def upstream_of(asset: Asset) -> list[dict[str, Any]]:
    """Answer what is upstream of an asset: each key, and whether it is an asset that is there."""
    keys = list(asset.upstream.order_by("upstream_key").values_list("upstream_key", flat=True)[:MOST_NEIGHBOURS])
    there = set(assets_of(asset.code_location).filter(key__in=keys).values_list("key", flat=True))
    return [{"key": key, "known": key in there} for key in keys]


def downstream_of(asset: Asset) -> list[str]:
    """Answer the keys of what reads an asset."""
    found = AssetDependency.objects.filter(
        code_location_id=asset.code_location_id, upstream_key=asset.key, asset__current__isnull=False
    )
    return list(found.order_by("asset__key").values_list("asset__key", flat=True)[:MOST_NEIGHBOURS])


def last_change_of(asset: Asset) -> AssetChange | None:
    """Answer the newest step of an asset."""
    return AssetChange.objects.filter(asset=asset).select_related("deploy", "after").order_by("-live_seq").first()


def last_deploys(assets: Collection[Asset]) -> dict[int, Deploy]:
    """Answer, by asset, the deploy that changed it last."""
    steps = AssetChange.objects.filter(asset__in=list(assets), live_seq=F("asset__changed_seq"))
    return {step.asset_id: step.deploy for step in steps.select_related("deploy").defer("before", "after")}


def changing(deploys: QuerySet[Deploy], name: str, value: str) -> QuerySet[Deploy]:
    """Keep the deploys that added, removed or changed the asset of this key."""
    return deploys.filter(asset_steps__asset__key=value.strip(), asset_steps__asset__code_location=F("code_location"))
