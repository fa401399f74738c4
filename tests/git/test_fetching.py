"""Fetching a branch's head …"""

import hashlib
import os
from pathlib import Path

import pytest

from deployments.git.base import Fetched, GitRefused, GitUnreachable, Limits, Remote, Surroundings
from deployments.git.fetching import fetch, head_of
from tests.git.repositories import AUTHOR, Repository


def remote(repository: Repository, **said) -> Remote:
    return Remote(url=repository.url, protocols=("file",), **{"branch": "main", "folder": "dags"} | said)


def read(fetched: Fetched) -> dict[str, bytes]:
    """Answer all that was fetched."""
    found = {}
    for file in fetched.files:
        with fetched.open(file) as stream:
            found[file.path] = stream.read()
    return found


def fetched_files(repository: Repository, where: Surroundings, **said) -> dict[str, bytes]:
    with fetch(remote(repository, **said), where, like="0" * 40) as fetched:
        return read(fetched)


def refusal(repository: Repository, where: Surroundings, **said) -> GitRefused:
    with pytest.raises(GitRefused) as refused, fetch(remote(repository, **said), where, like="0" * 40):
        pass
    return refused.value


def test_answers_commit_author_message_and_the_files_of_the_folder(repository: Repository, where: Surroundings):
    head = repository.commit(
        {"dags/a.py": b"a = 2\n", "dags/deep/run.sh": b"#!/bin/sh\n", "dags/empty": b"", "elsewhere.py": b"no"},
        "Mend it\n\nBecause it was broken.\n",
        executables=("dags/deep/run.sh",),
    )

    assert head_of(remote(repository), where) == head
    with fetch(remote(repository), where, like=head) as fetched:
        files = read(fetched)

    assert files == {"a.py": b"a = 2\n", "deep/run.sh": b"#!/bin/sh\n", "empty": b""}
    assert [file.path for file in fetched.files if file.executable] == ["deep/run.sh"]
    commit = fetched.commit
    assert (commit.name, commit.author) == (head, AUTHOR)
    assert commit.message == "Mend it\n\nBecause it was broken."
    assert "@" not in f"{commit.author}{commit.message}"


def test_of_the_whole_repository_answers_all_of_it(repository: Repository, where: Surroundings):
    assert set(fetched_files(repository, where, folder="")) == {"dags/a.py", "README"}


def test_reads_files_in_any_order_and_half_of_them(repository: Repository, where: Surroundings):
    large = os.urandom(700_000)
    repository.commit({"dags/a": large, "dags/b": b"b" * 300_000, "dags/c": b""})

    with fetch(remote(repository), where, like="0" * 40) as fetched:
        by_path = {file.path: file for file in fetched.files}
        assert fetched.open(by_path["a"]).read(10) == large[:10]
        assert fetched.open(by_path["c"]).read() == b""
        assert fetched.open(by_path["b"]).read() == b"b" * 300_000
        assert hashlib.sha256(fetched.open(by_path["a"]).read()).digest() == hashlib.sha256(large).digest()


def test_leaves_nothing_behind(repository: Repository, where: Surroundings):
    fetched_files(repository, where)
    refusal(repository, where, folder="absent")

    assert list(where.folder.iterdir()) == []


def test_gets_one_commit_of_history_and_no_tags(repository: Repository, where: Surroundings):
    for number in range(5):
        head = repository.commit({"dags/a.py": f"a = {number}\n".encode()})
    repository.run("tag", "v1", head)

    with fetch(remote(repository), where, like=head):
        (home,) = where.folder.iterdir()
        inside = Repository.__new__(Repository)
        inside.path = home / "repository.git"
        assert inside.run("rev-list", "--all", "--count") == "1"
        assert inside.run("tag") == ""
        assert not (home / "repository.git" / "hooks").exists()


def test_leads_links_to_the_files_that_they_mean(repository: Repository, where: Surroundings):
    files = {"dags/lib/a.py": b"A", "dags/b.py": b"B"}
    links = {"dags/to_b.py": "b.py", "dags/lib/up.py": "../b.py", "dags/again": "to_b.py", "dags/libs/x": "../lib/a.py"}
    links |= {"dags/round": "./lib/../lib//a.py"}
    repository.commit(files, links=links, executables=("dags/b.py",))

    with fetch(remote(repository), where, like="0" * 40) as fetched:
        found = read(fetched)
        assert {file.path for file in fetched.files if file.executable} == {"b.py", "to_b.py", "lib/up.py", "again"}

    assert found == {"lib/a.py": b"A", "b.py": b"B", "to_b.py": b"B", "lib/up.py": b"B", "again": b"B"} | {
        "libs/x": b"A",
        "round": b"A",
    }


