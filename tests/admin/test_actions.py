"""Actions are offered to those who may, checked again for every row, and refused in words."""

import pytest
from django.urls import reverse
from django.utils import timezone

from deployments import operations
from deployments.models import Deploy, Hold, Release
from deployments.states import DeployStatus
from tests import factories
from tests.admin.conftest import CANARY, list_of, page_of, sign_in

ROLES = ["nobody", "viewer", "deployer", "editor", "admin", "organization_admin", "foreign_admin", "superuser"]
PUSHERS = {"deployer", "editor", "admin", "organization_admin", "superuser"}
RESTORERS = PUSHERS - {"deployer"}
CONFIGURERS = RESTORERS - {"editor"}
UNSEEN = {"nobody", "foreign_admin"}


def do(client, verb, *rows, **said):
    address = reverse(f"admin:deployments_{rows[0]._meta.model_name}_do", args=[verb])
    return client.post(f"{address}?ids={','.join(str(row.pk) for row in rows)}", said)


def expected_of(role, allowed):
    return 404 if role in UNSEEN else (302 if role in allowed else 403)


def messages_of(client, page):
    return " ".join(str(each) for each in client.get(page).context["messages"])


@pytest.mark.parametrize("role", ROLES)
def test_does_what_the_role_allows(world, role):
    client = sign_in(world.people[role])
    waiting = factories.push(world.location, {"new.py": b"new"})
    release = Deploy.objects.get(code_location=world.location, number=2).release
    numbers = Deploy.objects.filter(code_location=world.location).count()

    resumed = do(client, "resume", world.location)
    held = do(client, "hold", world.location, words="Freeze.")
    canceled = do(client, "cancel", waiting)
    retried = do(client, "retry", waiting)
    pinned = do(client, "pin", release)
    restored = do(client, "roll-back", world.rows["Deploy"], words="Bad.")

    assert {resumed.status_code, held.status_code, restored.status_code} == {expected_of(role, RESTORERS)}
    assert {canceled.status_code, retried.status_code} == {expected_of(role, PUSHERS)}
    assert pinned.status_code == expected_of(role, CONFIGURERS)
    assert (Deploy.objects.get(pk=waiting.pk).status == DeployStatus.CANCELED) is (role in PUSHERS)
    assert (Release.objects.get(pk=release.pk).pinned_at is not None) is (role in CONFIGURERS)
    assert Hold.objects.filter(reason="Freeze.").exists() is (role in RESTORERS)
    made = Deploy.objects.filter(code_location=world.location).count() - numbers
    assert made == (role in PUSHERS) + (role in RESTORERS)


@pytest.mark.parametrize("role", ROLES)
def test_offers_what_the_role_allows(world, role):
    client = sign_in(world.people[role])
    offered = {
        model: set(dict(client.get(list_of(model)).context["action_form"].fields["action"].choices))
        if client.get(list_of(model)).context.get("action_form")
        else set()
        for model in ("Deploy", "CodeLocation", "Release", "Deployment")
    }
    somewhere = RESTORERS | {"foreign_admin"}

    assert ("roll-back" in offered["Deploy"]) is (role in somewhere)
    assert ("cancel" in offered["Deploy"]) is (role in PUSHERS | {"foreign_admin"})
    assert ("hold" in offered["CodeLocation"]) is (role in somewhere)
    assert ("pin" in offered["Release"]) is (role in CONFIGURERS | {"foreign_admin"})
    assert ("dry_run" in offered["Deployment"]) is (role in CONFIGURERS | {"foreign_admin"})
    if role not in UNSEEN:
        page = client.get(page_of(world.rows["Deploy"])).text
        assert ("Roll back to this deploy" in page) is (role in RESTORERS)


@pytest.mark.parametrize("verb", ["roll-back", "cancel", "retry"])
def test_takes_no_forged_action_from_a_list(world, verb):
    waiting = factories.push(world.location, {"new.py": b"new"})
    before = Deploy.objects.count()

    answer = sign_in(world.people["viewer"]).post(list_of("Deploy"), {"action": verb, "_selected_action": [waiting.pk]})

    assert "/do/" not in answer.headers.get("Location", "")
    assert Deploy.objects.get(pk=waiting.pk).status == DeployStatus.HELD
    assert Deploy.objects.count() == before


def test_leads_from_the_list_to_the_page_that_asks(world):
    client = sign_in(world.people["editor"])
    own, foreign = world.rows["Deploy"], world.foreign["Deploy"]

    answer = client.post(list_of("Deploy"), {"action": "roll-back", "_selected_action": [own.pk, foreign.pk]})

    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/do/roll-back/?ids={own.pk}")
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert CANARY not in page.text


