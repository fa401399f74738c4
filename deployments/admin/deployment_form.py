"""The form of a deployment: what is secret can be written here, and is never shown."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from portal.common.problems import Invalid

SECRETS = ("platform_headers", "platform_password", "webhook_url", "webhook_secret", "registry_password")
REMOVE = "-"
KEEPS_ADDRESS = "Where orders are posted to, when something else runs the image. Empty: what is set already stays."
KEEPS = "Empty: what is set already stays. A hyphen alone removes it."


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
    webhook_url = forms.URLField(max_length=200, required=False, assume_scheme="https", help_text=KEEPS_ADDRESS)
    webhook_secret = _password()
    registry_password = _password()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS:
            # Whatever is stored: the page must not have it.
            self.initial[name] = ""


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
