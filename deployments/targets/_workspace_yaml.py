"""A workspace.yaml as text: the entry of a code location, where it leads, and the same text with it led elsewhere.

Only the affected paths are written anew, where they stand. All else, comments included, stays byte for byte.
The nodes are looked at and nothing is ever made of them, so no tag has an effect.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from deployments.targets.base import TargetRefused

# What Dagster starts from a path of ours, and what it names a location after that has no name of its own.
NAMED_AFTER = {
    "python_file": "relative_path",
    "python_module": "module_name",
    "python_package": "package_name",
    "autoload_defs_module": "module_name",
}
PATHS = {"relative_path", "working_directory", "executable_path"}
NULL = "tag:yaml.org,2002:null"
STRING = "tag:yaml.org,2002:str"
SAFE_TAG = re.compile(
    r"tag:yaml\.org,2002:(null|bool|int|float|str|seq|map|timestamp|binary|omap|pairs|set|merge|value)"
)
PLAIN = re.compile(r"/[\w./+@=~-]*")  # what needs no quotes anywhere


@dataclass(frozen=True)
class Surroundings:
    """What is to be known beside the text: the file's path as Dagster is given it, our root, our location."""

    file: Path
    root: Path
    location: str

    def part(self, path: str) -> tuple[str, str] | None:
        """Answer "current" or "releases/<name>" when the path leads there, and what follows; else None."""
        absolute = os.path.normpath(os.path.join(os.path.realpath(self.file.parent), path))
        parts = absolute.strip("/").split("/")
        for position, part in enumerate(parts):
            # Compared as it lies on the disk: there may be other ways to the root.
            if part in ("current", "releases") and self._is_root("/" + "/".join(parts[:position])):
                match parts[position:]:
                    case ("current", *rest):
                        return "current", "/".join(rest)
                    case ("releases", name, *rest):
                        return f"releases/{name}", "/".join(rest)
        return None

    def _is_root(self, path: str) -> bool:
        return os.path.realpath(path) == os.path.realpath(self.root)

    def wanted(self, name: str, rest: str) -> str:
        """Answer the path of that within the release."""
        return str(self.root / "releases" / name / rest)

    def lines(self, kind: str = "python_file", after: str = "definitions.py") -> str:
        """Answer the lines of a fitting entry."""
        current = self.root / "current"
        named_after = _written(str(current / after)) if kind == "python_file" else _quoted(after)
        return (
            f"  - {kind}:\n"
            f"      {NAMED_AFTER[kind]}: {named_after}\n"
            f"      working_directory: {_written(str(current))}\n"
            f"      location_name: {_quoted(self.location)}\n"
        )


@dataclass(frozen=True)
class Entry:
    """One item of load_from."""

    item: Node
    kind: str
    body: Node

    @property
    def line(self) -> int:
        return int(self.item.start_mark.line) + 1

    @property
    def name(self) -> str:
        """Answer the name that Dagster gives the location."""
        if given := self._text("location_name"):
            return given
        if self.kind == "grpc_server":
            return f"grpc:{self._text('host') or 'localhost'}:{self._text('socket') or self._text('port')}"
        attribute = self._text("attribute")
        return f"{self.named_after}:{attribute}" if attribute else self.named_after

    def paths(self) -> Iterator[ScalarNode]:
        """Answer the nodes of its paths; what is written otherwise (`{env: …}`) is left out."""
        if isinstance(self.body, ScalarNode):
            nodes: list[Node] = [self.body] if self.kind == "python_file" else []
        else:
            nodes = [value for key, value in _pairs(self.body) if key in PATHS]
        yield from (node for node in nodes if isinstance(node, ScalarNode) and node.tag == STRING and node.value)

    @property
    def named_after(self) -> str:
        """Answer its file's name, its module or its package."""
        after = self._text(NAMED_AFTER.get(self.kind, ""))
        return os.path.basename(after) if self.kind == "python_file" else after

    def _text(self, key: str) -> str:
        if isinstance(self.body, ScalarNode):
            return str(self.body.value) if key and key == NAMED_AFTER.get(self.kind) else ""
        node = dict(_pairs(self.body)).get(key)
        return str(node.value) if isinstance(node, ScalarNode) and node.tag != NULL else ""


