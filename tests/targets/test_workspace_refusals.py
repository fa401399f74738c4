"""The workspace target, when it says no,"""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.targets.base import Holding, TargetRefused
from deployments.targets.workspace import WorkspaceTarget
from tests.targets.releases import OTHER_DAGS, plan, sha256_of, snapshot, store_of
from tests.targets.test_workspace import act, identity, make_target, release

OURS = "python_file: {relative_path: ROOT/current/a.py, location_name: sales}"
CASES = {
    "workspace_unreadable": [
        ("load_from: [", "is not YAML: expected the node content, but found '<stream end>' in line 1."),
        ("[" * 1000, "is not YAML: it is nested too deeply."),
        ("load_from: []\n---\na: b\n", "is not YAML: but found another document in line 2."),
        ("load_from: [\0]", "is not YAML: unacceptable character #x0000"),
        (f"load_from:\n- {OURS}\n- !ENV x\n", "has the tag !ENV in line 3, which Dagster does not read."),
        ("load_from: !!python/object/apply:os.system ['touch ROOT']", "has the tag tag:yaml.org,2002:python/object"),
        ("", "has no list load_from at its top"),
        ("- a", "has no list load_from at its top"),
        ("a: b", "has no list load_from at its top"),
        ("load_from:", "has no list load_from at its top"),
        (f"load_from:\n- {OURS}\n- text\n", "has an entry in line 3 that is no mapping of a single key"),
        (f"load_from:\n- {OURS}\n  python_module: a\n", "has an entry in line 2 that is no mapping of a single key"),
        ("load_from: []\n#" + "x" * 1_000_000, "has more than 1 MB. Remove what is no code location, then try again."),
    ],
    "workspace_entry_missing": [
        ("load_from: []", "has no entry for the code location 'sales'. Add these lines to its load_from"),
        ("load_from: [python_file: ROOT/current/sales.py]", "has no entry for the code location 'sales'."),
        ("load_from: [python_module: {module_name: sales, attribute: a}]", "has no entry for"),
        ("load_from: [python_file: {relative_path: ROOT/current/a.py, location_name: {env: sales}}]", "has no"),
    ],
    "workspace_entry_twice": [
        (f"load_from:\n- {OURS}\n- {OURS}\n", "has 2 entries for the code location 'sales' (lines 2 and 3)"),
        (f"load_from:\n- {OURS}\n- python_module: sales\n", "Remove all but one, then try again."),
        (f"load_from:\n- {OURS}\n" + "- grpc_server: {port: 1, location_name: sales}\n", "(lines 2 and 3)"),
    ],
    "workspace_entry_unusable": [
        ("load_from: [grpc_server: {port: 1, location_name: sales}]", "is a grpc_server: its code runs elsewhere"),
        ("load_from: [docker: {location_name: sales}]", "(line 1) that is of the unknown kind docker."),
        ("load_from: [python_file: &a {relative_path: ROOT/current/a.py, location_name: sales}]", "has an anchor"),
        ("load_from: &a [" + OURS + "]", "has an anchor or an alias (& or *) in it"),
        (
            "load_from: [python_file: {<<: &a {relative_path: a}, location_name: sales}]",
            "has an anchor or an alias",
        ),
        (
            "load_from:\n- python_file: {relative_path: &r 'ROOT/current/a.py', location_name: a}\n"
            "- python_file: {relative_path: *r, location_name: sales}\n",
            "(line 3) that has an anchor or an alias",
        ),
        (
            "load_from: [python_file: {relative_path: a, relative_path: ROOT/current/a.py, location_name: sales}]",
            "has one key twice. Remove one of them, then",
        ),
        (
            "load_from:\n- python_file:\n    relative_path: >-\n      ROOT/current/a.py\n    location_name: sales",
            "(line 2) that has a path as a block (| or >). Write it behind its key",
        ),
    ],
    "workspace_entry_elsewhere": [
        (
            "load_from: [python_file: {relative_path: /opt/current/a.py, location_name: sales}]",
            "leads nowhere below ROOT/current with its entry for 'sales' (line 1)",
        ),
        ("load_from: [python_module: sales]", 'module_name: "sales"\n      working_directory: ROOT/current'),
        ("load_from: [python_file: {relative_path: ROOT/releases, location_name: sales}]", "leads nowhere below"),
        ("load_from: [python_file: {relative_path: ROOT/currently/a, location_name: sales}]", "leads nowhere"),
        ("load_from: [python_file: {relative_path: {env: PATH}, location_name: sales}]", "leads nowhere below"),
    ],
}


