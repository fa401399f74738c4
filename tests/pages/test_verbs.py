"""What happens when somebody presses a button …"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deploy, Release
from deployments.states import DeployKind, DeployStatus
from tests import factories
from tests.pages import scenes

pytestmark = pytest.mark.django_db


def test_rolls_back_and_shows_the_deploy_that_does_it(editor: Client, location: CodeLocation, here: str):
    answer = editor.post(f"{here}rollbacks/", {"to": "1", "description": "Orders are empty"}, follow=True)

    made = location.deploys.get(number=3)
    assert answer.redirect_chain == [(made.get_absolute_url(), 302)]
    assert (made.kind, made.restores.number, made.description) == (DeployKind.ROLLBACK, 1, "Orders are empty")
    assert made.actor_name == "editor"
    assert "Rollback #3 to #1 is queued." in answer.content.decode()


def test_explains_a_rollback_before_it_happens(editor: Client, location: CodeLocation, here: str):
    page = editor.get(f"{here}rollback/?to=last-good").content.decode()

    assert "Roll back shop to #1" in page
    assert "2 changed" in page
    assert "shop/orders.py" in page
    assert "The code of #2 is blamed" in page
    assert "Later pushes are stored and held" in page
    assert "may mix old and new code" in page
    assert 'name="to" value="1"' in page


def test_offers_to_put_what_is_in_place_there_again(editor: Client, here: str):
    assert "Deploy again" in editor.get(here).content.decode()
    assert "Put #2 in place again" in editor.get(f"{here}rollback/?to=2").content.decode()


def test_warns_of_a_target_that_failed_to_load(editor: Client, location: CodeLocation, here: str):
    scenes.connect(location)
    with scenes.playing(scenes.ScriptedPlatform(error=scenes.broken_import())):
        factories.deploy(location, scenes.files(3))

    page = editor.get(f"{here}rollback/?to=3").content.decode()
    about = editor.get(f"{here}deploys/3/").content.decode()

    # Of two buttons that put it there again, one is enough.
    assert ('id="retry"' in about, 'id="to-this"' in about) == (True, False)
    assert "#3 failed when it was deployed." in page
    assert "No module named" in page


def test_keeps_the_words_of_a_rollback_that_was_refused(editor: Client, location: CodeLocation, here: str):
    factories.ask_rollback(location)

    answer = editor.post(f"{here}rollbacks/", {"to": "1", "description": "My words"})

    assert answer.status_code == 409
    assert "Rollback #3 of acme/production/shop is on its way" in answer.content.decode()
    assert "My words" in answer.content.decode()


def test_refuses_a_rollback_without_a_reason(editor: Client, location: CodeLocation, here: str):
    answer = editor.post(f"{here}rollbacks/", {"to": "1", "description": "  "})

    assert answer.status_code == 400
    assert "Say in a few words why" in answer.content.decode()
    assert location.deploys.count() == 2


def test_refuses_a_rollback_when_something_else_is_in_place_than_was_read(
    editor: Client, location: CodeLocation, here: str
):
    read = editor.get(f"{here}rollback/?to=1").context["plan"].etag
    factories.deploy(location, scenes.files(3))

    answer = editor.post(f"{here}rollbacks/", {"to": "1", "plan_etag": read, "description": "Bad."})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "read the new plan, then confirm again" in page
    assert answer.context["plan"].served.number == 3
    assert f'name="plan_etag" value="{answer.context["plan"].etag}"' in page
    assert answer.context["plan"].etag != read
    assert ">Bad.</textarea>" in page
    assert location.deploys.count() == 3


def test_says_why_a_purged_deploy_cannot_be_restored(editor: Client, location: CodeLocation, here: str):
    release = location.deploys.get(number=1).release
    Release.objects.filter(pk=release.pk).update(purged_at=timezone.now(), purged_because="older than 90 days.")

    history = editor.get(here).content.decode()
    refused = editor.post(f"{here}rollbacks/", {"to": "1", "description": "Bad."})

    assert "The files of #1 were purged: older than 90 days." in history
    assert "rollback/?to=1" not in history
    assert refused.status_code == 409
    assert "were purged" in refused.content.decode()


@pytest.mark.parametrize("to", ["99", "-1", "x", "", "9" * 40, "²"])
def test_knows_no_rollback_to_what_is_not_there(to: str, editor: Client, here: str):
    assert editor.get(f"{here}rollback/?to={to}").status_code == 404
    assert editor.post(f"{here}rollbacks/", {"to": to, "description": "Bad."}).status_code == 404


def test_cancels_a_deploy_that_waits(editor: Client, location: CodeLocation, here: str):
    factories.push(location, scenes.files(3))

    page = editor.post(f"{here}deploys/3/cancel/", follow=True).content.decode()

    assert location.deploys.get(number=3).status == DeployStatus.CANCELED
    assert "#3 is canceled." in page


def test_says_that_what_ended_cannot_be_canceled(editor: Client, here: str):
    answer = editor.post(f"{here}deploys/2/cancel/")

    assert answer.status_code == 409
    assert "#2 has ended already: Succeeded." in answer.content.decode()
    assert "Deploy history" not in answer.content.decode()


def test_retries_what_failed_as_a_new_deploy(editor: Client, location: CodeLocation, here: str):
    waiting = factories.push(location, scenes.files(3))
    operations.cancel(deploy=waiting, actor=factories.superuser(), now=timezone.now())

    page = editor.post(f"{here}deploys/3/retry/", follow=True).content.decode()

    assert location.deploys.get(number=4).retry_of == waiting
    assert "#4 tries again what #3 tried: it is queued." in page


def test_changes_a_description(editor: Client, location: CodeLocation, here: str):
    editor.post(f"{here}deploys/1/describe/", {"description": "In other words"})

    assert location.deploys.get(number=1).description == "In other words"


def test_refuses_a_description_that_no_row_should_carry(editor: Client, location: CodeLocation, here: str):
    for words in ("x" * 5001, "a\0b"):
        assert editor.post(f"{here}deploys/1/describe/", {"description": words}).status_code == 400
    assert location.deploys.get(number=1).description == "First"


def test_holds_and_resumes(editor: Client, location: CodeLocation, here: str):
    held = editor.post(f"{here}holds/", {"reason": "Release day"}, follow=True).content.decode()
    factories.push(location, scenes.files(3))
    waiting = editor.get(here).content.decode()
    resumed = editor.post(f"{here}resume/", follow=True).content.decode()

    assert "Release day" in held
    assert "By editor" in held
    assert "resuming activates #3" in " ".join(waiting.split())
    assert "is resumed. #3 is queued." in resumed
    assert location.deploys.get(number=3).status == DeployStatus.QUEUED


def test_holds_until_a_time(editor: Client, location: CodeLocation, here: str):
    until = timezone.now() + timedelta(days=2)

    editor.post(f"{here}holds/", {"reason": "Week end", "until": f"{until:%Y-%m-%dT%H:%M}"})

    assert location.holds.get().until.replace(second=0) == until.replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"reason": " "}, "Say why it is held"),
        ({"reason": "Why", "until": "2001-01-01T00:00"}, "is over already"),
        ({"reason": "Why", "until": "soon"}, "until: Enter a valid date/time."),
    ],
)
def test_says_what_is_wrong_with_a_hold(sent: dict[str, str], words: str, editor: Client, here: str):
    answer = editor.post(f"{here}holds/", sent)

    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_says_that_nothing_is_held(editor: Client, here: str):
    answer = editor.post(f"{here}resume/")

    assert answer.status_code == 409
    assert "acme/production/shop is not held." in answer.content.decode()
    assert "Deploy history" in answer.content.decode()


def test_shows_a_push_of_blocked_code_as_what_it_is(editor: Client, location: CodeLocation, here: str):
    factories.roll_back(location, 1)

    page = editor.get(here).content.decode()

    assert "blamed by #3" in page
    assert Deploy.objects.get(number=3).status == DeployStatus.SUCCEEDED
