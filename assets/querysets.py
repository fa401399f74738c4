"""Seeing is a queryset: rows of assets are seen by those who may view their deployment."""

from typing import Self, TypeVar

from django.db import models
from django.db.models import Q

from deployments.models import Deployment
from deployments.querysets import Person

Row = TypeVar("Row", bound=models.Model)


class OfAsset(models.QuerySet[Row]):
    """Rows that belong to an asset."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(asset__code_location__deployment__in=Deployment.objects.visible_to(person))


class ValidityQuerySet(OfAsset[Row]):
    """Validities."""

    def at(self, chain: models.Model, seq: int) -> Self:
        """Keep what was in force when the deploy of this `live_seq` was live."""
        return self.filter(Q(until=None) | Q(until__gt=seq), chain=chain, since__lte=seq)


class OfChain(models.QuerySet[Row]):
    """Rows that belong to a chain of recorded sets."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(chain__code_location__deployment__in=Deployment.objects.visible_to(person))
