"""Who may add, change and delete what; and that it goes through the operations."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deployment, Organization, ServiceAccount, Token
from tests import factories
from tests.admin.conftest import admins, list_of, page_of, sign_in, tokens_of

MODELS = sorted(admin.model.__name__ for admin in admins())
EVERYBODY = ["nobody", "viewer", "deployer", "editor", "admin", "organization_admin", "foreign_admin", "superuser"]
HIGHEST = {"organization_admin", "foreign_admin", "superuser"}
# Who may add one somewhere; everything that is not named here is made by what happens.
ADDERS = {
    "Organization": {"superuser"},
    "Deployment": HIGHEST,
    "CodeLocation": HIGHEST | {"admin"},
    "ServiceAccount": HIGHEST,
    "Token": set(EVERYBODY),
    "AlertChannel": HIGHEST | {"admin"},
    "GitSource": HIGHEST | {"admin"},
}
# Who may delete the acme row, as far as their role goes.
DELETERS = {
    "Organization": {"superuser"},
    "Deployment": {"organization_admin", "superuser"},
    "CodeLocation": {"admin", "organization_admin", "superuser"},
    "ServiceAccount": {"organization_admin", "superuser"},
    "Token": {"organization_admin", "superuser"},
    "AlertChannel": {"admin", "organization_admin", "superuser"},
    "GitSource": {"admin", "organization_admin", "superuser"},
    "RemoteAgent": {"admin", "organization_admin", "superuser"},
}
CHANGERS = {
    "Organization": {"organization_admin", "superuser"},
    "Deployment": {"admin", "organization_admin", "superuser"},
    "CodeLocation": {"admin", "organization_admin", "superuser"},
    "AlertChannel": {"admin", "organization_admin", "superuser"},
    "GitSource": {"admin", "organization_admin", "superuser"},
}
ADDRESS = {"platform": "dagster", "platform_url": "http://localhost:3000", "retention_days": "30", "name": "Ours"}
ADDRESS |= {"poll_seconds": "15", "webhook_patience": "600"}


@pytest.mark.parametrize("role", EVERYBODY)
def test_lets_only_those_add_change_and_delete_who_may(world, role):
    client = sign_in(world.people[role])
    for model in MODELS:
        row = world.rows[model]
        may_add = role in ADDERS.get(model, set())
        seen = client.get(page_of(row)).status_code == 200

        assert client.get(reverse(f"admin:deployments_{model.lower()}_add")).status_code == (200 if may_add else 403), (
            model
        )
        if not seen:
            continue
        changed = client.post(page_of(row), {"name": "x"})
        assert (changed.status_code != 403) is (role in CHANGERS.get(model, set())), model
        deleted = client.get(page_of(row, "delete"))
        assert deleted.status_code == (200 if role in DELETERS.get(model, set()) else 403), model


def test_refuses_forged_deletions_of_history(world):
    client = sign_in(world.people["superuser"])
    for model in set(MODELS) - set(DELETERS):
        row = world.rows[model]

        assert client.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403, model
        forged = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        client.post(list_of(model), forged)
        assert type(row).objects.filter(pk=row.pk).exists(), model


def test_changes_a_deployment_by_role_but_not_its_host_fields(world):
    client = sign_in(world.people["admin"])

    answer = client.post(
        page_of(world.deployment), ADDRESS | {"target_root": "/etc", "slug": "other", "organization": "9"}
    )

    assert answer.status_code == 302
    changed = Deployment.objects.get(pk=world.deployment.pk)
    assert (changed.name, changed.retention_days, changed.platform_url) == ("Ours", 30, "http://localhost:3000")
    assert (changed.target_root, changed.slug) == ("", world.deployment.slug)


def test_lets_superusers_set_host_fields(world):
    client = sign_in(world.people["superuser"])

    client.post(
        page_of(world.deployment),
        ADDRESS | {"target": "directory", "target_root": "/srv/releases", "command_patience": "60"},
    )

    assert Deployment.objects.get(pk=world.deployment.pk).target_root == "/srv/releases"


def test_shows_what_an_operation_refuses_in_the_form(world):
    client = sign_in(world.people["admin"])

    answer = client.post(page_of(world.deployment), ADDRESS | {"platform_url": "http://169.254.169.254/"})

    assert answer.status_code == 200
    assert "LASTGOOD_PLATFORM_HOSTS" in answer.text
    assert Deployment.objects.get(pk=world.deployment.pk).platform_url == ""


def test_creates_deployments_only_where_one_administers(world):
    client = sign_in(world.people["organization_admin"])
    add = reverse("admin:deployments_deployment_add")
    said = ADDRESS | {"slug": "fresh"}

    refused = client.post(add, said | {"organization": world.foreign["Organization"].pk})
    made = client.post(add, said | {"organization": world.organization.pk})
    twice = client.post(add, said | {"organization": world.organization.pk})

    assert (refused.status_code, made.status_code, twice.status_code) == (200, 302, 200)
    assert Deployment.objects.filter(slug="fresh").count() == 1


def test_creates_code_locations_only_where_one_configures(world):
    client = sign_in(world.people["admin"])
    add = reverse("admin:deployments_codelocation_add")

    refused = client.post(add, {"deployment": world.foreign["Deployment"].pk, "name": "fresh"})
    made = client.post(add, {"deployment": world.deployment.pk, "name": "fresh"})

    assert (refused.status_code, made.status_code) == (200, 302)
    assert CodeLocation.objects.get(name="fresh").deployment == world.deployment


def test_lets_superusers_create_organizations(world):
    client = sign_in(world.people["superuser"])

    answer = client.post(reverse("admin:deployments_organization_add"), {"slug": "initech", "quota_bytes": "5"})

    assert answer.status_code == 302
    assert Organization.objects.get(slug="initech").quota_bytes == 5


def test_keeps_the_quota_from_organization_admins(world):
    client = sign_in(world.people["organization_admin"])

    client.post(page_of(world.organization), {"name": "Acme", "quota_bytes": "1", "slug": "stolen"})

    changed = Organization.objects.get(pk=world.organization.pk)
    assert (changed.name, changed.quota_bytes, changed.slug) == ("Acme", None, "acme")


def test_deletes_empty_places_and_no_others(world):
    client = sign_in(world.people["superuser"])
    empty = CodeLocation.objects.create(deployment=world.deployment, name="empty")

    for place in (world.organization, world.deployment, world.location, empty):
        client.post(page_of(place, "delete"), {"post": "yes"})

    assert not CodeLocation.objects.filter(pk=empty.pk).exists()
    assert CodeLocation.objects.filter(pk=world.location.pk).exists()
    assert Organization.objects.filter(pk=world.organization.pk).exists()


def test_says_so_when_a_place_was_filled_meanwhile(world, monkeypatch):
    client = sign_in(world.people["superuser"])
    monkeypatch.setattr("deployments.admin.locations.CodeLocationAdmin.in_use", lambda self, obj: False)

    answer = client.post(page_of(world.location, "delete"), {"post": "yes"}, follow=True)

    assert "is not empty" in answer.text
    assert CodeLocation.objects.filter(pk=world.location.pk).exists()


def test_makes_and_removes_service_accounts(world):
    client = sign_in(world.people["organization_admin"])
    add = reverse("admin:deployments_serviceaccount_add")

    refused = client.post(add, {"organization": world.foreign["Organization"].pk, "name": "bot"})
    made = client.post(add, {"organization": world.organization.pk, "name": "bot"})
    account = ServiceAccount.objects.get(name="bot")

    assert (refused.status_code, made.status_code) == (200, 302)
    assert account.organization == world.organization
    assert not account.user.has_usable_password()
    assert client.post(page_of(account, "delete"), {"post": "yes"}).status_code == 302
    assert not type(account.user).objects.filter(pk=account.user_id).exists()


def test_shows_a_token_once_and_stores_its_hash(world):
    viewer = world.people["viewer"]
    client = sign_in(viewer)

    answer = client.post(reverse("admin:deployments_token_add"), {"user": viewer.pk, "name": "laptop", "days": "3"})

    secret = answer.context["secret"]
    token = Token.objects.get(user=viewer)
    assert answer.status_code == 200
    assert secret in answer.text
    assert secret not in client.get(page_of(token)).text
    assert secret not in client.get(list_of("Token")).text
    assert client.get("/api/v1/organizations/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert client.post(page_of(token, "delete"), {"post": "yes"}).status_code == 302
    assert tokens_of(viewer) == 0


@pytest.mark.parametrize("role", ["admin", "organization_admin", "superuser", "foreign_admin"])
def test_makes_no_token_in_another_persons_name(world, role):
    editor = world.people["editor"]

    answer = sign_in(world.people[role]).post(
        reverse("admin:deployments_token_add"), {"user": editor.pk, "name": "stolen", "days": "3"}
    )

    assert answer.status_code == 200
    assert "secret" not in (answer.context or {})
    assert tokens_of(editor) == 0


@pytest.mark.parametrize(
    ("role", "made"), [("admin", 0), ("organization_admin", 1), ("superuser", 1), ("foreign_admin", 0)]
)
def test_makes_tokens_for_machines_of_organizations_that_one_administers(world, role, made):
    machine = world.rows["ServiceAccount"].user
    before = tokens_of(machine)

    sign_in(world.people[role]).post(
        reverse("admin:deployments_token_add"), {"user": machine.pk, "name": "ci", "days": "3"}
    )

    assert tokens_of(machine) == before + made


def test_never_shows_the_secrets_of_a_deployment_and_keeps_what_was_left_empty(world):
    secrets = {"platform_headers": "X-Key: sesame-1", "webhook_secret": "sesame-2", "registry_password": "sesame-3"}
    secrets |= {"platform_password": "sesame-4"}
    browser, page = sign_in(world.people["admin"]), page_of(world.deployment)
    assert browser.post(page, ADDRESS | secrets).status_code == 302

    shown = [sign_in(world.people[role]).get(page).text for role in ("admin", "viewer", "superuser")]
    assert browser.post(page, ADDRESS | {"name": "Again"}).status_code == 302

    assert not any("sesame" in text for text in shown)
    kept = type(world.deployment).objects.get(pk=world.deployment.pk)
    assert (kept.webhook_secret, kept.registry_password) == ("sesame-2", "sesame-3")
    assert kept.platform_password == "sesame-4"
    assert json.loads(kept.platform_headers) == {"X-Key": "sesame-1"}
    assert browser.post(page, ADDRESS | {"platform_headers": "-"}).status_code == 302
    assert type(kept).objects.get(pk=kept.pk).platform_headers == ""


def test_mutes_a_code_location(world):
    browser = sign_in(world.people["admin"])

    assert browser.post(page_of(world.location), {"muted": "on"}).status_code == 302

    assert type(world.location).objects.get(pk=world.location.pk).muted


def test_forgets_the_secrets_of_an_address_that_changes(world):
    secrets = {"platform_headers": "X-Key: sesame", "webhook_secret": "sesame", "webhook_url": "http://localhost:9/a"}
    secrets |= {"registry": "ghcr.example", "registry_password": "sesame", "platform_password": "sesame"}
    browser, page = sign_in(world.people["admin"]), page_of(world.deployment)
    assert browser.post(page, ADDRESS | secrets).status_code == 302

    moved = {
        "platform_url": "http://127.0.0.1:3000",
        "webhook_url": "http://127.0.0.1:9/a",
        "registry": "other.example",
    }
    assert browser.post(page, ADDRESS | moved).status_code == 302

    kept = Deployment.objects.get(pk=world.deployment.pk)
    assert (kept.platform_url, kept.webhook_url) == ("http://127.0.0.1:3000", "http://127.0.0.1:9/a")
    assert (kept.platform_headers, kept.webhook_secret, kept.registry_password) == ("", "", "")
    assert kept.platform_password == ""


def test_keeps_the_password_that_is_told_together_with_a_new_address(world):
    browser, page = sign_in(world.people["admin"]), page_of(world.deployment)
    said = {"platform": "airflow", "platform_user": "lastgood", "dag_bundle": "ours", "platform_password": "sesame"}

    assert browser.post(page, ADDRESS | said).status_code == 302

    kept = Deployment.objects.get(pk=world.deployment.pk)
    assert (kept.platform, kept.platform_user, kept.dag_bundle) == ("airflow", "lastgood", "ours")
    assert (kept.platform_url, kept.platform_password) == ("http://localhost:3000", "sesame")


@pytest.mark.parametrize("role", ["admin", "organization_admin"])
def test_keeps_what_runs_on_the_host_from_everybody_but_superusers(world, role):
    browser, page = sign_in(world.people[role]), page_of(world.deployment)
    said = {"activation_command": "/bin/sh -c id", "command_patience": "9"}

    assert browser.post(page, ADDRESS | said).status_code == 302

    kept = Deployment.objects.get(pk=world.deployment.pk)
    assert (kept.name, kept.activation_command, kept.command_patience) == ("Ours", "", 120)
    assert "activation_command" not in browser.get(page).text


def test_lets_superusers_set_a_command_that_can_be_run(world):
    browser, page = sign_in(world.people["superuser"]), page_of(world.deployment)
    said = ADDRESS | {"target": "directory", "command_patience": "9"}

    refused = browser.post(page, said | {"activation_command": "'never ends"})
    assert browser.post(page, said | {"activation_command": "/srv/apply.sh --now"}).status_code == 302

    assert refused.status_code == 200
    assert "taken apart into words" in refused.text
    kept = Deployment.objects.get(pk=world.deployment.pk)
    assert (kept.activation_command, kept.command_patience) == ("/srv/apply.sh --now", 9)


def test_forgets_an_agent(world):
    agent = world.rows["RemoteAgent"]

    assert sign_in(world.people["admin"]).post(page_of(agent, "delete"), {"post": "yes"}).status_code == 302

    assert not type(agent).objects.filter(pk=agent.pk).exists()


def test_shows_settings_without_their_secrets(world):
    location = world.location
    setting = {"env": {"PASSWORD": {"value": "sesame", "secret": True}, "REGION": "eu"}}
    made = factories.carry_out(
        operations.create_deploy(
            location=location, push=operations.Push(parts={"settings": setting}), actor=world.people["superuser"],
            now=timezone.now(),
        )
    )  # fmt: skip
    held = type(made).objects.get(pk=made.pk)
    held.carried = {"settings:env/OTHER": {"from": 1, "value": made.parts["settings"]["env"]["PASSWORD"]}}
    held.save()

    pages = [sign_in(world.people["superuser"]).get(page_of(row)).text for row in (held, held.release) if row]

    for page in pages:
        assert "sealed" not in page
        assert "sesame" not in page
    assert "OTHER" in pages[0]
    assert "REGION" in pages[0]
    assert held.parts["settings"]["env"]["PASSWORD"]["fingerprint"] in pages[0]
