"""What people see of settings: names and values, and of secrets what they are known by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from .terminal import text


def listed(settings: Mapping[str, Any] | None) -> Text | None:
    """Return the settings, one a line; nothing where there are none."""
    lines = [
        text(f"{name if group == 'env' else f'{group}.{name}'} = {value_of(value)}")
        for group, entries in (settings or {}).items()
        for name, value in entries.items()
    ]
    return Text("\n").join(lines) if lines else None


def value_of(value: Any) -> str:
    """Return a value as it is written; of a secret, and of what was purged, the fingerprint."""
    if isinstance(value, Mapping) and "secret" in value:
        if value.get("forgotten"):
            return f"(purged, {value.get('fingerprint')})"
        return f"(secret, {value.get('fingerprint')})" if value["secret"] else str(value.get("value"))
    return value if isinstance(value, str) else json.dumps(value)
