"""Why a code location did not load, out of Dagster's chain of Python errors."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from deployments.platforms.base import LoadError
from deployments.platforms.dagster_definitions import plain

# The code server is starting or was just lost: Dagster itself tries again every ten seconds.
TRANSIENT_ERRORS = {"DagsterUserCodeUnreachableError"}
SYNTAX_ERRORS = {"SyntaxError", "IndentationError", "TabError"}
MAX_STACK = 20_000  # characters
MAX_SOURCE = 200

_FRAME = re.compile(r'\s*File "(?P<path>.+)", line (?P<line>\d+)(?:, in (?P<function>.+))?')
# Lines under a frame that are not its source.
_NO_SOURCE = re.compile(r'File "|\[Previous line repeated|[~^]')
_NOT_THE_USERS = re.compile(
    r"""
    <                                                                   # <frozen importlib._bootstrap>, <string>
    |.*[\\/](?:site|dist)-packages[\\/]
    |.*\.whl[\\/]                                                       # libraries of a PEX
    |.*[\\/]lib(?:64)?[\\/]python3(?:\.\d+t?)?[\\/]                     # the standard library
    |.*[\\/]python3\d+\.zip[\\/]
    |.*[\\/]Python3\d+[\\/]Lib[\\/]                                     # the same on Windows
    |.*[\\/]dagster(?:_\w+)?[\\/]_(?:core|grpc|utils|cli|serdes|config)[\\/]
    |.*[\\/]python_modules[\\/](?:libraries[\\/])?dagster               # Dagster out of its repository
    """,
    re.VERBOSE,
)


class _Frame(NamedTuple):
    path: str
    line: str
    function: str
    source: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" + (f" in {self.function}" if self.function else "")
        return f"{where}: {self.source[:MAX_SOURCE]}" if self.source else where


def load_error(error: Mapping[str, Any]) -> LoadError:
    """Answer GraphQL's PythonError as data of ours, outermost error first."""
    chain = [_link(error), *(_link(cause["error"]) for cause in error["errorChain"])]
    return LoadError(
        message=chain[0]["message"],
        class_name=chain[0]["class_name"],
        chain=chain,
        transient=any(link["class_name"] in TRANSIENT_ERRORS for link in chain),
    )


def users_own_frame(stack: str) -> str:
    """Answer the last frame of the stack that lies in the user's code, `path:line in function: source`; else nothing."""
    own = [frame for frame in _frames(stack) if not _NOT_THE_USERS.match(frame.path)]
    return str(own[-1]) if own else ""


def gist(error: Mapping[str, Any], *, lines: int = 1) -> str:
    """Answer the first lines of an error's message as one, without a full stop."""
    told = str(error.get("message") or "").strip().splitlines()[:lines]
    return " ".join(line.strip() for line in told)[:300].rstrip(".") or "it does not say why"


def _link(error: Mapping[str, Any]) -> dict[str, str]:
    """Answer one error of a chain; of a long stack the end, where the cause is."""
    class_name = error["className"] or ""
    stack = "".join(error["stack"])
    message = _without_class(error["message"].strip(), class_name)
    # What Python could not read has no frame of its own: its message tells file and line.
    told = users_own_frame(error["message"]) if class_name in SYNTAX_ERRORS else ""
    return {
        "message": plain((_of_syntax(error["message"].rstrip(), class_name) if told else message)[:MAX_STACK]),
        "class_name": plain(class_name),
        "stack": plain(stack[-MAX_STACK:]),
        "frame": plain(told or users_own_frame(stack)),
    }


def _frames(text: str) -> Iterator[_Frame]:
    """Yield the frames as Python prints them; of several lines of source the first."""
    lines = text.split("\n")
    for line, follows in zip(lines, [*lines[1:], ""], strict=True):
        if found := _FRAME.fullmatch(line):
            source = follows.strip()
            yield _Frame(
                found["path"], found["line"], found["function"] or "", "" if _NO_SOURCE.match(source) else source
            )


def _of_syntax(message: str, class_name: str) -> str:
    """Answer what is wrong and where, as Python's own exception says it; what stands there is the frame's to show."""
    said = _without_class(message.rpartition("\n")[2].strip(), class_name)
    place = next(_frames(message))
    file = re.split(r"[/\\]", place.path)[-1]
    return f"{said} ({file}, line {place.line})"


def _without_class(message: str, class_name: str) -> str:
    """Take the leading `package.module.ClassName: ` off the message."""
    head, colon, rest = message.partition(": ")
    return rest if colon and head.rpartition(".")[2] == class_name else message
