"""The demonstration's operator command: restarts its Airflow when a deploy changed the environment it runs in.

    python demo/apply_airflow.py FOLDER

FOLDER has a .pid file for each of Airflow's processes; the supervisor starts anew what ends here, with the variables
that lie in current/.lastgood by then. Harmless to run twice.
"""

import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

PATIENCE = 150.0


def main(folder: Path) -> None:
    """Restart what runs, if there is a reason to, and return once the API answers again."""
    changed = os.environ.get("LASTGOOD_CHANGED", "").split()
    if not {"settings", "image", "runtime_version"} & set(changed):
        print("Only code changed: Airflow reads it by itself.")
        return
    before = {path: path.read_text() for path in folder.glob("*.pid") if is_airflow(path.read_text())}
    if not before:
        print("No Airflow runs yet: it starts with the new environment.")
        return
    for path, pid in sorted(before.items()):
        print(f"Stopping {path.stem}.")
        try:
            os.kill(int(pid), signal.SIGTERM)
        except ProcessLookupError:
            print(f"{path.stem} is not there; it starts by itself.")
    ends_at = time.monotonic() + PATIENCE
    while any(path.read_text() == pid for path, pid in before.items()) or not answers(folder):
        if time.monotonic() > ends_at:
            sys.exit("Airflow did not come back.")
        time.sleep(0.5)
    print(f"Airflow runs with the new {' and '.join(changed)}.")


def is_airflow(pid: str) -> bool:
    """Say whether that process is one of Airflow's: notes outlive what they speak of, and numbers are given again."""
    try:
        return b"airflow" in Path(f"/proc/{int(pid)}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False


def answers(folder: Path) -> bool:
    """Say whether the API answers."""
    url = f"http://127.0.0.1:{(folder / 'port').read_text()}/api/v2/monitor/health"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
