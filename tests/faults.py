"""A real worker that dies, or stops, at one named moment: `python -m tests.faults MOMENT -A portal worker …`.

The worker is Celery's own and runs our own code; only the named function is wrapped, in this process.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

MOMENTS = {
    # name: (signal, where the function is looked up, before or after it)
    "killed_when_claimed": (signal.SIGKILL, "deployments.execution.pipeline.claim", "after"),
    "killed_before_activating": (signal.SIGKILL, "deployments.execution.pipeline.put_in_place", "before"),
    "killed_before_the_swap": (signal.SIGKILL, "os.replace", "before_current"),
    "killed_after_the_swap": (signal.SIGKILL, "os.replace", "after_current"),
    "killed_before_writing_placed": (signal.SIGKILL, "deployments.execution.outcome.placed", "before"),
    "killed_after_writing_placed": (signal.SIGKILL, "deployments.execution.outcome.placed", "after"),
    "killed_before_the_outcome": (signal.SIGKILL, "deployments.execution.outcome.succeed", "before"),
    "killed_after_the_outcome": (signal.SIGKILL, "deployments.execution.outcome.succeed", "after"),
    "stopped_before_activating": (signal.SIGSTOP, "deployments.execution.pipeline.put_in_place", "before"),
    "stopped_before_the_swap": (signal.SIGSTOP, "os.replace", "before_current"),
}


def sabotage(moment: str) -> None:
    """Wrap the function of the moment."""
    number, address, when = MOMENTS[moment]
    module_name, _, name = address.rpartition(".")
    __import__(module_name)
    module = sys.modules[module_name]
    setattr(module, name, _wrap(getattr(module, name), number, when))


def _wrap(function: Callable[..., Any], number: signal.Signals, when: str) -> Callable[..., Any]:

    def wrapped(*args: Any, **named: Any) -> Any:
        current = len(args) > 1 and str(args[1]).endswith("current")
        if when == "before" or (when == "before_current" and current):
            os.kill(os.getpid(), number)
        result = function(*args, **named)
        if when == "after" or (when == "after_current" and current):
            os.kill(os.getpid(), number)
        return result

    return wrapped


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    sabotage(sys.argv[1])
    from celery.__main__ import main

    sys.argv = ["celery", *sys.argv[2:]]
    main()
