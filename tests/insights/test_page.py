"""The Insights page …"""

import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments import insights
from deployments.access import Role
from deployments.models import CodeLocation, Deploy
from tests import factories
from tests.insights.rows import DAY, HOUR, MINUTE, NOON, History

pytestmark = pytest.mark.django_db
WEEK = {"from": "2026-11-12", "to": "2026-11-18"}
MOST_QUERIES = 10
MOST_BYTES = 150_000


def browser(person: Any = None) -> Client:
    client = Client()
    client.force_login(person or factories.superuser())
    return client


def text_of(answer: Any) -> str:
    """Answer what a page says, without its tags."""
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def page(client: Client, **said: str) -> str:
    return text_of(client.get("/insights/", WEEK | said))


def test_tells_the_four_figures_in_words(shop: History):
    first = shop.push(NOON - 9 * DAY, committed=HOUR)
    shop.push(NOON - DAY, committed=2 * HOUR)
    shop.observe(NOON - HOUR)
    shop.push(NOON, "FAILED", placed=MINUTE)
    shop.roll_back(NOON + 5 * MINUTE, to=first)
    shop.push(NOON + HOUR)
    shop.roll_back(NOON + 3 * HOUR, to=first)
    shop.push(NOON + 4 * HOUR, "FAILED")

    told = page(browser())

    assert "3 a week ▲ 200% more than in the 7 days before. 3 deploys went live. Of them only observed: 1." in told
    assert "2 h median ▲ 1 h longer than in the 7 days before. Nine of ten took at most 2 h." in told
    assert "Left out, for the commit's time is not known: 2 deploys." in told
    assert (
        "60% ▲ 60 points higher than in the 7 days before. 3 of 5 deploys. Failed in place: 2; rolled back from: 1."
        in told
    )
    assert "1 h 3 min median Nothing in the 7 days before to compare with." in told
    assert "Still open: 1 failure." in told


def test_says_what_was_before_where_there_is_nothing_now(shop: History):
    first = shop.push(NOON - 10 * DAY, committed=HOUR)
    shop.push(NOON - 9 * DAY, committed=HOUR)
    shop.roll_back(NOON - 9 * DAY + 30 * MINUTE, to=first)

    told = page(browser())

    assert "30 min in the 7 days before." in told
    assert "50% in the 7 days before." in told
    assert "Nothing in the 7 days before" not in told


def test_says_once_that_there_is_nothing_to_compare_with(shop: History):
    shop.push(NOON - DAY, committed=HOUR)

    told = page(browser())

    assert told.count("with nothing in the 7 days before to compare with.") == 1
    assert "Nothing in the 7 days before" not in told
    assert "beside the 7 days before" not in told


def test_has_the_figures_of_the_plots_in_a_table(shop: History):
    first = shop.push(NOON - DAY, committed=HOUR)
    shop.push(NOON, committed=2 * HOUR)
    shop.roll_back(NOON + 30 * MINUTE, to=first)

    told = page(browser())

    assert "18 Nov 2026 1 1 0 2 h 2 h 100% 30 min 30 min 0 17 Nov 2026 1 0 0 1 h 1 h 0% – – 0" in told
    assert "18 Nov 2026: 1 deploy went live, 1 of them rolled back from" in told
    assert "18 Nov 2026: 100%, 1 of 1 deploy" in told
    assert "18 Nov 2026: median 30 min, nine of ten at most 30 min" in told


def test_leads_to_the_deploys_that_failed_and_to_what_restored_them(shop: History):
    first = shop.push(NOON - DAY)
    shop.push(NOON, "FAILED", placed=MINUTE)
    shop.roll_back(NOON + 5 * MINUTE, to=first)
    shop.push(NOON + HOUR, "FAILED")

    answer = browser().get("/insights/", WEEK)

    assert "#2 acme/production/shop Failed in place 18 Nov" not in text_of(answer)  # times are told as on all pages
    assert "after 6 min, by rollback #3" in text_of(answer)
    assert "Still open" in text_of(answer)
    for number in (2, 3, 4):
        assert f'href="/deployments/acme/production/shop/deploys/{number}/"' in answer.content.decode()


