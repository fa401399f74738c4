"""The pages of assets …"""

import pytest
from django.test import Client

from assets.states import Source
from deployments.access import Role
from deployments.models import CodeLocation
from portal.csp import STRICT
from tests import factories
from tests.assets.sets import asset, define, record
from tests.pages import scenes
from tests.pages.conftest import signed_in
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
ORDERS = "analytics/orders_cleaned"
SECTION = {"HX-Request": "true", "HX-Target": "assets"}
GLANCE = {"HX-Request": "true"}


def addresses(here: str, key: str) -> list[str]:
    """Answer the address of every page of assets."""
    pages = ["assets/", f"assets/?q={key}&group=x&changed_since=1", f"assets/detail/?key={key}"]
    pages += [f"assets/changes/?key={key}", f"assets/changes/?key={key}&at=1", "compare/", "compare/?from=1&to=2"]
    return [here + page for page in [*pages, "compare/?at=2030-01-01", "deploys/1/assets/", "deploys/2/assets/"]]


def keys(browser: Client, address: str) -> list[str]:
    """Answer the keys of the rows or steps that a page shows."""
    answer = browser.get(address)
    assert answer.status_code == 200, address
    rows = answer.context.get("steps")
    return [row.asset.key for row in answer.context["rows"]] if rows is None else [step.key for step in rows]


def test_d5_column_of_the_history_counts_what_each_deploy_changed(shop: str, root: Client):
    page = words(root, shop)

    assert "<ins>+2</ins><del>−1</del><b>~1</b>" in page
    assert 'aria-label="2 added, 1 removed, 1 changed"' in page
    assert page.count('title="No asset change') == 1
    assert page.count('<td class="c-assets"></td>') == 3


def test_column_opens_to_the_keys_by_what_happened_to_them(shop: str, root: Client):
    glance = root.get(f"{shop}deploys/5/assets/", headers=GLANCE).content.decode()

    assert "<html" not in glance
    assert [glance.index(word) for word in ("added", "removed", "changed")] == sorted(
        glance.index(word) for word in ("added", "removed", "changed")
    )
    assert f'href="{shop}assets/changes/?key={ORDERS}&amp;at=5#d5"' in glance
    assert f'href="{shop}deploys/5/assets/"' in glance


def test_column_shows_forty_keys_and_says_how_many_more_there_are(location: CodeLocation, here: str, root: Client):
    record(location.live_deploy, define(*[asset(f"t/{number}") for number in range(60)]))

    glance = root.get(f"{here}deploys/2/assets/", headers=GLANCE).content.decode()

    assert glance.count("assets/changes/?key=") == 40
    assert "20 more" in glance
    assert "All 60 changes" in glance


def test_history_is_filtered_by_what_changed_an_asset(shop: str, root: Client):
    answer = root.get(f"{shop}?asset={ORDERS}")

    assert [row.deploy.number for row in answer.context["rows"]] == [5, 3, 2, 1]
    assert f"Asset key: {ORDERS}" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ORDERS_c", [ORDERS]),
        ("group=finance&kind=python", ["marts/finance/revenue_daily"]),
        ("kind=dbt", ["model.finance.revenue", "source.finance.invoices"]),
        ("kind=db", []),
        ("world=DBT&q=model", ["model.finance.revenue"]),
        ("changed_since=4", [ORDERS, "marts/finance/revenue_daily", "raw/rates"]),
        ("changed_since=%234&group=raw", ["raw/rates"]),
        ("changed_since=2100-01-01", []),
        ("q=&group=&kind=&world=&changed_since=&q=model", ["model.finance.revenue"]),
    ],
)
def test_list_is_filtered_by_its_address(query: str, found: list[str], shop: str, root: Client):
    assert keys(root, f"{shop}assets/?{query}") == found


def test_list_says_which_filter_cannot_be_used(shop: str, root: Client):
    page = words(root, f"{shop}assets/?changed_since=yesterday&world=MARS&q=a%00b")

    assert "Changed since: say the number of a deploy" in page
    assert "Source: Select a valid choice." in page
    assert "No asset fits these filters." in page


