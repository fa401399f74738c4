"""The rollback dialog …"""

import re

import pytest
from django.test import Client
from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deploy, Release
from deployments.states import DeployStatus
from tests import factories
from tests.pages import scenes, shipping
from tests.pages.shipping import CANARY
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

pytestmark = pytest.mark.django_db

BOTH = ["engine_downgrade", "runtime_downgrade"]
SUBMIT = 'class="primary"'
HTMX = {"HX-Request": "true"}


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer the location of an Airflow: #1 on an old runtime, #2 settings, #3 dbt, and #4, live, on a newer runtime."""
    made = shipping.make_airflow(activation_command="/usr/bin/true")
    shipping.history_of_airflow(made)
    return factories.fresh(made)


def body(browser: Client, address: str) -> str:
    """Answer what the dialog says, in plain words."""
    page = words(browser, address)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index('id="dialog-title"') :]))


def report(location: CodeLocation, **versions: str) -> None:
    """Have remote agents report these versions."""
    for name, version in versions.items():
        operations.report_agent(
            deployment=location.deployment, name=name, version=version, actor=factories.superuser(), now=timezone.now()
        )


def test_tells_what_changes_then_what_to_beware_of_then_the_details_and_asks_why_beside_the_button(
    editor: Client, here: str
):
    page = body(editor, f"{here}rollback/?to=2")

    order = [
        "In place now #4",
        "Everything",
        "What changes",
        "What becomes of the assets",
        "3 files of dags, dbt/finance goes away",
        "1 setting",
        "3.1-4 → to 3.0-9",
        "registry.example/acme/airflow:2026.11.4 → to registry.example/acme/airflow:2026.10.1",
        "Tables, files and whatever runs have written stay as they are. In the metadata database",
        "An older Airflow takes over the metadata database",
        "airflow db downgrade --to-version 3.0.6 --yes",
        "An older runtime is restored",
        "#2 was live, but not verified.",
        "Runs in flight all running tasks fail at once",
        "With the older runtime all running tasks fail at once",
        "What happens",
        "What else is not rolled back",
        "2 deploys stepped over",
        "All 2 files and the settings are here.",
        "Why?",
        "Tick the 2 warnings above, too.",
        "Leave it",
        "Roll back to #2",
    ]
    assert [expected for expected in order if expected not in page] == []
    found = [page.index(expected) for expected in order]
    assert found == sorted(found)


def test_keeps_in_sight_what_it_is_confirmed_with(editor: Client, here: str):
    page = editor.get(f"{here}rollback/?to=2").content.decode()

    foot = page[page.index('<footer class="dialog-foot"') :]
    foot = foot[: foot.index("</footer>")]
    assert 'name="description"' in foot
    assert SUBMIT in foot
    assert 'placeholder="For example: revenue is wrong since #4"' in foot


def test_does_not_say_that_data_is_lost_where_the_runtime_is_only_recorded(
    editor: Client, location: CodeLocation, here: str
):
    location.deployment.activation_command = ""
    location.deployment.save()

    page = body(editor, f"{here}rollback/?to=2")

    assert "An older runtime is restored" in page
    assert "In the metadata database, what only" not in page
    assert "The runtime version 3.0-9 is recorded, not applied" in page


def test_offers_no_scope_where_nobody_set_anything(location: CodeLocation, editor: Client):
    plain = factories.make_location(location.deployment, "plain")
    factories.deploy(plain, scenes.files(1))

    assert "Settings only" in words(editor, f"{location.get_absolute_url()}rollback/?to=1")
    assert "Settings only" not in words(editor, f"{plain.get_absolute_url()}rollback/?to=1")


@pytest.mark.parametrize(
    ("scope", "changed", "same"),
    [
        ("", ["WAREHOUSE_PASSWORD"], []),
        ("all", ["CeleryExecutor", "LocalExecutor", "3.0-9", "forecast.py", "dbt/finance goes away"], ["What stays"]),
        ("code", ["3.0-9", "forecast.py", "airflow_version"], ["LocalExecutor", "WAREHOUSE_PASSWORD"]),
        ("settings", ["LocalExecutor", "WAREHOUSE_PASSWORD"], ["3.0-9", "forecast.py", "finance goes away"]),
        ("nonsense", ["CeleryExecutor", "3.0-9"], []),
    ],
)
def test_explains_what_each_scope_changes(scope: str, changed: list[str], same: list[str], editor: Client, here: str):
    page = body(editor, f"{here}rollback/?to=1&scope={scope}")

    assert [expected for expected in changed if expected not in page] == []
    assert [unexpected for unexpected in same if unexpected in page] == []


