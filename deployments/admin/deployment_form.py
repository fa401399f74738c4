"""The form of a deployment: what is secret can be written here, and is never shown."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminURLInputWidget

from portal.common.problems import Invalid

SECRETS = ("platform_headers", "platform_password", "webhook_url", "webhook_secret", "registry_password")
REMOVE = "-"
KEEPS_ADDRESS = "Where orders are posted to, when something else runs the image. Empty: what is set already stays."
KEEPS = "Empty: what is set already stays. A hyphen alone removes it."


SECTIONS: dict[str | None, tuple[str, ...]] = {
    None: ("organization", "slug", "name", "created_at"),
    "Platform": (
        "platform",
        "platform_url",
        "platform_headers",
        "platform_user",
        "platform_password",
        "dag_bundle",
        "poll_seconds",
    ),
    "Where releases go": (
        "target",
        "target_root",
        "workspace_file",
        "activation_command",
        "command_patience",
        "webhook_url",
        "webhook_secret",
        "webhook_patience",
    ),
    "Image registry": ("registry", "registry_user", "registry_password"),
    "History": ("retention_days", "commit_link", "ignored_metadata"),
}


def sections(fields: list[str]) -> list[tuple[str | None, dict[str, Any]]]:
    """Put these fields into the form's sections; one that no section names stands with the first."""
    named = {name for names in SECTIONS.values() for name in names}
    found = []
    for title, names in SECTIONS.items():
        shown = [name for name in names if name in fields]
        if title is None:
            shown += [name for name in fields if name not in named]
        if shown:
            found.append((title, {"fields": shown}))
    return found


def _password() -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(max_length=4000, required=False, widget=widget, help_text=KEEPS)


class DeploymentForm(forms.ModelForm):  # type: ignore[type-arg]  # its class is the model's
    """A deployment, whose secrets can be written and not be read."""

    platform_headers = forms.CharField(
        max_length=20_000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autocomplete": "off"}),
        help_text=f"Headers with which the platform is asked, one “Name: value” a line. {KEEPS}",
    )
    platform_password = _password()
    webhook_url = forms.URLField(
        max_length=200,
        required=False,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text=KEEPS_ADDRESS,
    )
    webhook_secret = _password()
    registry_password = _password()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS:
            # Whatever is stored: the page must not have it.
            self.initial[name] = ""
        if "ignored_metadata" in self.fields:
            self.fields["ignored_metadata"].widget.attrs["rows"] = 3


def said(data: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Answer what was said of these fields: secrets that were left empty were not spoken of. Raises Invalid."""
    found = {name: data[name] for name in names if name not in SECRETS or data[name]}
    for name in SECRETS:
        if found.get(name) == REMOVE:
            found[name] = {} if name == "platform_headers" else ""
        elif name == "platform_headers" and name in found:
            found[name] = read_headers(found[name])
    return found


def read_headers(text: str) -> dict[str, str]:
    """Read “Name: value” lines. Raises Invalid, repeating no value."""
    headers = {}
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        name, colon, value = line.partition(":")
        if not colon:
            raise Invalid(f"Line {number} of the headers has no colon: write “Name: value”.", code="bad_headers")
        headers[name.strip()] = value.strip()
    return headers
