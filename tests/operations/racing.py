"""Acts at the same moment, each on a thread and a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from portal.common.problems import Refusal


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Begin all acts together, and answer what each answered or raised, in their order."""
    gate = threading.Barrier(len(acts), timeout=30)

    def run(act: Callable[[], Any]) -> Any:
        try:
            gate.wait()
            return act()
        except Exception as raised:
            return raised
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [ended.result(timeout=60) for ended in [pool.submit(run, act) for act in acts]]


def told_apart(results: list[Any]) -> tuple[list[Any], list[str]]:
    """Answer what succeeded, and the codes of what was refused; whatever else was raised is raised here."""
    done = [result for result in results if not isinstance(result, Exception)]
    codes = []
    for result in results:
        if isinstance(result, Refusal):
            codes.append(result.code)
        elif isinstance(result, Exception):
            raise result
    return done, codes
