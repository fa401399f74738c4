"""Metadata as pages show it: what the push said of itself, and what the platform shows of what it loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Versions of libraries: a load's own page has them.
LIBRARY = "library/"


@dataclass(frozen=True)
class Said:
    """What one side says, as pairs and as JSON."""

    name: str
    title: str
    pairs: list[tuple[str, str]]
    json: str


def said_by_push(metadata: Mapping[str, Any]) -> Said | None:
    """Answer what came with the push; None: nothing."""
    pairs = [(str(name), _text(value)) for name, value in sorted(metadata.items())]
    return Said("push", "With the push", pairs, _json(metadata)) if pairs else None


def said_by_platform(metadata: Mapping[str, Any], platform: str) -> Said | None:
    """Answer what the platform shows of what it loaded; None: nothing, or there was none."""
    shown = {str(name): value for name, value in sorted(metadata.items()) if not str(name).startswith(LIBRARY)}
    pairs = [(name, _text(value)) for name, value in shown.items()]
    return Said("platform", f"Shown by {platform}", pairs, _json(shown)) if pairs else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
