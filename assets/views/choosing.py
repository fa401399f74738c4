"""Filters as links in the page: each says how many it keeps, and takes itself away again."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest

from assets.views.steps import SIGNS, TITLES
from deployments.views.filters import OWN

KINDS = {"added": "Added", "removed": "Removed", "changed": "Changed"}


@dataclass(frozen=True)
class Choice:
    """One filter: the query of its link puts it on, or takes it away."""

    id: str
    word: str
    sign: str
    tone: str
    count: int
    chosen: bool
    query: str


def kinds(request: HttpRequest, counts: Mapping[str, int]) -> list[Choice]:
    """Answer a filter for each kind of step that there is."""
    return [
        _choice(request, "kind", value, word, counts[value], tone=value)
        for value, word in KINDS.items()
        if counts.get(value)
    ]


def types(request: HttpRequest, counts: Mapping[str, int]) -> list[Choice]:
    """Answer a filter for each change type that there is."""
    return [_choice(request, "type", value, word, counts[value]) for value, word in TITLES.items() if counts.get(value)]


def chosen(request: HttpRequest, name: str, known: Mapping[str, str]) -> list[str]:
    """Answer the words of a filter that mean something, each once."""
    return [word for word in dict.fromkeys(request.GET.getlist(name)) if word in known]


def text(request: HttpRequest) -> str:
    """Answer the text that keys are searched for. No key has a NUL, which a database may refuse."""
    return request.GET.get("q", "").replace("\0", "").strip()


def _choice(request: HttpRequest, name: str, value: str, word: str, count: int, tone: str = "") -> Choice:
    asked = request.GET.copy()
    for own in OWN:
        asked.pop(own, None)
    values = asked.getlist(name)
    is_chosen = value in values
    asked.setlist(name, [each for each in values if each != value] if is_chosen else [*values, value])
    return Choice(f"only-{value}", word, SIGNS.get(value, ""), tone, count, is_chosen, f"?{asked.urlencode()}")
