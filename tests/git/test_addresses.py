"""What git is given is never an option, a command or another place …"""

import pytest

from deployments.git.addresses import check_branch, check_folder, parse
from deployments.git.base import GitRefused

BOTH = ("https", "ssh")
SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "server", "user"),
    [
        ("https://github.com/acme/shop.git", "https://github.com:443", ""),
        ("https://GIT.example:8443/a/b", "https://git.example:8443", ""),
        ("ssh://git@github.com/acme/shop.git", "ssh://github.com:22", "git"),
        ("ssh://git@host:2222/~/shop", "ssh://host:2222", "git"),
        ("git@gitlab.example:acme/shop.git", "ssh://gitlab.example:22", "git"),
        ("https://[::1]:8443/shop.git", "https://[::1]:8443", ""),
    ],
)
def test_of_addresses_takes_what_leads_to_a_repository(url: str, server: str, user: str):
    address = parse(url, BOTH)

    assert (address.server, address.user, address.url) == (server, user, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "-oProxyCommand=id",
        "ext::sh -c id",
        "fd::17",
        "ssh://-oProxyCommand=id/x",
        "git@-oProxyCommand=id:x",
        "ssh://git@host/-x",
        "git@host:-x",
        "ssh://-l@host/x",
        "https://host/a b",
        "https://host/a\nb",
        "https://host/\\\\server",
        "https://host/\ud800",
        "https:///x",
        "https://host",
        "https://host/",
        "https://host:port/x",
        "https://host:99999/x",
        "https://ho$t/x",
        "https://host/x?a=b",
        "https://host/x#y",
        "http://host/x",
        "git://host/x",
        "ftp://host/x",
        "file:///srv/x",
        "/srv/x",
        "../x",
        "x",
        "host:x",
        "https://host/" + "x" * 500,
        f"https://{SECRET}@host/x",
        f"https://user:{SECRET}@host/x",
        f"https://user:{SECRET}/slash@host/x",
        f"ssh://git:{SECRET}@host/x",
    ],
)
def test_of_addresses_refuses_all_else_and_repeats_no_password(url: str):
    with pytest.raises(GitRefused) as refused:
        parse(url, BOTH)

    assert refused.value.code == "bad_git_url"
    assert SECRET not in str(refused.value)


def test_of_addresses_takes_folders_of_this_machine_only_where_they_are_allowed():
    assert parse("/srv/x.git", ("file",)).host == parse("file:///srv/x.git", ("file",)).host == ""
    with pytest.raises(GitRefused):
        parse("file://server/x.git", ("file",))


@pytest.mark.parametrize("branch", ["main", "release/2.0", "feature/ünïcode", "v1.x", "HEAD", "a@b", "a-b"])
def test_of_branches_takes_those_that_git_takes(branch: str):
    check_branch(branch)


@pytest.mark.parametrize(
    "branch",
    [
        *["", "-x", "--upload-pack=id", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "@", "a@{1}"],
        *["/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a\n", "a\x7f", "a\0", "\ud800", "x" * 251],
    ],
)
def test_of_branches_refuses_those_that_git_refuses(branch: str):
    with pytest.raises(GitRefused) as refused:
        check_branch(branch)

    assert refused.value.code == "bad_branch"


@pytest.mark.parametrize("folder", ["", "dags", "teams/shop/dags", "a b", "ünï", "$(id)"])
def test_of_folders_takes_those_below(folder: str):
    check_folder(folder)


@pytest.mark.parametrize(
    "folder", ["-x", "/", "/etc", "..", "a/../b", "a//b", "a/", "./a", "a\0", "a\nb", "a\\b", "x" * 501]
)
def test_of_folders_refuses_those_that_lead_elsewhere(folder: str):
    with pytest.raises(GitRefused) as refused:
        check_folder(folder)

    assert refused.value.code == "bad_folder"