@pytest.fixture
def target(tmp_path: Path) -> WorkspaceTarget:
    return make_target(tmp_path)


def assert_refuses(target: WorkspaceTarget, code: str, message: str = "") -> str:
    """Nothing is built, swapped or written."""
    root, folder = snapshot(target.root), snapshot(target.workspace_file.parent)

    with pytest.raises(TargetRefused, match=re.escape(message)) as refusal:
        act(target, release(9, OTHER_DAGS))

    assert refusal.value.code == code
    assert snapshot(target.root) == root
    assert snapshot(target.workspace_file.parent) == folder
    return str(refusal.value)


@pytest.mark.parametrize(
    ("code", "text", "message"),
    [(code, text, message) for code, cases in CASES.items() for text, message in cases],
    ids=[f"{code}-{number}" for code, cases in CASES.items() for number in range(len(cases))],
)
def test_refuses_what_it_cannot_use(target: WorkspaceTarget, code: str, text: str, message: str) -> None:
    placed, _ = act(target, release(1))
    target.workspace_file.write_text(text.replace("ROOT", str(target.root)))

    said = assert_refuses(target, code, message.replace("ROOT", str(target.root)))

    assert said.startswith(f"{target.workspace_file} ")
    # Reading is no refusal: it says what is wrong, and so does raising the fence.
    assert target.read() == Holding(in_place=None, fence=9, found=said)
    assert target.raise_fence(10) == Holding(in_place=None, fence=10, found=said)
    assert os.readlink(target.current) == f"releases/{placed.name}"


@pytest.mark.parametrize(
    "text", ["load_from: []", "load_from: [python_file: {relative_path: /opt/a.py, location_name: sales}]"]
)
def test_shows_lines_that_help(target: WorkspaceTarget, text: str) -> None:
    target.workspace_file.write_text(text)

    said = assert_refuses_first(target)

    assert said.count("\n") == 5
    target.workspace_file.write_text("load_from:\n" + said.partition("\n")[2])
    placed, _ = act(target, release(10))
    assert target.read().in_place == placed


def assert_refuses_first(target: WorkspaceTarget) -> str:
    with pytest.raises(TargetRefused) as refusal:
        act(target, release(9))
    assert not target.current.exists()
    assert list(target.releases.iterdir()) == []
    return str(refusal.value)


def test_refuses_a_file_that_is_not_there_and_writes_none(target: WorkspaceTarget) -> None:
    target.raise_fence(1)
    target.workspace_file.unlink()

    said = assert_refuses(target, "workspace_missing", f"The workspace file {target.workspace_file} does not exist.")

    target.workspace_file.write_text(said.partition("\n")[2])
    assert act(target, release(10))[0] == target.read().in_place


def test_refuses_a_link_that_leads_nowhere(target: WorkspaceTarget, tmp_path: Path) -> None:
    target.raise_fence(1)
    target.workspace_file.unlink()
    target.workspace_file.symlink_to(tmp_path / "gone.yaml")

    assert_refuses(target, "workspace_missing", f"a link to {tmp_path}/gone.yaml, leads nowhere.")


@pytest.mark.parametrize("kind", ["directory", "pipe", "latin"])
def test_refuses_what_is_no_text_file(target: WorkspaceTarget, kind: str) -> None:
    target.workspace_file.unlink()
    if kind == "directory":
        target.workspace_file.mkdir()
    elif kind == "pipe":
        os.mkfifo(target.workspace_file)
    else:
        target.workspace_file.write_bytes(b"load_from: []  # \xe4\n")

    with pytest.raises(TargetRefused, match=r"is not UTF-8 \(byte 17\)|is no file\.") as refusal:
        act(target, release(1))

    assert refusal.value.code == "workspace_unreadable"


