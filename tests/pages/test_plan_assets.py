"""What a rollback's dialog tells of assets …"""

import re
from typing import Any

import pytest
from django.test import Client

from deployments.models import CodeLocation
from tests.assets.sets import asset, define, record
from tests.pages import shipping

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def recorded(location: CodeLocation) -> CodeLocation:
    """Answer a location in which #2 took an asset away, added one and changed one."""
    first, second = location.deploys.get(number=1), location.deploys.get(number=2)
    record(first, define(asset("orders", code_version="1"), asset("legacy"), asset("same")))
    record(second, define(asset("orders", code_version="2"), asset("rates"), asset("same")))
    return location


def ask(browser: Client, here: str, to: int) -> Any:
    """Ask as the dialog does."""
    return browser.get(f"{here}rollback/assets/?to={to}", headers=HTMX)


def test_says_what_would_come_go_and_change(recorded: CodeLocation, editor: Client):
    here = recorded.get_absolute_url()

    text = " ".join(re.sub(r"<[^>]+>", " ", ask(editor, here, 1).content.decode()).split())

    assert "1 added 1 removed 1 changed" in text
    assert text.index("rates") < text.index("legacy") < text.index("orders")
    assert "Code version" in text
    assert "same" not in text
    assert f'href="{here}compare/?from=2&amp;to=1"' in ask(editor, here, 1).content.decode()


def test_shows_the_first_keys_at_once_and_folds_the_others(recorded: CodeLocation, editor: Client):
    third = shipping.ship(recorded, {"more.py": b"1"})
    record(third, define(asset("orders"), *(asset(f"new_{number:02}") for number in range(40))))
    here = recorded.get_absolute_url()

    page = ask(editor, here, 2).content.decode()

    seen, folded = page.split("<details>")
    assert seen.count("<li>") == 4
    assert folded.count("<li>") == 26
    assert ">39 more</summary>" in folded
    assert "and 13 more, in the full comparison." in folded


def test_is_asked_for_by_the_dialog_and_is_a_comparison_without_scripts(recorded: CodeLocation, editor: Client):
    here = recorded.get_absolute_url()

    page = editor.get(f"{here}rollback/?to=1").content.decode()
    alone = editor.get(f"{here}rollback/assets/?to=1")

    assert f'hx-get="{here}rollback/assets/?to=1"' in page
    assert f'href="{here}compare/?from=2&amp;to=1"' in page
    assert alone["Location"] == f"{here}compare/?from=2&to=1"
    assert editor.get(alone["Location"]).status_code == 200


def test_says_so_when_nobody_knows(location: CodeLocation, editor: Client):
    answer = ask(editor, location.get_absolute_url(), 1)

    assert "is not known" in answer.content.decode()


def test_is_left_out_where_the_code_stays(location: CodeLocation, here: str, editor: Client):
    shipping.ship(location, settings={"env": {"REGION": "eu"}})

    assert "rollback/assets/" in editor.get(f"{here}rollback/?to=1").content.decode()
    assert "rollback/assets/" not in editor.get(f"{here}rollback/?to=1&scope=settings").content.decode()


def test_is_for_those_who_may_roll_back(recorded: CodeLocation, viewer: Client):
    assert viewer.get(f"{recorded.get_absolute_url()}rollback/assets/?to=1").status_code == 403
