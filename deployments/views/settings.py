"""Settings as pages show them: secrets by their fingerprint only, purged values as what they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments import configuration
from deployments.models import CodeLocation, Deploy
from deployments.planning import Plan

GROUPS = {"env": "variable", "runtime": "runtime", "free": "free"}
Stored = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """One setting as it is on one side. `kind`: unset, plain, secret or purged; `text` is the value, or its fingerprint."""

    kind: str = "unset"
    text: str = ""


@dataclass(frozen=True)
class Setting:
    """One setting, and what it was before where that differs. `word`: added, removed, changed, or nothing."""

    group: str
    name: str
    now: Side
    before: Side
    word: str = ""
    applied: bool = True
    origin: int | None = None

    @property
    def group_word(self) -> str:
        """Name what kind of setting it is."""
        return GROUPS[self.group]


def settings_of(deploy: Deploy, base: Deploy | None, *, puts: frozenset[str]) -> list[Setting]:
    """Answer a deploy's settings beside those of `base`; of one that has no release yet, what it changes itself."""
    if deploy.release is None:
        return _beside({}, _asked(deploy), deploy.code_location, puts)
    before = base.release.settings if base is not None and base.release is not None else {}
    # Where nothing was live before, nothing was added to anything.
    before = before if base is not None else deploy.release.settings
    return _beside(before, deploy.release.settings, deploy.code_location, puts, origins=deploy.origins)


def changed_settings(plan: Plan) -> list[Setting]:
    """Answer the settings that a rollback changes."""
    if not plan.settings:
        return []
    before = plan.served.release.settings if plan.served is not None and plan.served.release is not None else {}
    every = _beside(before, plan.composed.settings, plan.location, plan.puts)
    return [setting for setting in every if setting.word]


def _asked(deploy: Deploy) -> Stored:
    """Answer what a push sets; what it takes away has nothing to be shown of yet."""
    asked: Stored = deploy.parts.get("settings") or {}
    return {
        group: {name: value for name, value in entries.items() if value is not None} for group, entries in asked.items()
    }


def _beside(
    before: Stored,
    after: Stored,
    place: CodeLocation,
    puts: frozenset[str],
    origins: Mapping[str, int] | None = None,
) -> list[Setting]:
    """Answer every setting of both sides, variables first."""
    old, new = configuration.flat(before), configuration.flat(after)
    organization = place.deployment.organization_id
    found = []
    for part in old.keys() | new.keys():
        group, name = configuration.split(part)
        word = _word(name, old.get(part), new.get(part), organization)
        sides = _side(group, new.get(part)), _side(group, old.get(part))
        found.append(Setting(group, name, *sides, word, "settings" in puts, (origins or {}).get(part)))
    order = list(GROUPS)
    return sorted(found, key=lambda setting: (order.index(setting.group), setting.name))


def _side(group: str, stored: Any) -> Side:
    if stored is None:
        return Side()
    if _is_purged(stored):
        return Side("purged", str(stored["fingerprint"]))
    if group != "env":
        return Side("plain", stored if isinstance(stored, str) else json.dumps(stored, ensure_ascii=False))
    return Side("secret", stored["fingerprint"]) if stored["secret"] else Side("plain", stored["value"])


def _word(name: str, old: Any, new: Any, organization: int) -> str:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if not (_is_purged(old) or _is_purged(new)):
        shown = configuration.shown({"env": {"old": old, "new": new}})["env"]
        return "changed" if shown["old"] != shown["new"] else ""
    # Of a value that is gone, its fingerprint is left to compare by.
    same = _known_by(name, old, organization) == _known_by(name, new, organization)
    return "" if same else "changed"


def _known_by(name: str, stored: Any, organization: int) -> tuple[bool, str]:
    if isinstance(stored, Mapping) and "fingerprint" in stored:
        return bool(stored.get("secret")), str(stored["fingerprint"])
    value = stored["value"] if isinstance(stored, Mapping) and "secret" in stored else stored
    return False, configuration.fingerprint(name, value, organization_id=organization)


def _is_purged(stored: Any) -> bool:
    return isinstance(stored, Mapping) and bool(stored.get("forgotten")) and "fingerprint" in stored
