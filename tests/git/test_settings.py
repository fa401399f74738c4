"""The operator's settings of what is fetched …"""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env

KNOWN = {"https", "http", "ssh", "file"}


def test_are_words_with_commas(monkeypatch):
    monkeypatch.setenv("LASTGOOD_GIT_PROTOCOLS", "https, file")

    assert env.words_of("LASTGOOD_GIT_PROTOCOLS", "https,ssh", KNOWN) == ["https", "file"]


def test_are_refused_when_they_are_nonsense(monkeypatch):
    monkeypatch.setenv("LASTGOOD_GIT_PROTOCOLS", "https,ext")

    with pytest.raises(ImproperlyConfigured, match="LASTGOOD_GIT_PROTOCOLS='ext'"):
        env.words_of("LASTGOOD_GIT_PROTOCOLS", "https,ssh", KNOWN)


def test_fetch_by_nothing_unsafe_unless_somebody_says_so(monkeypatch):
    monkeypatch.delenv("LASTGOOD_GIT_PROTOCOLS", raising=False)

    assert env.words_of("LASTGOOD_GIT_PROTOCOLS", "https,ssh", KNOWN) == ["https", "ssh"]
