"""Actions: each asks on a page of its own, calls one operation a row, and says what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from deployments import access
from deployments.access import Right
from deployments.admin.base import PortalAdmin, may_somewhere, person
from deployments.admin.filters import is_number
from deployments.models import Deployment
from portal.common.problems import Refusal

MOST_ROWS = 50
DONE = Callable[[Any, User, datetime, str], str]


@dataclass(frozen=True)
class Verb:
    """One thing that may be done with rows. `do` takes row, actor, time and words, and answers what it says when done."""

    name: str
    label: str
    explanation: str
    do: DONE
    # The right that a row asks for, and all those that some row could ask for: who has none is offered nothing.
    right: Callable[[Any], Right]
    rights: tuple[Right, ...]
    # Whether it makes sense for a row just now: what the row's page offers.
    fits: Callable[[Any], bool]
    icon: str
    asks: str = ""  # what the words are, when words are asked for
    one: bool = False  # of one row at a time only


class WordsForm(forms.Form):
    """Why it is done."""

    words = forms.CharField(max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class ActingAdmin(PortalAdmin):
    """Rows with which something may be done."""

    verbs: tuple[Verb, ...] = ()
    change_form_outer_before_template = "admin/lastgood/verbs.html"

    def deployment_of(self, row: Any) -> Deployment:
        """Answer the deployment whose roles decide."""
        raise NotImplementedError

    def get_urls(self) -> list[Any]:
        """Add the page that asks."""
        model = self.model._meta.model_name
        ask = self.admin_site.admin_view(self.ask)
        return [path("do/<slug:verb>/", ask, name=f"deployments_{model}_do"), *super().get_urls()]

    def get_actions(self, request: HttpRequest, action_location: Any = ActionLocation.CHANGE_LIST) -> dict[str, Any]:
        """Add the verbs for which the person has a right somewhere."""
        if action_location != ActionLocation.CHANGE_LIST:
            return {}  # a row's page has its own, above the row: those that make sense for it
        offered = [verb for verb in self.verbs if self._may_somewhere(request, verb)]
        actions = {verb.name: (_leads_to(verb), verb.name, verb.label) for verb in offered}
        return super().get_actions(request, action_location) | actions

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Offer, above the row, what may and can be done with it."""
        offered = self._offered(request, object_id) if object_id else []
        return super().changeform_view(request, object_id, form_url, {"verbs": offered} | (extra_context or {}))

    def ask(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Ask before it is done, and on POST do it. Raises Http404, PermissionDenied."""
        meant = next((each for each in self.verbs if each.name == verb), None)
        if meant is None:
            raise Http404
        rows = self._named(request)
        if not any(self._may(request, meant, row) for row in rows):
            raise PermissionDenied(f"You may not do this: {meant.label.lower()}.")
        form = WordsForm(request.POST or None) if meant.asks else None
        if form is not None:
            form.fields["words"].label = meant.asks
        if request.method == "POST" and (form is None or form.is_valid()):
            self._do(request, meant, rows, form.cleaned_data["words"] if form else "")
            return HttpResponseRedirect(self._back(rows))
        return self._page(request, meant, rows, form)

    def _page(self, request: HttpRequest, verb: Verb, rows: list[Any], form: WordsForm | None) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": verb.label,
            "opts": self.model._meta,
            "verb": verb,
            "rows": rows,
            "form": form,
            "back": self._back(rows),
        }
        return render(request, "admin/lastgood/ask.html", context)

    def _do(self, request: HttpRequest, verb: Verb, rows: list[Any], words: str) -> None:
        for row in rows:
            try:
                said = verb.do(row, person(request), timezone.now(), words)
            except Refusal as refused:
                messages.error(request, refused.detail)
            else:
                self.log_change(request, row, said)
                messages.success(request, said)

    def _named(self, request: HttpRequest) -> list[Any]:
        """Answer the rows that the address names. Raises Http404 if one of them is unseen."""
        ids = request.GET.get("ids", "").split(",")
        if not 0 < len(ids) <= MOST_ROWS or not all(is_number(each) for each in ids):
            raise Http404
        numbers = {int(each) for each in ids}
        rows = list(self.rows_to_act_on(self.get_queryset(request).filter(pk__in=numbers)).order_by("pk"))
        if len(rows) != len(numbers):
            raise Http404
        return rows

    def rows_to_act_on(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Answer the rows with all that the operations read."""
        return rows.select_related(*self.list_select_related)

    def _may(self, request: HttpRequest, verb: Verb, row: Any) -> bool:
        return access.allows(person(request), verb.right(row), self.deployment_of(row))

    def _may_somewhere(self, request: HttpRequest, verb: Verb) -> bool:
        return any(may_somewhere(request, right, Deployment) for right in verb.rights)

    def _offered(self, request: HttpRequest, object_id: str) -> list[dict[str, str]]:
        row = (
            self.rows_to_act_on(self.get_queryset(request)).filter(pk=object_id).first()
            if is_number(object_id)
            else None
        )
        if row is None:
            return []
        held = access.rights_on(person(request), self.deployment_of(row))
        return [
            {"label": verb.label, "icon": verb.icon, "url": self._address(verb, [row.pk])}
            for verb in self.verbs
            if verb.right(row) in held and verb.fits(row)
        ]

    def _address(self, verb: Verb, ids: list[int]) -> str:
        page = reverse(f"admin:deployments_{self.model._meta.model_name}_do", args=[verb.name])
        return f"{page}?ids={','.join(map(str, ids))}"

    def _back(self, rows: list[Any]) -> str:
        name = f"admin:deployments_{self.model._meta.model_name}"
        return reverse(f"{name}_change", args=[rows[0].pk]) if len(rows) == 1 else reverse(f"{name}_changelist")


def _leads_to(verb: Verb) -> Callable[[ActingAdmin, HttpRequest, QuerySet[Any]], HttpResponse | None]:
    """Make the list's action: it leads to the page that asks."""

    def go(admin: ActingAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        ids = list(rows.values_list("pk", flat=True)[: MOST_ROWS + 1])
        if len(ids) > (1 if verb.one else MOST_ROWS):
            messages.error(request, f"Choose {'one row' if verb.one else f'at most {MOST_ROWS} rows'} for this.")
            return None
        return HttpResponseRedirect(admin._address(verb, ids))

    return go


def right_to_configure(row: Any) -> Right:
    """Answer the right that configuring asks for, whatever the row."""
    return Right.CONFIGURE


def right_to_roll_back(row: Any) -> Right:
    """Answer the right that rolling back, holding and resuming ask for, whatever the row."""
    return Right.ROLL_BACK
