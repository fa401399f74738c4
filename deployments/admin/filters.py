"""Filters by place that offer only places which the person may see.

Django's filter by relation offers everybody's, and unfold's autocomplete names what its address names.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from deployments.admin.base import person
from deployments.models import CodeLocation, Deployment, Organization

# A list longer than this is no help to anybody: the search is.
MOST_CHOICES = 500
DIGITS = 18


class PlaceFilter(DropdownFilter):  # type: ignore[misc]  # unfold ships no types
    """By the place that a row belongs to."""

    path_name = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Offer the places that the person may see."""
        rows = self.places(request)[:MOST_CHOICES]
        return [(str(row.pk), str(row)) for row in rows]

    def has_output(self) -> bool:
        """Stay in force when there is nothing to choose from, or one: an address may name it."""
        return len(self.lookup_choices) > 1 or self.value() is not None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen place; of a place that is nonsense, none."""
        chosen = self.value()
        if not chosen:
            return queryset
        if not is_number(chosen):
            return queryset.none()
        return queryset.filter(**{self.path: int(chosen)})

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        self.path = getattr(model_admin, self.path_name)
        super().__init__(request, params, model, model_admin)

    def places(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer the places to choose from."""
        raise NotImplementedError


class OrganizationFilter(PlaceFilter):
    """By organization."""

    title = "organization"
    parameter_name = "organization"
    path_name = "to_organization"

    def places(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer the organizations that the person may see."""
        return Organization.objects.visible_to(person(request)).order_by("slug")


class DeploymentFilter(PlaceFilter):
    """By deployment; of the chosen organization, if one is chosen."""

    title = "deployment"
    parameter_name = "deployment"
    path_name = "to_deployment"

    def places(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer the deployments that the person may see."""
        rows = Deployment.objects.visible_to(person(request)).select_related("organization")
        within = request.GET.get("organization", "")
        rows = rows.filter(organization_id=int(within)) if is_number(within) else rows
        return rows.order_by("organization__slug", "slug")


class LocationFilter(PlaceFilter):
    """By code location; of the chosen deployment or organization, if one is chosen."""

    title = "code location"
    parameter_name = "location"
    path_name = "to_location"

    def places(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer the code locations that the person may see."""
        rows = CodeLocation.objects.visible_to(person(request)).select_related("deployment__organization")
        for name, path in (("organization", "deployment__organization_id"), ("deployment", "deployment_id")):
            within = request.GET.get(name, "")
            rows = rows.filter(**{path: int(within)}) if is_number(within) else rows
        return rows.order_by("deployment__organization__slug", "deployment__slug", "name")


PLACES = (OrganizationFilter, DeploymentFilter, LocationFilter)


class SetFilter(DropdownFilter):  # type: ignore[misc]  # unfold ships no types
    """By whether a time or a name was set: the field is `parameter_name`."""

    yes = "Yes"
    no = "No"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Offer yes and no."""
        return [("yes", self.yes), ("no", self.no)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows where it is set, or where it is not."""
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(**{f"{self.parameter_name}__isnull": self.value() == "no"})


class RecentFilter(DropdownFilter):  # type: ignore[misc]  # unfold ships no types
    """By how long ago: the field is `parameter_name`. A hierarchy of dates would read the whole history to be drawn."""

    spans = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "year": 365}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Offer the spans."""
        return [
            ("hour", "The last hour"),
            ("day", "The last 24 hours"),
            ("week", "The last 7 days"),
            ("month", "The last 30 days"),
            ("year", "The last year"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of that span."""
        days = self.spans.get(self.value() or "")
        if days is None:
            return queryset
        return queryset.filter(**{f"{self.parameter_name}__gte": timezone.now() - timedelta(days=days)})


def recent(field: str, title: str) -> type[RecentFilter]:
    """Make a filter by how long ago this field says."""
    return type(f"{field.title().replace('_', '')}Filter", (RecentFilter,), {"parameter_name": field, "title": title})


class AnsweredFilter(SetFilter):
    """By a question of our own, yes or no."""

    def matching(self) -> Q:
        """Answer the condition of a yes."""
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of which it is true, or the others."""
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(self.matching() if self.value() == "yes" else ~self.matching())


def is_set(field: str, title: str, yes: str = "Yes", no: str = "No") -> type[SetFilter]:
    """Make a filter by whether this field is set."""
    said = {"parameter_name": field, "title": title, "yes": yes, "no": no}
    return type(f"{field.title().replace('_', '')}Filter", (SetFilter,), said)


def is_number(text: str) -> bool:
    """Say whether the text can be the number of a row."""
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS
