"""What stands in the way of going back to an older runtime or Airflow: a table of rules, read from barriers.toml.

A hard barrier refuses. A soft one has to be acknowledged by its name, by whoever read what it says.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

RULES = Path(__file__).with_name("barriers.toml")
HARD, SOFT = "hard", "soft"
AGENTS = "agents_not_reverted"
# What is known of a release's engine without anybody saying so: runtimes of the second kind carry Airflow 3.
_DASHED = re.compile(r"v?(\d+(?:\.\d+)*)-(\d+)(?:-[a-z].*)?")
_DOTTED = re.compile(r"v?(\d+(?:\.\d+)*)(?:-?[+a-z].*)?")
_COMPARISON = re.compile(r"(>=|<=|<|>)(.+)")
Version = tuple[int, ...]


@dataclass(frozen=True)
class Engine:
    """What a release runs on, as far as anybody said: "" where nobody did."""

    runtime: str = ""
    airflow: str = ""


@dataclass(frozen=True)
class Agent:
    """A remote execution agent, and the version that it reported. `silent`: long ago, so that it may be no more."""

    name: str
    version: str
    silent: bool = False


@dataclass(frozen=True)
class Barrier:
    """Why this rollback is dangerous or impossible, and what to do about it. `name` is what is acknowledged."""

    name: str
    level: str
    title: str
    detail: str
    advice: str
    source: str

    @property
    def is_hard(self) -> bool:
        """Say whether it refuses, whatever anybody acknowledges."""
        return self.level == HARD


def barriers_between(before: Engine, after: Engine, agents: Iterable[Agent] = ()) -> list[Barrier]:
    """Answer what stands between what is left and what is restored: the hard ones first, in the table's order."""
    found = [_barrier(rule, after) for rule in _rules() if _applies(rule, before, after)]
    if any(each.name == "airflow_3_to_2" for each in found):
        # It says all that the smaller one says.
        found = [each for each in found if each.name != "engine_downgrade"]
    if wrong := not_at(after, agents):
        found.append(_agents_barrier(after, wrong))
    return sorted(found, key=lambda each: not each.is_hard)


def softened(barrier: Barrier, because: str) -> Barrier:
    """Answer the barrier as one that can be acknowledged, and in which case it would stand."""
    return replace(barrier, level=SOFT, detail=f"{because} {barrier.detail}")


def not_at(after: Engine, agents: Iterable[Agent]) -> list[Agent]:
    """Answer the agents that are not at the restored version: its runtime's, or its Airflow's where that is all we know."""
    wanted = after.runtime or after.airflow
    return [agent for agent in agents if not wanted or not _same(agent.version, wanted)]


def version_of(text: str) -> tuple[int, Version] | None:
    """Answer a version as something that can be compared; None for what has no order that we know.

    13.7.0 is (0, (13, 7, 0)), 3.1-2 is (1, (3, 1, 2)): the second kind is always the newer one.
    """
    if dashed := _DASHED.fullmatch(text):
        return 1, (*_numbers(dashed[1]), int(dashed[2]))
    if dotted := _DOTTED.fullmatch(text):
        return 0, _numbers(dotted[1])
    return None


def _agents_barrier(after: Engine, wrong: list[Agent]) -> Barrier:
    wanted = after.runtime or after.airflow
    named = ", ".join(
        f"{agent.name} ({agent.version}{', silent for a day' if agent.silent else ''})" for agent in wrong[:20]
    )
    more = f" and {len(wrong) - 20} more" if len(wrong) > 20 else ""
    to = f"to {wanted} " if wanted else "to the version that the restored deploy ran with, which nobody recorded, "
    return Barrier(
        name=AGENTS,
        level=HARD if wanted and not all(agent.silent for agent in wrong) else SOFT,
        title="Remote agents have to go back first",
        detail=f"Remote agents are not rolled back by Lastgood: {named}{more}. In the wrong order their workflows break off.",
        advice=f"Revert each agent {to}and let it report itself; then roll back.",
        source="Astro, deploy history: remote execution.",
    )


