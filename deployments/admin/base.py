"""What every admin page of ours stands on: `visible_to` decides what is there, `access` what may be done with it.

Django's own answer to both is the model permission, which knows no tenants: no page here asks for it.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display as unfold_display

from deployments.access import Right
from deployments.admin.paging import BoundedPaginator
from deployments.models import Deployment, Organization
from portal.common.problems import Absent, NotAllowed, Refusal

Method = TypeVar("Method", bound=Callable[..., Any])
# How Django's filters and its date hierarchy spell what they ask for.
SPELLINGS = {"exact", "isnull", "in", "gte", "gt", "lte", "lt", "year", "month", "day"}


def display(**said: Any) -> Callable[[Method], Method]:
    """Describe a column, with unfold's badges."""
    return cast("Callable[[Method], Method]", unfold_display(**said))


def person(request: HttpRequest) -> User:
    """Answer who asks: the site let only accounts through."""
    return cast("User", request.user)


def may_somewhere(request: HttpRequest, right: Right, model: type[Deployment | Organization]) -> bool:
    """Say whether the person holds the right on some row. Each page asks it of every model: the database is asked once."""
    known: dict[Any, bool] = request.__dict__.setdefault("_held_somewhere", {})
    if (right, model) not in known:
        known[right, model] = model.objects.allowing(person(request), right).exists()
    return known[right, model]


class PortalAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows that may be seen and nothing else; whoever inherits opens more, by role."""

    # Field paths to the places that a row belongs to: what the filters go by.
    to_organization = ""
    to_deployment = ""
    to_location = ""
    actions: Any = ()
    list_per_page = 50
    paginator = BoundedPaginator
    # What a list says that holds nothing at all.
    empty_text = "Rows appear here by themselves, when it happens."
    # Counting a history twice makes a list twice as slow.
    show_full_result_count = False
    list_disable_select_all = True
    list_filter_sheet = False
    empty_value_display = "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer the rows that this person may see: lists, counts, searches, autocompletes and actions start here."""
        manager: Any = self.model._default_manager
        rows: QuerySet[Any] = manager.visible_to(person(request))
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Answer the row of an address. Raises Http404: the unseen and the absent are the same."""
        found = None if "\x00" in object_id else super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let everybody in who is signed in: the lists hold what they may see."""
        return bool(request.user.is_active and request.user.is_authenticated)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the row may be seen."""
        if obj is None:
            return self.has_module_permission(request)
        return bool(self.get_queryset(request).filter(pk=obj.pk).exists())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Answer no: rows are made by what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answer no: history is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answer no: history is not deleted."""
        return False

    def get_actions(self, request: HttpRequest, action_location: Any = ActionLocation.CHANGE_LIST) -> dict[str, Any]:
        """Answer a list's actions, without Django's mass deletion: it asks nobody who knows about roles."""
        if action_location != ActionLocation.CHANGE_LIST:
            return {}
        actions: dict[str, Any] = super().get_actions(request, action_location=action_location)
        actions.pop("delete_selected", None)
        return actions

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow the filters that the page offers: any other field could be guessed letter by letter."""
        offered = {getattr(each, "parameter_name", "") for each in self.get_list_filter(request)}
        fields = {each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request)}
        if lookup in offered | fields:
            return True
        field, _, spelling = lookup.rpartition(LOOKUP_SEP)
        return field in fields | {self.date_hierarchy} and spelling in SPELLINGS

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Answer what may be chosen for a relation: what the person may see."""
        field: Any = self.model._meta.get_field(name)
        manager: Any = field.remote_field.model._default_manager
        return cast("QuerySet[Any]", manager.visible_to(person(request)))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer, and accept, only what `choices_of` answers."""
        kwargs["queryset"] = self.choices_of(db_field.name, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form, with what an operation refused as an error of it."""
        try:
            return self._shown(request, *args, **kwargs)
        except Absent as absent:
            raise Http404 from absent
        except NotAllowed as refused:
            raise PermissionDenied(refused.detail) from refused
        except Refusal as refused:
            # The transaction is rolled back by now. Once more, and this time the form knows.
            request.refusal = refused  # type: ignore[attr-defined]
            return self._shown(request, *args, **kwargs)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete, and say what an operation refused. Raises Http404, PermissionDenied."""
        try:
            return cast("HttpResponse", super().delete_view(request, object_id, extra_context))
        except NotAllowed as refused:
            raise PermissionDenied(refused.detail) from refused
        except Refusal as refused:
            messages.error(request, refused.detail)
            return HttpResponseRedirect(request.path)

    def _shown(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return cast("HttpResponse", super().changeform_view(request, *args, **kwargs))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[forms.Form]:
        """Answer the form's class; of a refused request, one that says why it was refused."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        refusal: Refusal | None = getattr(request, "refusal", None)
        return form if refusal is None else _refused(form, refusal)


def _refused(form: Any, refusal: Refusal) -> type[forms.Form]:
    class Refused(form):  # type: ignore[misc]  # made for this request
        def clean(self) -> Any:
            cleaned = super().clean()
            for each in refusal.errors or [{"field": "", "detail": refusal.detail}]:
                self.add_error(each["field"] if each["field"] in self.fields else None, each["detail"])
            return cleaned

    return Refused


class WithPageAdmin(PortalAdmin):
    """Rows that have a page for the team."""

    @display(description="page")
    def team_page(self, row: Any) -> SafeString:
        """Lead to it."""
        return format_html(
            '<a href="{}" class="lg-open" aria-label="Open the page of {}">Open</a>', row.get_absolute_url(), row
        )


class OperatorsAdmin(PortalAdmin):
    """Rows that know about everybody: for superusers."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let superusers in."""
        return bool(request.user.is_active and request.user.is_superuser)


class ReadOnlyInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """Rows of a row: whoever sees the one sees the others."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = False
    show_title = False
    per_page = 50

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answer yes: the page of the row above was checked."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answer no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answer no."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answer no."""
        return False


def adopt(obj: Model, made: Model) -> None:
    """Make the form's row the one that an operation made: Django goes on with the form's."""
    obj.__dict__.update(made.__dict__)
