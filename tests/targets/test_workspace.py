"""The workspace target, when all goes well,"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.targets import _workspace_file
from deployments.targets.base import Holding, InPlace, PlannedRelease
from deployments.targets.workspace import WorkspaceTarget
from tests.targets.releases import DAGS, OTHER_DAGS, contents_below, make_release, name_of, snapshot

NOBODY = 65534
TEXT = """\
# Our Dagster. Keep the order!
load_from:   # three of them
  - python_file:
      relative_path: "{root}/current/dags/sales.py"  # the front door
      working_directory: {root}/current/dags
      location_name: 'sales'
      attribute: defs

  # not ours
  - python_file: {{relative_path: ../other/current/defs.py , location_name: "other",working_directory: ../other}}
  - grpc_server: {{port: 4266, host: localhost, additional_metadata: {{commit: 0012, at: 2026-01-01, on: yes}}}}
"""


def make_target(folder: Path, text: str = TEXT, *, location: str = "sales") -> WorkspaceTarget:
    """Answer a target below the folder, with a workspace file of that text beside its root."""
    root = folder / "srv" / "sales"
    file = folder / "etc" / "workspace.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.format(root=root).encode())
    return WorkspaceTarget(root, workspace_file=file, location=location)


def release(number: int, contents: dict[str, bytes] = DAGS, *, shared: int | None = None) -> PlannedRelease:
    return replace(make_release(number, contents), shared_fence=number if shared is None else shared)


def act(target: WorkspaceTarget, planned: PlannedRelease) -> tuple[InPlace, list[str]]:
    """Activate the release, and answer what was placed and what was said."""
    said: list[str] = []
    return target.activate(planned, progress=said.append), said


def entries(target: WorkspaceTarget) -> list[dict[str, Any]]:
    """What Dagster reads there."""
    loaded: list[dict[str, Any]] = yaml.safe_load(target.workspace_file.read_bytes())["load_from"]
    return loaded


def identity(path: Path) -> tuple[int, int, bytes]:
    looks = path.stat()
    return looks.st_ino, looks.st_ctime_ns, path.read_bytes()


def fences_of(file: Path) -> Path:
    return file.parent / ".lastgood-workspace" / file.name / "fences"


@pytest.fixture
def target(tmp_path: Path) -> WorkspaceTarget:
    return make_target(tmp_path)


def test_leads_its_entry_to_the_release_and_touches_nothing_else(target: WorkspaceTarget) -> None:
    before = target.workspace_file.read_text()

    placed, said = act(target, release(1))

    assert placed.name == name_of(release(1))
    assert target.workspace_file.read_text() == before.replace(
        f"{target.root}/current", f"{target.releases}/{placed.name}"
    )
    assert said[-2:] == [f"Pointed current at {placed.name}.", f"Pointed workspace.yaml at {placed.name}."]
    directory = f"{target.releases}/{placed.name}/dags"
    assert entries(target)[0]["python_file"] == {
        "relative_path": f"{directory}/sales.py",
        "working_directory": directory,
        "location_name": "sales",
        "attribute": "defs",
    }
    assert entries(target)[1:] == yaml.safe_load(before)["load_from"][1:]
    assert contents_below(target.current) == DAGS
    assert target.read() == Holding(in_place=placed, fence=1)
    assert target.shared_fence() == 1


def test_leads_it_on_from_release_to_release_and_back(target: WorkspaceTarget) -> None:
    original = target.workspace_file.read_text()

    for number, contents in ((1, DAGS), (2, OTHER_DAGS), (3, DAGS)):
        placed, _ = act(target, release(number, contents))
        assert target.workspace_file.read_text() == original.replace("sales/current", f"sales/releases/{placed.name}")
        assert target.read() == Holding(in_place=placed, fence=number)

    assert [path.name for path in fences_of(target.workspace_file).iterdir()] == ["3"]
    assert list(fences_of(target.workspace_file).glob("*/*")) == []


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_keeps_line_ends_marks_and_letters(tmp_path: Path, ending: str) -> None:
    text = "\ufeff" + (TEXT + "# Ärger 🙂\n# no end of line").replace("\n", ending)
    target = make_target(tmp_path, text)
    before = target.workspace_file.read_bytes()

    placed, _ = act(target, release(1))

    name = f"sales/releases/{placed.name}".encode()
    assert target.workspace_file.read_bytes() == before.replace(b"sales/current", name)


@pytest.mark.parametrize(
    ("location", "before", "after"),
    [
        ("sales", "python_file: {{relative_path: ../srv/sales/current/a.py, location_name: sales}}", "relative_path"),
        (
            "sales",
            "python_module: {{module_name: shop, working_directory: '{root}/current', location_name: sales}}",
            "",
        ),
        (
            "sales",
            "python_package: {{package_name: shop, working_directory: {root}/current, location_name: sales}}",
            "",
        ),
        ("sales", "autoload_defs_module:\n      module_name: sales\n      working_directory: {root}/current/", ""),
        ("a.py", "python_file: {root}/current/dags/a.py", "python_file"),
        ("a.py", "python_file: {root}/releases/old/dags/a.py   # hand-made", "python_file"),
        ("a.py", "python_file: ../srv/sales/releases/../current/./dags//a.py", "python_file"),
        ("a.py", 'python_file: "{root}/cur\\x72ent/a.py"', "python_file"),
        ("a.py", "python_file: !!str {root}/current/a.py", "python_file"),
        ("a.py:defs", "python_file: {{relative_path: {root}/current/a.py, attribute: defs}}", "relative_path"),
        ("a.py", "python_file: {{relative_path: {root}/current/a.py, location_name: ''}}", "relative_path"),
        ("shop", "python_module: {{module_name: shop, working_directory: {root}/current}}", ""),
        ("shop:d", "python_module: {{module_name: shop, attribute: d, working_directory: {root}/current}}", ""),
        ("shop", "python_package: {{package_name: shop, working_directory: {root}/current}}", ""),
    ],
)
def test_understands_every_way_to_write_an_entry(tmp_path: Path, location: str, before: str, after: str) -> None:
    target = make_target(tmp_path, f"load_from:\n  - {before}\n  - python_module: neighbour # c\n", location=location)
    [body] = entries(target)[0].values()

    placed, _ = act(target, release(1))

    directory = f"{target.releases}/{placed.name}"
    [led] = entries(target)[0].values()
    if isinstance(led, str):
        assert led in {f"{directory}/a.py", f"{directory}/dags/a.py"}
    else:
        path = led[after or "working_directory"]
        assert path == (f"{directory}/a.py" if after else directory)
        assert led == body | {after or "working_directory": path}
    assert target.workspace_file.read_text().endswith("\n  - python_module: neighbour # c\n")
    assert target.read().in_place == placed


def test_leads_every_path_of_its_entry_and_no_other(tmp_path: Path) -> None:
    entry = (
        "load_from:\n  - python_file:\n      relative_path: {root}/current/a.py\n"
        "      working_directory: {{env: WHERE}}\n      executable_path: {root}/releases/1-x/.venv/bin/python\n"
        "      location_name: current\n"
    )
    target = make_target(tmp_path, entry, location="current")

    placed, _ = act(target, release(1))

    assert entries(target)[0]["python_file"] == {
        "relative_path": f"{target.releases}/{placed.name}/a.py",
        "working_directory": {"env": "WHERE"},
        "executable_path": f"{target.releases}/{placed.name}/.venv/bin/python",
        "location_name": "current",
    }


def test_takes_no_name_and_no_foreign_path_for_its_own(tmp_path: Path) -> None:
    """The file lies in the root: `current` is a path there, and a location's name, too."""
    root = tmp_path / "sales"
    root.mkdir()
    text = (
        "load_from:\n- python_file: {relative_path: current/a.py, location_name: current, "
        "executable_path: /usr/bin/python3, attribute: current}\n- python_file: currently/a.py\n"
    )
    (root / "ws.yaml").write_text(text)
    target = WorkspaceTarget(root, workspace_file=root / "ws.yaml", location="current")

    placed, _ = act(target, release(1))

    assert (root / "ws.yaml").read_text() == text.replace("current/a.py", f"{target.releases}/{placed.name}/a.py", 1)


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_quotes_roots_that_need_it(tmp_path: Path, quote: str) -> None:
    root = tmp_path / "it's: all #1, {here}"
    file = tmp_path / "workspace.yaml"
    link = tmp_path / "plain"
    link.symlink_to(root)
    file.write_text(f"load_from: [{{python_file: {{relative_path: {quote}plain/current/a.py{quote}}}}}]\n")
    root.mkdir()
    target = WorkspaceTarget(root, workspace_file=file, location="a.py")

    placed, _ = act(target, release(1))

    assert entries(target) == [{"python_file": {"relative_path": f"{root}/releases/{placed.name}/a.py"}}]
    assert target.read().in_place == placed