def test_opens_again_for_another_scope_by_a_link_that_works_in_the_dialog_and_as_a_page(editor: Client, here: str):
    link = f"{here}rollback/?to=1&amp;scope=code"
    page = editor.get(f"{here}rollback/?to=1").content.decode()
    fragment = editor.get(f"{here}rollback/?to=1&scope=code", headers=HTMX).content.decode()
    alone = editor.get(f"{here}rollback/?to=1&scope=code").content.decode()

    for content in (page, fragment, alone):
        tag = re.search(rf'<a[^>]*href="{re.escape(link)}"[^>]*>', content)
        assert tag is not None
        assert "data-dialog" in tag[0]
        assert ("aria-current" in tag[0]) == (content != page)
    assert "<html" not in fragment
    assert 'name="scope" value="code"' in fragment
    assert "A new release is composed: the code of #1, the settings of #4." in alone


@pytest.mark.parametrize("acknowledged", [[], ["runtime_downgrade"], ["something_else"]])
def test_refuses_while_a_warning_is_not_ticked_and_keeps_what_was_typed(
    acknowledged: list[str], editor: Client, location: CodeLocation, here: str
):
    form = {"to": 1, "description": "My words", "acknowledge": acknowledged, "scope": "code"}

    answer = editor.post(f"{here}rollbacks/", form)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Tick each warning below that you have read" in page
    assert ">My words</textarea>" in page
    assert 'name="scope" value="code"' in page
    ticked = re.findall(r'value="(\w+)"[^>]*id="acknowledge-\w+"[^>]*\bchecked', page)
    assert ticked == [name for name in acknowledged if name in BOTH]
    assert location.deploys.count() == 4


def test_runs_once_every_warning_is_ticked_and_remembers_that(editor: Client, location: CodeLocation, here: str):
    etag = editor.get(f"{here}rollback/?to=1&scope=code").context["plan"].etag
    form = {"to": 1, "description": "Too new.", "scope": "code", "plan_etag": etag, "acknowledge": BOTH}

    answer = editor.post(f"{here}rollbacks/", form, follow=True)

    made = location.deploys.get(number=5)
    assert (made.status, made.scope, made.acknowledged) == (DeployStatus.QUEUED, "code", BOTH)
    assert "Rollback #5 to #1 is queued." in answer.content.decode()
    assert "engine downgrade, runtime downgrade" in answer.content.decode()


def test_has_no_button_where_something_stands_in_the_way_for_good(editor: Client, location: CodeLocation, here: str):
    report(location, oslo="3.1-4", frankfurt="3.0-9")

    shown = words(editor, f"{here}rollback/?to=1")
    answer = editor.post(f"{here}rollbacks/", {"to": 1, "description": "Now!", "acknowledge": BOTH})

    assert SUBMIT not in shown
    assert "<textarea" not in shown
    assert 'name="acknowledge"' not in shown
    text = body(editor, f"{here}rollback/?to=1")
    assert "Remote agents have to go back first" in text
    assert "frankfurt 3.0-9 3.0-9 yes" in text
    assert "oslo 3.1-4 3.0-9 revert it first" in text
    assert answer.status_code == 409
    assert "what is in its way, and what to do about it, stands below" in answer.content.decode()
    assert location.deploys.count() == 4


def test_shows_agents_that_are_ready_without_standing_in_the_way(editor: Client, location: CodeLocation, here: str):
    report(location, oslo="3.0-9")

    assert "oslo 3.0-9 3.0-9 yes" in body(editor, f"{here}rollback/?to=1")
    assert SUBMIT in words(editor, f"{here}rollback/?to=1")