class Workspace:
    """The text of a workspace file. Refuses with workspace_unreadable, workspace_entry_…"""

    def __init__(self, text: str, surroundings: Surroundings) -> None:
        self.text = text
        self._about = surroundings
        self._document = self._composed(text)

    def releases(self) -> set[str]:
        """Answer the names of all releases below our root that anything in the file leads to."""
        found = (self._about.part(node.value) for node in _nodes(self._document) if isinstance(node, ScalarNode))
        return {part[0].removeprefix("releases/") for part in found if part and part[0] != "current"}

    def leads_to(self) -> set[str]:
        """Answer "current" or "releases/<name>", or several of these: what our entry leads to."""
        return {part for _, part, _ in self._leading()}

    def led_to(self, name: str) -> str:
        """Answer the text with our entry leading to that release."""
        changes = {id(node): self._about.wanted(name, rest) for node, _, rest in self._leading()}
        text = self.text
        for node, _, _ in sorted(self._leading(), key=lambda each: -each[0].start_mark.index):
            if node.value != changes[id(node)]:
                written = _written(changes[id(node)], node.style)
                text = text[: node.start_mark.index] + written + text[node.end_mark.index :]
        return text if text == self.text else self._checked(text, changes)

    @cached_property
    def entry(self) -> Entry:
        """Answer our entry. Refuses when there is none, more than one, or one that cannot be edited."""
        entries = [entry for entry in self._entries() if entry.name == self._about.location]
        if not entries:
            raise self._refused(
                "entry_missing",
                f"has no entry for the code location {self._about.location!r}. Add these lines to its load_from, "
                f"with the path of your own definitions below current, then try again:\n{self._about.lines()}",
            )
        if len(entries) > 1:
            lines = " and ".join(str(entry.line) for entry in entries)
            raise self._refused(
                "entry_twice",
                f"has {len(entries)} entries for the code location {self._about.location!r} (lines {lines}), and "
                "Dagster loads no such file. Remove all but one, then try again.",
            )
        self._refuse_unusable(entries[0])
        return entries[0]

    # Reading

    def _composed(self, text: str) -> Node:
        yaml = YAML(typ="rt")
        yaml.version = (1, 1)  # as Dagster reads it
        try:
            document = yaml.compose(text)
        except (YAMLError, RecursionError, ValueError, LookupError) as error:
            raise self._refused("unreadable", f"is not YAML: {_fault(error)}. Correct it, then try again.") from error
        for node in _nodes(document):
            if not SAFE_TAG.fullmatch(str(node.tag)):
                raise self._refused(
                    "unreadable",
                    f"has the tag {node.tag} in line {node.start_mark.line + 1}, which Dagster does not read. "
                    "Write plain values there, then try again.",
                )
        if not isinstance(document, MappingNode) or not isinstance(
            dict(_pairs(document)).get("load_from"), SequenceNode
        ):
            raise self._refused(
                "unreadable",
                "has no list load_from at its top, as a workspace file has. Write it like this, with the path of "
                f"your own definitions below current, then try again:\nload_from:\n{self._about.lines()}",
            )
        return document

    def _entries(self) -> Iterator[Entry]:
        for item in self._load_from.value:
            if not isinstance(item, MappingNode) or len(item.value) != 1:
                raise self._refused(
                    "unreadable",
                    f"has an entry in line {item.start_mark.line + 1} that is no mapping of a single key, and Dagster "
                    "loads no such file. Correct it, then try again.",
                )
            yield from (Entry(item, kind, body) for kind, body in _pairs(item))

    @property
    def _load_from(self) -> Node:
        return dict(_pairs(self._document))["load_from"]

    def _leading(self) -> list[tuple[ScalarNode, str, str]]:
        """Answer the nodes of our entry that lead to a release or to current, with where, and what follows."""
        parts = [(node, self._about.part(node.value)) for node in self.entry.paths()]
        leading = [(node, *part) for node, part in parts if part]
        if not leading:
            raise self._refused(
                "entry_elsewhere",
                f"leads nowhere below {self._about.root / 'current'} with its entry for {self._about.location!r} "
                f"(line {self.entry.line}), so a deploy would change nothing there. Let the paths of your own "
                "definitions begin with that, as here, then try again:\n"
                f"{self._about.lines(self.entry.kind, self.entry.named_after)}",
            )
        return leading

    def _refuse_unusable(self, entry: Entry) -> None:
        if entry.kind == "grpc_server":
            fault = "is a grpc_server: its code runs elsewhere, and the file cannot say from which release. "
            fault += "Write python_file, python_module or python_package there, or let the target be a directory"
        elif entry.kind not in NAMED_AFTER:
            fault = f"is of the unknown kind {entry.kind}. Write python_file, python_module or python_package there"
        elif self._load_from.anchor or any(node.anchor for node in _nodes(entry.item)):
            fault = "has an anchor or an alias (& or *) in it, so others would change with it. Write its values out"
        elif isinstance(entry.body, MappingNode) and len(dict(_pairs(entry.body))) != len(entry.body.value):
            fault = "has one key twice. Remove one of them"
        elif any(node.style in ("|", ">") for node in entry.paths()):
            fault = "has a path as a block (| or >). Write it behind its key, in the same line"
        else:
            return
        raise self._refused(
            "entry_unusable",
            f"has an entry for {self._about.location!r} (line {entry.line}) that {fault}, then try again.",
        )

    # Writing

    def _checked(self, text: str, changes: dict[int, str]) -> str:
        """Answer the text when it says what was meant and all else as before."""
        try:
            after = Workspace(text, self._about)
            if after.entry.name == self.entry.name and _same(self._document, after._document, changes):
                return text
        except TargetRefused:
            pass
        raise self._refused(
            "entry_unusable",
            f"has an entry for {self._about.location!r} (line {self.entry.line}) whose paths could not be replaced "
            "without changing anything else. Write each path behind its key, in the same line, and a location_name, "
            "then try again.",
        )

    def _refused(self, code: str, said: str) -> TargetRefused:
        return TargetRefused(f"workspace_{code}", f"{self._about.file} {said}")


