"""Steps of assets as pages show them: what came, went or changed, from what to what, in words."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import groupby

from django.utils.safestring import SafeString

from assets import history
from assets.comparison import Detailed
from assets.definitions import keys, words
from assets.definitions.differ import Change, Pair
from assets.definitions.normal import Definition
from assets.definitions.prints import (
    CODE_VERSION,
    DEPENDENCIES,
    METADATA,
    OTHER,
    PARTITIONS_DEFINITION,
    TAGS,
)
from assets.models import AssetChange
from assets.states import ChangeKind, Sight
from assets.views.shapes import schema_text
from assets.views.unified import SHOWN, TextLine, is_too_long, unified
from deployments.commits import commit_url
from deployments.models import Deploy
from deployments.views.moments import ago

TITLES = {
    CODE_VERSION: "Code version",
    DEPENDENCIES: "Dependencies",
    PARTITIONS_DEFINITION: "Partitions",
    TAGS: "Tags",
    METADATA: "Metadata",
    OTHER: "Other",
}
SIGNS = {"added": "+", "removed": "−", "changed": "~"}
NEIGHBOURS_SHOWN = 8
IN_BRIEF = ("Group", "Kinds", "Partitions")
DESCRIPTION_SHOWN = 300
# Letters of one value, and things that changed, where a step is told in a line.
BRIEF = 50
TOLD = 3


@dataclass(frozen=True)
class Line:
    """One thing that changed: a short one side by side, a long one as unified text."""

    said: words.Line

    @property
    def sign(self) -> str:
        """Answer what is put before it."""
        return SIGNS[self.said.kind]

    @property
    def brief(self) -> str:
        """Say it in a few words."""
        said = [text if len(text) <= BRIEF else "…" for text in (self.said.old, self.said.new) if text]
        label = f"{self.sign} {self.said.label} " if self.said.label else ""
        return f"{label}{' → '.join(said)}".strip() if not self.said.is_long else label.strip()

    @property
    def is_too_long(self) -> bool:
        """Say whether the page does not compare it."""
        return is_too_long(self.said)

    @cached_property
    def _unified(self) -> list[TextLine]:
        return unified(self.said)

    @property
    def text(self) -> list[TextLine]:
        """Answer the lines of a long one."""
        return self._unified[:SHOWN]

    @property
    def is_cut(self) -> bool:
        """Say whether there are more lines than the page shows."""
        return len(self._unified) > SHOWN


@dataclass(frozen=True)
class Aspect:
    """What changed in one aspect."""

    title: str
    lines: list[Line]


@dataclass(frozen=True)
class Step:
    """One step of one asset. `gist` says in short what came or went; `aspects` what changed."""

    key: str
    kind: str
    types: list[str]
    aspects: list[Aspect] = field(default_factory=list)
    gist: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""

    @property
    def sign(self) -> str:
        """Answer what is put before it."""
        return SIGNS[self.kind]

    @property
    def brief(self) -> str:
        """Tell it in a line."""
        lines = [line for aspect in self.aspects for line in aspect.lines]
        more = [f"{len(lines) - TOLD} more"] if len(lines) > TOLD else []
        gist = [text for name, text in self.gist if name in IN_BRIEF]
        return " · ".join([*gist, *(line.brief for line in lines[:TOLD] if line.brief), *more])


@dataclass(frozen=True)
class ChangeRow:
    """A step that a deploy made, with that deploy."""

    row: AssetChange
    step: Step
    now: datetime

    @property
    def deploy(self) -> Deploy:
        """Answer who made it."""
        return self.row.deploy

    @property
    def when(self) -> SafeString | str:
        """Say when it went live."""
        return ago(self.deploy.finished_at, self.now)

    @property
    def commit(self) -> str:
        """Answer the commit's short name."""
        return str(self.deploy.git.get("commit") or "")[:7]

    @property
    def commit_url(self) -> str | None:
        """Answer the commit's page at its forge."""
        return commit_url(self.deploy.git)

    @property
    def versions(self) -> str:
        """Answer "v1 → v2", or the one that came or went."""
        sides = [side for side in (self.row.before, self.row.after) if side is not None]
        return " → ".join(f"v{side.number}" for side in sides)

    @property
    def seen_in(self) -> Deploy | None:
        """Answer the deploy that defined it so before, if this step brought an older version back."""
        after = self.row.after
        if after is None or after.deploy_id == self.row.deploy_id:
            return None
        first = after.deploy
        return first if first.live_seq is not None and first.live_seq < self.row.live_seq else None


