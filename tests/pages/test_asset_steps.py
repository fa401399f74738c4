"""What a deploy changed in the assets, and what differs between any two …"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import CodeLocation, Deploy
from tests.assets.sets import asset, define, record
from tests.pages.test_assets import ORDERS, keys
from tests.pages.test_history import words

pytestmark = pytest.mark.django_db

SECTION = {"HX-Request": "true", "HX-Target": "assets"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=added", ["marts/finance/revenue_daily", "raw/rates"]),
        ("kind=removed&kind=changed", [ORDERS, "analytics/orders_legacy"]),
        ("type=METADATA", [ORDERS]),
        ("type=TAGS", []),
        ("type=NONSENSE&q=RATES", ["raw/rates"]),
        ("q=a%00b", []),
    ],
)
@pytest.mark.parametrize("page", ["deploys/5/assets/?", "compare/?from=4&to=5&"])
def test_changes_of_a_deploy_and_of_a_comparison_are_filtered(
    page: str, query: str, found: list[str], shop: str, root: Client
):
    assert keys(root, f"{shop}{page}{query}") == found


def test_deploys_page_loads_its_assets_and_says_who_told_them(shop: str, root: Client):
    page, section = (
        words(root, f"{shop}deploys/5/"),
        root.get(f"{shop}deploys/5/assets/?within=deploy", headers=SECTION),
    )

    assert f'hx-get="{shop}deploys/5/assets/?within=deploy" hx-trigger="load"' in page
    assert f'<a href="{shop}deploys/5/assets/">' in page
    assert f'href="{shop}compare/?from=5&amp;to=7"' in page
    assert "<html" not in section.content.decode()
    assert "Snapshot sent by CI." in section.content.decode()
    assert "It did not go live" in words(root, f"{shop}deploys/6/assets/")
    assert "It is not live yet" in words(root, f"{shop}deploys/9/assets/")


def test_deploys_page_waits_a_little_for_what_is_about_to_be_recorded(
    location: CodeLocation, here: str, viewer: Client
):
    def section(query: str = "") -> str:
        return viewer.get(f"{here}deploys/2/assets/?within=deploy&{query}", headers=SECTION).content.decode()

    assert f'hx-get="{here}deploys/2/assets/?tries=4&amp;within=deploy"' in section("tries=3")
    assert "hx-get" not in section("tries=8")
    Deploy.objects.update(finished_at=timezone.now() - timedelta(minutes=1))
    assert "Not known: nobody said what this deploy defines" in section()
    record(location.live_deploy, define(asset("a")))
    assert "hx-get" not in section()
    assert ">a</code>" in section()


def test_comparison_is_of_the_live_one_and_the_one_before_unless_asked(shop: str, root: Client):
    answer = root.get(f"{shop}compare/")

    assert (answer.context["old_number"], answer.context["new_number"]) == (5, 7)
    assert "defined alike" in answer.content.decode()


def test_comparison_tells_parts_and_assets(shop: str, root: Client):
    page = words(root, f"{shop}compare/?from=%233&to=5")

    assert "<ins>registry.example/acme/shop:2026.11.3</ins>" in page
    assert '<span class="n changed">2 changed</span>' in page
    assert "at #3 nothing was known yet" in page
    assert f'href="{shop}compare/?from=5&amp;to=3"' in page
    assert "did not go live" in words(root, f"{shop}compare/?from=5&to=6")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("from=x&to=1", 400, "From: say the number of a deploy"),
        ("from=1&to=99", 404, "acme/production/shop has no deploy #99."),
        (f"from=1&to={'9' * 30}", 400, "To: say the number of a deploy"),
        ("at=yesterday", 400, "At: say a time"),
        ("at=2000-01-01", 200, "nothing was live yet"),
        ("at=2100-01-01T10:00", 200, "#7</a> was live"),
    ],
)
def test_comparison_says_what_it_cannot_compare(query: str, status: int, said: str, shop: str, root: Client):
    answer = root.get(f"{shop}compare/?{query}")

    assert answer.status_code == status
    assert said in answer.content.decode()