def test_keeps_mode_and_owner(target: WorkspaceTarget) -> None:
    target.workspace_file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(target.workspace_file, NOBODY, NOBODY)
    before = target.workspace_file.stat()

    act(target, release(1))

    after = target.workspace_file.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_edits_a_linked_file_where_it_lies(tmp_path: Path) -> None:
    text = "load_from:\n- python_file: ../../srv/sales/current/a.py\n"
    real = make_target(tmp_path, text, location="a.py").workspace_file
    link = tmp_path / "home" / "dagster" / "ws.yaml"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(real, link.parent))
    target = WorkspaceTarget(tmp_path / "srv" / "sales", workspace_file=link, location="a.py")

    placed, _ = act(target, release(1))

    assert link.is_symlink()
    # Relative to the link, as Dagster takes it.
    assert yaml.safe_load(real.read_text())["load_from"] == [
        {"python_file": f"{target.releases}/{placed.name}/a.py"},
    ]
    assert [path.name for path in fences_of(real).iterdir()] == ["1"]
    assert [path.name for path in link.parent.iterdir()] == ["ws.yaml"]


def test_changes_nothing_when_all_is_in_place(target: WorkspaceTarget) -> None:
    placed, _ = act(target, release(1))
    before, root = identity(target.workspace_file), snapshot(target.root)

    again, said = act(target, release(1, shared=2))

    assert again == placed
    assert said == []
    assert identity(target.workspace_file) == before
    assert snapshot(target.root) == root
    assert target.shared_fence() == 2


def test_edits_only_the_file_when_only_that_is_wrong(target: WorkspaceTarget) -> None:
    original = target.workspace_file.read_text()
    placed, _ = act(target, release(1))
    edited, root = target.workspace_file.read_text(), snapshot(target.root)
    link = target.current.lstat()
    target.workspace_file.write_text(original)

    again, said = act(target, release(1, shared=2))

    assert again == placed
    assert said == [f"Pointed workspace.yaml at {placed.name}."]
    assert target.workspace_file.read_text() == edited
    assert snapshot(target.root) == root
    assert target.current.lstat() == link


def test_loses_nothing_that_a_hand_wrote_meanwhile(target: WorkspaceTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    write, hand = _workspace_file.WorkspaceFile._write, ["# by hand\n"]

    def meddling(self: Any, *arguments: Any) -> None:
        write(self, *arguments)
        if hand:
            with target.workspace_file.open("a") as file:
                file.write(hand.pop())

    monkeypatch.setattr(_workspace_file.WorkspaceFile, "_write", meddling)
    placed, _ = act(target, release(1))

    assert target.workspace_file.read_text().endswith("# by hand\n")
    assert target.read().in_place == placed
