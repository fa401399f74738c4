"""Check that requirements hold no address, and that no file of the repository names a package registry.

Where packages come from is every machine's own business: a committed address would break all others. Runs on any
Python from 3.9 on.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
# Written in pieces, so that this file passes its own check.
REGISTRIES = [
    ".".join(pieces)
    for pieces in [
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    ]
]
# Variables by which a machine tells its package clients where to go.
TOLD = re.compile(r"^(PIP|UV|NPM_CONFIG|YARN|POETRY)_.*(INDEX|REGISTRY|FIND_LINKS|PROXY)", re.IGNORECASE)


def main() -> int:
    """Print what was found, and answer the exit code."""
    hosts = re.compile("|".join(re.escape(host) for host in [*REGISTRIES, *own_hosts()]), re.IGNORECASE)
    found = [*addresses_in_requirements(), *names_of(hosts)]
    print("\n".join(found))
    return 1 if found else 0


def own_hosts() -> list[str]:
    """Answer the registries that this machine is told to use."""
    told = [value for name, value in os.environ.items() if TOLD.match(name)]
    hosts = [urlsplit(word).hostname or "" for value in told for word in value.split()]
    return [host for host in hosts if host and host != "localhost"]


def addresses_in_requirements() -> list[str]:
    """Answer the lines of requirements that hold an address or an option, which is how one gets in."""
    bad = re.compile(r"://|^\s*-")
    return [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted(ROOT.glob("**/requirements*.txt"))
        if not {".venv", ".tools"} & set(path.parts)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if bad.search(line) and not line.strip().startswith("--hash=")
    ]


def names_of(hosts: "re.Pattern[str]") -> list[str]:
    """Answer the lines of files in the repository, or about to be, that name one of the hosts."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    found = []
    for name in sorted(filter(None, os.fsdecode(listed).split("\0"))):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            lines = path.read_bytes().decode(errors="replace").splitlines()
            found += [
                f"{name}:{number}: {line.strip()[:200]}" for number, line in enumerate(lines, 1) if hosts.search(line)
            ]
    return found


if __name__ == "__main__":
    sys.exit(main())
