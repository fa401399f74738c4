"""Page-shaped reads of history: each answers a fixed number of queries, however long the history is."""

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from deployments.models import CodeLocation, Deploy, Hold
from deployments.states import DeployKind, DeployStatus


class DeployFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """What history can be asked for: by page and by API alike, in the URL."""

    kind = django_filters.MultipleChoiceFilter(choices=DeployKind.choices)
    status = django_filters.MultipleChoiceFilter(choices=DeployStatus.choices)
    actor = django_filters.CharFilter(field_name="actor_name", lookup_expr="iexact")
    commit = django_filters.CharFilter(field_name="git__commit", lookup_expr="istartswith")
    image = django_filters.CharFilter(field_name="release__image", lookup_expr="icontains")
    q = django_filters.CharFilter(method="search", label="Text")
    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lte")

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


def code_locations() -> QuerySet[CodeLocation]:
    """Answer code locations with all that a row of the deployments page shows."""
    return CodeLocation.objects.select_related(
        "deployment__organization", "wanted_deploy", "placed_deploy__release", "live_deploy__release"
    )


def active_holds(locations: list[CodeLocation]) -> dict[int, Hold]:
    """Answer the holds in force, by code location."""
    found = Hold.objects.filter(code_location__in=[location.pk for location in locations], released_at=None)
    return {hold.code_location_id: hold for hold in found.select_related("deploy")}


def hold_of(location: CodeLocation) -> Hold | None:
    """Answer the location's hold in force, or None."""
    return Hold.objects.filter(code_location=location, released_at=None).select_related("deploy").first()
