"""A small GraphQL server that validates: it refuses what its schema does not have, and answers only what it was asked."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.platforms.http_server import Reply, Request, reply

# Type → its fields → the type of each; None for a value. A union has no fields.
Types = dict[str, dict[str, str | None]]
Resolver = Callable[[Mapping[str, Any]], Any]

_TOKEN = re.compile(r'\.\.\.|"[^"]*"|[A-Za-z_]\w*|\d+|[{}()\[\]:,$!@]')


@dataclass
class Selected:
    """One thing selected: a field, or a fragment when `on` (inline) or `spread` (by name) says so."""

    name: str = ""
    alias: str = ""
    on: str = ""
    spread: str = ""
    arguments: str = ""
    directives: str = ""
    inside: list["Selected"] = field(default_factory=list)


@dataclass
class Document:
    """The one operation of a request, and its fragments by name with the type each is on."""

    operation: str = "query"
    selected: list[Selected] = field(default_factory=list)
    fragments: dict[str, tuple[str, list[Selected]]] = field(default_factory=dict)


class GraphQLServer:
    """Answers requests from `data`: root field → resolver of the variables. Records each operation's name."""

    def __init__(self, types: Types, data: dict[str, Resolver]) -> None:
        self.types = types
        self.data = data
        self.operations: list[str] = []

    def __call__(self, request: Request) -> Reply:
        text = json.loads(request.body)["query"]
        self.operations.append(re.findall(r"(?:query|mutation)\s+(\w+)", text)[0])
        document = _read(text)
        root = "Mutation" if document.operation == "mutation" else "Query"
        problems = [*self._problems(root, document.selected, document)]
        for on, inside in document.fragments.values():
            problems += self._problems(on, inside, document)
        problems += [f"Fragment '{name}' is never used." for name in document.fragments if f"...{name}" not in text]
        if problems:
            errors = [{"message": problem, "locations": [{"line": 1, "column": 1}]} for problem in problems]
            return reply(json.dumps({"data": None, "errors": errors}), 400)
        values = {name: resolve(request.variables) for name, resolve in self.data.items()}
        return reply(json.dumps({"data": self._answer({"__typename": root, **values}, document.selected, document)}))

    def _problems(self, of: str, selected: list[Selected], document: Document) -> Iterator[str]:
        if of not in self.types:
            yield f"Unknown type '{of}'."
            return
        for one in selected:
            if one.spread:
                continue
            if one.on:
                yield from self._problems(one.on, one.inside, document)
            elif one.name.startswith("__"):
                continue
            elif one.name not in self.types[of]:
                yield f"Cannot query field '{one.name}' on type '{of}'. Did you mean 'something'?"
            else:
                kind = self.types[of][one.name]
                assert bool(one.inside) == (kind is not None), f"{of}.{one.name} is selected wrongly"
                yield from self._problems(kind, one.inside, document) if kind else ()

    def _answer(self, value: Any, selected: list[Selected], document: Document) -> Any:
        if isinstance(value, list):
            return [self._answer(item, selected, document) for item in value]
        if value is None or not selected:
            return value
        answered: dict[str, Any] = {}
        for one in selected:
            if "true" in one.directives:  # @skip(if: true)
                continue
            if one.spread or one.on:
                on, inside = document.fragments[one.spread] if one.spread else (one.on, one.inside)
                if value.get("__typename", on) == on:
                    answered |= self._answer(value, inside, document)
            elif one.name == "__type":
                answered[one.alias] = self._fields_of(one.arguments.split('"')[1])
            elif one.name == "__schema":
                answered[one.alias] = {"queryType": self._fields_of("Query")}
            else:
                answered[one.alias] = self._answer(value.get(one.name), one.inside, document)
        return answered

    def _fields_of(self, name: str) -> Any:
        if name not in self.types:
            return None
        return {"fields": [{"name": each} for each in self.types[name]] or None}


def _read(text: str) -> Document:
    """Read the documents that we write; not all that GraphQL allows."""
    assert not _TOKEN.sub("", text).strip(), "this is no GraphQL"
    left = _TOKEN.findall(text)
    document = Document()
    while left:
        kind, name = left.pop(0), left.pop(0)
        if kind == "fragment":
            assert left.pop(0) == "on"
            on = left.pop(0)
            document.fragments[name] = (on, _selection(left))
        else:
            document.operation = kind
            _group(left)
            document.selected = _selection(left)
    return document


def _selection(left: list[str]) -> list[Selected]:
    selected = []
    assert left.pop(0) == "{"
    while left[0] != "}":
        selected.append(_selected(left))
    left.pop(0)
    assert selected, "a selection of nothing"
    return selected


def _selected(left: list[str]) -> Selected:
    one = Selected()
    first = left.pop(0)
    if first == "...":
        if left[0] != "on":
            return Selected(spread=left.pop(0))
        left.pop(0)
        one.on = left.pop(0)
    else:
        one.name = one.alias = first
        if left[0] == ":":
            left.pop(0)
            one.name = left.pop(0)
        one.arguments = _group(left)
    while left[0] == "@":
        one.directives += "".join(left[:2])
        del left[:2]
        one.directives += _group(left)
    if left[0] == "{":
        one.inside = _selection(left)
    return one


def _group(left: list[str]) -> str:
    """Take what stands in parentheses, when something does."""
    taken: list[str] = []
    depth = 0
    while left[0] == "(" or depth:
        depth += {"(": 1, ")": -1}.get(left[0], 0)
        taken.append(left.pop(0))
    return "".join(taken)
