"""What of the outbox stands by itself in the officers' pages: why something rests.

Messages and batches: appointments/admin/outbox, which knows whose they are.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications.gateways import KNOWN, gateway_classes
from notifications.models import Channel, Gate

# Django looks for an app's pages here.
from notifications.registry.admin import SmsTemplateAdmin as SmsTemplateAdmin


@admin.register(Gate)
class GateAdmin(admin.ModelAdmin):
    """Why a channel rests: its gateway is down, or has asked us to wait."""

    list_display = ("name", "shut_until", "reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gate]:
        """Gates of gateways; the others only see to it that one thing happens at a time."""
        used = [found.name for channel in Channel.values for found in gateway_classes(channel)]
        return super().get_queryset(request).filter(name__in={*KNOWN, *used})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
