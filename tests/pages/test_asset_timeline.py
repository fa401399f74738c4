"""The timeline of an asset …"""

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Asset, AssetChange
from assets.views import timeline
from assets.views.timeline import Timeline, timeline_of
from deployments.models import CodeLocation, Deploy
from tests import factories
from tests.assets.sets import asset, define, record, row_of_history
from tests.pages.test_markup import Reader

pytestmark = pytest.mark.django_db
HERE = "/deployments/acme/production/marts/"
NOW = timezone.now()


@pytest.fixture
def marts(location: CodeLocation) -> CodeLocation:
    """Answer a location without any deploy yet."""
    return factories.make_location(location.deployment, "marts")


def went_live(place: CodeLocation, *keys: str, at: datetime | None = None, **said: str) -> Deploy:
    """Record a deploy that defines these keys, `orders` with this code version."""
    made = row_of_history(place, description="Because", actor_name="maria")
    Deploy.objects.filter(pk=made.pk).update(finished_at=at or NOW)
    entries = [asset(key, **(said if key == "orders" else {})) for key in keys]
    record(made, define(asset("other"), *entries))
    return made


def many_changes(place: CodeLocation, count: int) -> Asset:
    """Let `orders` be added, and then changed so often."""
    went_live(place, "orders")
    like = AssetChange.objects.get(deploy=went_live(place, "orders", code_version="2"), asset__key="orders")
    add_changes(place, like, count - 1)
    return Asset.objects.get(key="orders")


def add_changes(place: CodeLocation, like: AssetChange, count: int) -> None:
    """Add so many changes that look like this one."""
    said = {
        name: getattr(like, name) for name in ("kind", "change_types", "sight", "before_id", "after_id", "asset_id")
    }
    rows = [row_of_history(place) for _ in range(count)]
    AssetChange.objects.bulk_create(AssetChange(deploy=row, live_seq=row.live_seq, **said) for row in rows)


def picture(place: CodeLocation, key: str = "orders") -> Timeline:
    """Answer the timeline of an asset."""
    found = timeline_of(Asset.objects.get(code_location=place, key=key), NOW)
    assert found is not None
    return found


def test_has_a_mark_for_each_change_that_leads_to_its_deploy(marts: CodeLocation, editor: Client):
    went_live(marts)
    went_live(marts, "orders", at=NOW - timedelta(hours=2))
    went_live(marts, "orders", code_version="2", tags={"tier": "gold"})  # type: ignore[arg-type]
    went_live(marts)

    for tab in ("detail", "changes"):
        page = editor.get(f"{HERE}assets/{tab}/?key=orders").content.decode()
        svg = page[page.index("<svg") : page.index("</svg>")]
        links = re.findall(r'<a class="(\w+)"\s+href="([^"]+)"[^>]*>\s*<title>([^<]+)</title>', svg)
        assert [(kind, href) for kind, href, _ in links] == [
            ("added", f"{HERE}deploys/2/"),
            ("changed", f"{HERE}deploys/3/"),
            ("removed", f"{HERE}deploys/4/"),
        ]
        assert re.fullmatch(
            r"#3 changed it: Code version, Tags\. \d{4}-\d\d-\d\d \d\d:\d\d UTC, by maria\.", links[1][2]
        )
        assert re.findall(r'class="glyph"[^>]*>(.)<', svg) == ["+", "~", "−"]


def test_says_the_same_as_a_table(marts: CodeLocation, editor: Client):
    went_live(marts, "orders")
    went_live(marts, "orders", code_version="2")

    page = editor.get(f"{HERE}assets/detail/?key=orders").content.decode()

    rows = page[page.index('<table class="rows marks">') :]
    text = " ".join(re.sub(r"<[^>]+>", " ", rows[: rows.index("</table>")]).split())
    assert text.index("#2 ~ changed Code version v1 → v2") < text.index("#1 + added v1")
    assert f'href="{HERE}assets/changes/?key=orders&amp;at=2#d2"' in rows


def test_shows_from_when_to_when_the_asset_was_there(marts: CodeLocation):
    went_live(marts, "orders")
    went_live(marts)
    went_live(marts, "orders")

    shown = picture(marts)

    first, gone, again = shown.marks
    assert [(band.x, band.x + band.width) for band in shown.bands] == [(first.x, gone.x), (again.x, shown.end)]


def test_ends_where_the_asset_went(marts: CodeLocation):
    went_live(marts, "orders")
    went_live(marts)

    shown = picture(marts)

    assert [band.x + band.width for band in shown.bands] == [shown.marks[-1].x]


def test_puts_what_is_longer_ago_further_away_and_nothing_too_near_to_be_hit(marts: CodeLocation):
    for version, days in enumerate((400, 399, 9, 9)):
        went_live(marts, "orders", code_version=str(version), at=NOW - timedelta(days=days))

    a, b, c, d = (mark.x for mark in picture(marts).marks)

    assert c - b > b - a > d - c >= 24
    assert c - b <= timeline.FAR


def test_draws_the_newest_and_says_how_many_came_earlier(
    marts: CodeLocation, editor: Client, monkeypatch: pytest.MonkeyPatch
):
    many_changes(marts, timeline.MOST + 4)

    page = editor.get(f"{HERE}assets/detail/?key=orders").content.decode()
    shown = picture(marts)

    assert [shown.marks[0].deploy, shown.marks[-1].deploy] == [6, timeline.MOST + 5]
    assert (shown.earlier, shown.many_earlier) == (5, False)
    assert shown.bands[0].x == 0
    assert f'href="{HERE}assets/changes/?key=orders">5 earlier</a> not shown' in " ".join(page.split())
    assert min(right.x - left.x for left, right in pairwise(shown.marks)) >= 24
    monkeypatch.setattr(timeline, "MOST_EARLIER", 3)
    assert picture(marts).many_earlier


def test_writes_numbers_and_days_only_where_there_is_room(marts: CodeLocation):
    CodeLocation.objects.filter(pk=marts.pk).update(next_number=1_000_000)
    for version in range(8):
        went_live(marts, "orders", code_version=str(version), at=NOW - timedelta(hours=8 - version))

    shown = picture(marts).marks

    numbered = [mark.x for mark in shown if mark.number]
    assert 1 < len(numbered) < len(shown)
    assert min(right - left for left, right in pairwise(numbered)) >= 7 * len("#1000000")
    assert sum(bool(mark.day) for mark in shown) <= 2


def test_is_left_out_where_nothing_ever_happened(marts: CodeLocation, editor: Client):
    went_live(marts, "orders")
    AssetChange.objects.all().delete()

    answer = editor.get(f"{HERE}assets/detail/?key=orders")

    assert answer.status_code == 200
    assert "<svg" not in answer.content.decode()


def test_is_built_as_every_page_is(marts: CodeLocation, editor: Client):
    went_live(marts, "orders")
    for tab in ("detail", "changes"):
        reader = Reader()
        reader.feed(editor.get(f"{HERE}assets/{tab}/?key=orders").content.decode())
        reader.close()

        assert reader.inline == []
        assert len(reader.ids) == len(set(reader.ids))


def test_costs_two_queries_however_long_it_is(marts: CodeLocation):
    found = many_changes(marts, 2)
    with CaptureQueriesContext(connection) as few:
        timeline_of(found, NOW)
    add_changes(marts, AssetChange.objects.filter(asset=found).latest("live_seq"), timeline.MOST)

    with CaptureQueriesContext(connection) as lots:
        timeline_of(found, NOW)

    assert len(few) == len(lots) == 2
