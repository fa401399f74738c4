"""The table of the cache: Django makes it with a command, which nobody would remember to run."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import migrations


def make(apps: Any, schema_editor: Any) -> None:
    """Make the table, if caching is done in one."""
    if "DatabaseCache" in settings.CACHES["default"]["BACKEND"]:
        call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
