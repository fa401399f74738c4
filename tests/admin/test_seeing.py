"""Nobody sees in the admin what their roles do not show: in lists, pages, histories, searches, filters, autocompletes."""

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from tests.admin.conftest import CANARY, FOREIGN, admins, list_of, page_of, sign_in

MODELS = sorted(admin.model.__name__ for admin in admins())
ROLES = ["nobody", "viewer", "deployer", "editor", "admin", "organization_admin", "foreign_admin", "superuser"]
OPERATORS = {"Blob", "IdempotencyRecord", "Survey"}
OF_THE_WHOLE_ORGANIZATION = {"Bundle", "BundleFile", "BlobPossession", "Invitation", "ServiceAccount", "Token"}


def sees(role: str, model: str) -> bool:
    if role == "superuser":
        return True
    if model in OPERATORS or role in {"nobody", "foreign_admin"}:
        return False
    return role == "organization_admin" or model not in OF_THE_WHOLE_ORGANIZATION


@pytest.mark.parametrize("role", ROLES)
def test_lists_exactly_the_visible_rows(world, role):
    client = sign_in(world.people[role])
    for model in MODELS:
        answer = client.get(list_of(model))

        if model in OPERATORS and role != "superuser":
            assert answer.status_code == 403, model
            continue
        assert answer.status_code == 200, model
        listed = {row.pk for row in answer.context["cl"].result_list}
        assert (world.rows[model].pk in listed) is sees(role, model), model
        assert (world.foreign[model].pk in listed) is (role in {"superuser", "foreign_admin"}), model
        assert answer.context["cl"].result_count == len(listed), model
        if role not in {"superuser", "foreign_admin"}:
            assert CANARY not in answer.text, model
            assert FOREIGN not in answer.text, model


@pytest.mark.parametrize("role", [each for each in ROLES if each not in {"superuser", "foreign_admin"}])
def test_answers_404_for_the_unseen(world, role):
    client = sign_in(world.people[role])
    pages = ("change", "history", "delete")
    for turn, model in enumerate(MODELS, start=ROLES.index(role)):
        # All three find their row in one way: roles and models take turns. Those who see most try everything.
        for page in pages if role == "organization_admin" else pages[turn % 3 : turn % 3 + 1]:
            assert client.get(page_of(world.foreign[model], page)).status_code == 404, (model, page)
            assert client.post(page_of(world.foreign[model], page), {}).status_code == 404, (model, page)
            absent = reverse(f"admin:deployments_{model.lower()}_{page}", args=[10**9])
            assert client.get(absent).status_code == 404, (model, page)


@pytest.mark.parametrize("role", ROLES)
def test_shows_the_page_and_the_history_of_what_is_seen(world, role):
    client = sign_in(world.people[role])
    for model in MODELS:
        expected = 404
        if sees(role, model):
            expected = 200

        assert client.get(page_of(world.rows[model])).status_code == expected, model
        assert client.get(page_of(world.rows[model], "history")).status_code == expected, model


def test_leads_strangers_to_the_sign_in_page(world):
    for model in MODELS:
        answer = sign_in(None).get(list_of(model), follow=True)

        assert answer.redirect_chain[-1][0].startswith("/accounts/login/"), model
        assert CANARY not in answer.text, model


def test_lets_a_deactivated_account_see_nothing(world):
    editor = world.people["editor"]
    client = sign_in(editor)
    editor.is_active = False
    editor.save()

    assert {client.get(list_of(model)).status_code for model in MODELS} == {302}


@pytest.mark.parametrize("role", ["viewer", "organization_admin"])
def test_finds_nothing_foreign_by_search(world, role):
    client = sign_in(world.people[role])
    for model in MODELS:
        if model not in OPERATORS:
            answer = client.get(list_of(model), {"q": CANARY})

            assert list(answer.context["cl"].result_list) == [], model


def test_filters_by_place_offer_and_answer_nothing_foreign(world):
    client = sign_in(world.people["organization_admin"])
    foreign = {"organization": "Organization", "deployment": "Deployment", "location": "CodeLocation"}

    for model in MODELS:
        for name, kind in foreign.items():
            answer = client.get(list_of(model), {name: world.foreign[kind].pk})
            if answer.status_code in {400, 403}:  # no such filter, or not theirs at all
                continue
            assert list(answer.context["cl"].result_list) == [], (model, name)
            assert CANARY not in answer.text, (model, name)
            assert FOREIGN not in answer.text, (model, name)


