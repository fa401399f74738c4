"""Every registered model's pages open, for an operator and for an organization's admin, at a cost that rows do not raise."""

import json
from typing import Any

import pytest
from django.contrib.admin import ModelAdmin, site
from django.db import connection
from django.db.models import ForeignKey
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape

from assets.models import (
    Asset,
    AssetChain,
    AssetChange,
    AssetDependency,
    AssetSet,
    AssetVersion,
    SentSnapshot,
    Validity,
)
from deployments.models import Deploy
from tests.admin.conftest import World, sign_in
from tests.assets.sets import asset, define, record

MOST_QUERIES = 15
ASSETS = (Asset, AssetVersion, AssetChange, AssetSet, AssetChain, Validity, AssetDependency, SentSnapshot)
ADMINS: list[ModelAdmin] = sorted(site._registry.values(), key=lambda each: each.model.__name__)
NAMES = [each.model.__name__ for each in ADMINS]
# To those who are no operators these lists are closed.
CLOSED = {"Authenticator", "Blob", "IdempotencyRecord", "Survey", "User"}


@pytest.fixture
def rows(world: World) -> dict[str, Any]:
    """Answer one row of every registered model, of the own tenant; there are others, of both tenants."""
    found = dict(world.rows)
    for tenant in (world.foreign, world.rows):
        first, second = Deploy.objects.filter(code_location=tenant["CodeLocation"], number__lte=2).order_by("number")
        record(first, define(asset("raw"), asset("clean", deps=[{"key": ["raw"]}])))
        record(second, define(asset("raw", code_version="2"), asset("clean", deps=[{"key": ["raw"]}])))
        for deploy in (first, second):
            SentSnapshot.objects.create(
                deploy=deploy,
                world="dagster",
                digest="d" * 64,
                asset_count=2,
                sent_at=timezone.now(),
                sent_by_name="ci",
            )
        for model in ASSETS:
            path = site._registry[model].to_location  # type: ignore[attr-defined]
            found[model.__name__] = model._default_manager.filter(**{path: tenant["CodeLocation"]}).first()
    found["User"] = world.people["editor"]
    return found


def address(admin: ModelAdmin, page: str, *args: Any) -> str:
    return reverse(f"admin:{admin.model._meta.app_label}_{admin.model._meta.model_name}_{page}", args=args)


def who(world: World, role: str) -> Client:
    return sign_in(world.people[role])


def test_there_is_a_row_of_every_model(rows):
    assert [name for name in NAMES if rows.get(name) is None] == []


@pytest.mark.parametrize("role", ["superuser", "organization_admin"])
def test_lists_searches_and_takes_the_choices_of_every_filter(world, rows, role):
    client = who(world, role)
    for admin in ADMINS:
        name = admin.model.__name__
        shown = client.get(address(admin, "changelist"))
        if role != "superuser" and name in CLOSED:
            assert shown.status_code == 403, name
            continue
        assert shown.status_code == 200, name
        assert rows[name].pk in {row.pk for row in shown.context["cl"].result_list}, name
        assert client.get(address(admin, "changelist"), {"q": "plain"}).status_code == 200, name
        for spec in shown.context["cl"].filter_specs:
            for choice in [*getattr(spec, "lookup_choices", ())][: 8 if role == "superuser" else 2]:
                value = choice[0] if isinstance(choice, tuple | list) else choice
                said = {spec.expected_parameters()[0]: str(value)}
                answer = client.get(address(admin, "changelist"), said)
                assert answer.status_code == 200, (name, said)
                assert "?e=1" not in answer.headers.get("Location", ""), (name, said)


@pytest.mark.parametrize("role", ["superuser", "organization_admin"])
def test_opens_the_forms_histories_and_deletions(world, rows, role):
    client = who(world, role)
    for admin in ADMINS:
        name = admin.model.__name__
        closed = role != "superuser" and name in CLOSED
        pk = rows[name].pk
        assert client.get(address(admin, "change", pk)).status_code == (404 if closed else 200), name
        assert client.get(address(admin, "history", pk)).status_code == (404 if closed else 200), name
        assert client.get(address(admin, "delete", pk)).status_code in ({404} if closed else {200, 403}), name
        assert client.get(address(admin, "add")).status_code in {200, 403}, name


