"""Every model of the app has an admin, and every admin stands on the base that knows about roles."""

import pytest
from django.apps import apps
from django.contrib.admin import site
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from deployments.admin.base import PortalAdmin
from tests.admin.conftest import admins

OURS = [model for app in ("deployments", "assets") for model in apps.get_app_config(app).get_models()]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_registers_every_model_but_guardians_rows(model):
    is_grant = issubclass(model, UserObjectPermissionBase | GroupObjectPermissionBase)

    assert (model in site._registry) is not is_grant  # grants are edited as members, through access


def test_builds_every_admin_on_the_base():
    strangers = [model.__name__ for model, admin in site._registry.items() if not isinstance(admin, PortalAdmin)]

    assert strangers == []


@pytest.mark.parametrize("admin", admins(), ids=lambda admin: admin.model.__name__)
def test_searches_and_filters_every_list(admin):
    assert admin.search_fields
    assert admin.list_filter or admin.model.__name__ == "Organization"


@pytest.mark.parametrize("admin", admins(), ids=lambda admin: admin.model.__name__)
def test_offers_no_filter_that_lists_everybodys_rows(admin):
    from django.contrib.admin import RelatedFieldListFilter

    for each in admin.list_filter:
        if isinstance(each, tuple):
            assert not issubclass(each[1], RelatedFieldListFilter)
        elif isinstance(each, str):
            assert not admin.model._meta.get_field(each).is_relation


@pytest.mark.parametrize("admin", admins(), ids=lambda admin: admin.model.__name__)
def test_sees_by_the_managers_visible_to(admin):
    assert hasattr(admin.model._default_manager, "visible_to")
