"""What is shown after a rollback …"""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments import operations
from deployments.models import AlertChannel, CodeLocation, Deploy, Deployment, Notification
from deployments.states import DeployStatus
from tests import factories
from tests.pages import scenes, shipping
from tests.pages.test_markup import Reader

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
MOST_QUERIES = 15


def page_of(browser: Client, here: str, number: int) -> str:
    """Answer the fragment of this deploy's page."""
    answer = browser.get(f"{here}deploys/{number}/afterwards/", headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def words(browser: Client, here: str, number: int) -> str:
    """Answer what it says, in plain words."""
    return " ".join(re.sub(r"<[^>]+>", " ", page_of(browser, here, number)).split())


@pytest.fixture
def rolled_back(location: CodeLocation) -> Deploy:
    """Answer #3, which put #1 back in place of #2."""
    Deploy.objects.filter(number=2).update(git=scenes.GIT)
    return factories.roll_back(location, 1, description="Orders are empty")


def fail(location: CodeLocation) -> Deploy:
    """Let a rollback to #1 fail when it is in place already."""
    Deployment.objects.update(activation_command="/usr/bin/false")
    return factories.roll_back(location, 1)


def test_is_asked_for_by_the_page_of_a_rollback_once_that_ended(location: CodeLocation, here: str, editor: Client):
    asked = factories.ask_rollback(location, 1)
    running = editor.get(f"{here}deploys/3/").content.decode()
    factories.carry_out(asked)
    ended = editor.get(f"{here}deploys/3/").content.decode()
    push = editor.get(f"{here}deploys/2/").content.decode()

    assert f'hx-get="{here}deploys/3/afterwards/"' in ended
    assert f'href="{here}deploys/3/afterwards/"' in ended
    assert "afterwards/" not in running
    assert "afterwards/" not in push


def test_is_absent_for_a_push_and_while_the_rollback_runs(location: CodeLocation, here: str, editor: Client):
    factories.ask_rollback(location, 1)

    assert editor.get(f"{here}deploys/2/afterwards/").status_code == 404
    assert editor.get(f"{here}deploys/3/afterwards/").status_code == 404


def test_is_a_page_without_scripts(rolled_back: Deploy, here: str, editor: Client):
    page = editor.get(f"{here}deploys/3/afterwards/").content.decode()
    reader = Reader()
    reader.feed(page)
    reader.close()

    assert "<html" in page
    assert "What now?" in page
    assert reader.inline == []
    assert reader.unlabelled == []
    assert len(reader.ids) == len(set(reader.ids))


def test_says_what_is_live_again_and_offers_what_comes_next(rolled_back: Deploy, here: str, editor: Client):
    text, page = words(editor, here, 3), page_of(editor, here, 3)

    said = [
        "#1 is live again since",
        "new pushes are held",
        "Tell the others",
        "Find out what was wrong",
        "Mend it in the repository",
        "The code of #2 is blocked here.",
        "on main , by Maria Lindqvist.",
        f"git revert {scenes.GIT['commit']}",
        "Lift the hold No push waits yet.",
        "Undo this rollback",
    ]
    found = [text.index(expected) for expected in said]
    assert found == sorted(found)
    assert f'href="{here}compare/?from=2&amp;to=3"' in page
    assert f'href="https://github.com/acme/pipelines/commit/{scenes.GIT["commit"]}"' in page
    assert f'action="{here}resume/"' in page
    assert f'href="{here}rollback/?to=2"' in page


def test_offers_a_viewer_to_look_and_to_tell_and_nothing_to_do(rolled_back: Deploy, here: str, viewer: Client):
    page = page_of(viewer, here, 3)

    assert "new pushes are held" in page
    assert 'data-copy="bulletin"' in page
    assert "compare/?from=2" in page
    assert "<form" not in page
    assert "data-dialog" not in page


def test_is_worth_pasting(rolled_back: Deploy, location: CodeLocation, here: str, viewer: Client):
    page = page_of(viewer, here, 3)

    lines = page[page.index('<pre id="bulletin">') : page.index("</pre>")].split(">", 1)[1].split("\n")
    assert lines[0] == "acme/production/shop: rollback #3 from #2 to #1 succeeded."
    assert re.fullmatch(r"When: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, took [\d.]+ s\. By: root\.", lines[1])
    assert lines[2:7] == [
        "Why: Orders are empty",
        "Left: #2 – Second (commit 4be1f6a90cde on main)",
        "Restored: #1 – First (commit 4be1f6a90cde on main)",
        "In place now: #3 – Orders are empty",
        "New pushes are held until somebody resumes.",
    ]
    assert lines[7].endswith(f"{here}deploys/3/")
    assert lines[7].startswith("http")


def test_says_what_lifting_the_hold_activates(rolled_back: Deploy, location: CodeLocation, here: str, editor: Client):
    for number, mount in ((4, "dags"), (5, "dbt/finance")):
        factories.push(location, scenes.files(number), mount=mount, description=f"Try {number}")

    text = words(editor, here, 3)

    assert "2 pushes wait: #5 , #4 . Lifting it makes #5 live, with what the others bring: “Try 5”." in text
    assert "Resume with #5" in text


def test_offers_to_hold_where_nothing_is_held(rolled_back: Deploy, location: CodeLocation, here: str, editor: Client):
    operations.resume(location=location, actor=factories.superuser(), now=timezone.now())

    assert "Nothing is held: the next push goes live." in words(editor, here, 3)
    assert f'href="{here}hold/"' in page_of(editor, here, 3)


def test_names_the_channels_that_were_told_and_whether_it_arrived(
    rolled_back: Deploy, location: CodeLocation, here: str, viewer: Client
):
    assert "No alert channel was told of it." in words(viewer, here, 3)
    for name, status in (("on-call", "SENT"), ("ops", "FAILED")):
        channel = AlertChannel.objects.create(deployment=location.deployment, name=name, kind="slack", address="secret")
        for subject in ("started", "ended"):
            Notification.objects.create(
                channel=channel,
                deploy=rolled_back,
                subject=subject,
                title="Rollback",
                body="Rollback",
                status="PENDING" if subject == "started" else status,
                due_at=timezone.now(),
                created_at=timezone.now(),
                sent_at=timezone.now() if status == "SENT" else None,
            )

    text = words(viewer, here, 3)

    assert "Told already: on-call Slack, sent just now ops Slack, not sent" in text
    assert "secret" not in text


def test_leaves_the_repository_out_where_only_settings_went_back(root: Client):
    place = shipping.make_airflow()
    shipping.history_of_airflow(place)
    made = shipping.roll_back(place, 1, scope="settings")

    text = words(root, place.get_absolute_url(), made.number)

    assert "The settings of #1 are live again since" in text
    assert "in the repository" not in text
    assert "Undo: back to #4" in text
    assert "lifts the block" not in text


def test_takes_what_was_in_place_for_what_was_left_and_not_what_was_live(root: Client):
    place = scenes.long_history(factories.make_organization())

    page = page_of(root, place.get_absolute_url(), 7)

    assert "compare/?from=6&amp;to=7" in page
    assert "Undo: back to #6" in page
    assert "Resume with #9" in page


def test_that_failed_says_what_is_in_place_and_what_else_there_is(location: CodeLocation, here: str, editor: Client):
    third = factories.deploy(location, scenes.files(3), description="Third")
    made = fail(location)
    assert (third.number, made.status) == (3, DeployStatus.FAILED)

    text, page = words(editor, here, 4), page_of(editor, here, 4)

    assert "#4 is in place and failed; #3 was the last live." in text
    assert "Try #1 again" in text
    assert f'action="{here}deploys/4/retry/"' in page
    assert "Roll back to #2 Second" in text
    assert "Roll back to #1" not in text
    assert "Undo: back to #3" in text
    assert "What went wrong: /usr/bin/false ended with 1" in text
    assert "Lift the hold" not in text


def test_that_failed_in_place_is_told_once_by_the_page_and_what_is_asked_for_by_it(
    location: CodeLocation, here: str, editor: Client
):
    fail(location)
    said = "#3 is in place and failed; #2 was the last live."

    page = editor.get(f"{here}deploys/3/").content.decode() + page_of(editor, here, 3)

    assert page.count(said) == 1


def test_that_failed_offers_a_viewer_nothing_to_do(location: CodeLocation, here: str, viewer: Client):
    fail(location)

    page = page_of(viewer, here, 3)

    assert "#3 is in place and failed; #2 was the last live." in page
    assert "<form" not in page
    assert "data-dialog" not in page


def test_that_was_canceled_says_what_is_still_in_place(location: CodeLocation, here: str, editor: Client):
    asked = factories.ask_rollback(location, 1)
    operations.cancel(deploy=asked, actor=factories.superuser(), now=timezone.now())

    text = words(editor, here, 3)

    assert "What now? #2 is still in place, and live." in text
    assert "Try #1 again" in text
    assert "Undo" not in text


def test_that_is_over_says_what_is_live_now(rolled_back: Deploy, location: CodeLocation, here: str, editor: Client):
    operations.resume(location=location, actor=factories.superuser(), now=timezone.now())
    factories.deploy(location, scenes.files(4))

    text = words(editor, here, 3)

    assert "This is over: #4 is live now." in text
    assert "Compare #2 with #3" in text
    assert [word for word in ("Undo", "Lift", "Told already", "Mend") if word in text] == []


def test_that_failed_is_over_once_something_newer_is_in_place(location: CodeLocation, here: str, editor: Client):
    fail(location)
    Deployment.objects.update(activation_command="")
    factories.roll_back(location, 2)

    text = words(editor, here, 3)

    assert "This is over: #4 is live now." in text
    assert "Try" not in text


def test_is_not_led_by_what_people_write(rolled_back: Deploy, here: str, editor: Client):
    evil = "<script>alert(1)</script>"
    git = {"commit": "--exec=evil", "url": f"javascript:{evil}", "branch": evil, "author": evil}
    Deploy.objects.update(description=evil, git=git, actor_name=evil)

    page = page_of(editor, here, 3)

    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "git revert" not in page


def test_costs_the_same_however_much_happened(location: CodeLocation, here: str, editor: Client):
    factories.roll_back(location, 1)
    editor.get("/")
    costs = []
    for count in (1, 6):
        for number in range(count):
            mount = f"bundle-{count}-{number}"
            factories.push(location, scenes.files(number), mount=mount)
        with CaptureQueriesContext(connection) as queries:
            page_of(editor, here, 3)
        costs.append(len(queries))

    assert costs[0] == costs[1] <= MOST_QUERIES
