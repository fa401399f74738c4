"""The settings of a release: `{env: {NAME: {value, secret}}, runtime: {…}, free: {…}}` (the contract's shape).

Each setting is a part of its own, named `settings:env/NAME`, `settings:runtime/executor`, `settings:free/owner`: a push
names only those that it changes, and null takes one away. A secret is stored encrypted, and known by its fingerprint,
an HMAC under a key that is never rotated: what is compared, digested and shown is the fingerprint, never the value.
"""

import hashlib
import hmac
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as portal_settings

from portal.common.canonical import digest_of
from portal.common.problems import Invalid, TooLarge
from portal.common.secret_field import Unreadable, seal, unseal

Settings = dict[str, dict[str, Any]]
PREFIX = "settings:"
ENV = "env"
GROUPS = (ENV, "runtime", "free")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
OURS = "LASTGOOD_"  # what the command is told in its environment
MOST, LONGEST, LONGEST_KNOB = 1000, 32_768, 4000  # settings; letters of a variable, of any other value
LARGEST = 1_000_000  # letters of all that a release has: a process cannot be given much more
FORGOTTEN = {"secret", "fingerprint", "forgotten"}
# What goes with the code when only the code is rolled back (row A9).
OF_CODE = frozenset({"settings:runtime/dag_deploy_enabled", "settings:runtime/airflow_version"})
_KINDS: dict[str, type | tuple[type, ...]] = {
    "dag_deploy_enabled": bool,
    "executor": str,
    "airflow_version": str,
    "name": str,
    "description": str,
}


def read(sent: Any, *, organization_id: int) -> Settings:
    """Check what was sent and answer it as it is stored, secrets encrypted. Raises Invalid, TooLarge.

    `sent` is the contract's shape; a variable may also be plain text, which is then no secret; null takes one away.
    """
    if not isinstance(sent, Mapping) or set(sent) - set(GROUPS):
        raise Invalid("settings is {env, runtime, free}, each an object.", code="bad_settings")
    read: Settings = {}
    for group in GROUPS:
        entries = sent.get(group)
        entries = {} if entries is None else entries
        if not isinstance(entries, Mapping):
            raise Invalid(f"settings.{group} is an object.", code="bad_settings")
        reader = _read_variable if group == ENV else _read_knob
        if entries:
            read[group] = {str(name): reader(str(name), value, organization_id) for name, value in entries.items()}
    refuse_too_many(read)
    return read


def refuse_too_many(settings: Mapping[str, Any]) -> None:
    """Refuse more settings than one push, or one release, may have. Raises TooLarge."""
    if sum(map(len, settings.values())) > MOST:
        raise TooLarge(f"At most {MOST} settings are taken, in a push and all in all.", code="too_many_settings")
    if len(json.dumps(settings, ensure_ascii=False)) > LARGEST:
        raise TooLarge(
            f"All settings together may have {LARGEST:,} letters, secrets as they are stored: put large values into files.",
            code="too_large_settings",
        )


