"""The filters of a history as a form in the page: what can be chosen, what is, and how to take it away again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, QueryDict

# What a page adds for itself to its address, and what is not to be shared.
OWN = ("seen", "cursor", "tries")
MENUS = {"status": "Status", "kind": "Type"}
BOXES = {
    "actor": ("Who", "text"),
    "commit": ("Commit", "text"),
    "image": ("Image", "text"),
    "asset": ("Asset key", "text"),
    "since": ("From (UTC)", "datetime-local"),
    "until": ("To (UTC)", "datetime-local"),
}
HINTS = {"actor": "maria", "commit": "4be1f6a", "image": "2026.11", "asset": "raw/orders"}


@dataclass(frozen=True)
class Menu:
    """A filter of which several words may be chosen: (value, word, chosen)."""

    name: str
    title: str
    options: list[tuple[str, str, bool]]

    @property
    def chosen(self) -> int:
        """Answer how many are chosen."""
        return sum(chosen for *_, chosen in self.options)


@dataclass(frozen=True)
class Box:
    """A filter that is written."""

    name: str
    title: str
    type: str
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Filters:
    """The whole form. `active` holds each filter in words, with the query without it; `errors` what cannot be used."""

    text: str
    menus: list[Menu]
    boxes: list[Box]
    active: list[tuple[str, str]]
    errors: list[str]

    @property
    def more(self) -> int:
        """Answer how many of the written filters are in use."""
        return sum(bool(box.value) for box in self.boxes)


def filters_of(request: HttpRequest, form: Any) -> Filters:
    """Answer the form as this address fills it in."""
    asked = request.GET
    menus = []
    for name, title in MENUS.items():
        chosen = asked.getlist(name)
        menus.append(Menu(name, title, [(value, word, value in chosen) for value, word in form.fields[name].choices]))
    boxes = [
        Box(name, title, kind, _for_box(kind, asked.get(name, "")), HINTS.get(name, ""))
        for name, (title, kind) in BOXES.items()
    ]
    active = [
        (_words(form, name, value), _without(request, name, value))
        for name in form.fields
        for value in asked.getlist(name)
        if value
    ]
    errors = [f"{BOXES.get(name, [name])[0]}: {' '.join(map(str, words))}" for name, words in form.errors.items()]
    return Filters(asked.get("q", ""), menus, boxes, active, errors)


def said(request: HttpRequest) -> QueryDict:
    """Answer the address's query without what a form sends of fields that nobody filled in."""
    query = request.GET.copy()
    for name, values in request.GET.lists():
        query.setlist(name, [value for value in values if value])
    return query


def query_of(request: HttpRequest, *, keep_cursor: bool = False, **changes: str | None) -> str:
    """Answer the address's own query, with these changes: a page shared by its address shows the same."""
    query = request.GET.copy()
    for name in OWN:
        if not (keep_cursor and name == "cursor"):
            query.pop(name, None)
    for name, value in changes.items():
        if value is not None:
            query[name] = value
    return f"?{query.urlencode()}"


def _for_box(kind: str, value: str) -> str:
    """Answer a value as its box takes it: a browser leaves a time empty that is written otherwise, or has a zone."""
    if kind != "datetime-local":
        return value
    try:
        at = datetime.fromisoformat(value)
        return f"{at.astimezone(UTC) if at.tzinfo else at:%Y-%m-%dT%H:%M:%S}".removesuffix(":00")
    except (ValueError, OverflowError):
        return ""


def _words(form: Any, name: str, value: str) -> str:
    title = "Text" if name == "q" else MENUS.get(name) or BOXES[name][0]
    return f"{title}: {dict(getattr(form.fields[name], 'choices', ())).get(value, value)}"


def _without(request: HttpRequest, name: str, value: str) -> str:
    query = request.GET.copy()
    for own in OWN:
        query.pop(own, None)
    query.setlist(name, [other for other in query.getlist(name) if other != value])
    return f"?{query.urlencode()}"