def test_asks_and_changes_nothing_on_get(world):
    client = sign_in(world.people["editor"])
    before = Deploy.objects.count()

    for verb in ("roll-back", "cancel", "retry"):
        address = reverse("admin:deployments_deploy_do", args=[verb])
        assert client.get(f"{address}?ids={world.rows['Deploy'].pk}").status_code == 200

    assert Deploy.objects.count() == before


def test_wants_a_description_of_a_rollback(world):
    answer = do(sign_in(world.people["editor"]), "roll-back", world.rows["Deploy"], words="  ")

    assert answer.status_code == 200
    assert "required" in answer.text


def test_says_why_an_operation_refuses(world):
    client = sign_in(world.people["editor"])
    done = world.rows["Deploy"]

    answer = do(client, "cancel", done)

    assert answer.status_code == 302
    assert "has ended already" in messages_of(client, answer.headers["Location"])


def test_refuses_each_row_by_itself(world):
    client = sign_in(world.people["editor"])
    elsewhere = factories.make_location(factories.make_deployment(world.organization, "staging"))
    from deployments import access

    access.grant(
        user=world.people["editor"], role=access.Role.VIEWER, on=elsewhere.deployment, actor=world.people["superuser"]
    )
    operations.resume(location=world.location, actor=world.people["superuser"], now=timezone.now())

    answer = do(client, "hold", world.location, elsewhere, words="Freeze.")

    assert "You may not" in messages_of(client, answer.headers["Location"])
    assert Hold.objects.filter(code_location=world.location, released_at=None).exists()
    assert not Hold.objects.filter(code_location=elsewhere).exists()


@pytest.mark.parametrize("ids", ["", "x", "1,", "-1", "9" * 30, ",".join(map(str, range(1, 60)))])
def test_answers_404_for_ids_that_name_nothing(world, ids):
    address = reverse("admin:deployments_deploy_do", args=["cancel"])

    assert sign_in(world.people["editor"]).post(f"{address}?ids={ids}").status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_tries_out_retention_for_those_who_configure(world, role):
    client = sign_in(world.people[role])
    address = reverse("admin:deployments_deployment_dry_run")
    both = f"{world.deployment.pk},{world.foreign['Deployment'].pk}"

    own = client.get(f"{address}?deployment={world.deployment.pk}")
    mixed = client.get(f"{address}?deployment={both}")

    assert own.status_code == (404 if role in UNSEEN else (200 if role in CONFIGURERS else 403))
    if own.status_code == 200:
        assert "live (#3)" in own.text
        assert ("freed in the store" in own.text) is (role == "superuser")
    if role not in {"superuser", "foreign_admin"}:
        assert CANARY not in mixed.text


def test_pins_what_retention_then_keeps_and_unpins_it(world):
    client = sign_in(world.people["admin"])
    release = Deploy.objects.get(code_location=world.location, number=2).release

    do(client, "pin", release)
    again = do(client, "pin", release)
    assert "pinned already" in messages_of(client, again.headers["Location"])
    do(client, "unpin", release)

    assert Release.objects.get(pk=release.pk).pinned_at is None


def test_reads_1000_deploys_with_as_many_queries_as_10(world):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = sign_in(world.people["viewer"])
    template = world.rows["Deploy"]

    def grow(until):
        fields = (
            "kind",
            "status",
            "actor_name",
            "actor_kind",
            "created_at",
            "finished_at",
            "release_id",
            "restores_id",
        )
        given = {name: getattr(template, name) for name in fields} | {"status": DeployStatus.CANCELED}
        first = Deploy.objects.filter(code_location=world.location).count() + 1
        Deploy.objects.bulk_create(
            Deploy(code_location=world.location, number=number, **given) for number in range(first, until + 1)
        )

    def count():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(list_of("Deploy")).status_code == 200
        return len(seen)

    count()  # content types are cached from here on
    grow(10)
    few = count()
    grow(1000)

    assert count() == few
    assert few <= 40


def test_says_what_stands_in_the_way_of_a_rollback_and_does_not_begin_it(world):
    """An agent, in this case, that is not at the version of then."""
    client = sign_in(world.people["editor"])
    for number, version in ((1, "3.1-2"), (2, "3.1-3")):
        Release.objects.filter(deploys__code_location=world.location, deploys__number=number).update(
            runtime_version=version
        )
    back = factories.deploy(world.location, {"new.py": b"new"})
    operations.resume(location=world.location, actor=world.people["editor"], now=timezone.now())
    Release.objects.filter(pk=factories.carry_out(back).release_id).update(runtime_version="3.1-3")
    numbers = Deploy.objects.count()

    answer = do(client, "roll-back", world.rows["Deploy"], words="Bad.")

    assert "Revert each agent to 3.1-2" in messages_of(client, answer.url)
    assert Deploy.objects.count() == numbers