def test_compares_the_deployments_and_within_one_its_code_locations(shop: History, location: CodeLocation):
    staging = factories.make_deployment(location.deployment.organization, "staging")
    History(factories.make_location(staging)).push(NOON, "FAILED")
    factories.make_location(location.deployment, "other")
    shop.push(NOON)
    client = browser()

    def lines(**said: str) -> list[str]:
        content = client.get("/insights/", WEEK | said).content.decode()
        table = content.partition('class="rows compared"')[2].partition("</table>")[0]
        return re.findall(r'<a href="\?place=([^"&]+)', table)

    assert lines() == ["acme%2Fproduction", "acme%2Fstaging"]
    assert lines(place="acme", sort="rate") == ["acme%2Fstaging", "acme%2Fproduction"]
    assert lines(place="acme/production") == ["acme%2Fproduction%2Fshop", "acme%2Fproduction%2Fother"]
    assert lines(place="acme/production/shop") == []


def test_counts_no_row_that_the_person_may_not_see(shop: History, location: CodeLocation):
    globex = factories.make_deployment(factories.make_organization("globex"))
    staging = factories.make_deployment(location.deployment.organization, "staging")
    for place in (globex, staging):
        History(factories.make_location(place, "secret")).push(NOON, "FAILED", committed=HOUR)
    shop.push(NOON)
    viewer = browser(factories.make_member(Role.VIEWER, location.deployment))

    for place in ("", "acme", "acme/production"):
        content = viewer.get("/insights/", WEEK | {"place": place}).content.decode()
        assert not re.search("globex|staging|secret", content)
        assert "0 of 1 deploy." in content
    for place in ("globex", "globex/production", "acme/staging", "acme/staging/secret", "absent", "a/b/c/d", "acme/\0"):
        assert viewer.get("/insights/", WEEK | {"place": place}).status_code == 404


def test_says_what_to_do_where_nothing_ended_yet(location: CodeLocation):
    told = page(browser(), place="acme/production")

    assert "Nothing went live and nothing failed in these days" in told
    assert "lastgood deploy acme/production/shop --dags ./dags" in told
    assert "There is nothing to count here" in page(browser(factories.make_user("stranger")))


def test_says_what_no_plot_can_show(shop: History):
    shop.push(NOON)

    told = page(browser())

    assert "No deploy that went live in this time came with the time of its commit." in told
    assert "Nothing failed in this time: there was nothing to restore." in told


@pytest.mark.parametrize("said", [{"days": "0"}, {"from": "2026-13-01"}, {"from": "2020-01-01", "to": "2026-01-01"}])
def test_refuses_a_period_that_is_none_with_a_page(location: CodeLocation, said: dict[str, str]):
    assert browser().get("/insights/", said).status_code == 400


def test_never_takes_what_a_commit_says_for_markup(shop: History):
    made = shop.push(NOON)
    Deploy.objects.filter(pk=made.pk).update(git={"committed_at": "<script>alert(1)</script>"})

    answer = browser().get("/insights/", WEEK | {"place": "acme", "sort": '"><script>alert(1)</script>', "days": "7"})

    assert b"<script>alert" not in answer.content
    assert b"style=" not in answer.content


def test_costs_the_same_with_one_deployment_and_with_twenty(shop: History, location: CodeLocation):
    viewer = browser(factories.make_member(Role.VIEWER, location.deployment.organization))

    def cost(**said: str) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            answer = viewer.get("/insights/", said)
        assert answer.status_code == 200
        return len(queries), len(answer.content)

    viewer.get("/")  # what a process learns once
    shop.push(NOON, "FAILED")
    few, _ = cost(**WEEK)
    for number in range(19):
        place = factories.make_deployment(location.deployment.organization, f"place-{number}")
        history = History(factories.make_location(place))
        for day in range(5):
            history.push(NOON - day * 60 * DAY, "FAILED" if day == number % 5 else "SUCCEEDED", committed=HOUR)

    many, _ = cost(**WEEK)
    year, size = cost(**{"from": "2025-11-19", "to": "2026-11-18"})

    assert few == many == year <= MOST_QUERIES
    assert size < MOST_BYTES


def test_refuses_to_count_more_than_fits(shop: History, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(insights, "MOST_ROWS", 1)
    shop.push(NOON)
    shop.push(NOON)

    answer = browser().get("/insights/", WEEK)

    assert answer.status_code == 400
    assert "choose a shorter period" in answer.content.decode()
