"""The pages of loads …"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.access import Role
from deployments.models import CodeLocation, Deploy, Load, PlatformWatch, Release
from deployments.states import DeployStatus
from tests import factories
from tests.observing.world import World
from tests.pages import loaded, scenes
from tests.pages.conftest import signed_in
from tests.pages.test_budget import MOST_QUERIES, cost
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

pytestmark = [pytest.mark.django_db, pytest.mark.services]
MOST_BYTES = 60_000


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Answer a deployment with a Dagster that somebody watches."""
    with loaded.watched() as found:
        yield found


@pytest.fixture
def eventful(world: World) -> World:
    """Answer one in which `shop` was loaded by deploys, by hand, again and again, and fails now."""
    return loaded.eventful(world)


@pytest.fixture
def root(db: None) -> Client:
    """Answer the browser of a superuser."""
    return signed_in(factories.superuser())


@pytest.fixture
def viewer(world: World) -> Client:
    """Answer the browser of somebody who may look."""
    return signed_in(factories.make_member(Role.VIEWER, world.deployment))


def here(world: World) -> str:
    """Answer the address of the code location's history."""
    return world.location().get_absolute_url()


def rows(page: str) -> list[str]:
    """Answer the rows of the table, newest first."""
    return page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr")[1:]


def test_d1_show_every_load_whoever_caused_it(eventful: World, root: Client):
    page = words(root, f"{here(eventful)}loads/?collapse=0")

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
    eventful: World, root: Client
):
    address = f"{here(eventful)}loads/"

    home = words(root, "/")
    page = root.get(address).content.decode()
    dialog = root.get(address, headers={"HX-Request": "true"}).content.decode()

    assert f'data-dialog href="{address}" aria-label="View history of shop"' in home
    assert "<title>" in page
    assert "<html" not in dialog
    for drawn in (page, dialog):
        assert ">History of shop</h2>" in drawn
        assert drawn.index("History of shop</h2>") < drawn.index("Collapse similar entries") < drawn.index("<table")


def test_d3_commit_links_lead_to_the_forge_and_only_by_http(eventful: World, root: Client):
    page = words(root, f"{here(eventful)}loads/")
    Deploy.objects.filter(number=2).update(git={"commit": loaded.COMMIT, "url": "javascript:alert(1)"})
    without = rows(words(root, f"{here(eventful)}loads/"))[2]
    eventful.deployment.commit_link = "https://git.example.com/at/{commit}"
    eventful.deployment.save()
    templated = words(root, f"{here(eventful)}loads/")

    assert f'href="https://github.com/acme/pipelines/commit/{loaded.COMMIT}"' in page
    assert "javascript" not in without
    assert loaded.COMMIT[:7] in without
    assert f'href="https://git.example.com/at/{loaded.COMMIT}"' in templated


def test_d4_collapse_is_on_by_default_and_can_be_switched_off(eventful: World, root: Client):
    page = words(root, f"{here(eventful)}loads/")
    off = words(root, f"{here(eventful)}loads/?collapse=0")

    run = rows(page)[-1]
    assert len(rows(page)) == 4
    assert "×12" in run
    assert run.count("<time") == 3
    assert 'aria-checked="true" data-dialog href="' + f'{here(eventful)}loads/?collapse=0"' in page
    assert 'aria-checked="false" data-dialog href="' + f'{here(eventful)}loads/?collapse=1"' in off
    assert "×" not in "".join(rows(off))


def test_d4_a_collapsed_row_still_says_who_deployed_it_and_what_it_changed(eventful: World, root: Client):
    run = rows(words(root, f"{here(eventful)}loads/"))[-1]
    newest = rows(words(root, f"{here(eventful)}loads/?collapse=0"))[-12]

    assert "×12" in run
    assert "Loaded</span>" in run
    assert 'class="c-who">root<' in run
    assert f'{here(eventful)}deploys/1/assets/"' in run
    assert "Loaded again, same definitions</span>" in newest
    assert "deploys/1/assets/" not in newest


def test_d4_a_row_of_loads_that_were_all_there_before_says_so(eventful: World, root: Client):
    eventful.passes(minutes=1)
    eventful.dagster.load(3)
    eventful.poll()
    eventful.after_hand_load(3)

    back = rows(words(root, f"{here(eventful)}loads/"))[0]

    assert "×2" in back
    assert "Loaded again, same definitions</span>" in back
    assert "/assets/" not in back


def test_d8_let_only_those_roll_back_who_may(eventful: World, root: Client, viewer: Client):
    address = f"{here(eventful)}loads/"

    mine, theirs = words(root, address), words(viewer, address)

    assert f'{here(eventful)}rollback/?to=1"' in mine
    assert "/rollback/" not in theirs
    assert "Editors and Admins roll back" in theirs


