"""What people write into pages, checked for what a text may be. What it may do, the operations say."""

from typing import Any

from django import forms
from django.http import HttpRequest

from deployments.states import RollbackScope
from portal.common.problems import Invalid


class Describing(forms.Form):
    """A deploy's description."""

    description = forms.CharField(max_length=5000, required=False)


class RollingBack(forms.Form):
    """What to restore, why, and the plan that the person read when deciding."""

    to = forms.IntegerField(min_value=0, max_value=2**63 - 1)
    description = forms.CharField(max_length=5000, required=False)
    scope = forms.ChoiceField(choices=RollbackScope.choices, required=False)
    # The plan that was read: it runs only if nothing moved since.
    plan_etag = forms.CharField(max_length=64, required=False)


class Holding(forms.Form):
    """Why new pushes are held, and until when."""

    reason = forms.CharField(max_length=2000, required=False)
    until = forms.DateTimeField(required=False)


def read(form: type[forms.Form], request: HttpRequest) -> dict[str, Any]:
    """Answer what was sent. Raises Invalid, with a sentence for each field that cannot be used."""
    sent = form(request.POST)
    if not sent.is_valid():
        words = [f"{name}: {' '.join(map(str, errors))}" for name, errors in sent.errors.items()]
        raise Invalid(" ".join(words))
    return dict(sent.cleaned_data)