def test_list_turns_by_keys_that_keep_the_filters(location: CodeLocation, here: str, root: Client):
    record(location.live_deploy, define(*[asset(f"t/{number}") for number in range(9)]))

    first = root.get(f"{here}assets/?limit=3&q=t")
    second = root.get(f"{here}assets/{first.context['next']}")

    assert [row.asset.key for row in second.context["rows"]] == ["t/3", "t/4", "t/5"]
    assert keys(root, f"{here}assets/{second.context['previous']}") == ["t/0", "t/1", "t/2"]
    assert root.get(f"{here}assets/?cursor=rubbish").status_code == 400


def test_list_says_what_to_do_where_nobody_said_what_is_defined(here: str, viewer: Client):
    page = words(viewer, f"{here}assets/")

    assert "lastgood snapshot -m my_project.definitions -o assets.json" in page
    assert "lastgood deploy acme/production/shop --dags ./dags --assets assets.json" in page


def test_detail_shows_the_definition_of_now_and_what_is_around_it(shop: str, root: Client):
    page = words(root, f"{shop}assets/detail/?key={ORDERS}")

    for expected in [
        "hourly from 2024-01-01, end offset 1",
        "1704067200.0 (2024-01-01 00:00:00 UTC)",
        "Exact: from the snapshot that CI sent.",
        '<a href="https://bi.acme.example/d/orders?from=now-7d" rel="noopener noreferrer nofollow">',
        f'href="{shop}assets/detail/?key=raw/rates"',
        f'href="{shop}assets/detail/?key=marts/finance/revenue_daily"',
        "<code>amount_eur</code> </th> <td>decimal(18, 2)</td>",
        "not null, unique",
        "Whoever ordered, see `raw/customers`",
    ]:
        assert expected in page, expected


def test_detail_of_what_is_gone_says_since_when_and_shows_the_last_one(shop: str, root: Client):
    page = words(root, f"{shop}assets/detail/?key=analytics/orders_legacy")

    assert f'since <a href="{shop}deploys/5/">#5</a>' in page
    assert "this is what it was last, version 1" in page
    assert f'href="{shop}assets/detail/?key=raw/orders"' in page


def test_detail_says_what_a_platform_cannot_tell(location: CodeLocation, here: str, viewer: Client):
    told = {"type": "time_window", "description": "Daily, starting 2024-01-01 UTC."}
    parents = [{"key": ["raw"], "partition_mapping": {"class": "AllPartitionMapping", "description": "All."}}]
    record(location.live_deploy, define(asset("a", partitions_def=told, deps=parents)), source=Source.PLATFORM)

    page = words(viewer, f"{here}assets/detail/?key=a")

    assert "As Dagster tells it: end dates and offsets of partitions are not shown." in page
    assert '<code class="dim" title="Not an asset of shop">raw</code> <small>AllPartitionMapping: All.</small>' in page


def test_d7_change_history_tells_each_change_from_what_to_what(shop: str, root: Client):
    page = words(root, f"{shop}assets/changes/?key={ORDERS}")

    for expected in [
        'id="d3"',
        "<del>daily from 2024-01-01</del>",
        "<ins>hourly from 2024-01-01, end offset 1</ins>",
        "<del>silver</del>",
        "v3 → v4",
        "<code>amount<mark>_eur</mark>: decimal(18, 2)</code>",
        "join {{ ref(&#x27;rates&#x27;) }} as rates using (currency)",
        f"https://github.com/acme/pipelines/commit/{'3' * 7}",
    ]:
        assert expected in page, expected


def test_change_history_recognises_a_version_that_came_back(location: CodeLocation, here: str, viewer: Client):
    first, second = location.deploys.order_by("number")
    record(first, define(asset("a")))
    record(second, define(asset("a", code_version="2")))
    record(factories.roll_back(location, 1), define(asset("a")))

    page = words(viewer, f"{here}assets/changes/?key=a")

    assert f'v2 → v1 – seen before, in <a href="{here}deploys/1/">#1</a>' in page
    assert page.count("seen before") == 1


