"""A file of two deploys that somebody compares …"""

from urllib.parse import quote

import pytest
from django.test import Client

from deployments.models import CodeLocation
from deployments.states import DeployKind
from tests import factories
from tests.pages import scenes

pytestmark = pytest.mark.django_db

ORDERS = f"mount=dags&path={quote('shop/orders.py', safe='')}"


def words(browser: Client, address: str, status: int = 200) -> str:
    """Answer a page with its white space made one."""
    answer = browser.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return " ".join(answer.content.decode().split())


@pytest.fixture
def third(location: CodeLocation) -> CodeLocation:
    """Answer the location with a third deploy live, which took one file away."""
    tree = scenes.files(3)
    del tree["shop/customers.py"]
    factories.deploy(location, tree)
    return factories.fresh(location)


def test_is_led_to_by_the_comparison(third: CodeLocation, here: str, viewer: Client):
    page = words(viewer, f"{here}compare/?from=1&to=3")

    for path in ("shop/orders.py", "shop/customers.py"):
        found = f"{here}deploys/3/file/diff/?mount=dags&amp;path={quote(path, safe='')}&amp;against=1"
        assert f'href="{found}"' in page
        assert viewer.get(found.replace("&amp;", "&")).status_code == 200


def test_is_led_to_by_a_rollback_before_it_is_asked_for(third: CodeLocation, here: str, editor: Client):
    page = words(editor, f"{here}rollback/?to=1")

    assert f'href="{here}deploys/1/file/diff/?{ORDERS.replace("&", "&amp;")}&amp;against=3"' in page


def test_is_shown_between_these_two_in_either_direction(third: CodeLocation, here: str, viewer: Client):
    forth = words(viewer, f"{here}deploys/3/file/diff/?{ORDERS}&against=1")
    back = words(viewer, f"{here}deploys/1/file/diff/?{ORDERS}&against=3")

    assert "What differs in orders.py between #1 and #3" in forth
    assert f'against <a href="{here}deploys/1/">#1</a></span>' in forth
    assert forth.index("# orders, version 1") < forth.index("# orders, version 3")
    assert back.index("# orders, version 3") < back.index("# orders, version 1")
    assert "version 2" not in forth


def test_that_only_the_older_one_has_is_shown_as_removed(third: CodeLocation, here: str, viewer: Client):
    page = words(viewer, f"{here}deploys/3/file/diff/?mount=dags&path=shop/customers.py&against=1")

    assert '<span class="tag removed">removed</span>' in page


@pytest.mark.parametrize("number", ["9", "0", "-1", "1.5", "²", "٣", "x", "9" * 19, "1\0"])
def test_is_not_found_against_what_is_no_deploy_of_this_location(
    third: CodeLocation, here: str, viewer: Client, number: str
):
    assert viewer.get(f"{here}deploys/3/file/diff/?{ORDERS}&against={quote(number)}").status_code == 404


def test_is_not_compared_with_a_deploy_of_another_location(third: CodeLocation, here: str, viewer: Client):
    other = factories.make_location(name="secret", deployment=third.deployment)
    for version in range(1, 6):
        factories.deploy(factories.fresh(other), scenes.files(version))

    assert viewer.get(f"{here}deploys/3/file/diff/?{ORDERS}&against=5").status_code == 404


def test_says_when_nobody_knows_the_files_of_the_other(third: CodeLocation, here: str, viewer: Client):
    third.deploys.filter(number=1).update(kind=DeployKind.OBSERVED, release=None)

    page = words(viewer, f"{here}deploys/3/file/diff/?{ORDERS}&against=1")

    assert "#1 was loaded by somebody else: its files are not known." in page
