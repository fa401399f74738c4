"""Which admin site the project has."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Put our site in the place of Django's own."""

    default_site = "portal.site.PortalAdminSite"
