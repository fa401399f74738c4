"""Which portal, which token."""

from __future__ import annotations

import os
import stat

import pytest
from lastgood import config
from lastgood.config import Login, NotConfigured, checked_token, checked_url, credentials

HERE, THERE = "https://here.example", "https://there.example"


def test_stores_a_login_that_only_its_owner_reads() -> None:
    file = config.store(Login(HERE, "lg_one", "2030-01-01T00:00:00Z"))
    config.store(Login(HERE, "lg_two"))

    assert config.stored() == Login(HERE, "lg_two", None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["config.json"]


def test_forgets_a_login() -> None:
    config.store(Login(HERE, "lg_one"))

    config.forget()
    config.forget()

    assert config.stored() is None


def test_ignores_a_relative_configuration_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")

    assert config.path().is_absolute()


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', '{"url": "https://here.example"}'])
def test_says_that_the_stored_login_is_damaged(content: str) -> None:
    file = config.store(Login(HERE, "lg_one"))
    file.write_text(content)

    with pytest.raises(NotConfigured, match="is damaged"):
        config.stored()


def test_warns_when_others_can_read_the_login(capsys: pytest.CaptureFixture[str]) -> None:
    config.store(Login(HERE, "lg_one")).chmod(0o644)

    config.stored()

    assert "can be read by others" in capsys.readouterr().err


def test_takes_the_environment_first(monkeypatch: pytest.MonkeyPatch) -> None:
    config.store(Login(HERE, "lg_stored"))
    monkeypatch.setenv("LASTGOOD_URL", THERE)
    monkeypatch.setenv("LASTGOOD_TOKEN", " lg_env\n")

    assert credentials() == (THERE, "lg_env")


def test_takes_the_stored_login_and_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    config.store(Login(HERE, "lg_stored"))
    monkeypatch.setenv("LASTGOOD_URL", "")
    monkeypatch.setenv("LASTGOOD_TOKEN", "")

    assert credentials() == (HERE, "lg_stored")


def test_does_not_send_the_stored_token_to_another_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    config.store(Login(HERE, "lg_stored"))
    monkeypatch.setenv("LASTGOOD_URL", THERE)

    with pytest.raises(NotConfigured, match=f"signed in to {HERE}"):
        credentials()


def test_says_what_to_do_when_nothing_is_known() -> None:
    with pytest.raises(NotConfigured, match="lastgood login"):
        credentials()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://lastgood.example/", "https://lastgood.example"),
        (" http://localhost:8000 ", "http://localhost:8000"),
        ("https://Example.com/portal/api/v1/", "https://example.com/portal"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_writes_an_address_in_one_way(given: str, address: str) -> None:
    assert checked_url(given) == address


@pytest.mark.parametrize(
    "given",
    ["", "lastgood.example", "ftp://x", "https://", "https://u:p@x", "https://x?y=1", "https://x#y",
     "https://x:port", "https://[x", "javascript:alert(1)", "https://a b"],
)  # fmt: skip
def test_refuses_what_is_no_address(given: str) -> None:
    with pytest.raises(NotConfigured):
        checked_url(given)


@pytest.mark.parametrize("token", ["", "two words", "lg_\nX-Header: 1", "lg_\x00", "lg_ü"])
def test_refuses_what_no_header_can_carry_and_does_not_show_it(token: str) -> None:
    with pytest.raises(NotConfigured) as refusal:
        checked_token(token)
    assert not token or token not in refusal.value.message


def test_a_login_does_not_show_its_token() -> None:
    assert "lg_one" not in repr(Login(HERE, "lg_one"))
