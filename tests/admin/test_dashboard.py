"""The admin's first page says what needs somebody, to each what is theirs, and to operators how the portal is doing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deployments import surveying, trouble
from deployments.models import AlertChannel, CodeLocation, Deploy, GitSource, Incident, PlatformWatch, Survey
from portal.operating import BrokerLook
from tests.admin.conftest import CANARY, FOREIGN, World, sign_in
from tests.operations.brokers import point_to, silent_broker

__all__ = ["silent_broker"]
MOST_QUERIES = 15
HOST_FACTS = ("Queues and workers", "Storage", "Retention", "What runs here", "Python", "Settings")


@pytest.fixture
def troubled(world: World) -> World:
    """Have everything go wrong, in both tenants alike."""
    now = timezone.now()
    long_ago = now - timedelta(hours=2)
    for tenant in (world.rows, world.foreign):
        location, deployment = tenant["CodeLocation"], tenant["Deployment"]
        word = CANARY if tenant is world.foreign else "plain"
        deployment.platform, deployment.platform_url = "dagster", "http://localhost:9/"
        deployment.save()
        for number, status, fields in (
            (11, "ERRORED", {"finished_at": now, "error": {"code": "internal_error", "detail": f"{word} broke."}}),
            (12, "QUEUED", {}),
        ):
            Deploy.objects.create(
                code_location=location, number=number, kind="dags", status=status, actor_name="ci",
                actor_kind="service_account", created_at=long_ago, **fields,
            )  # fmt: skip
        location.deploys.filter(number__lt=11).update(finished_at=long_ago)
        location.holds.update(released_at=long_ago)
        Deploy.objects.filter(code_location=location, number=11).update(finished_at=now - timedelta(minutes=5))
        CodeLocation.objects.filter(pk=location.pk).update(drift=f"{word} drifted")
        PlatformWatch.objects.filter(deployment=deployment).update(
            unreachable_since=long_ago, due_at=long_ago, error={"code": "unreachable", "detail": f"{word} is silent."}
        )
        AlertChannel.objects.filter(deployment=deployment).update(failing_since=long_ago, last_error=f"{word} refused.")
        GitSource.objects.filter(code_location=location).update(error={"code": "x", "detail": f"{word} has no branch."})
    surveying.survey(clock=timezone.now)
    return world


def titles(answer) -> set[str]:
    return {card.title for card in answer.context["cards"]}


def test_names_all_that_needs_somebody(troubled):
    answer = sign_in(troubled.people["superuser"]).get(reverse("admin:index"))

    assert titles(answer) == {
        "Stalled deploys",
        "Platforms that nobody asks",
        "Deploys that errored in the last 24 hours",
        "Code locations that fail to load",
        "Platforms that do not answer",
        "Targets that hold something else",
        "Git sources in trouble",
        "Alert channels that do not arrive",
    }
    assert {card.total for card in answer.context["cards"]} == {2}
    assert "Nobody takes it up, though it is its turn." in answer.text
    assert "plain broke." in answer.text


@pytest.mark.parametrize("role", ["viewer", "editor", "admin", "organization_admin"])
def test_shows_members_what_is_theirs_and_nothing_of_the_host(troubled, role):
    answer = sign_in(troubled.people[role]).get(reverse("admin:index"))

    assert {card.total for card in answer.context["cards"]} == {1}
    assert len(answer.context["cards"]) == 8
    assert CANARY not in answer.text
    assert FOREIGN not in answer.text
    assert [fact for fact in HOST_FACTS if f">{fact}<" in answer.text] == []
    assert "signs" not in answer.context


def test_shows_nobody_elses_trouble_to_somebody_without_a_role(troubled):
    answer = sign_in(troubled.people["nobody"]).get(reverse("admin:index"))

    assert answer.context["cards"] == []
    assert "All is well" in answer.text
    assert "plain" not in answer.text


def test_links_only_to_pages_that_open(troubled):
    for role in ("superuser", "viewer"):
        client = sign_in(troubled.people[role])
        for card in client.get(reverse("admin:index")).context["cards"]:
            for url in (card.list_url, card.lines[0].url, card.lines[0].row_url):
                assert client.get(url).status_code == 200, (role, url)
            listed = client.get(card.list_url).context["cl"].result_count
            assert listed >= card.total, card.title


def test_filters_the_stalled_and_the_drifted(troubled):
    client = sign_in(troubled.people["superuser"])

    stalled = client.get(reverse("admin:deployments_deploy_changelist"), {"stalled": "yes"}).context["cl"]
    others = client.get(reverse("admin:deployments_deploy_changelist"), {"stalled": "no"}).context["cl"]
    drifted = client.get(reverse("admin:deployments_codelocation_changelist"), {"drift": "yes"}).context["cl"]

    assert {row.number for row in stalled.result_list} == {12}
    assert 12 not in {row.number for row in others.result_list}
    assert drifted.result_count == 2


@pytest.mark.parametrize("role", ["superuser", "organization_admin", "viewer"])
def test_costs_few_queries(troubled, role):
    client = sign_in(troubled.people[role])
    client.get(reverse("admin:index"))

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:index"))

    assert len(queries) <= MOST_QUERIES


def test_says_that_the_broker_is_away(world, tmp_path):
    point_to(f"redis+socket://{tmp_path}/nobody.sock")

    answer = sign_in(world.people["superuser"]).get(reverse("admin:index"))

    assert answer.context["broker"] == BrokerLook(answers=False)
    assert "Does not answer" in answer.text
    assert "start by themselves when it is back" in answer.text


def test_shows_storage_and_what_it_saves(world):
    surveying.survey(clock=timezone.now)

    answer = sign_in(world.people["superuser"]).get(reverse("admin:index"))

    storage = answer.context["storage"]
    assert {line["organization"] for line in storage["organizations"]} == {"acme", FOREIGN}
    assert storage["saved"] == storage["named"] - storage["stored"]
    assert "Saved by storing each file once" in answer.text


def test_says_before_the_first_count_that_there_is_none(world):
    Survey.objects.all().delete()

    answer = sign_in(world.people["superuser"]).get(reverse("admin:index"))

    assert "Not counted yet" in answer.text


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("superuser", "post", 302),
        ("superuser", "get", 405),
        ("organization_admin", "post", 403),
        ("viewer", "post", 403),
        ("nobody", "post", 403),
    ],
)
def test_has_things_counted_for_operators_alone(world, role, method, status):
    answer = getattr(sign_in(world.people[role]), method)(reverse("admin:survey"))

    assert answer.status_code == status


def test_shows_no_secret_of_the_settings(world, settings):
    settings.LASTGOOD_METRICS_TOKEN = "hidden-token"
    settings.LASTGOOD_SMTP = {"host": "mail.example", "password": "hidden-password", "user": "hidden-user"}

    answer = sign_in(world.people["superuser"]).get(reverse("admin:index"))

    assert "hidden-" not in answer.text


def test_names_the_portal_where_it_has_a_name(world, settings):
    settings.LASTGOOD_ENVIRONMENT = "production"

    assert "production" in sign_in(world.people["superuser"]).get(reverse("admin:index")).text


def test_counts_an_incident_until_it_is_closed(world):
    assert trouble.not_loading().count() == Incident.objects.filter(closed_at=None).count() == 2
