"""Settings as the command line names them: an env file, K=V, and what is taken away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from .exits import Misuse

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
GROUPS = ("env", "runtime", "free")
# These are the runtime's without anybody saying so; all others are free, unless a group is named.
KNOWN = {"executor", "scheduler", "workers", "dag_deploy_enabled", "airflow_version", "name", "description"}
TEXTS = {"executor", "airflow_version", "name", "description"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def collect(
    env_file: Path | None, plain: Iterable[str], settings: Iterable[str], unset: Iterable[str]
) -> dict[str, dict[str, Any]] | None:
    """Return the settings that a push changes, in the portal's shape; None when nobody named any. Raises Misuse."""
    found: dict[str, dict[str, Any]] = {}
    open_names = set(plain)
    if env_file is not None:
        variables = read_env_file(env_file)
        if unknown := sorted(open_names - set(variables)):
            raise Misuse(f"{env_file} has no variable {unknown[0]}, which --plain names.")
        found["env"] = {name: {"value": value, "secret": name not in open_names} for name, value in variables.items()}
    elif open_names:
        raise Misuse(
            "--plain says which variables of --env-file are no secrets. Give --env-file, or use --setting env.K=V."
        )
    for said in settings:
        group, name, value = _setting(said)
        _add(found, group, name, value)
    for said in unset:
        group, name = _grouped(said)
        _add(found, group, name, None)
    return found or None


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=VALUE lines: comments, `export` and quotes as shells have them, nothing expanded. Raises Misuse."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{path} cannot be read as text: {error}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        said = line.strip().removeprefix("export ").strip()
        if not said or said.startswith("#"):
            continue
        name, sign, value = said.partition("=")
        # Never the line itself: it may be a secret.
        if not sign or not _NAME.fullmatch(name.strip()):
            raise Misuse(f"Line {number} of {path} is not NAME=VALUE.")
        found[name.strip()] = _unquoted(value.strip(), number, path)
    return found


def _unquoted(value: str, number: int, path: Path) -> str:
    quote = value[:1]
    if quote not in ("'", '"'):
        return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    end = value.find(quote, 1)
    while quote == '"' and end > 0 and value[end - 1] == "\\":
        end = value.find(quote, end + 1)
    if end < 0 or value[end + 1 :].strip().partition("#")[0]:
        raise Misuse(f"Line {number} of {path} has a quote that does not end, or something behind it.")
    inner = value[1:end]
    return re.sub(r'\\(["\\$`])', r"\1", inner) if quote == '"' else inner


def _setting(said: str) -> tuple[str, str, Any]:
    key, sign, value = said.partition("=")
    if not sign or not key:
        raise Misuse(f"{key!r} is not KEY=VALUE.")
    group, name = _grouped(key)
    if group == "env":
        return group, name, {"value": value, "secret": False}
    return group, name, value if name in TEXTS else _parsed(value)


def _grouped(key: str) -> tuple[str, str]:
    group, dot, name = key.partition(".")
    if dot and group in GROUPS:
        return group, name
    return ("runtime" if key in KNOWN else "free"), key


def _parsed(value: str) -> Any:
    """Read true, 4, {"cpu": 2} as what they are; everything else is text."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _add(found: dict[str, dict[str, Any]], group: str, name: str, value: Any) -> None:
    if name in found.setdefault(group, {}):
        raise Misuse(f"{group}.{name} is named twice.")
    found[group][name] = value
