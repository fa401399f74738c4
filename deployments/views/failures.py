"""Why something failed to load, as people read it: their own line first, then the errors from the innermost outwards."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# As drivers write it: `shop/orders.py:7 in <module>: from shop.currency import rates`.
_FRAME = re.compile(r"(?P<where>.+?:\d+)(?: in (?P<function>[^:]+))?(?:: (?P<source>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Frame:
    """The line of the user's own code where it happened."""

    where: str  # path:line
    function: str
    source: str


@dataclass(frozen=True)
class Cause:
    """One error of the chain."""

    class_name: str
    message: str
    stack: str


@dataclass(frozen=True)
class Failure:
    """A failure to load: the frame that is the user's own, and the causes, innermost first."""

    frame: Frame | None
    causes: list[Cause]

    @property
    def gist(self) -> str:
        """Say in one line what went wrong, and where."""
        if not self.causes:
            return ""
        inner = self.causes[0]
        said = " ".join(f"{inner.class_name}: {inner.message}".split()).strip(": ")
        return f"{self.frame.where}: {said}" if self.frame else said


def failure_of(error: Mapping[str, Any] | None) -> Failure | None:
    """Answer what an error, as loads and deploys keep it, says of its causes; None when it names none."""
    links = list(_links(error or {}))
    if not links:
        return None
    links.reverse()
    frame = next((found for link in links if (found := _frame(link.get("frame")))), None)
    causes = [Cause(_text(link.get("class_name")), _text(link.get("message")), _stack(link)) for link in links]
    return Failure(frame, causes)


def _links(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the links of the chain, outermost first; of an error without a chain, the error itself."""
    chain = error.get("chain")
    found = [each for each in chain if isinstance(each, Mapping)] if isinstance(chain, list) else []
    if not found and (error.get("class_name") or error.get("message")):
        found = [error]
    yield from found


def _frame(said: Any) -> Frame | None:
    match = _FRAME.fullmatch(said) if isinstance(said, str) else None
    if match is None:
        return None
    return Frame(match["where"], match["function"] or "", (match["source"] or "").strip())


def _stack(link: Mapping[str, Any]) -> str:
    stack = link.get("stack") or ""
    return ("".join(map(str, stack)) if isinstance(stack, list) else str(stack)).strip("\n")


def _text(said: Any) -> str:
    return str(said or "").strip()