def test_change_history_says_when_two_sources_were_compared(location: CodeLocation, here: str, viewer: Client):
    first, second = location.deploys.order_by("number")
    record(first, define(asset("a")))
    record(second, define(asset("a", code_version="2")), source=Source.PLATFORM)

    assert "compared in what both can see" in words(viewer, f"{here}assets/changes/?key=a")


def test_change_history_begins_at_the_deploy_that_somebody_came_from(location: CodeLocation, here: str, viewer: Client):
    for number in range(3, 9):
        record(factories.deploy(location, scenes.files(number)), define(asset("a", code_version=str(number))))

    def shown(query: str) -> list[int]:
        return [row.deploy.number for row in viewer.get(f"{here}assets/changes/?key=a&{query}").context["rows"]]

    assert shown("limit=3&at=7") == [8, 7, 6]
    assert shown("limit=3&at=5") == [5, 4, 3]
    back = viewer.get(f"{here}assets/changes/?key=a&limit=3&at=5").context["newer"]
    assert [row.deploy.number for row in viewer.get(f"{here}assets/changes/{back}").context["rows"]] == [8, 7, 6]


def test_never_make_markup_or_links_of_what_somebody_wrote(location: CodeLocation, here: str, viewer: Client):
    key = "é" * 200 + "/" + EVIL.replace("/", "")
    entries = {EVIL: {"type": EVIL, "value": EVIL}, "json": {"type": "Json", "value": {EVIL: [EVIL]}}}
    links = (
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        " http:///x",
        "http:x",
    )
    entries |= {f"link {number}": {"type": "Url", "value": link} for number, link in enumerate(links)}
    schema = {"columns": [{"name": EVIL, "type": EVIL, "description": EVIL, "tags": {EVIL: EVIL}}]}
    entries["schema"] = {"type": "TableSchema", "value": schema}
    said = {"group": EVIL, "kinds": [EVIL.split()[0]], "description": EVIL, "owners": [EVIL], "further": {EVIL: EVIL}}
    evil = asset(key, tags={EVIL: EVIL}, metadata=entries, deps=[{"key": [EVIL.replace("/", "")]}], **said)
    static = {"type": "static", "keys": [EVIL]}
    first, second = location.deploys.order_by("number")
    record(first, define(asset(key)))
    record(second, define(evil | {"code_version": EVIL * 20, "partitions_def": static}))

    for address in [here, *addresses(here, key.replace("&", "%26").replace("#", "%23"))]:
        answer = viewer.get(address)
        reader = Reader()
        reader.feed(answer.content.decode())
        reader.close()
        assert answer.status_code == 200, address
        assert "<img" not in answer.content.decode(), address
        assert "<script>" not in answer.content.decode(), address
        assert answer["Content-Security-Policy"] == STRICT
        assert reader.inline == reader.foreign == reader.unlabelled == [], address
        assert len(reader.ids) == len(set(reader.ids)), (address, sorted(reader.ids))
    assert 'rel="noopener' not in viewer.get(here + "assets/detail/", {"key": key}).content.decode()


def test_do_not_exist_for_those_who_may_not_see_them(shop: str):
    stranger = signed_in(
        factories.make_member(Role.ADMIN, factories.make_deployment(factories.make_organization("globex")))
    )

    for address in addresses(shop, ORDERS):
        assert stranger.get(address).status_code == 404, address


@pytest.mark.parametrize("query", ["", "?key=", "?key=absent", "?key=a%00b", "?key=%ED%A0%80", f"?key={'a' * 9000}"])
def test_of_an_absent_asset_are_absent(query: str, shop: str, root: Client):
    for page in ("detail", "changes"):
        assert root.get(f"{shop}assets/{page}/{query}").status_code == 404