def test_d9_show_a_failed_load_with_the_users_own_line_first(eventful: World, root: Client):
    failing = eventful.load()
    page = words(root, f"{here(eventful)}loads/{failing.pk}/")

    order = [
        "/srv/dagster/code/shop/orders.py:7",
        "from shop.currency import rates",
        "ModuleNotFoundError",
        "<summary>Stack</summary>",
        "DagsterUserCodeLoadError",
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert f'The last loaded definitions are kept: <a href="{here(eventful)}assets/">3 assets of #3</a>' in page
    assert "Roll back to last known good (#3)" in page
    assert f'{here(eventful)}rollback/?to=last-good"' in page


def test_d9_the_row_that_fails_now_leads_to_the_last_known_good(eventful: World, root: Client, viewer: Client):
    way_out = 'rollback/?to=last-good">Roll back to last known good (#3)'
    failing = rows(words(root, f"{here(eventful)}loads/"))[0]
    not_mine = rows(words(viewer, f"{here(eventful)}loads/"))[0]
    eventful.after_hand_load(5)
    over = rows(words(root, f"{here(eventful)}loads/"))[1]

    assert way_out in failing
    assert "Failed to load" in over
    for row in (not_mine, over):
        assert "last-good" not in row


def test_d9_of_a_failure_that_is_over_offer_no_way_out_of_it(eventful: World, root: Client):
    failed = eventful.load()
    eventful.after_hand_load(5)

    page = words(root, f"{here(eventful)}loads/{failed.pk}/")

    assert "The last loaded definitions are kept" in page
    assert "last known good" not in page


def test_d10_actions_are_view_metadata_compare_with_live_and_rollback(eventful: World, root: Client):
    failed, live, by_hand, first = rows(words(root, f"{here(eventful)}loads/"))

    for row in (failed, live, by_hand, first):
        assert "View metadata" in row
    assert f'{here(eventful)}compare/?from=1&amp;to=3">Compare with live' in first
    assert "Compare with live" not in live
    assert "Compare with live" not in failed
    assert f'{here(eventful)}rollback/?to=1">Rollback to this version' in first
    assert "Its files never came to Lastgood" in by_hand
    assert "rollback/" not in by_hand


def test_d10_view_metadata_shows_everything_as_table_and_as_json(eventful: World, root: Client):
    load = eventful.loads()[-3]
    page = words(root, f"{here(eventful)}loads/{load.pk}/")

    for value in (*loaded.SHOWN.values(), load.definitions_digest, load.version_key, load.server_id):
        assert page.count(value) >= 2, value
    assert "dagster-dbt" in page
    assert "library/" not in page
    assert 'data-copy="load-json"' in page
    assert 'aria-label="Copy commit_hash"' in page


def test_d10_view_metadata_has_the_commit_and_the_release_of_its_deploy(eventful: World, root: Client):
    url = "https://robot:s3cret-of-ci@github.com/acme/pipelines"
    Deploy.objects.filter(number=3).update(git={"commit": loaded.COMMIT, "url": url, "branch": "main"})
    load = next(each for each in eventful.loads() if each.deploy and each.deploy.number == 3)
    page = words(root, f"{here(eventful)}loads/{load.pk}/")

    for value in (loaded.COMMIT, "https://github.com/acme/pipelines", load.deploy.release.digest):
        assert page.count(f"<code>{value}</code>") == 1, value
        assert page.count(value) >= 2, value
    assert 'aria-label="Copy Commit"' in page
    assert "s3cret-of-ci" not in page


def test_name_the_neighbour_whose_deploy_loaded_it_again(eventful: World, root: Client):
    finance = factories.deploy(factories.make_location(eventful.deployment, "finance"))
    Load.objects.filter(pk=eventful.load().pk).update(reloaded_by=finance)

    page = words(root, f"{here(eventful)}loads/")

    assert f'reloaded by <a href="{finance.get_absolute_url()}">#1 of finance</a>' in page


def test_say_that_an_image_is_gone(eventful: World, root: Client):
    Release.objects.exclude(image="").update(image_gone_at=timezone.now())

    assert "image gone" in rows(words(root, f"{here(eventful)}loads/"))[2]


def test_escape_what_a_platform_says(world: World, root: Client):
    evil = "<script>alert(1)</script>"
    world.after_hand_load(2, shown={"image": f"x/{evil}", evil: evil, "url": "javascript:alert(1)"})
    newest = world.load()

    for address in ("", "loads/", f"loads/{newest.pk}/", f"deploys/{loaded.observed(world).number}/"):
        page = root.get(f"{here(world)}{address}").content.decode()
        assert evil not in page, address
        assert 'href="javascript' not in page, address


@pytest.mark.parametrize("broken", [{}, {"chain": 7}, {"chain": ["x"], "message": 4}, {"chain": [{"stack": 9}]}])
def test_show_errors_of_any_shape(broken: dict[str, object], eventful: World, root: Client):
    Load.objects.filter(pk=eventful.load().pk).update(error=broken)

    assert "Failed to load" in words(root, f"{here(eventful)}loads/{eventful.load().pk}/")
    assert "Failed to load" in words(root, f"{here(eventful)}loads/")
    assert "Fails to load since" in words(root, here(eventful))


def test_are_absent_of_another_location(eventful: World, root: Client):
    factories.make_location(eventful.deployment, "finance")
    load = eventful.load()

    elsewhere = f"{eventful.deployment.get_absolute_url()}finance/loads/{load.pk}/"

    assert root.get(elsewhere).status_code == 404
    assert root.get(f"{here(eventful)}loads/{'9' * 18}/").status_code == 404
    assert root.get(f"{here(eventful)}loads/{'9' * 19}/").status_code == 404


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


def test_turn_to_older_and_newer_loads(eventful: World, root: Client):
    address = f"{here(eventful)}loads/?collapse=0&limit=6"
    first = root.get(address)
    second = root.get(f"{here(eventful)}loads/{first.context['older']}")
    back = root.get(f"{here(eventful)}loads/{second.context['newer']}")

    shown = [[row.load.pk for row in answer.context["rows"]] for answer in (first, second, back)]
    assert shown[0] == shown[2] == sorted(shown[0], reverse=True)
    assert max(shown[1]) < min(shown[0])
    assert root.get(f"{here(eventful)}loads/?cursor=x").status_code == 400


def test_cost_the_same_with_a_few_loads_and_with_thousands(eventful: World):
    editor = signed_in(factories.make_member(Role.EDITOR, eventful.deployment))
    like = eventful.loads()[-3]
    loaded.many(like, 60)
    editor.get("/")
    for query in ("", "?collapse=0"):
        few, _ = cost(editor, f"{here(eventful)}loads/{query}")
        loaded.many(like, 1_500)

        lots, size = cost(editor, f"{here(eventful)}loads/{query}")

        assert few == lots <= MOST_QUERIES, query
        assert size < MOST_BYTES, query


def test_are_built_as_every_page_is(eventful: World, root: Client):
    for address in ("loads/", "loads/?collapse=0", f"loads/{eventful.load().pk}/", "", "deploys/2/", "deploys/4/"):
        reader = Reader()
        reader.feed(root.get(f"{here(eventful)}{address}").content.decode())
        reader.close()
        assert reader.inline == [], address
        assert reader.unlabelled == [], address
        assert len(reader.ids) == len(set(reader.ids)), address


def test_say_at_the_top_of_history_that_it_fails_and_who_loaded_it(eventful: World, root: Client):
    page = words(root, here(eventful))
    home = words(root, "/")

    assert "Fails to load since" in page
    assert "orders.py:7: ModuleNotFoundError" in page
    assert f'href="{here(eventful)}loads/{eventful.load().pk}/"' in page
    assert "Loaded by somebody else" in home
    assert "Fails to load since" in home


def test_make_sense_of_what_is_live_without_being_placed(eventful: World, root: Client):
    eventful.after_hand_load(5)

    page = words(root, here(eventful))

    assert "#5 was loaded by somebody else and is live; the folder holds #3 as placed." in page
    assert "Fails to load" not in page
    assert "Loaded by somebody else: commit 9c1e07d and image 2026.11.20" in page


def test_tell_a_poll_when_something_was_loaded_and_when_the_connection_breaks(eventful: World, root: Client):
    asked = {"HX-Request": "true"}
    poll = f"{here(eventful)}{root.get(here(eventful)).context['poll']}"
    PlatformWatch.objects.update(answered_at=timezone.now() + timedelta(seconds=15))
    answered = root.get(poll, headers=asked).status_code
    PlatformWatch.objects.update(unreachable_since=timezone.now(), error={"code": "x", "detail": "No answer."})
    lost = root.get(poll, headers=asked)
    PlatformWatch.objects.update(unreachable_since=None, error=None)
    back = root.get(poll, headers=asked).status_code
    eventful.after_hand_load(6)

    assert (answered, lost.status_code, back) == (204, 200, 204)
    assert "not reachable since" in lost.content.decode()
    assert root.get(poll, headers=asked).status_code == 200


def test_say_since_when_dagster_is_away_and_why(eventful: World, root: Client):
    at = timezone.now().replace(hour=0, minute=3)
    PlatformWatch.objects.update(unreachable_since=at, error={"code": "x", "detail": "No answer within 5 s."})

    for address in ("/", here(eventful), f"{here(eventful)}loads/"):
        page = words(root, address)
        assert "Dagster not reachable since <time" in page, address
        assert ">00:03 (UTC)</time>" in page, address
        assert "No answer within 5 s." in page, address


def test_say_the_version_and_what_it_cannot_tell(eventful: World, root: Client):
    PlatformWatch.objects.update(version="1.9.13", cannot_tell=["Which kinds assets have."], notes=["odd is odd."])

    page = words(root, here(eventful))

    assert "Dagster 1.9.13" in page
    assert "last answered <time" in page
    assert "Which kinds assets have." in page
    assert "odd is odd." in page


def test_mark_what_is_offline_on_purpose_and_what_is_gone(eventful: World, root: Client):
    CodeLocation.objects.update(muted=True, absent_since=timezone.now())

    page = words(root, "/")

    assert "Planned offline" in page
    assert "Not in Dagster&#x27;s workspace since" in page


def test_of_an_observed_deploy_have_no_steps_and_lead_to_its_load(eventful: World, root: Client):
    went_live, failed = words(root, f"{here(eventful)}deploys/2/"), words(root, f"{here(eventful)}deploys/4/")

    for page in (went_live, failed):
        assert 'aria-label="Steps"' not in page
        assert f"{here(eventful)}loads/" in page
        assert 'id="retry"' not in page
        assert "Files</h2>" not in page
    assert "Loaded by somebody else: commit 9c1e07d and image 2026.11.20" in went_live
    assert failed.index("orders.py:7") < failed.index("DagsterUserCodeLoadError")


def test_of_the_deploy_before_an_observed_one_show_no_files_as_if_they_were_new(eventful: World, root: Client):
    assert "Files</h2>" not in words(root, f"{here(eventful)}deploys/3/")


class TestRollback:
    """The rollback dialog …"""

    def test_begins_at_what_somebody_else_loaded(self, eventful: World, root: Client):
        page = words(root, f"{here(eventful)}rollback/?to=last-good")

        assert "In place now</span> #4" in page
        assert "Loaded by somebody else; its files are not known." in page
        assert "Whoever did that may do it again" in page

    def test_refuses_what_was_loaded_meanwhile(self, eventful: World, root: Client):
        read = root.get(f"{here(eventful)}rollback/?to=3").context["plan"].etag
        eventful.after_hand_load(7)

        answer = root.post(f"{here(eventful)}rollbacks/", {"to": 3, "plan_etag": read, "description": "Back."})

        assert answer.status_code == 409
        assert "read the new plan, then confirm again" in answer.content.decode()
        assert "#5, which is served now, was loaded by somebody else." in answer.content.decode()

    def test_takes_what_was_explained(self, eventful: World, root: Client, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("deployments.tasks.enqueue", lambda deploy: None)

        read = root.get(f"{here(eventful)}rollback/?to=3").context["plan"].etag

        answer = root.post(f"{here(eventful)}rollbacks/", {"to": 3, "plan_etag": read, "description": "Back."})

        assert answer.status_code == 302
        assert Deploy.objects.get(number=5).status == DeployStatus.QUEUED

    def test_says_what_a_workspace_does_with_runs(self, eventful: World, root: Client):
        eventful.deployment.target, eventful.deployment.workspace_file = "workspace", "/srv/workspace.yaml"
        eventful.deployment.save()

        page = words(root, f"{here(eventful)}rollback/?to=1")

        assert "Runs in flight stay on their release" in page
        assert "may mix old and new code" not in page

    def test_says_which_image_the_receiver_is_ordered_to_run(self, eventful: World, root: Client):
        eventful.deployment.target = "webhook"
        eventful.deployment.save()

        page = words(root, f"{here(eventful)}rollback/?to=2")

        assert f"The receiver is ordered to run {loaded.SHOWN['image']}." in page
        assert "The files of #2" not in page
        assert f"<ins>{loaded.SHOWN['image']}</ins>" in page

    def test_names_what_the_target_puts(self, eventful: World, root: Client):
        location = eventful.location()
        Release.objects.filter(pk=location.placed_deploy.release_id).update(image="registry.example/a:1")
        by_folder = words(root, f"{here(eventful)}rollback/?to=3")
        eventful.deployment.target = "webhook"
        eventful.deployment.save()

        assert (
            "registry.example/a:1 is recorded, not applied: this target puts bundles and settings in place."
            in by_folder
        )
        assert "are recorded, not applied: this target puts images in place." in words(
            root, f"{here(eventful)}rollback/?to=3"
        )


def test_of_an_unconnected_deployment_say_nothing_of_a_connection(here_plain: str, root: Client):
    assert "last answered" not in words(root, here_plain)


@pytest.fixture
def here_plain(db: None) -> str:
    """Answer the history of a code location without a platform."""
    location = factories.make_location()
    factories.deploy(location, scenes.files(1))
    return location.get_absolute_url()