def _barrier(rule: Mapping[str, Any], after: Engine) -> Barrier:
    advice = rule["advice"].replace("{to_airflow}", after.airflow or "VERSION")
    return Barrier(rule["name"], rule["level"], rule["title"], rule["reason"], advice, rule["source"])


def _applies(rule: Mapping[str, Any], before: Engine, after: Engine) -> bool:
    if rule.get("crossing") == "airflow_3_to_2" and _majors(before, after) != (3, 2):
        return False
    if rule.get("engine") == "downgrade" and not _older(_minor(after.airflow), _minor(before.airflow)):
        return False
    if rule.get("runtime") == "downgrade" and not _older(version_of(after.runtime), version_of(before.runtime)):
        return False
    return all(_side_holds(rule, name, before, after) for name in ("runtime", "airflow"))


def _side_holds(rule: Mapping[str, Any], name: str, before: Engine, after: Engine) -> bool:
    old, new = getattr(before, name), getattr(after, name)
    any_of = rule.get(f"any_{name}")
    if name == "runtime" and not _are_known(before, after):
        old = new = ""
    return (
        _holds(rule.get(f"from_{name}"), old)
        and _holds(rule.get(f"to_{name}"), new)
        and (any_of is None or _holds(any_of, old) or _holds(any_of, new))
    )


def _holds(comparisons: list[str] | None, version: str) -> bool:
    return all(_compares(comparison, version) for comparison in comparisons or [])


def _compares(comparison: str, version: str) -> bool:
    found = _COMPARISON.fullmatch(comparison)
    assert found is not None  # checked when the table was read
    ours, limit = version_of(version), version_of(found[2])
    if ours is None or limit is None or len(ours[1]) < 2:
        return False
    return {">=": ours >= limit, "<=": ours <= limit, "<": ours < limit, ">": ours > limit}[found[1]]


def _majors(before: Engine, after: Engine) -> tuple[int | None, int | None]:
    """Answer which Airflow each carries: what was said, else what the runtime tells."""
    told = _are_known(before, after)
    majors = [
        _said_major(engine.airflow) or (_told_major(engine.runtime) if told else None) for engine in (before, after)
    ]
    return majors[0], majors[1]


def _are_known(*engines: Engine) -> bool:
    """Say whether the runtimes are numbered as we know: not where one is seen to have another Airflow than we think."""
    for engine in engines:
        said, told = _said_major(engine.airflow), _told_major(engine.runtime)
        if said is not None and told is not None and said != told:
            return False
    return True


def _said_major(airflow: str) -> int | None:
    known = version_of(airflow)
    return known[1][0] if known else None


def _told_major(runtime: str) -> int | None:
    known = version_of(runtime)
    if known is None:
        return None
    kind, numbers = known
    # 3.1-2 has Airflow 3, those named like 13.7.0 have Airflow 2. Smaller numbers may be an Airflow's own, or anybody's.
    if kind:
        return 3 if numbers[0] >= 3 else None
    return 2 if numbers[0] >= 4 else None


def _minor(version: str) -> Version | None:
    """Answer major and minor; None where the minor version is not said: then nobody knows."""
    known = version_of(version)
    return known[1][:2] if known and len(known[1]) > 1 else None


def _older(after: Any, before: Any) -> bool:
    return after is not None and before is not None and after < before


def _same(version: str, wanted: str) -> bool:
    ours, theirs = version_of(version), version_of(wanted)
    return version == wanted or (ours is not None and ours == theirs)


def _numbers(text: str) -> Version:
    return tuple(int(digits) for digits in text.split("."))


@cache
def _rules() -> tuple[Mapping[str, Any], ...]:
    return tuple(_checked(tomllib.loads(RULES.read_text())["rule"]))


def _checked(rules: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Answer the rules. Raises ValueError for one that could never apply as it is written."""
    for rule in rules:
        comparisons = [each for name, said in rule.items() if isinstance(said, list) for each in said]
        for comparison in comparisons:
            found = _COMPARISON.fullmatch(comparison)
            if found is None or version_of(found[2]) is None:
                raise ValueError(f"{RULES.name}: {rule.get('name')} compares with {comparison!r}, which is no version.")
        yield rule
