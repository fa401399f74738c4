"""Where code happens to lie, and how to tell its paths without saying so."""

import re
from collections.abc import Collection, Mapping

# Stands for the directory in which the code happens to lie.
RELEASE = "{release}"
NOWHERE = re.compile(r"(?!)")
# What ends the name of a directory inside a longer text.
_ENDS = r"""/\s"',:;=|&<>()\[\]{}"""


def below(roots: Collection[str]) -> re.Pattern[str]:
    """Answer the pattern of a path's beginning that is one of the directories; `*` stands for any one name."""
    spelled = _spelled(roots, any_name="[^/]+")
    return re.compile(rf"(?:{spelled})(?=/|\Z)") if spelled else NOWHERE


def anywhere_below(roots: Collection[str]) -> re.Pattern[str]:
    """Answer the pattern that finds the directories in the middle of a text too, but not inside another path."""
    spelled = _spelled(roots, any_name=f"[^{_ENDS}]+")
    # After a slash only as in file:///srv.
    return re.compile(rf"(?<![\w.~)}}-])(?:(?<!/)|(?<=://))(?:{spelled})(?=[{_ENDS}]|\Z)") if spelled else NOWHERE


def placeless(metadata: Mapping[str, str], releases: re.Pattern[str]) -> dict[str, str]:
    """Answer a location's metadata with its paths relative to the release; versions of libraries stay as they are."""
    return {
        name: value if name.startswith("library/") else releases.sub(RELEASE, value) for name, value in metadata.items()
    }


def _spelled(roots: Collection[str], *, any_name: str) -> str:
    """Answer the directories as alternatives of a pattern; empty without any."""
    # The longest first, for one may lie within another; and never all of the disk.
    named = sorted({root.rstrip("/") for root in roots} - {""}, key=lambda root: (-len(root), root))
    return "|".join(re.escape(root).replace(r"\*", any_name) for root in named)