def row_of(row: AssetChange, now: datetime) -> ChangeRow:
    """Answer a recorded step."""
    return ChangeRow(row, step_of(row), now)


def step_of(row: AssetChange) -> Step:
    """Answer a recorded step without its deploy. Reads the asset's chain."""
    kind = ChangeKind(row.kind)
    common = kind == ChangeKind.CHANGED and row.sight == Sight.COMMON
    return _step(
        row.asset.key,
        kind,
        history.words_of(row),
        history.details_of(row, row.asset.chain.ignored),
        history.definition_of(row),
        "Two sources said what it was and what it is: compared in what both can see." if common else "",
    )


def step_between(detailed: Detailed) -> Step:
    """Answer how one asset differs between any two deploys."""
    step, difference = detailed.step, detailed.step.difference
    common = difference is not None and difference.sight == Sight.COMMON
    return _step(
        step.key,
        step.kind,
        difference.change_types if difference else [],
        detailed.change,
        detailed.definition,
        "Two sources said what it is at either side: compared in what both can see." if common else "",
    )


def titles(types: Iterable[str]) -> list[str]:
    """Answer change types as people read them."""
    return [TITLES.get(word, word) for word in types]


def _step(
    key: str, kind: ChangeKind, types: list[str], change: Change | None, definition: Definition | None, note: str
) -> Step:
    aspects = _aspects(change) if change else []
    return Step(key, kind.lower(), titles(types), aspects, gist_of(definition) if definition else [], note)


def _aspects(change: Change) -> list[Aspect]:
    by_aspect = groupby(words.lines(change), lambda line: line.aspect)
    return [Aspect(TITLES[aspect], [Line(_told(line, change)) for line in lines]) for aspect, lines in by_aspect]


def _told(line: words.Line, change: Change) -> words.Line:
    """Answer the line; of a table's schema that changed, column by column instead of as JSON."""
    pair = change.metadata.changed.get(line.label) if line.aspect == METADATA else None
    if not isinstance(pair, Pair):
        return line
    old, new = schema_text(pair.old), schema_text(pair.new)
    return replace(line, old=old, new=new) if old and new and old != new else line


def gist_of(definition: Definition) -> list[tuple[str, str]]:
    """Answer in short what an asset is: only what is said of it."""
    parents = [keys.shown(dep["key"]) for dep in definition["deps"]]
    more = f" and {len(parents) - NEIGHBOURS_SHOWN} more" if len(parents) > NEIGHBOURS_SHOWN else ""
    description = definition["description"] or ""
    partitions = definition["partitions_def"]
    said = [
        ("Code version", definition["code_version"]),
        ("Group", definition["group"]),
        ("Kinds", ", ".join(definition["kinds"])),
        ("Partitions", words.partitions(partitions) if partitions else ""),
        ("Reads", ", ".join(parents[:NEIGHBOURS_SHOWN]) + more),
        ("Owners", ", ".join(definition["owners"])),
        ("Description", description[:DESCRIPTION_SHOWN] + ("…" if len(description) > DESCRIPTION_SHOWN else "")),
        ("Also", _counted(definition)),
        ("Stub", "only known because something reads it" if definition["is_stub"] else ""),
    ]
    return [(name, text) for name, text in said if text]


def _counted(definition: Definition) -> str:
    tags = sum(not tag.startswith("dagster/kind/") for tag in definition["tags"])
    found = [(tags, "tag", "tags"), (len(definition["metadata"]), "metadata entry", "metadata entries")]
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in found if count)