def flat(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Answer settings as parts: {"settings:env/NAME": value or None}."""
    return {
        f"{PREFIX}{group}/{name}": value
        for group, entries in sorted((stored or {}).items())
        for name, value in sorted(entries.items())
    }


def nested(parts: Mapping[str, Any]) -> Settings:
    """Answer what `flat` answered as settings, without what was taken away; other parts are left out."""
    found: Settings = {}
    for part, value in parts.items():
        if part.startswith(PREFIX) and value is not None:
            group, name = split(part)
            found.setdefault(group, {})[name] = value
    return found


def split(part: str) -> tuple[str, str]:
    """Answer the group and the name of a settings part."""
    group, _, name = part.removeprefix(PREFIX).partition("/")
    return group, name


def shown(stored: Mapping[str, Any]) -> Settings:
    """Answer the settings as anybody may see them who sees the deploy: of secrets the fingerprints."""
    return {group: {name: _shown(group, value) for name, value in entries.items()} for group, entries in stored.items()}


def digest(stored: Mapping[str, Any]) -> str:
    """Name the settings by their content, "" for none. Secrets enter it as their fingerprints."""
    return digest_of(shown(stored)) if any(stored.values()) else ""


def runtime_of(stored: Mapping[str, Any] | None, key: str) -> Any:
    """Answer one of the runtime's settings, None when nobody said."""
    return ((stored or {}).get("runtime") or {}).get(key)


def opened(stored: Mapping[str, Any]) -> Settings:
    """Answer the settings with their values, {env: {NAME: text}, …}: for a target only. Raises Unreadable."""
    return {
        group: {name: _value(value) for name, value in entries.items()} if group == ENV else dict(entries)
        for group, entries in stored.items()
    }


def secrets_in(stored: Mapping[str, Any]) -> list[str]:
    """Answer the secret values, the longest first: what nobody may read in a log. Raises Unreadable."""
    found = {_value(value) for value in (stored.get(ENV) or {}).values() if value and value.get("sealed")}
    return sorted((value for value in found if value), key=len, reverse=True)


def forgotten(stored: Mapping[str, Any], *, organization_id: int) -> Settings:
    """Answer the settings without any value: names, and fingerprints to compare by. What rows keep after a purge."""
    return {
        group: {name: _forgotten(group, name, value, organization_id) for name, value in entries.items()}
        for group, entries in stored.items()
    }


def is_forgotten(stored: Mapping[str, Any] | None) -> bool:
    """Say whether values are gone that the names once had: such settings cannot be put in place."""
    return any(_is_forgotten(value) for group in (stored or {}).values() for value in group.values())


def renewed(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> Settings:
    """Answer stored settings with the secrets whose key is gone taken from `sent`, which has the same content."""
    renewed = {group: dict(entries) for group, entries in stored.items()}
    for name, value in renewed.get(ENV, {}).items():
        again = (sent.get(ENV) or {}).get(name)
        if value.get("sealed") and again and again.get("sealed") and not _is_readable(value):
            renewed[ENV][name] = again
    return renewed


def env_file(environment: Mapping[str, str]) -> bytes:
    """Write variables as a file that sh (`set -a; . ./env`) and systemd's EnvironmentFile read."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(environment.items())).encode()


def fingerprint(name: str, value: Any, *, organization_id: int) -> str:
    """Answer what a value is known by: 16 hexadecimal digits, alike only in one organization under one name."""
    text = json.dumps(value, sort_keys=True) if not isinstance(value, str) else value
    message = f"setting\0{organization_id}\0{name}\0{text}".encode()
    return hmac.new(portal_settings.FINGERPRINT_KEY.encode(), message, hashlib.sha256).hexdigest()[:16]


def _read_variable(name: str, sent: Any, organization_id: int) -> dict[str, Any] | None:
    if not ENV_NAME.fullmatch(name) or name.upper().startswith(OURS):
        raise Invalid(
            f"{name[:80]!r} is not a variable that can be set: use letters, digits and _, and not {OURS}….",
            code="bad_settings",
        )
    if sent is None:
        return None
    said = sent if isinstance(sent, Mapping) else {"value": sent, "secret": False}
    value, secret = said.get("value"), said.get("secret", False)
    if not isinstance(value, str) or not isinstance(secret, bool) or set(said) - {"value", "secret"}:
        raise Invalid(f"The variable {name} is a text, or {{value, secret}}.", code="bad_settings")
    if len(value) > LONGEST or "\0" in value or not _encodable(value):
        raise Invalid(f"The value of {name} is longer than {LONGEST} letters, or no text.", code="bad_settings")
    if not secret:
        return {"value": value, "secret": False}
    return {
        "secret": True,
        "fingerprint": fingerprint(name, value, organization_id=organization_id),
        "sealed": seal(value),
    }


def _read_knob(name: str, sent: Any, organization_id: int) -> Any:
    if not KEY.fullmatch(name):
        raise Invalid(f"{name[:80]!r} is not a setting's name: use letters, digits, . _ and -.", code="bad_settings")
    try:
        text = json.dumps(sent, ensure_ascii=False, allow_nan=False)
    except ValueError as odd:
        raise Invalid(f"The setting {name} is no JSON.", code="bad_settings") from odd
    if _is_forgotten(sent):
        raise Invalid(f"The setting {name} has the shape of one that was purged.", code="bad_settings")
    if len(text) > LONGEST_KNOB or "\\u0000" in text or not _encodable(text):
        raise Invalid(f"The setting {name} is longer than {LONGEST_KNOB} letters, or no text.", code="bad_settings")
    wanted = _KINDS.get(name)
    if wanted and sent is not None and not isinstance(sent, wanted):
        words = "true or false" if wanted is bool else "a text"
        raise Invalid(f"The setting {name} is {words}.", code="bad_settings")
    return sent


def _shown(group: str, value: Any) -> Any:
    if group != ENV or not isinstance(value, Mapping):
        return value
    return {name: each for name, each in value.items() if name != "sealed"}


def _forgotten(group: str, name: str, value: Any, organization_id: int) -> Any:
    if value is None or _is_forgotten(value):
        return value
    if group == ENV and value["secret"]:
        return {"secret": True, "fingerprint": value["fingerprint"], "forgotten": True}
    plain = value["value"] if group == ENV else value
    return {
        "secret": False,
        "fingerprint": fingerprint(name, plain, organization_id=organization_id),
        "forgotten": True,
    }


def _is_forgotten(value: Any) -> bool:
    # The whole shape: somebody's own setting may well have one of these words in it.
    return isinstance(value, Mapping) and value.keys() == FORGOTTEN


def _is_readable(value: Mapping[str, Any]) -> bool:
    try:
        _value(value)
    except Unreadable:
        return False
    return True


def _value(stored: Mapping[str, Any]) -> str:
    return unseal(stored["sealed"]) if stored.get("sealed") else str(stored.get("value", ""))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Say setting by setting what differs: {group, name, word, secret, old, new}; of secrets fingerprints stand there."""
    old, new = flat(shown(before or {})), flat(shown(after or {}))
    for part in sorted(old.keys() | new.keys()):
        if old.get(part) == new.get(part):
            continue
        group, name = split(part)
        word = "changed" if part in old and part in new else "added" if part in new else "removed"
        yield {
            "group": group,
            "name": name,
            "word": word,
            "secret": _is_secret(group, old.get(part)) or _is_secret(group, new.get(part)),
            "old": _told(group, old.get(part)),
            "new": _told(group, new.get(part)),
        }


def _is_secret(group: str, side: Any) -> bool:
    return group == ENV and side is not None and bool(side["secret"])


def _told(group: str, side: Any) -> Any:
    if _is_forgotten(side):
        return side["fingerprint"]
    if group != ENV or side is None:
        return side
    return side["fingerprint"] if side["secret"] else side["value"]
