"""How an operator names a mail server."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env

NAME = "LASTGOOD_SMTP_URL"
ENCRYPTED = {"use_tls": False, "use_ssl": True}
PLAIN = {"use_tls": False, "use_ssl": False}


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://mail.example", {"host": "mail.example", **PLAIN}),
        ("smtp://mail.example:2525", {"host": "mail.example", "port": 2525, **PLAIN}),
        (
            "smtp://us%40er:p%2Fw@mail.example:587/?tls=1",
            {
                "host": "mail.example",
                "port": 587,
                "username": "us@er",
                "password": "p/w",
                "use_tls": True,
                "use_ssl": False,
            },
        ),
        ("smtps://mail.example", {"host": "mail.example", **ENCRYPTED}),
    ],
)
def test_is_read(url: str, options: dict[str, object], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(NAME, url)

    found = env.mail_server(NAME)

    assert found is not None
    assert found.pop("timeout")
    assert found == options


def test_is_none_when_it_is_not_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(NAME, raising=False)

    assert env.mail_server(NAME) is None


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:587",
        "http://u:hidden@mail.example",
        "smtp://",
        "smtp://u:hidden@mail.example:port",
        "smtp://u:hidden@mail.example/?tls=maybe",
        "smtps://u:hidden@mail.example/?tls=1",
        "smtp://u:hidden@mail.example/?ssl=1",
        "smtp://u:hidden@[::1",
    ],
)
def test_is_refused_without_being_repeated(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(NAME, url)

    with pytest.raises(ImproperlyConfigured, match=NAME) as refused:
        env.mail_server(NAME)

    assert "hidden" not in str(refused.value)
