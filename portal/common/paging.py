"""Keyset paging: a page costs the same wherever it is, and rows that arrive meanwhile move nothing."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from portal.common.problems import Invalid

Row = TypeVar("Row", bound=Model)
LIMIT = 50
MOST = 200


@dataclass(frozen=True)
class Page[Row: Model]:
    """Some rows in order, and the cursors of the pages beside them (None: there is none)."""

    rows: list[Row]
    next_cursor: str | None
    previous_cursor: str | None


def page_of[Row: Model](
    rows: QuerySet[Row], *, key: str, descending: bool, cursor: str | None = None, limit: int = LIMIT
) -> Page[Row]:
    """Answer one page ordered by `key`, which must be unique within `rows`. Raises Invalid on a foreign cursor."""
    backwards, edge = _decode(cursor) if cursor else (False, None)
    down = descending != backwards
    if edge is not None:
        try:
            rows = rows.filter(**{f"{key}__{'lt' if down else 'gt'}": edge})
        except (TypeError, ValueError) as odd:
            raise Invalid(
                "This cursor is not one of this list's; begin again without it.", code="invalid_cursor"
            ) from odd
    found = list(rows.order_by(f"{'-' if down else ''}{key}")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    has_next, has_previous = (bool(found), more) if backwards else (more, edge is not None and bool(found))
    return Page(
        rows=found,
        next_cursor=_encode(False, _value(found[-1], key)) if found and has_next else None,
        previous_cursor=_encode(True, _value(found[0], key)) if found and has_previous else None,
    )


@dataclass(frozen=True)
class Slice[Item]:
    """Some items in order, and the cursors of the slices beside them (None: there is none)."""

    rows: list[Item]
    next_cursor: str | None
    previous_cursor: str | None


def slice_of[Item](
    items: Sequence[Item], *, key: Callable[[Item], str], cursor: str | None = None, limit: int = LIMIT
) -> Slice[Item]:
    """Answer one slice of what is computed, ordered by unique texts, as `page_of` answers rows. Raises Invalid."""
    backwards, edge = _decode(cursor) if cursor else (False, None)
    position = {False: bisect_right, True: bisect_left}[backwards](items, str(edge), key=key) if cursor else 0
    begin, end = (max(0, position - limit), position) if backwards else (position, position + limit)
    found = list(items[begin:end])
    return Slice(
        rows=found,
        next_cursor=_encode(False, key(found[-1])) if found and end < len(items) else None,
        previous_cursor=_encode(True, key(found[0])) if found and begin > 0 else None,
    )


def asked_limit(request: HttpRequest) -> int:
    """Read `?limit=`, 1 to 200. Raises Invalid on other words."""
    raw = request.GET.get("limit")
    if not raw:
        return LIMIT
    if not raw.isdecimal() or len(raw) > 9 or not 1 <= int(raw) <= MOST:
        raise Invalid(f"limit is a whole number from 1 to {MOST}.", errors=[{"field": "limit", "detail": raw[:20]}])
    return int(raw)


def linked(request: HttpRequest, cursor: str | None) -> str | None:
    """Answer the request's own URL with another cursor, or None without one."""
    if cursor is None:
        return None
    query = request.GET.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _value(row: Model, key: str) -> Any:
    value: Any = row
    for name in key.split("__"):
        value = getattr(value, name)
    return value


def _encode(backwards: bool, value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([int(backwards), value]).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[bool, Any]:
    try:
        backwards, value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if backwards not in (0, 1) or not isinstance(value, int | str) or isinstance(value, bool):
            raise ValueError(cursor)
        if (isinstance(value, int) and abs(value) >= 2**63) or "\0" in str(value):
            raise ValueError(cursor)
        str(value).encode()
    except (ValueError, TypeError, binascii.Error) as odd:
        raise Invalid("This cursor is not one of ours; begin again without it.", code="invalid_cursor") from odd
    return bool(backwards), value
