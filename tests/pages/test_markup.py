"""Every page …"""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from deployments.models import CodeLocation
from portal.csp import STRICT
from tests import factories
from tests.pages import scenes

pytestmark = pytest.mark.django_db


class Reader(HTMLParser):
    """Notes what a strict policy would not run, what links outside, and how the page is built."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.foreign: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.unlabelled: list[str] = []
        self._labelled: set[str] = set()
        self._fields: list[tuple[str, bool]] = []
        self._in_script = False
        self._in_label = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.inline += [f"{tag} {name}" for name in named if name.startswith(("on", "hx-on")) or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)
        for name in ("src", "action", "href"):
            value = named.get(name) or ""
            loads = tag in {"script", "link", "img", "form"}
            if value.startswith("javascript:") or (loads and value.startswith(("http", "//"))):
                self.foreign.append(value)
        if "id" in named:
            self.ids.append(str(named["id"]))
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)
        if tag == "label":
            self._in_label += 1
            self._labelled.add(str(named.get("for")))
        if tag in {"input", "textarea", "select"} and named.get("type") not in {"hidden", "submit"}:
            self._fields.append((str(named.get("id")), self._in_label > 0))

    def handle_endtag(self, tag: str) -> None:
        self._in_label -= tag == "label"

    def close(self) -> None:
        super().close()
        self.unlabelled = [name for name, inside in self._fields if not inside and name not in self._labelled]


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(factories.superuser())
    return client


def addresses(location: CodeLocation) -> Iterator[str]:
    """Yield the address of every page."""
    here = location.get_absolute_url()
    yield from ("/", "/?q=nothing", location.deployment.get_absolute_url(), here, f"{here}?status=FAILED&q=x")
    yield from (f"{here}deploys/{deploy.number}/" for deploy in location.deploys.all())
    files = ("files/", "files/?mount=dags", "file/?mount=dags&path=shop/orders.py")
    yield from (f"{here}deploys/6/{page}" for page in (*files, "file/diff/?mount=dags&path=shop/orders.py"))
    yield from (f"{here}rollback/?to={number}" for number in (1, 5, 6, "last-good"))
    yield from (f"{here}hold/", "/nothing/", f"{here}deploys/99/", f"{here}?cursor=x")
    yield from (reverse("account_change_password"), reverse("account_logout"))


def test_has_nothing_that_the_strict_policy_would_not_run(browser: Client):
    location = scenes.long_history(factories.make_organization())

    for address in addresses(location):
        answer = browser.get(address)
        reader = Reader()
        reader.feed(answer.content.decode())
        reader.close()
        assert answer["Content-Security-Policy"] == STRICT, address
        assert "unsafe" not in STRICT
        assert reader.inline == [], address
        assert reader.foreign == [], address


def test_is_built_so_that_it_can_be_read_aloud(browser: Client):
    location = scenes.long_history(factories.make_organization())

    for address in addresses(location):
        reader = Reader()
        reader.feed(browser.get(address).content.decode())
        reader.close()
        assert len(reader.ids) == len(set(reader.ids)), (address, sorted(reader.ids))
        assert reader.unlabelled == [], address
        assert reader.headings, address


def test_is_not_kept_by_the_browser_for_whoever_comes_next(editor: Client, here: str):
    for address in ("/", here, f"{here}deploys/1/", f"{here}deploys/1/live/", f"{here}rollback/?to=1"):
        assert "no-store" in editor.get(address)["Cache-Control"], address


def test_of_the_sign_in_says_little_and_lets_in(client: Client):
    factories.make_user("maria")

    page = client.get("/accounts/login/?next=/deployments/acme/production/")
    wrong = client.post("/accounts/login/", {"login": "maria", "password": "wrong"})
    right = client.post("/accounts/login/", {"login": "maria", "password": "secret", "next": "/deployments/a/b/"})

    assert page["Content-Security-Policy"] == STRICT
    assert 'value="/deployments/acme/production/"' in page.content.decode()
    assert "not correct" in wrong.content.decode()
    assert (right.status_code, right["Location"]) == (302, "/deployments/a/b/")


def test_of_signing_up_is_closed(client: Client):
    assert "closed" in client.get("/accounts/signup/").content.decode().lower()


def test_leads_out_by_a_button(editor: Client):
    assert 'action="/accounts/logout/"' in editor.get("/").content.decode()
    assert editor.post("/accounts/logout/").status_code == 302
    assert editor.get("/").status_code == 302


def test_that_broke_tells_nothing_of_why(here: str, editor: Client, monkeypatch: pytest.MonkeyPatch):
    def broken(*args: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("deployments.views.overview.region", broken)
    editor.raise_request_exception = False

    answer = editor.get(here)

    assert answer.status_code == 500
    assert "hunter2" not in answer.content.decode()
    assert "Something broke here" in answer.content.decode()
