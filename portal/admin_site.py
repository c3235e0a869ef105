"""The officers' admin site."""

from django.contrib import admin


class OfficeAdminSite(admin.AdminSite):
    site_header = "Passport office"
    site_title = "Passport office"
    index_title = "Today"