def _pairs(mapping: Node) -> list[tuple[str, Node]]:
    if not isinstance(mapping, MappingNode):
        return []
    return [(str(key.value), value) for key, value in mapping.value if isinstance(key, ScalarNode)]


def _below(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _nodes(node: Node | None) -> list[Node]:
    """Answer the node and all below it, each once: aliases make several ways to one, and rings."""
    found, waiting = {}, [node] if node is not None else []
    while waiting:
        each = waiting.pop()
        if id(each) not in found:
            found[id(each)] = each
            waiting += _below(each)
    return list(found.values())


def _same(old: Node, new: Node, changes: dict[int, str]) -> bool:
    """Say whether both trees are alike, and differ where that was meant."""
    seen, waiting = set(), [(old, new)]
    while waiting:
        one, other = waiting.pop()
        if (id(one), id(other)) in seen:
            continue
        seen.add((id(one), id(other)))
        if (type(one), one.tag, one.anchor, len(_below(one))) != (
            type(other),
            other.tag,
            other.anchor,
            len(_below(other)),
        ):
            return False
        if isinstance(one, ScalarNode) and changes.get(id(one), one.value) != other.value:
            return False
        waiting += zip(_below(one), _below(other), strict=True)
    return True


def _written(path: str, style: str | None = None) -> str:
    """Answer the path as YAML, in the style in which the old one was written if that can be."""
    if style == '"' or not path.isprintable():
        return json.dumps(path, ensure_ascii=False)
    if style != "'" and PLAIN.fullmatch(path):
        return path
    return "'" + path.replace("'", "''") + "'"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _fault(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"{error.problem or error.context} in line {error.problem_mark.line + 1}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
