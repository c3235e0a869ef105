from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    name = "portal"


class OfficeAdminConfig(AdminConfig):
    """Django admin, in English, behind the officers' sign-in."""

    default_site = "portal.admin_site.OfficeAdminSite"