@pytest.mark.parametrize(
    "target",
    [
        *["/etc/passwd", "../README", "../../x", "lib", "absent.py", "evil.py", "lib/../../README", "x" * 5000],
        *["b.py/..", "b.py/x", ".", "lib/link-out/passwd"],
    ],
)
def test_refuses_links_that_lead_to_no_file_of_the_folder(repository: Repository, where: Surroundings, target: str):
    files = {"dags/lib/a.py": b"A", "dags/b.py": b"B", "README": b"R"}
    repository.commit(files, links={"dags/evil.py": target})

    refused = refusal(repository, where)

    assert refused.code == "link_outside"
    assert "evil.py" in str(refused)


def test_of_a_folder_that_is_a_link_refuses(repository: Repository, where: Surroundings):
    repository.commit({"real/a.py": b"A"}, links={"dags": "real"})

    assert refusal(repository, where).code == "empty_folder"


def test_leaves_submodules_out_and_names_them(repository: Repository, where: Surroundings):
    repository.commit({"dags/a.py": b"A", ".gitmodules": b""}, submodules=("dags/vendor/lib", "other"))

    with fetch(remote(repository), where, like="0" * 40) as fetched:
        assert read(fetched) == {"a.py": b"A"}
    assert fetched.submodules == ("vendor/lib",)


@pytest.mark.parametrize("folder", ["absent", "README", "dags/a.py", "only"])
def test_refuses_folders_in_which_there_is_nothing(repository: Repository, where: Surroundings, folder: str):
    repository.commit({"dags/a.py": b"", "README": b""}, submodules=("only/lib",))

    assert refusal(repository, where, folder=folder).code == "empty_folder"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({f"dags/{number}.py": b"" for number in range(6)}, "too_many_files"),
        ({"dags/a": b"x" * 1001}, "file_too_large"),
        ({"dags/a": b"x" * 900, "dags/b": b"y" * 900}, "bundle_too_large"),
    ],
)
def test_refuses_what_is_more_than_its_limits(repository: Repository, tmp_path: Path, files, code: str):
    repository.commit(files)

    assert refusal(repository, Surroundings(tmp_path / "s", Limits(20, 50_000_000, 5, 1000, 1500))).code == code


def test_ends_a_fetch_that_brings_too_much(repository: Repository, tmp_path: Path):
    repository.commit({"huge": os.urandom(3_000_000), "dags/a.py": b""})

    refused = refusal(repository, Surroundings(tmp_path / "s", Limits(20, 1_000_000, 5, 1000, 1500)))

    assert refused.code == "fetch_too_large"
    assert "LASTGOOD_GIT_MAX_BYTES" in str(refused)


@pytest.mark.parametrize(
    ("said", "code"), [({"branch": "absent"}, "no_branch"), ({"url": "file:///absent/x.git"}, "no_repository")]
)
def test_says_what_is_not_there(repository: Repository, where: Surroundings, said, code: str):
    asked = Remote(**{"url": repository.url, "branch": "main", "protocols": ("file",)} | said)

    with pytest.raises(GitUnreachable) as asking:
        head_of(asked, where)
    with pytest.raises(GitUnreachable) as fetching, fetch(asked, where, like="0" * 40):
        pass

    assert (asking.value.code, fetching.value.code) == (code, code)


def test_finds_no_branch_whose_name_only_ends_like_it(repository: Repository, where: Surroundings):
    repository.commit({"dags/a.py": b""}, branch="refs/heads/next")

    with pytest.raises(GitUnreachable, match="no branch next"):
        head_of(remote(repository, branch="next"), where)


def test_reads_repositories_that_name_objects_by_sha256(tmp_path: Path, where: Surroundings):
    made = Repository.__new__(Repository)
    made.path = tmp_path / "new.git"
    made.run("init", "--quiet", "--bare", "--object-format=sha256", str(made.path))
    head = made.commit({"dags/a.py": b"A"})
    assert len(head) == 64

    assert head_of(remote(made), where) == head
    with fetch(remote(made), where, like=head) as fetched:
        assert read(fetched) == {"a.py": b"A"}


def test_of_a_broken_repository_says_so(repository: Repository, where: Surroundings):
    tree = repository.run("mktree", stdin=b"")
    # A commit that git itself would not make: it has no author's line.
    made = repository.run(
        "hash-object", "-w", "-t", "commit", "--literally", "--stdin", stdin=f"tree {tree}\n\nX".encode()
    )
    repository.point("main", made)

    with pytest.raises(GitUnreachable) as refused, fetch(remote(repository), where, like=made):
        pass

    assert refused.value.code == "fetch_failed"


def test_tells_all_the_while_that_it_is_alive_and_ends_when_nobody_wants_it(
    repository: Repository, where: Surroundings
):
    class GoneError(Exception):
        pass

    def gone() -> None:
        raise GoneError

    with (
        pytest.raises(GoneError),
        fetch(remote(repository), Surroundings(where.folder, where.limits, gone), like="0") as f,
    ):
        read(f)

    assert list(where.folder.iterdir()) == []
