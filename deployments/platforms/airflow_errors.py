"""Why files could not be imported, out of the traces that Airflow keeps of them."""

import re
from collections.abc import Sequence

from deployments.platforms.airflow_bundle import Broken
from deployments.platforms.base import LoadError
from deployments.platforms.dagster_errors import users_own_frame

MOST_LINKS = 50
_RAISED = re.compile(r"(?P<class>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?", re.DOTALL)
_FRAME = re.compile(r'\s*File "(?P<path>.+)", line (?P<line>\d+)')


def load_error(errors: Sequence[Broken]) -> LoadError:
    """Answer one error of all broken files, of which there are some: a link for each, ordered by name."""
    chain = [_link(broken) for broken in sorted(errors, key=lambda each: each.file)[:MOST_LINKS]]
    first = chain[0]
    return LoadError(
        message=first["message"]
        if len(errors) == 1
        else f"{len(errors)} files could not be imported; {first['message']}",
        class_name=first["class_name"],
        chain=list(chain),
    )


def lines_shown(broken: Broken) -> list[tuple[int, str]]:
    """Answer the lines of the file itself that its trace shows: number and text."""
    shown = []
    lines = broken.stack.split("\n")
    for line, follows in zip(lines, [*lines[1:], ""], strict=True):
        found = _FRAME.match(line)
        if found and f"/{found['path']}".endswith(f"/{broken.file.lstrip('/')}") and (text := follows.strip()):
            shown.append((int(found["line"]), text))
    return shown


def _link(broken: Broken) -> dict[str, str]:
    raised = _raised(broken.stack)
    found = _RAISED.fullmatch(raised)
    # What is no trace of Python's is told in a sentence.
    is_class = found is not None and (" " not in found["class"]) and "Traceback" in broken.stack
    class_name = found["class"] if found and is_class else ""
    message = (found["message"] or "") if found and is_class else raised
    return {
        "message": f"{broken.file}: {message.strip() or class_name or 'it does not say why'}",
        "class_name": class_name.rpartition(".")[2],
        "stack": broken.stack,
        "frame": users_own_frame(broken.stack),
    }


def _raised(stack: str) -> str:
    """Answer what stands below the last frame: the exception as Python prints it."""
    lines = stack.rstrip().split("\n")
    below = len(lines)
    while below > 0 and not lines[below - 1].startswith(("  ", "Traceback")):
        below -= 1
    return "\n".join(lines[below:]) or stack.strip()