def test_refuses_to_be_asked_by_fields_that_are_no_filter(world):
    client = sign_in(world.people["viewer"])
    for lookup in (
        "code_location__deployment__organization__slug",
        "actor__password__startswith",
        "restores__description__contains",
        "lease_owner__startswith",
        "metadata__secret__startswith",
    ):
        assert client.get(list_of("Deploy"), {lookup: "a"}).status_code == 400, lookup


def test_survives_filters_that_are_nonsense(world):
    client = sign_in(world.people["viewer"])
    for value in ("x", "-1", "9" * 40, "1,2", ""):
        assert client.get(list_of("Deploy"), {"deployment": value}).status_code == 200, value


def test_takes_the_filters_that_it_offers(world):
    client = sign_in(world.people["viewer"])
    for lookup in ({"created_at": "day"}, {"status__exact": "SUCCEEDED"}, {"kind__exact": "x"}):
        assert client.get(list_of("Deploy"), lookup).status_code == 200, lookup


def test_counts_facets_over_visible_rows_only(world):
    answer = sign_in(world.people["viewer"]).get(list_of("Deploy"), {"_facets": "True"})

    assert answer.status_code == 200
    assert "Succeeded (3)" in answer.text


def test_shows_dates_of_visible_rows_only(world):
    foreign = type(world.foreign["Deploy"]).objects.filter(pk=world.foreign["Deploy"].pk)
    foreign.update(created_at="2001-02-03T04:05:06Z")

    seen = sign_in(world.people["viewer"]).get(list_of("Deploy"))
    everything = sign_in(world.people["superuser"]).get(list_of("Deploy"))

    assert "2001" not in seen.text
    assert "2001" in everything.text


@pytest.mark.parametrize(
    ("role", "model", "field", "asked", "expected"),
    [
        ("viewer", "deployment", "organization", "", {"acme"}),
        ("foreign_admin", "deployment", "organization", "", {FOREIGN}),
        ("nobody", "deployment", "organization", "", set()),
        ("viewer", "codelocation", "deployment", CANARY, set()),
        ("superuser", "deployment", "organization", "", {"acme", FOREIGN}),
    ],
)
def test_completes_visible_names_only(world, role, model, field, asked, expected):
    said = {"app_label": "deployments", "model_name": model, "field_name": field, "term": asked}
    answer = sign_in(world.people[role]).get(reverse("admin:autocomplete"), said)

    assert {each["text"] for each in answer.json()["results"]} == expected


@pytest.mark.parametrize("role", ["viewer", "organization_admin", "nobody"])
def test_completes_no_accounts(world, role):
    for model, field in (
        ("token", "user"),
        ("deploy", "actor"),
        ("serviceaccount", "user"),
        ("idempotencyrecord", "user"),
    ):
        said = {"app_label": "deployments", "model_name": model, "field_name": field, "term": ""}
        answer = sign_in(world.people[role]).get(reverse("admin:autocomplete"), said)

        assert answer.status_code == 403


@pytest.mark.parametrize("role", ["viewer", "organization_admin", "nobody"])
def test_tells_nobody_where_a_foreign_object_lives(world, role):
    client = sign_in(world.people[role])
    for name in ("Deploy", "Deployment", "CodeLocation"):
        row = world.foreign[name]
        kind = ContentType.objects.get_for_model(row)
        answer = client.get(reverse("admin:view_on_site", args=[kind.pk, row.pk]))

        assert answer.status_code == 404


def test_shows_no_log_entries_of_others_on_the_index(world):
    editor = world.people["editor"]
    foreign = world.foreign["Deploy"]
    kind = ContentType.objects.get_for_model(foreign)
    LogEntry.objects.create(
        user=editor, content_type=kind, object_id=foreign.pk, object_repr=str(foreign), action_flag=CHANGE
    )

    assert CANARY not in sign_in(editor).get(reverse("admin:index")).text


@pytest.mark.parametrize("role", ["viewer", "admin", "organization_admin", "foreign_admin"])
def test_keeps_accounts_of_people_to_superusers(world, role):
    client = sign_in(world.people[role])
    person = world.people["editor"]

    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert client.get(reverse("admin:auth_user_add")).status_code == 403
    for page in ("change", "delete", "history"):
        assert client.get(reverse(f"admin:auth_user_{page}", args=[person.pk])).status_code == 404
    assert client.get(reverse("admin:auth_user_password_change", args=[person.pk])).status_code == 404


def test_means_nothing_by_model_permissions(world):
    from django.contrib.auth.models import Permission

    nobody = world.people["nobody"]
    nobody.is_staff = True
    nobody.save()
    nobody.user_permissions.set(Permission.objects.all())
    client = sign_in(nobody)

    for model in MODELS:
        answer = client.get(list_of(model))
        assert answer.status_code == 403 or list(answer.context["cl"].result_list) == []
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
