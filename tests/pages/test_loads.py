"""The pages of loads …"""

import pytest
from django.test import Client
from django.utils import timezone

from deployments.access import Role
from deployments.models import Deploy, Load, Release
from tests import factories
from tests.observing.world import World
from tests.pages import loaded
from tests.pages.conftest import signed_in
from tests.pages.loaded import eventful_world, here, world
from tests.pages.test_budget import MOST_QUERIES, cost
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

__all__ = ["eventful_world", "world"]
pytestmark = [pytest.mark.django_db, pytest.mark.services]
MOST_BYTES = 60_000


@pytest.fixture
def viewer(world: World) -> Client:
    """Answer the browser of somebody who may look."""
    return signed_in(factories.make_member(Role.VIEWER, world.deployment))


def rows(page: str) -> list[str]:
    """Answer the rows of the table, newest first."""
    return page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr")[1:]


def test_d1_show_every_load_whoever_caused_it(eventful_world: World, root: Client):
    page = words(root, f"{here(eventful_world)}loads/?collapse=0")

    assert len(rows(page)) == 15
    failed, ours, by_hand, again = rows(page)[:4]
    assert "Failed to load" in failed
    assert "#4" in failed
    assert "observed" in failed
    assert "#3" in ours
    assert "root" in ours
    assert "#2" in by_hand
    assert "Observed" in by_hand
    assert "Loaded again, same definitions" in again


def test_d2_view_history_opens_from_the_row_of_the_deployments_page_and_is_a_page_of_its_own(
    eventful_world: World, root: Client
):
    address = f"{here(eventful_world)}loads/"

    home = words(root, "/")
    page = root.get(address).content.decode()
    dialog = root.get(address, headers={"HX-Request": "true"}).content.decode()

    assert f'data-dialog href="{address}" aria-label="View history of shop"' in home
    assert "<title>" in page
    assert "<html" not in dialog
    for drawn in (page, dialog):
        assert ">History of shop</h2>" in drawn
        assert drawn.index("History of shop</h2>") < drawn.index("Collapse similar entries") < drawn.index("<table")


def test_d3_commit_links_lead_to_the_forge_and_only_by_http(eventful_world: World, root: Client):
    page = words(root, f"{here(eventful_world)}loads/")
    Deploy.objects.filter(number=2).update(git={"commit": loaded.COMMIT, "url": "javascript:alert(1)"})
    without = rows(words(root, f"{here(eventful_world)}loads/"))[2]
    eventful_world.deployment.commit_link = "https://git.example.com/at/{commit}"
    eventful_world.deployment.save()
    templated = words(root, f"{here(eventful_world)}loads/")

    assert f'href="https://github.com/acme/pipelines/commit/{loaded.COMMIT}"' in page
    assert "javascript" not in without
    assert loaded.COMMIT[:7] in without
    assert f'href="https://git.example.com/at/{loaded.COMMIT}"' in templated


def test_d4_collapse_is_on_by_default_and_can_be_switched_off(eventful_world: World, root: Client):
    page = words(root, f"{here(eventful_world)}loads/")
    off = words(root, f"{here(eventful_world)}loads/?collapse=0")

    run = rows(page)[-1]
    assert len(rows(page)) == 4
    assert "×12" in run
    assert run.count("<time") == 3
    assert 'aria-checked="true" data-dialog href="' + f'{here(eventful_world)}loads/?collapse=0"' in page
    assert 'aria-checked="false" data-dialog href="' + f'{here(eventful_world)}loads/?collapse=1"' in off
    assert "×" not in "".join(rows(off))


def test_d4_a_collapsed_row_still_says_who_deployed_it_and_what_it_changed(eventful_world: World, root: Client):
    run = rows(words(root, f"{here(eventful_world)}loads/"))[-1]
    newest = rows(words(root, f"{here(eventful_world)}loads/?collapse=0"))[-12]

    assert "×12" in run
    assert "Loaded</span>" in run
    assert 'class="c-who">root<' in run
    assert f'{here(eventful_world)}deploys/1/assets/"' in run
    assert "Loaded again, same definitions</span>" in newest
    assert "deploys/1/assets/" not in newest


def test_d4_a_row_of_loads_that_were_all_there_before_says_so(eventful_world: World, root: Client):
    eventful_world.passes(minutes=1)
    eventful_world.dagster.load(3)
    eventful_world.poll()
    eventful_world.after_hand_load(3)

    back = rows(words(root, f"{here(eventful_world)}loads/"))[0]

    assert "×2" in back
    assert "Loaded again, same definitions</span>" in back
    assert "/assets/" not in back


