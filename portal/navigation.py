"""The admin's sidebar: every list that somebody may open, by what it is about, with a sign."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from portal.pages import theme

# What belongs together, in the order in which it is looked for; each with a Material symbol that unfold brings along.
GROUPS: dict[str, dict[str, str]] = {
    "Places": {
        "Organization": "domain",
        "Deployment": "dns",
        "CodeLocation": "deployed_code",
        "GitSource": "account_tree",
        "RemoteAgent": "lan",
    },
    "History": {
        "Deploy": "rocket_launch",
        "DeployEvent": "list_alt",
        "Hold": "pause_circle",
        "Blame": "block",
        "Load": "sync",
        "LoadRun": "stacks",
    },
    "Alerts": {
        "AlertChannel": "campaign",
        "Incident": "emergency",
        "Notification": "notifications",
    },
    "Assets": {
        "Asset": "category",
        "AssetVersion": "history_edu",
        "AssetChange": "difference",
        "AssetSet": "dataset",
        "AssetChain": "link",
        "AssetDependency": "conversion_path",
        "Validity": "date_range",
        "SentSnapshot": "photo_camera",
    },
    "Artifacts": {
        "Release": "inventory_2",
        "ReleaseBundle": "attach_file",
        "Bundle": "folder_zip",
        "BundleFile": "description",
        "BlobPossession": "key",
        "Blob": "database",
    },
    "Accounts": {
        "User": "person",
        "ServiceAccount": "smart_toy",
        "Token": "vpn_key",
        "Authenticator": "phonelink_lock",
        "Invitation": "forward_to_inbox",
    },
    "Machinery": {
        "PlatformWatch": "visibility",
        "WorkspaceTurn": "swap_horiz",
        "HookDelivery": "webhook",
        "Survey": "monitoring",
        "IdempotencyRecord": "content_copy",
    },
}
OTHERS = "Others"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer unfold's navigation: the first page, the team's pages, and the lists that this person may open."""
    first = [
        {"title": "Dashboard", "icon": "monitor_heart", "link": reverse("admin:index")},
        # Never the current page: unfold takes every address that contains the link for it.
        {"title": "The team's pages", "icon": "arrow_back", "link": reverse("deployments:home"), "active": _never},
    ]
    groups = [
        {"title": name, "collapsible": name in {"Machinery", "Assets", "Artifacts"}, "items": items}
        for name, items in _grouped(request).items()
    ]
    return [{"items": first}, *groups]


def _grouped(request: HttpRequest) -> dict[str, list[dict[str, Any]]]:
    found = {
        model.__name__: model
        for model, each in admin.site._registry.items()
        if each.has_module_permission(request) and each.has_view_permission(request)
    }
    groups = {
        group: [_item(found.pop(name), icon) for name, icon in members.items() if name in found]
        for group, members in GROUPS.items()
    }
    groups[OTHERS] = [_item(model, "table") for model in found.values()]
    return {group: items for group, items in groups.items() if items}


def _item(model: Any, icon: str) -> dict[str, Any]:
    meta = model._meta
    title = str(meta.verbose_name_plural)
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return {"title": title[:1].upper() + title[1:], "icon": icon, "link": address}


def _never(request: HttpRequest) -> bool:
    return False


def icon(request: HttpRequest) -> str:
    """Answer the address of our sign."""
    return static("icon.svg")


def stylesheet(request: HttpRequest) -> str:
    """Answer the address of our own styles in the admin."""
    return static("admin.css")


def script(request: HttpRequest) -> str:
    """Answer the address of our own script in the admin."""
    return static("admin.js")


def environment(request: HttpRequest) -> list[str] | None:
    """Answer the operator's name for this portal, in red when it is the one that counts."""
    name = settings.LASTGOOD_ENVIRONMENT
    if not name:
        return None
    return [name, "danger" if name.lower().startswith("prod") else "info"]


def chosen_theme(request: HttpRequest) -> str | None:
    """Answer light or dark if somebody chose it on the team's pages; else unfold's own switch decides."""
    return theme(request)["theme"] or None
