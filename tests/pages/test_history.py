"""A page of history …"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments import history
from deployments.last_known_good import last_known_good
from deployments.models import CodeLocation, Deploy
from tests import factories
from tests.pages import scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def eventful(db: None) -> CodeLocation:
    """Answer a location to which everything happened once."""
    return scenes.long_history(factories.make_organization())


@pytest.fixture
def root(db: None, client: Client) -> Client:
    """Answer the browser of a superuser."""
    client.force_login(factories.superuser())
    return client


def test_shows_what_is_live_what_is_held_and_what_each_row_is(eventful: CodeLocation, root: Client):
    page = words(root, eventful.get_absolute_url())

    for expected in [
        "Held. New pushes are stored, not activated.",
        'Rollback to <a href="deploys/5/">#5</a>',
        "blamed by #7",
        "shop failed to load: No module named &#x27;shop.currency&#x27;",
        "#9 brings newer versions of all that this one brought.",
        "The files of #1 were purged: older than 90 days, and nothing needs it.",
        "recorded, not applied",
        "from #4",
        "2026.11.3",
        "1.13.2",
        "not verified",
        "Never in place",
        "Service account",
        "resuming activates #9",
    ]:
        assert expected in page, expected


def test_says_that_the_one_in_place_is_not_the_live_one(root: Client):
    location = factories.make_location()
    scenes.connect(location)
    platform = scenes.ScriptedPlatform()
    with scenes.playing(platform):
        factories.deploy(location, scenes.files(1))
        platform.error = scenes.broken_import()
        factories.deploy(location, scenes.files(2))
    sentence = "#2 is in place and failed to load; #1 was the last live."

    assert sentence in words(root, location.get_absolute_url())
    assert sentence in words(root, f"{location.get_absolute_url()}deploys/2/")
    assert "#2 in place, failed to load" in words(root, "/")


def test_warns_of_drift(location: CodeLocation, here: str, editor: Client):
    CodeLocation.objects.update(drift="The link is gone.")

    assert "The target does not hold what it should: The link is gone." in words(editor, here)


def test_links_commits_only_to_web_pages(location: CodeLocation, here: str, editor: Client):
    odd = scenes.GIT | {"url": "javascript:alert(1)//github.com/acme"}
    factories.push(location, scenes.files(3), git=odd)

    page = editor.get(here).content.decode()

    assert f'href="https://github.com/acme/pipelines/commit/{scenes.GIT["commit"]}"' in page
    assert "javascript:" not in page
    assert "javascript:" not in editor.get(f"{here}deploys/3/").content.decode()


def test_never_makes_markup_of_what_people_wrote(location: CodeLocation, here: str, editor: Client):
    evil = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    git = scenes.GIT | {"branch": evil, "author": evil, "message": evil}
    factories.push(location, scenes.files(3), description=evil, git=git)
    editor.post(f"{here}holds/", {"reason": evil})

    addresses = ["/", here, f"{here}deploys/3/", f"{here}rollback/?to=2", f"{here}?q={evil}&actor={evil}&commit={evil}"]
    for address in addresses:
        page = editor.get(address).content.decode()
        assert "<script>alert" not in page, address
        assert "<img" not in page, address
    assert "&lt;script&gt;" in editor.get(here).content.decode()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("q=Second", [2]),
        ("q=%231", [1]),
        ("commit=4be1", [1]),
        ("status=QUEUED", [3]),
        ("status=QUEUED&status=SUCCEEDED", [3, 2, 1]),
        ("kind=rollback", []),
        ("actor=ROOT", [3, 2, 1]),
        ("actor=nobody", []),
        ("q=&status=", [3, 2, 1]),
        ("until=2020-01-01T00:00", []),
    ],
)
def test_is_filtered_by_its_address(query: str, numbers: list[int], location: CodeLocation, here: str, editor: Client):
    factories.push(location, scenes.files(3))

    answer = editor.get(f"{here}?{query}")

    assert [row.deploy.number for row in answer.context["rows"]] == numbers


def test_says_so_when_no_row_fits(here: str, editor: Client):
    page = words(editor, f"{here}?q=nowhere")

    assert "No deploy fits these filters." in page
    assert "Text: nowhere" in page


def test_says_which_filter_cannot_be_used(here: str, editor: Client):
    answer = editor.get(f"{here}?since=yesterday&status=NONSENSE")

    assert answer.status_code == 200
    assert "From (UTC): Enter a valid date/time." in answer.content.decode()
    assert answer.context["rows"] == []


def test_turns_by_keys_that_keep_the_filters(location: CodeLocation, here: str, editor: Client):
    for number in range(3, 8):
        factories.push(location, scenes.files(number))

    first = editor.get(f"{here}?limit=3&actor=root")
    second = editor.get(here + first.context["older"])
    back = editor.get(here + second.context["newer"])

    assert [row.deploy.number for row in first.context["rows"]] == [7, 6, 5]
    assert [row.deploy.number for row in second.context["rows"]] == [4, 3, 2]
    assert [row.deploy.number for row in back.context["rows"]] == [7, 6, 5]
    assert "actor=root" in first.context["older"]


@pytest.mark.parametrize("query", ["cursor=rubbish", "limit=0", "limit=x", "cursor=WzAsIiJd"])
def test_refuses_a_cursor_that_is_not_ours(query: str, here: str, editor: Client):
    answer = editor.get(f"{here}?{query}")

    assert answer.status_code == 400
    assert "That did not work" in answer.content.decode()


def test_polls_cost_nothing_while_nothing_moves(location: CodeLocation, here: str, editor: Client):
    poll = here + editor.get(here).context["poll"]

    still = editor.get(poll, headers={"HX-Request": "true"})
    factories.push(location, scenes.files(3))
    moved = editor.get(poll, headers={"HX-Request": "true"})

    assert still.status_code == 204
    assert moved.status_code == 200
    assert "<html" not in moved.content.decode()
    assert 'id="poll"' in moved.content.decode()
    assert ">#3<" in moved.content.decode()


def test_reloads_the_whole_page_when_a_poll_is_not_allowed_any_more(here: str, editor: Client):
    editor.logout()

    answer = editor.get(here, headers={"HX-Request": "true"})

    assert answer["HX-Refresh"] == "true"
    assert "Sign in" not in answer.content.decode()


def test_says_how_to_begin_where_nothing_was_deployed(root: Client):
    location = factories.make_location()
    factories.make_deployment(location.deployment.organization, "staging")

    assert "lastgood deploy acme/production/shop --dags ./dags" in words(root, location.get_absolute_url())
    assert "lastgood deploy acme/staging/shop --dags ./dags" in words(root, "/deployments/acme/staging/")
    assert "lastgood deploy acme/production/shop --dags ./dags" in words(root, "/")


def test_of_a_deployment_with_several_locations_begins_with_the_one_that_moved_last(root: Client):
    deployment = factories.make_deployment()
    shop, finance = factories.make_location(deployment), factories.make_location(deployment, "finance")
    factories.make_location(deployment, "marketing")
    factories.deploy(finance)
    factories.deploy(shop)

    answer = root.get(deployment.get_absolute_url())

    assert answer.context["location"] == shop
    assert [line.location.name for line in answer.context["lines"]] == ["finance", "marketing", "shop"]


def test_names_the_same_last_known_good_for_one_location_and_for_many(eventful: CodeLocation):
    plain = factories.make_location(factories.make_deployment(eventful.deployment.organization, "staging"), "plain")
    factories.deploy(plain, scenes.files(1))
    factories.deploy(plain, scenes.files(2))
    empty = factories.make_location(plain.deployment, "empty")
    locations = [factories.fresh(each) for each in (eventful, plain, empty)]

    found = history.last_good_numbers(locations)

    expected = {each.pk: last_known_good(each) for each in locations}
    assert found == {pk: good.number for pk, good in expected.items() if good}
    assert set(found) == {eventful.pk, plain.pk}


def test_finds_places_by_their_names(root: Client):
    factories.make_location()
    factories.make_location(factories.make_deployment(factories.make_organization("globex"), "staging"), "finance")

    page = words(root, "/?q=globex/staging fin")

    assert "finance" in page
    assert "production" not in page


def test_of_one_deploy_follows_it_until_it_ends(location: CodeLocation, here: str, editor: Client):
    waiting = factories.push(location, scenes.files(3))
    page = editor.get(f"{here}deploys/3/").content.decode()
    Deploy.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(seconds=30))
    stuck = words(editor, f"{here}deploys/3/live/")
    factories.carry_out(waiting)
    ended = editor.get(f"{here}deploys/3/live/?seen=1-QUEUED--0", headers={"HX-Request": "true"}).content.decode()

    assert 'hx-trigger="every 1s"' in page
    assert "It waits for a worker." in stuck
    assert "every" not in ended
    assert "Not verified: no platform connected." in ended
    assert "In place as" in ended


def test_of_one_deploy_says_what_it_changed_and_why_it_failed(eventful: CodeLocation, root: Client):
    page = words(root, f"{eventful.get_absolute_url()}deploys/6/")

    assert "2 changed 3 added 0 removed" in page.replace("</span>", "").replace('<span class="n added">', "").replace(
        '<span class="n removed">', ""
    )
    assert page.count("DagsterUserCodeLoadError") == 1
    assert "ModuleNotFoundError" in page
    assert "<summary>Stack</summary>" in page
    assert "dbt/finance from" in page


def words(browser: Client, address: str) -> str:
    """Answer a page with its white space made one."""
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split()).replace("<strong>", "").replace("</strong>", "")
