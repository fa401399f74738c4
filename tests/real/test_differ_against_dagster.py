"""Our differ against Dagster's own, on random pairs of graphs that Dagster itself built.

Where ours says more on purpose, both answers are cut down to what both say. Nothing else is forgiven.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assets.definitions import reading
from assets.definitions.differ import Change, Definitions, Diff, diff
from portal.dagster_env import ensure_dagster_env

pytestmark = [pytest.mark.dagster, pytest.mark.xdist_group("dagster")]

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).with_name("differ_probe.py")
PAIRS = 200

# Records without fields, which Dagster compares as the tuples they are: all equal, whatever their class.
WITHOUT_FIELDS = [
    {"__class__": name} for name in ("IdentityPartitionMapping", "AllPartitionMapping", "LastPartitionMapping")
]

DAGSTERS_TYPES = ("NEW", "REMOVED", "CODE_VERSION", "DEPENDENCIES", "PARTITIONS_DEFINITION", "TAGS", "METADATA")

Answer = dict[str, dict[str, Any]]  # key → what was said of it


class Pair(NamedTuple):
    """Two graphs, and what Dagster said and what we say of them."""

    old: Definitions
    new: Definitions
    dagster: Answer
    diff: Diff

    def equal_nan(self, key: str) -> set[str]:
        """Answer the labels whose values have a NaN in them and are equal but for it."""
        if key not in self.old or key not in self.new:
            return set()
        before, after = self.old[key]["metadata"], self.new[key]["metadata"]
        return {
            label
            for label in before.keys() & after.keys()
            if "NaN" in json.dumps(before[label]) and before[label]["value"] == after[label]["value"]
        }


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """Ask Dagster, once, and ourselves."""
    python = ensure_dagster_env(ROOT / ".tools", say=print) / "python"
    command = [str(python), str(PROBE), "0", str(PAIRS)]
    probe = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert probe.returncode == 0, probe.stderr[-2000:]
    return [compared(answer) for answer in json.loads(probe.stdout)]


def compared(answer: dict[str, Any]) -> Pair:
    old, new = (reading.read(json.dumps(answer[side]).encode(), strict=False).assets for side in ("old", "new"))
    return Pair(old, new, answer["dagster"], diff(old, new))


def ours(found: Diff) -> Answer:
    """Answer our diff in the words of the probe, cut down to what Dagster can see."""
    said: Answer = {key: {"types": ["NEW"]} for key in found.added}
    said |= {key: {"types": ["REMOVED"]} for key in found.removed}
    said |= {key: seen(change) for key, change in found.changed.items()}
    return {key: entry for key, entry in said.items() if entry["types"]}


def seen(change: Change) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if change.code_version:
        entry["code_version"] = [change.code_version.old, change.code_version.new]
    for name in ("tags", "metadata"):
        if found := getattr(change, name):
            entry[name] = {part: sorted(getattr(found, part)) for part in ("added", "removed", "changed")}
    deps = change.dependencies
    mappings = visible_mappings(change)
    if deps.added or deps.removed:
        # Mappings are not looked at when the parents differ.
        entry["dependencies"] = {"added": sorted(deps.added), "removed": sorted(deps.removed), "changed": []}
    elif mappings:
        entry["dependencies"] = {"added": [], "removed": [], "changed": mappings}
    dependencies = {"DEPENDENCIES"} if "dependencies" in entry else set()
    entry["types"] = sorted(set(change.change_types) - {"OTHER", "DEPENDENCIES"} | dependencies)
    return entry


def visible_mappings(change: Change) -> list[str]:
    """Answer the parents whose mapping Dagster too calls another one."""
    return [
        parent
        for parent, mapping in change.dependencies.changed.items()
        if not (mapping.old in WITHOUT_FIELDS and mapping.new in WITHOUT_FIELDS)
    ]


def theirs(pair: Pair) -> Answer:
    """Answer what Dagster said, without its unequal NaN, and with all changed mappings if its one is among ours."""
    mine = ours(pair.diff)
    said = {key: mended(entry, mine.get(key, {}), pair.equal_nan(key)) for key, entry in pair.dagster.items()}
    return {key: entry for key, entry in said.items() if entry["types"]}


def mended(entry: dict[str, Any], mine: dict[str, Any], nan: set[str]) -> dict[str, Any]:
    form = dict(entry)
    if metadata := entry.get("metadata"):
        form["metadata"] = {**metadata, "changed": sorted(set(metadata["changed"]) - nan)}
        if not any(form["metadata"].values()):
            del form["metadata"]
            form["types"] = [name for name in entry["types"] if name != "METADATA"]
    if (one := entry.get("dependencies", {}).get("changed")) and "dependencies" in mine:
        listed = mine["dependencies"]["changed"]
        form["dependencies"] = {**entry["dependencies"], "changed": listed if set(one) <= set(listed) else one}
    return form


def changes(pairs: list[Pair]) -> Iterator[tuple[Pair, str, Change]]:
    for pair in pairs:
        for key, change in pair.diff.changed.items():
            yield pair, key, change


def test_says_what_dagster_says_of_each_asset(pairs: list[Pair]) -> None:
    for number, pair in enumerate(pairs):
        assert ours(pair.diff) == theirs(pair), f"pair {number}"


def test_meets_each_kind_of_change_many_times(pairs: list[Pair]) -> None:
    met = Counter(name for pair in pairs for entry in pair.dagster.values() for name in entry["types"])

    assert min(met[name] for name in DAGSTERS_TYPES) >= 20, met


def test_calls_other_what_dagster_does_not_track(pairs: list[Pair]) -> None:
    untracked = [(pair, key) for pair, key, change in changes(pairs) if change.change_types == ["OTHER"]]

    assert len(untracked) >= 20
    assert not any(key in theirs(pair) for pair, key in untracked)


def test_lists_every_changed_mapping_where_dagster_lists_one(pairs: list[Pair]) -> None:
    several = [
        pair.dagster[key]["dependencies"]["changed"]
        for pair, key, change in changes(pairs)
        if len(visible_mappings(change)) > 1 and not (change.dependencies.added or change.dependencies.removed)
    ]

    assert several
    assert {len(listed) for listed in several} == {1}


def test_lists_changed_mappings_also_when_the_parents_differ(pairs: list[Pair]) -> None:
    both = [
        pair.dagster[key]["dependencies"]["changed"]
        for pair, key, change in changes(pairs)
        if change.dependencies.changed and (change.dependencies.added or change.dependencies.removed)
    ]

    assert both
    assert not any(both)


def test_tells_mappings_without_fields_apart_where_dagster_does_not(pairs: list[Pair]) -> None:
    alike = [
        (pair, key)
        for pair, key, change in changes(pairs)
        if change.dependencies.changed
        and not (change.dependencies.added or change.dependencies.removed or visible_mappings(change))
    ]

    assert alike
    assert not any("DEPENDENCIES" in pair.dagster.get(key, {"types": []})["types"] for pair, key in alike)


def test_calls_nan_the_same_where_dagster_calls_it_changed(pairs: list[Pair]) -> None:
    unlike = [
        label
        for pair in pairs
        for key, entry in pair.dagster.items()
        for label in pair.equal_nan(key) & set(entry.get("metadata", {}).get("changed", []))
    ]

    assert unlike
