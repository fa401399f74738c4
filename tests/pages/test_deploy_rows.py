"""What deploys show of themselves, in the history's rows and on their pages …"""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import CodeLocation, Deploy
from deployments.retention import purge
from deployments.states import DeployKind, DeployStatus
from tests import factories
from tests.pages import scenes, shipping
from tests.pages.shipping import CANARY
from tests.pages.test_history import words

pytestmark = pytest.mark.django_db
BOTH = ["engine_downgrade", "runtime_downgrade"]
KINDS = {
    1: "Image and DAGs",
    2: "Settings",
    3: "dbt project",
    4: "Image",
    5: "DAGs",
    6: "Git",
    7: "Bundle",
    8: "Rollback to #5",
}


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer the location of an Airflow with a history of #1 to #4: an old runtime, settings, dbt, a newer runtime."""
    made = shipping.make_airflow()
    shipping.history_of_airflow(made)
    return factories.fresh(made)


def cells(browser: Client, here: str) -> dict[str, list[str]]:
    """Answer the rows of the history, each cell in plain words, by the number of the deploy."""
    page = words(browser, here)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page[page.index("Deploy history") :])
    plain = [[_plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]
    return {row[0]: row for row in plain}


def _plain(markup: str) -> str:
    """Answer what somebody reads."""
    return re.sub(r" ([,.:;])", r"\1", " ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def test_a1_the_overview_shows_the_deploy_history_with_all_its_columns(location: CodeLocation, editor: Client):
    Deploy.objects.update(created_at=timezone.now() - timedelta(hours=3))

    table = cells(editor, location.deployment.get_absolute_url())

    head, row = table["#"], table["#4"]
    told = dict(zip(head, row, strict=True))
    assert told["When"].startswith("3 h ago")
    assert told["Who"] == "root"
    assert told["Type"] == "Image and DAGs 1 setting"
    assert told["Description"] == "Airflow 3.1"
    assert told["Image tag"].startswith("2026.11.4")
    version = location.deploys.get(number=4).release.mounts.get(mount="dags").bundle.version
    assert told["Bundle version"].startswith(f"dags {version}")
    assert "from #3" in told["Bundle version"]
    assert told["Runtime version"].startswith("3.1-4")
    assert told["Status"].startswith("Succeeded live")
    assert list(table) == ["#", "#4", "#3", "#2", "#1"]


def test_name_every_type_of_deploy(db: None, root: Client):
    location = shipping.make_airflow(activation_command="/usr/bin/true")
    tree = scenes.files
    shipping.ship(location, tree(1), image="registry.example/a:1")
    shipping.ship(location, settings={"runtime": {"executor": "LocalExecutor"}})
    shipping.ship(location, tree(3), mount="dbt/finance")
    shipping.ship(location, image="registry.example/a:2")
    shipping.ship(location, tree(5))
    shipping.ship(location, tree(6), kind=DeployKind.GIT)
    shipping.ship(location, tree(7), mount="plugins")
    shipping.roll_back(location, 5)

    table = cells(root, location.get_absolute_url())

    assert {number: table[f"#{number}"][4] for number in KINDS} == KINDS | {2: "Settings 1 setting"}


def test_say_of_a_rollback_what_it_took_and_what_it_is_composed_of(location: CodeLocation, here: str, editor: Client):
    code = shipping.roll_back(location, 1, scope="code", acknowledged=BOTH)
    settings = shipping.roll_back(location, 1, scope="settings")
    whole = shipping.roll_back(location, 3)
    assert {each.status for each in (code, settings, whole)} == {DeployStatus.SUCCEEDED}

    table = cells(editor, here)

    assert table["#5"][4] == "Rollback to #1 code only, composed of #1 and #4"
    # The code of #1 was there already: with its settings, it is #1's release.
    assert table["#6"][4] == "Rollback to #1 settings only"
    assert table["#7"][4] == "Rollback to #3"
    assert table["#5"][5] == "Bad. Acknowledged: engine downgrade, runtime downgrade"
    page = _plain(words(editor, f"{here}deploys/5/"))
    assert "Rollback to #1 code only, composed of #1 and #4" in page
    assert "Acknowledged engine downgrade, runtime downgrade read and accepted by root" in page


def test_say_what_a_rollback_is_composed_of_before_it_ran(location: CodeLocation, here: str, editor: Client):
    factories.ask_rollback(location, 1, scope="settings")

    assert cells(editor, here)["#5"][4] == "Rollback to #1 settings only, composed of #1 and #4"


def test_tell_apart_when_it_was_activated_and_when_airflow_was_seen_to_serve_it(
    location: CodeLocation, here: str, editor: Client
):
    shipping.connect_airflow(location.deployment)
    at = timezone.now().replace(hour=14, minute=5, second=2, microsecond=0)
    seen = {"verified": True, "platform_asked": True, "activated_at": at, "reloaded_at": at}
    location.deploys.filter(number=4).update(**seen, verified_at=at + timedelta(seconds=2))

    row = cells(editor, here)["#4"]
    page = _plain(words(editor, f"{here}deploys/4/"))

    assert "activated 14:05:02 observed 14:05:04" in row[1]
    assert "not verified" in cells(editor, here)["#3"][1]
    steps = r"Activated 14:05:02 .* Asked to read 14:05:02 after 0.0 s Observed by Airflow 14:05:04 after 2.0 s Live"
    assert re.search(steps, page)


def test_name_the_command_as_a_step_of_its_own(root: Client):
    location = shipping.make_airflow(activation_command="/usr/bin/true")
    factories.deploy(location, scenes.files(1))
    location.deployment.activation_command = "/usr/bin/false"
    location.deployment.save()
    factories.deploy(location, scenes.files(2))

    went, broke = (_plain(words(root, f"{location.get_absolute_url()}deploys/{number}/")) for number in (1, 2))

    assert re.search(
        r"Activated [\d:]+ \S+ [\d.]+ s Command run [\d:]+ \S+ [\d.]+ s Not verified no platform connected Live", went
    )
    assert "Command run failed" in broke


def test_show_settings_with_the_deploy_that_brought_each_and_what_it_was_before(
    location: CodeLocation, here: str, editor: Client
):
    prints = {
        number: location.deploys.get(number=number).release.settings["env"]["WAREHOUSE_PASSWORD"]["fingerprint"]
        for number in (1, 2)
    }

    page = _plain(words(editor, f"{here}deploys/2/"))

    section = page[page.index("Settings against #1, live before") :]
    assert "REGION variable eu #1" in section
    changed = f"secret, fingerprint {prints[2]} changed secret, fingerprint {prints[1]} this deploy"
    assert f"WAREHOUSE_PASSWORD variable {changed}" in section
    assert "executor runtime CeleryExecutor changed LocalExecutor this deploy" in section
    assert "airflow_version runtime 3.0.6 #1" in section
    assert "settings 4 settings several deploys by the target" in page
    assert CANARY not in page


def test_show_settings_that_were_taken_away(location: CodeLocation, here: str, editor: Client):
    shipping.ship(location, settings={"env": {"REGION": None}, "free": {"limits": {"cpu": 2}}})

    section = _plain(words(editor, f"{here}deploys/5/")).split("Settings against #4, live before")[1]

    assert "REGION variable removed eu" in section
    assert "limits free {&quot;cpu&quot;: 2} added this deploy" in section


def test_say_that_settings_are_recorded_and_not_applied_where_the_target_puts_none(
    location: CodeLocation, here: str, editor: Client
):
    location.deployment.target = "webhook"
    location.deployment.save()

    page = _plain(words(editor, f"{here}deploys/4/"))

    assert "Settings against #3, live before recorded, not applied" in page
    assert "settings 4 settings several deploys recorded, not applied" in page


def test_say_that_the_runtime_version_is_put_where_a_command_does_it(location: CodeLocation, here: str, editor: Client):
    without = _plain(words(editor, f"{here}deploys/4/"))
    location.deployment.activation_command = "/usr/bin/true"
    location.deployment.save()

    assert "runtime version 3.1-4 this deploy recorded, not applied" in without
    assert "runtime version 3.1-4 this deploy by the target" in _plain(words(editor, f"{here}deploys/4/"))


def test_show_of_purged_settings_that_the_values_are_gone(location: CodeLocation, here: str, editor: Client):
    for number in (5, 6, 7):
        shipping.ship(location, scenes.files(number), settings={"env": {"REGION": f"eu-{number}"}})
    old = timezone.now() - timedelta(days=200)
    location.deploys.update(created_at=old, finished_at=old)
    purge(now=timezone.now())

    page = _plain(words(editor, f"{here}deploys/1/"))
    second = _plain(words(editor, f"{here}deploys/2/"))

    assert location.deploys.get(number=1).release.purged_at is not None
    assert "REGION variable value purged, fingerprint" in page
    assert "value purged" in second
    assert CANARY not in page + second
    # By their fingerprints they still tell what changed.
    section = second.split("Settings against #1, live before")[1]
    assert re.search(r"REGION variable value purged, fingerprint \w{16} #1", section)
    assert re.search(r"executor runtime value purged, fingerprint \w{16} changed value purged", section)


def test_lead_from_the_name_that_airflow_shows_to_the_deploy(location: CodeLocation, here: str, editor: Client):
    deploy = location.deploys.get(number=3)
    name = f"3-{deploy.release.digest[:12]}"

    assert editor.get(f"{here}deploys/{name}/")["Location"] == deploy.get_absolute_url()
    assert editor.get(f"{here}deploys/{name}.2/")["Location"] == deploy.get_absolute_url()
    assert editor.get(f"{here}deploys/3-000000000000/").status_code == 404
    assert editor.get(f"{here}deploys/99-{name[2:]}/").status_code == 404
