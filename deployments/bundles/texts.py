"""Files as text that a page can show: bounded, with what hides in it made visible."""

import re
import unicodedata
from dataclasses import dataclass

from deployments.bundles import reading
from deployments.models import BundleFile

MOST_BYTES = 512 * 1024
MOST_LINES = 5_000
# Letters of one line that are shown.
LONGEST_LINE = 2_000
# How far into a file a NUL is looked for that makes it binary, as Git does it.
_LOOKED_AT = 8_000
# Marks that reorder what is read: code must not look like something else than it is.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Marks, too, that nobody sees: zero-width and filling letters, other ends of lines, tags. Joiners stay: emoji have them.
_HIDDEN = re.compile(
    f"{_TURNING.pattern}|[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164"
    "\ufeff\uffa0\U000e0000-\U000e007f]"
)
_UNSEEN = {code: 0x2400 + code for code in range(0x20) if code != 9} | {0x7F: 0x2421}


@dataclass(frozen=True)
class Text:
    """A file's lines, or in `why` the reason that it is not shown: binary or too_large."""

    lines: list[str]
    why: str = ""
    turning: bool = False  # it has marks that change the direction of reading
    ends: bool = True  # its last line ends

    @property
    def is_shown(self) -> bool:
        """Say whether it can be shown."""
        return not self.why


def text_of(line: BundleFile) -> Text:
    """Answer a file as text. Raises Refusal `artifact_damaged`."""
    content = reading.read_line(line, most=MOST_BYTES)
    if content is None:
        return Text([], "too_large")
    if b"\0" in content[:_LOOKED_AT]:
        return Text([], "binary")
    try:
        said = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Text([], "binary")
    lines = said.split("\n")
    ends = lines[-1] == ""
    lines = lines[:-1] if ends else lines
    if len(lines) > MOST_LINES:
        return Text([], "too_large")
    return Text(lines, turning=_TURNING.search(said) is not None, ends=ends)


def visible(text: str) -> str:
    """Answer a line as it is shown: cut, and with marks in the place of what would be invisible, or turn it around."""
    shown = text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
    shown = shown.translate(_UNSEEN)
    return _HIDDEN.sub(lambda mark: f"⟨{_name(mark[0])}⟩", shown)


def _name(mark: str) -> str:
    return unicodedata.name(mark, "").title() or f"U+{ord(mark):04X}"
