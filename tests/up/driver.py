"""A supervisor of small children, as a process of its own: the tests kill it.

python -m tests.up.driver LOG_DIR '[{"name": "sleeper", "argv": […], "patience": 2}]'
"""

import json
import os
import sys
from pathlib import Path

from portal.child import Child
from portal.supervisor import ChildFailed, Supervisor


def main(log_dir: str, children: str) -> None:
    with Supervisor(log_dir=Path(log_dir), env=os.environ, say=lambda text: print(text, flush=True)) as supervisor:
        try:
            for child in json.loads(children):
                supervisor.start(Child(**child))
        except ChildFailed as failed:
            sys.exit(str(failed))
        print("all started", flush=True)
        supervisor.run_forever()
    print("stopped", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
