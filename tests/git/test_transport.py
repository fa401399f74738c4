"""Between the portal and a repository's server …"""

import base64
import os
import shutil
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from deployments.git import surroundings
from deployments.git.addresses import parse
from deployments.git.base import GitRefused, GitUnreachable, Limits, Remote, Surroundings
from deployments.git.fetching import fetch, head_of
from deployments.git.running import sweep
from tests.certificates import tls_contexts
from tests.git.repositories import Repository
from tests.git.servers import GitServer, silent_server
from tests.workers import wait_for

TOKEN = "ghp_t0ps3cr3t"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\r\nk3y-material\r\n-----END OPENSSH PRIVATE KEY-----"
HOSTS = "localhost ssh-ed25519 AAAA"


def asked(server: GitServer, *, scheme: str = "http", host: str = "127.0.0.1", token: str = TOKEN) -> Remote:
    url = f"{scheme}://{host}:{server.port}/shop.git"
    return Remote(url=url, branch="main", folder="dags", token=token, protocols=("http", "https"))


def failure(remote: Remote, where: Surroundings) -> GitUnreachable | GitRefused:
    with pytest.raises((GitUnreachable, GitRefused)) as failed:
        head_of(remote, where)
    return failed.value


def test_a_token_opens_a_repository_over_tls(repository, where: Surroundings, tmp_path: Path, monkeypatch):
    serving, _ = tls_contexts(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "server.pem"))
    with GitServer(tmp_path, token=f"x-access-token:{TOKEN}", tls=serving).running() as server:
        remote = asked(server, scheme="https")
        assert head_of(remote, where) == repository.head()
        with fetch(remote, where, like=repository.head()) as fetched:
            assert [file.path for file in fetched.files] == ["a.py"]


def test_a_certificate_that_nobody_trusts_ends_it(repository, where: Surroundings, tmp_path: Path):
    serving, _ = tls_contexts(tmp_path)
    with GitServer(tmp_path, tls=serving).running() as server:
        assert "certificate" in str(failure(asked(server, scheme="https"), where))
        assert server.seen == []


def test_a_token_with_a_name_is_sent_under_it(repository, where: Surroundings, tmp_path: Path):
    with GitServer(tmp_path, token=f"x-token-auth:{TOKEN}").running() as server:
        assert head_of(asked(server, token=f"x-token-auth:{TOKEN}"), where) == repository.head()


def test_a_wrong_token_is_told_to_be_wrong(repository, where: Surroundings, tmp_path: Path):
    with GitServer(tmp_path, token="another").running() as server:
        assert failure(asked(server), where).code == "access_denied"


def test_a_token_is_not_repeated_even_by_a_server_that_does(where: Surroundings, tmp_path: Path):
    with GitServer(tmp_path).running() as server:
        server.instead = 403, {"Content-Type": "text/plain"}, f"No: {TOKEN}, or Basic {BASIC}".encode()
        failed = failure(asked(server), where)

    assert failed.code == "access_denied"
    assert "No: …, or Basic …" in str(failed)


def test_a_redirect_is_not_followed(repository, where: Surroundings, tmp_path: Path):
    with GitServer(tmp_path).running() as other, GitServer(tmp_path).running() as server:
        server.instead = 302, {"Location": f"http://127.0.0.1:{other.port}/shop.git/info/refs"}, b""
        failed = failure(asked(server), where)

        assert failed.code == "redirected"
        assert other.seen == []


def test_what_is_no_git_is_said_to_be_none(where: Surroundings, tmp_path: Path):
    with GitServer(tmp_path).running() as server:
        server.instead = 200, {"Content-Type": "text/html"}, b"<html>\n<body>\n"
        failed = failure(asked(server), where)
        assert failed.code == "no_repository"
        server.instead = 404, {}, b""
        assert failure(asked(server), where).code == "no_repository"