def test_shows_of_a_secret_nothing_but_its_fingerprint(editor: Client, location: CodeLocation, here: str):
    old, new = (
        location.deploys.get(number=number).release.settings["env"]["WAREHOUSE_PASSWORD"]["fingerprint"]
        for number in (1, 2)
    )
    addresses = [here, *(f"{here}deploys/{number}/" for number in range(1, 5))]
    addresses += [f"{here}rollback/?to={to}&scope={scope}" for to in (1, 2) for scope in ("all", "code", "settings")]

    text = body(editor, f"{here}rollback/?to=1")
    told = "".join(editor.get(address).content.decode() for address in addresses)

    assert f"secret, fingerprint {new} secret, fingerprint {old}" in text
    assert CANARY not in told
    assert "sealed" not in told


def test_calls_a_value_secret_on_the_side_where_it_is_one(editor: Client, location: CodeLocation, here: str):
    shipping.ship(location, settings={"env": {"REGION": shipping.secret(f"{CANARY}-3")}})

    text = body(editor, f"{here}rollback/?to=4")

    fingerprint = Deploy.objects.get(number=5).release.settings["env"]["REGION"]["fingerprint"]
    assert f"REGION variable secret, fingerprint {fingerprint} eu " in text


def test_says_which_settings_the_target_does_not_put(editor: Client, location: CodeLocation, here: str):
    Release.objects.update(image_digest="sha256:" + "a" * 64)
    type(location.deployment).objects.update(target="webhook")

    assert "LocalExecutor" in body(editor, f"{here}rollback/?to=1")
    assert "executor runtime; recorded, not applied" in body(editor, f"{here}rollback/?to=1")


def test_names_the_deploys_that_it_steps_over(editor: Client, here: str):
    text = body(editor, f"{here}rollback/?to=1")

    assert "3 deploys stepped over" in text
    assert "#2 Settings, by root: Celery workers" in text
    assert "#3 dbt project, by root: Finance" in text


def test_says_how_many_runs_are_in_flight_and_when_they_were_counted(editor: Client, location: CodeLocation, here: str):
    at = timezone.now().isoformat()
    counted = {"at": at, "total": 4, "by_release": {"4-0123456789ab": 3, "": 1}, "more": False}
    shipping.connect_airflow(location.deployment, runs=counted)

    page = re.sub("</?(time|code)[^>]*>", "", words(editor, f"{here}rollback/?to=3&scope=settings"))

    assert "4 runs in flight, 3 of them pinned to their release." in page
    assert "4 counted just now: 3 pinned to 4-0123456789ab, 1 not pinned" in page


def test_says_that_what_it_needs_is_gone(editor: Client, location: CodeLocation, here: str):
    scenes.purge(location.deploys.get(number=2))

    page = words(editor, f"{here}rollback/?to=2")

    assert "The files of #2 were purged" in page
    assert SUBMIT not in page
    assert "are here." not in page


def test_that_is_outdated_shows_the_new_plan_and_keeps_what_was_typed(
    editor: Client, location: CodeLocation, here: str
):
    read = editor.get(f"{here}rollback/?to=1&scope=code").context["plan"].etag
    shipping.ship(location, {"orders.py": b"5\n"}, description="Meanwhile")
    form = {"to": 1, "scope": "code", "plan_etag": read, "description": "My words", "acknowledge": BOTH}

    answer = editor.post(f"{here}rollbacks/", form)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "read the new plan, then confirm again" in page
    assert "Meanwhile" in page
    assert ">My words</textarea>" in page
    assert 'name="scope" value="code"' in page
    # The warnings of the new plan are to be read, too.
    assert "checked" not in page
    form["plan_etag"] = answer.context["plan"].etag
    assert editor.post(f"{here}rollbacks/", form).status_code == 302


def test_is_built_as_every_page_is(editor: Client, location: CodeLocation, here: str):
    report(location, oslo="3.0-9")
    for address in (f"{here}rollback/?to=1", f"{here}rollback/?to=2&scope=settings"):
        reader = Reader()
        reader.feed(editor.get(address).content.decode())
        reader.close()

        assert reader.inline == []
        assert reader.unlabelled == []
        assert len(reader.ids) == len(set(reader.ids))
