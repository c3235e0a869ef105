from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.checks import register

from portal import checks


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        register(checks.check_public_site)
        register(checks.check_proxies)
        register(checks.check_both_languages)
        register(checks.check_contacts)


class OfficeAdminConfig(AdminConfig):
    """Django admin, in English, behind the officers' sign-in."""

    default_site = "portal.admin_site.OfficeAdminSite"