def test_d8_let_only_those_roll_back_who_may(eventful_world: World, root: Client, viewer: Client):
    address = f"{here(eventful_world)}loads/"

    mine, theirs = words(root, address), words(viewer, address)

    assert f'{here(eventful_world)}rollback/?to=1"' in mine
    assert "/rollback/" not in theirs
    assert "Editors and Admins roll back" in theirs


def test_d9_show_a_failed_load_with_the_users_own_line_first(eventful_world: World, root: Client):
    failing = eventful_world.load()
    page = words(root, f"{here(eventful_world)}loads/{failing.pk}/")

    order = [
        "/srv/dagster/code/shop/orders.py:7",
        "from shop.currency import rates",
        "ModuleNotFoundError",
        "<summary>Stack</summary>",
        "DagsterUserCodeLoadError",
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert f'The last loaded definitions are kept: <a href="{here(eventful_world)}assets/">3 assets of #3</a>' in page
    assert "Roll back to last known good (#3)" in page
    assert f'{here(eventful_world)}rollback/?to=last-good"' in page


def test_d9_the_row_that_fails_now_leads_to_the_last_known_good(eventful_world: World, root: Client, viewer: Client):
    way_out = 'rollback/?to=last-good">Roll back to last known good (#3)'
    failing = rows(words(root, f"{here(eventful_world)}loads/"))[0]
    not_mine = rows(words(viewer, f"{here(eventful_world)}loads/"))[0]
    eventful_world.after_hand_load(5)
    over = rows(words(root, f"{here(eventful_world)}loads/"))[1]

    assert way_out in failing
    assert "Failed to load" in over
    for row in (not_mine, over):
        assert "last-good" not in row


def test_d9_of_a_failure_that_is_over_offer_no_way_out_of_it(eventful_world: World, root: Client):
    failed = eventful_world.load()
    eventful_world.after_hand_load(5)

    page = words(root, f"{here(eventful_world)}loads/{failed.pk}/")

    assert "The last loaded definitions are kept" in page
    assert "last known good" not in page


def test_d10_actions_are_view_metadata_compare_with_live_and_rollback(eventful_world: World, root: Client):
    failed, live, by_hand, first = rows(words(root, f"{here(eventful_world)}loads/"))

    for row in (failed, live, by_hand, first):
        assert "View metadata" in row
    assert f'{here(eventful_world)}compare/?from=1&amp;to=3">Compare with live' in first
    assert "Compare with live" not in live
    assert "Compare with live" not in failed
    assert f'{here(eventful_world)}rollback/?to=1">Rollback to this version' in first
    assert "Its files never came to Lastgood" in by_hand
    assert "rollback/" not in by_hand


def test_d10_view_metadata_shows_everything_as_table_and_as_json(eventful_world: World, root: Client):
    load = eventful_world.loads()[-3]
    page = words(root, f"{here(eventful_world)}loads/{load.pk}/")

    for value in (*loaded.SHOWN.values(), load.definitions_digest, load.version_key, load.server_id):
        assert page.count(value) >= 2, value
    assert "dagster-dbt" in page
    assert "library/" not in page
    assert 'data-copy="load-json"' in page
    assert 'aria-label="Copy commit_hash"' in page


def test_d10_view_metadata_has_the_commit_and_the_release_of_its_deploy(eventful_world: World, root: Client):
    url = "https://robot:s3cret-of-ci@github.com/acme/pipelines"
    Deploy.objects.filter(number=3).update(git={"commit": loaded.COMMIT, "url": url, "branch": "main"})
    load = next(each for each in eventful_world.loads() if each.deploy and each.deploy.number == 3)
    page = words(root, f"{here(eventful_world)}loads/{load.pk}/")

    for value in (loaded.COMMIT, "https://github.com/acme/pipelines", load.deploy.release.digest):
        assert page.count(f"<code>{value}</code>") == 1, value
        assert page.count(value) >= 2, value
    assert 'aria-label="Copy Commit"' in page
    assert "s3cret-of-ci" not in page


def test_name_the_neighbour_whose_deploy_loaded_it_again(eventful_world: World, root: Client):
    finance = factories.deploy(factories.make_location(eventful_world.deployment, "finance"))
    Load.objects.filter(pk=eventful_world.load().pk).update(reloaded_by=finance)

    page = words(root, f"{here(eventful_world)}loads/")

    assert f'reloaded by <a href="{finance.get_absolute_url()}">#1 of finance</a>' in page


def test_say_that_an_image_is_gone(eventful_world: World, root: Client):
    Release.objects.exclude(image="").update(image_gone_at=timezone.now())

    assert "image gone" in rows(words(root, f"{here(eventful_world)}loads/"))[2]


def test_escape_what_a_platform_says(world: World, root: Client):
    evil = "<script>alert(1)</script>"
    world.after_hand_load(2, shown={"image": f"x/{evil}", evil: evil, "url": "javascript:alert(1)"})
    newest = world.load()

    for address in ("", "loads/", f"loads/{newest.pk}/", f"deploys/{loaded.observed(world).number}/"):
        page = root.get(f"{here(world)}{address}").content.decode()
        assert evil not in page, address
        assert 'href="javascript' not in page, address


@pytest.mark.parametrize("broken", [{}, {"chain": 7}, {"chain": ["x"], "message": 4}, {"chain": [{"stack": 9}]}])
def test_show_errors_of_any_shape(broken: dict[str, object], eventful_world: World, root: Client):
    Load.objects.filter(pk=eventful_world.load().pk).update(error=broken)

    assert "Failed to load" in words(root, f"{here(eventful_world)}loads/{eventful_world.load().pk}/")
    assert "Failed to load" in words(root, f"{here(eventful_world)}loads/")
    assert "Fails to load since" in words(root, here(eventful_world))


def test_are_absent_of_another_location(eventful_world: World, root: Client):
    factories.make_location(eventful_world.deployment, "finance")
    load = eventful_world.load()

    elsewhere = f"{eventful_world.deployment.get_absolute_url()}finance/loads/{load.pk}/"

    assert root.get(elsewhere).status_code == 404
    assert root.get(f"{here(eventful_world)}loads/{'9' * 18}/").status_code == 404
    assert root.get(f"{here(eventful_world)}loads/{'9' * 19}/").status_code == 404


def test_say_what_to_do_while_nothing_was_loaded(world: World, root: Client, viewer: Client):
    connected = words(root, f"{here(world)}loads/")
    world.deployment.platform_url = ""
    world.deployment.save()
    apart, not_mine = words(root, f"{here(world)}loads/"), words(viewer, f"{here(world)}loads/")

    assert "Nothing was loaded yet" in connected
    assert "lastgood deploy acme/production/shop --dags ./dags" in connected
    assert "No platform is connected" in apart
    assert '/deployments/acme/production/-/connection/">Connect its Dagster' in apart
    assert f'<a href="{here(world)}">the history of deploys</a>' in apart
    assert "Ask whoever configures it" in not_mine


def test_turn_to_older_and_newer_loads(eventful_world: World, root: Client):
    address = f"{here(eventful_world)}loads/?collapse=0&limit=6"
    first = root.get(address)
    second = root.get(f"{here(eventful_world)}loads/{first.context['older']}")
    back = root.get(f"{here(eventful_world)}loads/{second.context['newer']}")

    shown = [[row.load.pk for row in answer.context["rows"]] for answer in (first, second, back)]
    assert shown[0] == shown[2] == sorted(shown[0], reverse=True)
    assert max(shown[1]) < min(shown[0])
    assert root.get(f"{here(eventful_world)}loads/?cursor=x").status_code == 400


def test_cost_the_same_with_a_few_loads_and_with_thousands(eventful_world: World):
    editor = signed_in(factories.make_member(Role.EDITOR, eventful_world.deployment))
    like = eventful_world.loads()[-3]
    loaded.many(like, 60)
    editor.get("/")
    for query in ("", "?collapse=0"):
        few, _ = cost(editor, f"{here(eventful_world)}loads/{query}")
        loaded.many(like, 1_500)

        lots, size = cost(editor, f"{here(eventful_world)}loads/{query}")

        assert few == lots <= MOST_QUERIES, query
        assert size < MOST_BYTES, query


def test_are_built_as_every_page_is(eventful_world: World, root: Client):
    for address in (
        "loads/",
        "loads/?collapse=0",
        f"loads/{eventful_world.load().pk}/",
        "",
        "deploys/2/",
        "deploys/4/",
    ):
        reader = Reader()
        reader.feed(root.get(f"{here(eventful_world)}{address}").content.decode())
        reader.close()
        assert reader.inline == [], address
        assert reader.unlabelled == [], address
        assert len(reader.ids) == len(set(reader.ids)), address
