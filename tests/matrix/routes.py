"""What is there: the routes of the OpenAPI document, and those of the URL resolver."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def documented_routes() -> set[tuple[str, str]]:
    """Answer (method, path) of every operation of the OpenAPI document."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    return {
        (word.upper(), path)
        for path, operations in document["paths"].items()
        for word in operations
        if word.upper() in METHODS
    }


def resolved_api_routes() -> set[tuple[str, str]]:
    """Answer (method, path) of every method that a view below /api/ answers to."""
    found = set()
    for path, pattern in resolved_paths():
        if path.startswith("/api/"):
            view = getattr(pattern.callback, "cls", None)
            assert view is not None, f"{path} is no API view: authentication and problems would pass it by."
            found |= {(method, path) for method in METHODS if hasattr(view, method.lower())}
    return found


def resolved_paths() -> Iterator[tuple[str, URLPattern]]:
    """Answer every address of the portal, its parameters in braces, with its pattern."""
    yield from _below(get_resolver().url_patterns, "/")


def _below(patterns: list[Any], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _below(pattern.url_patterns, route)
        else:
            yield route, pattern
