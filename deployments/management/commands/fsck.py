"""`manage.py fsck`: read every stored byte again."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from deployments.bundles.scrubbing import scrub
from deployments.models import Blob, Bundle


class Command(BaseCommand):
    """Find damaged blobs, name the bundles that have them, and keep those from being put in place."""

    help = "Read every stored byte again; exit 1 when something is damaged. Uploading the files again heals it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, and say what was found."""
        found = 0
        for blob, wrong in scrub(now=timezone.now()):
            found += 1
            self.stdout.write(f"{blob.sha256}: {wrong}.")
            for bundle in Bundle.objects.filter(files__blob=blob).select_related("organization").distinct():
                self.stdout.write(f"  in bundle {bundle.version} of {bundle.organization}: upload it again.")
        self.stdout.write(f"{found} of {Blob.objects.exclude(storage_key='').count()} blobs are damaged.")
        if found:
            sys.exit(1)