@pytest.mark.parametrize("part", ["current", "releases/1-x"])
def test_refuses_a_file_in_a_release(tmp_path: Path, part: str) -> None:
    root = tmp_path / "sales"
    (root / "releases/1-x").mkdir(parents=True)
    (root / "releases/1-x/workspace.yaml").write_text("load_from: [python_file: a.py]")
    (root / "current").symlink_to("releases/1-x")
    target = WorkspaceTarget(root, workspace_file=root / part / "workspace.yaml", location="a.py")

    with pytest.raises(TargetRefused, match="lies in a release, and releases are never changed") as refusal:
        act(target, release(1))

    assert refusal.value.code == "workspace_inside_release"
    assert [path.name for path in target.releases.iterdir()] == ["1-x"]


def test_refuses_as_the_directory_does(target: WorkspaceTarget) -> None:
    before = target.workspace_file.read_text()
    wrong = store_of({"": b"b"})
    bad = {
        "bad_path": replace(release(1), files=[plan("../a.py")]),
        "damaged_blob": replace(release(1), files=[plan("a.py", b"a")], open_blob=lambda _: wrong(sha256_of(b"b"))),
    }

    for code, planned in bad.items():
        with pytest.raises(TargetRefused) as refusal:
            act(target, planned)
        assert refusal.value.code == code

    assert target.workspace_file.read_text() == before
    assert act(target, release(1))[0] == target.read().in_place


# Fences


def test_refuses_a_lower_shared_fence_before_it_builds(target: WorkspaceTarget) -> None:
    other = WorkspaceTarget(target.root.parent / "other", workspace_file=target.workspace_file, location="other")
    text = target.workspace_file.read_text().replace("../other", f"{other.root}/current")
    target.workspace_file.write_text(text)
    act(other, release(1, shared=5))

    assert_refuses_shared(target, 4)
    assert not target.current.exists()
    assert act(target, release(2, shared=6))[0] == target.read().in_place
    assert other.read().in_place is not None


def assert_refuses_shared(target: WorkspaceTarget, shared: int) -> None:
    before = identity(target.workspace_file)
    with pytest.raises(TargetRefused, match=f"has seen shared fence 5, and this act carries {shared}: ") as refusal:
        act(target, release(2, shared=shared))
    assert refusal.value.code == "stale_fence"
    assert identity(target.workspace_file) == before


def test_refuses_a_lower_shared_fence_even_for_what_is_in_place(target: WorkspaceTarget) -> None:
    act(target, release(1, shared=5))

    assert_refuses_shared(target, 4)


def test_refuses_a_lower_fence(target: WorkspaceTarget) -> None:
    act(target, release(2))
    before, root = identity(target.workspace_file), snapshot(target.root)

    for ask in (
        lambda: act(target, release(1, OTHER_DAGS, shared=9)),
        lambda: target.raise_fence(1),
        lambda: target.prune(keep=lambda number: False, fence=1),
    ):
        with pytest.raises(TargetRefused) as refusal:
            ask()
        assert refusal.value.code == "stale_fence"
    assert identity(target.workspace_file) == before
    assert snapshot(target.root) == root
    assert target.shared_fence() == 2


@pytest.mark.parametrize("text", [None, "load_from: ["])
def test_prunes_nothing_while_it_cannot_see_what_the_file_names(target: WorkspaceTarget, text: str | None) -> None:
    for number in (1, 2, 3):
        act(target, release(number))
    before = snapshot(target.releases)
    target.workspace_file.unlink()
    if text:
        target.workspace_file.write_text(text)

    with pytest.raises(TargetRefused) as refusal:
        target.prune(keep=lambda number: False, fence=3)

    assert refusal.value.code == ("workspace_unreadable" if text else "workspace_missing")
    assert snapshot(target.releases) == before