def test_completes_what_its_form_asks_for(world, rows):
    client = who(world, "organization_admin")
    asked = 0
    for admin in ADMINS:
        said = {"app_label": admin.model._meta.app_label, "model_name": admin.model._meta.model_name, "term": "plain"}
        for field in admin.autocomplete_fields:
            asked += 1
            answer = client.get(reverse("admin:autocomplete"), said | {"field_name": field})

            assert answer.status_code == 200, (admin.model.__name__, field)
            assert "canary" not in json.dumps(answer.json()), (admin.model.__name__, field)
    assert asked >= 5


def test_asks_for_relations_by_completion_where_they_can_be_many(world):
    request = type("Asked", (), {"user": world.people["superuser"], "GET": {}})()
    for admin in ADMINS:
        if not admin.has_add_permission(request):
            continue
        editable = {name for _, said in admin.get_fieldsets(request) for name in _flat(said["fields"])}
        relations = {each.name for each in admin.model._meta.get_fields() if isinstance(each, ForeignKey)}

        # A token is one's own, or a machine's: people are not searched for.
        assert relations & editable <= {*admin.autocomplete_fields, "user"}, admin.model.__name__


def _flat(fields: Any) -> list[str]:
    return [name for each in fields for name in (each if isinstance(each, tuple | list) else [each])]


@pytest.mark.parametrize("role", ["superuser", "organization_admin"])
def test_costs_the_same_with_one_row_and_with_all_of_them(world, rows, role, monkeypatch):
    client = who(world, role)
    for admin in ADMINS:
        if role != "superuser" and admin.model.__name__ in CLOSED:
            continue
        client.get(address(admin, "changelist"))  # what a process learns once
        monkeypatch.setattr(admin, "list_per_page", 1)
        one = _cost(client, address(admin, "changelist"))
        monkeypatch.setattr(admin, "list_per_page", 50)

        everything = _cost(client, address(admin, "changelist"))

        assert everything <= one, admin.model.__name__
        assert everything <= MOST_QUERIES, admin.model.__name__


def _cost(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_counts_no_further_than_anybody_leafs(world, rows, monkeypatch):
    monkeypatch.setattr("deployments.admin.paging.MOST_COUNTED", 1)
    client = who(world, "superuser")
    for admin in ADMINS:
        shown = client.get(address(admin, "changelist"))

        assert shown.context["cl"].paginator.is_cut, admin.model.__name__
        assert "filter to see the others" in shown.text, admin.model.__name__


def test_says_what_an_empty_list_is_for(world):
    client = who(world, "nobody")
    for admin in ADMINS:
        if admin.model.__name__ in CLOSED:
            continue
        nothing = client.get(address(admin, "changelist"))
        searched = client.get(address(admin, "changelist"), {"q": "nothing is called like this"})

        assert conditional_escape(admin.empty_text) in nothing.text, admin.model.__name__
        assert "the search or a filter leaves them out" in searched.text, admin.model.__name__


def test_has_every_list_in_the_sidebar_and_none_among_the_others(world):
    shown = who(world, "superuser").get(reverse("admin:index"))

    groups = {group.get("title"): group["items"] for group in shown.context["sidebar_navigation"]}
    assert "Others" not in groups
    assert sum(len(items) for title, items in groups.items() if title) == len(ADMINS)


def test_offers_no_list_that_is_closed(world):
    shown = who(world, "organization_admin").get(reverse("admin:index"))

    links = [item["link"] for group in shown.context["sidebar_navigation"] for item in group["items"]]
    assert [link for link in links if sign_in(world.people["organization_admin"]).get(link).status_code != 200] == []
