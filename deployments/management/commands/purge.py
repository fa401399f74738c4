"""`manage.py purge [--dry-run]`: let artifacts go that no rule keeps."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from deployments import retention


class Command(BaseCommand):
    """Purge what retention does not keep, naming for each kept release the rule that kept it."""

    help = "Purge artifacts that no rule keeps; with --dry-run only say what would go."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --dry-run."""
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Purge, and say what was kept and why."""
        report = retention.purge(now=timezone.now(), dry_run=options["dry_run"])
        for line in lines_of(report):
            self.stdout.write(line)


def lines_of(report: retention.Report) -> list[str]:
    """Answer the report in words, a line each."""
    lines = []
    for place, judged in report.judged:
        numbers = ", ".join(f"#{number}" for number in sorted(judged.numbers)) or "no deploy"
        what = f"{place}  {judged.release}  ({numbers})"
        verb = "would go" if report.dry_run else "purged"
        lines.append(f"{what}: kept, {judged.kept_because}" if judged.kept_because else f"{what}: {verb}")
    lines += [f"{name}: removed from its target" for name in report.directories]
    lines += report.problems
    if report.purged and not report.dry_run:
        lines.append("Their bytes go within two hours, once nothing has named them for one.")
    freed = "would be freed" if report.dry_run else "freed"
    lines.append(f"{len(report.purged)} of {len(report.judged)} releases; {report.bytes_freed} bytes {freed}.")
    return lines