def test_a_server_that_is_away_is_unreachable(where: Surroundings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    remote = Remote(url=f"http://127.0.0.1:{port}/x.git", branch="main", protocols=("http",))

    assert failure(remote, where).code == "unreachable"


def test_the_address_that_was_checked_is_the_one_that_is_called(repository, where, tmp_path, monkeypatch):
    resolve_as(monkeypatch, "127.0.0.1")
    with GitServer(tmp_path).running() as server:
        # No resolver knows this name: git goes to what we found it to mean.
        assert head_of(asked(server, host="shop.invalid"), where) == repository.head()


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_a_name_of_a_link_local_address_is_never_called(where: Surroundings, monkeypatch, address: str):
    resolve_as(monkeypatch, address)
    remote = Remote(url="https://metadata.invalid/x.git", branch="main")

    assert failure(remote, where).code == "host_not_allowed"


def test_a_name_that_is_none_is_unreachable(where: Surroundings):
    assert failure(Remote(url="https://shop.invalid/x.git", branch="main"), where).code == "unreachable"


def resolve_as(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]
    monkeypatch.setattr(surroundings.socket, "getaddrinfo", lambda *_, **__: found)


def test_a_server_that_never_answers_is_left_and_no_process_with_it(tmp_path: Path):
    where = Surroundings(tmp_path / "spool", Limits(1.0, 10_000_000, 10, 1000, 1000))
    called = threading.Event()
    with silent_server(called) as port:
        remote = Remote(url=f"http://127.0.0.1:{port}/x.git", branch="main", token=TOKEN, protocols=("http",))
        began = time.monotonic()
        failed = failure(remote, where)
        # While the server still holds the connection: nothing else ends them.
        wait_for(lambda: not processes_with(str(where.folder)), what="an end of git's helpers", patience=3)

    assert failed.code == "timeout"
    assert called.is_set()
    assert time.monotonic() - began < 5
    assert list(where.folder.iterdir()) == []


def test_no_secret_is_an_argument_of_any_process(where: Surroundings):
    seen: list[str] = []

    def look() -> None:
        seen.extend(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes_with(str(where.folder)))

    called = threading.Event()
    with silent_server(called) as port:
        remote = Remote(url=f"http://127.0.0.1:{port}/x.git", branch="main", token=TOKEN, protocols=("http",))
        limits = Limits(1.0, 10_000_000, 10, 1000, 1000)
        with pytest.raises(GitUnreachable):
            head_of(remote, Surroundings(where.folder, limits, lambda: look() if called.is_set() else None))

    told = "\n".join(seen)
    assert "remote-http" in told, "Otherwise nobody looked."
    assert TOKEN not in told
    assert BASIC not in told


def processes_with(home: str) -> list[int]:
    """Answer the processes whose HOME lies in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if f"HOME={home}/" in (entry / "environ").read_text(errors="replace"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def program(folder: Path, name: str, *lines: str) -> Path:
    """Make a program that comes before the real one of its name, and answer the folder that it writes to."""
    seen = folder / f"seen-by-{name}"
    seen.mkdir()
    body = [line.replace("SEEN", str(seen)).replace("REAL", str(shutil.which(name))) for line in lines]
    script = folder / "bin" / name
    script.parent.mkdir(exist_ok=True)
    script.write_text("\n".join(["#!/bin/sh", *body, ""]))
    script.chmod(0o755)
    return seen


def test_git_sees_words_and_an_environment_that_is_made_from_nothing(repository, where, tmp_path, monkeypatch):
    seen = program(
        tmp_path,
        "git",
        *(
            'for word in "$@"; do echo "$word" >> SEEN/words; done',
            "env >> SEEN/env",
            "find $HOME -type f >> SEEN/files",
        ),
        'exec REAL "$@"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name in ("GIT_TRACE", "GIT_SSH", "HTTPS_PROXY", "SECRET_KEY", "GIT_ASKPASS", "GIT_DIR"):
        monkeypatch.setenv(name, "from-the-worker")
    with (
        GitServer(tmp_path, token=f"x-access-token:{TOKEN}").running() as server,
        fetch(asked(server), where, like=repository.head()) as fetched,
    ):
        assert fetched.files

    words, env = (seen / "words").read_text(), (seen / "env").read_text()
    assert TOKEN not in words
    assert BASIC not in words
    assert "from-the-worker" not in env
    assert f"Authorization: Basic {BASIC}" in env
    told = dict(line.split("=", 1) for line in env.splitlines() if "=" in line)
    config = {told[f"GIT_CONFIG_KEY_{n}"]: told[f"GIT_CONFIG_VALUE_{n}"] for n in range(int(told["GIT_CONFIG_COUNT"]))}
    assert config["core.hooksPath"] == "/dev/null"
    assert (config["credential.helper"], config["http.followRedirects"], config["transfer.fsckObjects"]) == (
        *("", "false"),
        "true",
    )
    assert (told["GIT_ALLOW_PROTOCOL"], told["GIT_CONFIG_GLOBAL"], told["GIT_TERMINAL_PROMPT"]) == (
        *("http", "/dev/null"),
        "0",
    )


def test_a_deploy_key_is_a_file_for_git_alone_that_is_gone_afterwards(repository, where, tmp_path, monkeypatch):
    seen = program(
        tmp_path,
        "ssh",
        *('for word in "$@"; do echo "$word" >> SEEN/words; last="$word"; done', "cp $2 SEEN/config"),
        *("cp -p $HOME/key SEEN/key", "cp $HOME/known_hosts SEEN/hosts", 'exec sh -c "$last"'),
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    url = f"ssh://git@localhost:2222{repository.path}"
    remote = Remote(url=url, branch="main", folder="dags", deploy_key=KEY, known_hosts=HOSTS)

    with fetch(remote, where, like=head_of(remote, where)) as fetched:
        assert [file.path for file in fetched.files] == ["a.py"]

    assert (seen / "key").read_text() == KEY.replace("\r", "") + "\n"
    assert stat.S_IMODE((seen / "key").stat().st_mode) == 0o600
    assert (seen / "hosts").read_text() == HOSTS + "\n"
    words = (seen / "words").read_text()
    assert "k3y-material" not in words
    assert "git@localhost" in words
    config = (seen / "config").read_text()
    for line in ("StrictHostKeyChecking yes", "IdentitiesOnly yes", "BatchMode yes", "IdentityAgent none"):
        assert line in config
    assert "HostName 127.0.0.1" in config or "HostName ::1" in config
    assert "HostKeyAlias [localhost]:2222" in config
    assert list(where.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"deploy_key": "", "known_hosts": HOSTS}, "no_deploy_key"),
        ({"deploy_key": KEY, "known_hosts": " "}, "no_known_hosts"),
    ],
)
def test_ssh_without_a_key_or_without_the_servers_is_refused(where: Surroundings, said: dict[str, str], code: str):
    assert failure(Remote(url="git@localhost:x.git", branch="main", **said), where).code == code


def test_a_server_whose_key_is_another_one_is_not_talked_to(where: Surroundings, tmp_path: Path, monkeypatch):
    program(tmp_path, "ssh", "echo 'Host key verification failed.' >&2", "exit 255")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    failed = failure(Remote(url="git@localhost:x.git", branch="main", deploy_key=KEY, known_hosts=HOSTS), where)

    assert failed.code == "unknown_server"


@pytest.mark.parametrize(
    "said",
    [{"url": word} for word in ("--upload-pack=touch owned", "-x", "ext::touch owned")]
    + [{name: word} for name in ("branch", "folder") for word in ("--upload-pack=touch owned", "-x")],
    ids=str,
)
def test_evil_names_reach_no_git(where: Surroundings, tmp_path: Path, monkeypatch, said: dict[str, str]):
    seen = program(tmp_path, "git", "touch SEEN/called")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    fine = {"url": "file:///x", "branch": "main", "folder": "dags"}

    with pytest.raises(GitRefused):
        head_of(Remote(**(fine | said), protocols=("file", "ext")), where)

    assert list(seen.iterdir()) == []


def test_where_there_is_no_git_it_says_so(repository: Repository, where: Surroundings, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert failure(Remote(url=repository.url, branch="main", protocols=("file",)), where).code == "no_git"


def test_secrets_are_in_no_words_about_them():
    remote = Remote(url="https://localhost/x", branch="main", token=TOKEN, deploy_key=KEY, known_hosts=HOSTS)

    assert TOKEN not in repr(remote)
    assert "k3y" not in repr(remote)
    assert parse(remote.url, remote.protocols)


def test_what_killed_workers_left_is_swept(tmp_path: Path):
    old, new, other = (tmp_path / name for name in ("git-old", "git-new", "other"))
    for each in (old, new, other):
        (each / "repository.git").mkdir(parents=True)
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))

    assert sweep(tmp_path, older_than=time.time() - 3600) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["git-new", "other"]
