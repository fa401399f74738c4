"""What was counted for the first page: to read."""

from django.contrib import admin
from django.utils.safestring import SafeString

from deployments.admin.base import OperatorsAdmin, display
from deployments.admin.filters import recent
from deployments.admin.shown import as_json
from deployments.models import Survey


@admin.register(Survey)
class SurveyAdmin(OperatorsAdmin):
    """Figures that cost too much to be counted for a page."""

    list_display = ("name", "taken_at", "seconds")
    list_filter = (recent("taken_at", "counted"),)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "taken_at", "seconds", "figures")
    empty_text = "Nothing was counted yet: it is each hour, and when you press Count now on the dashboard."

    @display(description="found")
    def figures(self, row: Survey) -> SafeString | str:
        """Answer what was found."""
        return as_json(row.found)
