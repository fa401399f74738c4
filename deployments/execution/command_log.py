"""What the operator's command says, as it is told in a deploy's log: line by line, and none of the secrets."""

from collections import deque
from collections.abc import Callable

from deployments.masking import Mask

MOST_LINES, LAST_LINES, LONGEST_LINE = 200, 20, 2000
# Bytes of a line that are kept until it ends: no secret is cut in two before it is masked.
LONGEST_READ = 300_000


class CommandLog:
    """Tells the first lines as they come, and the last ones at the end."""

    def __init__(self, say: Callable[[str], None], *, mask: Mask) -> None:
        self._say = say
        self._mask = mask
        self._rest = b""
        self._lines = 0
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def take(self, piece: bytes) -> None:
        """Take what the command wrote."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:LONGEST_READ]
        for line in lines:
            self._line(line[:LONGEST_READ])

    def close(self) -> None:
        """Tell what is left to be told."""
        if self._rest:
            self._line(self._rest)
        left_out = self._lines - MOST_LINES - len(self._last)
        if left_out > 0:
            self._say(f"… {left_out} lines are left out here.")
        for line in self._last:
            self._say(line)

    def _line(self, line: bytes) -> None:
        text = self._masked(line.decode(errors="replace"))[:LONGEST_LINE]
        self._lines += 1
        if self._lines <= MOST_LINES:
            self._say(text)
        else:
            self._last.append(text)

    def _masked(self, line: str) -> str:
        line = self._mask.text(line)
        return "".join(letter if letter.isprintable() else " " for letter in line).rstrip() or " "
