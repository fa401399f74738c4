"""Columns and facts that several admins show alike."""

import json
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

SHORT = 80


def as_json(said: Any) -> SafeString | str:
    """Write what a row holds as JSON, for people; nothing where it holds nothing."""
    if not said:
        return ""
    return format_html('<pre class="lg-pre">{}</pre>', json.dumps(said, ensure_ascii=False, sort_keys=True, indent=2))


def short(text: str) -> str | None:
    """Cut a long text down to what a list has room for."""
    return f"{text[: SHORT - 1]}…" if len(text) > SHORT else text or None


def error_words(error: dict[str, Any] | None) -> str:
    """Write {code, detail} as a sentence with its code."""
    if not error:
        return ""
    return f"{error.get('detail', '')} ({error.get('code', 'no code')})"
