"""Seats, cuts and holds, to look at: verbs change them."""

from typing import Any

from django.contrib import admin

from appointments.admin.base import (
    OwnCentresFilter,
    ReadOnlyAdmin,
    SlotCentreFilter,
    day,
    moment,
)
from appointments.admin.days import DayFilter
from appointments.models import CapacityCut, Hold, Slot


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    region_path = "region"
    centre_path = "centre"
    list_display = (
        *("starts", "centre", "quota", "seats", "closed", "taken", "free_now"),
        *("is_over", "paused"),
    )
    list_filter = (DayFilter, OwnCentresFilter, "quota", "paused")
    list_select_related = ("centre",)
    ordering = ("starts_at", "centre__name_en")
    fields = ("starts_at", "centre", "quota", "seats", "closed", "taken", "paused")

    @admin.display(description="starts", ordering="starts_at")
    def starts(self, slot: Slot) -> str:
        return moment(slot.starts_at)

    @admin.display(description="free")
    def free_now(self, slot: Slot) -> int:
        return slot.free

    @admin.display(description="too many people", boolean=True)
    def is_over(self, slot: Slot) -> bool | None:
        # No mark at all where everything is in order.
        return False if slot.oversubscribed else None


@admin.register(CapacityCut)
class CapacityCutAdmin(ReadOnlyAdmin):
    region_path = "centre__region"
    centre_path = "centre"
    list_display = ("on", "centre", "quota", "seats_left", "outage", "outage_state")
    list_filter = ("outage__state", OwnCentresFilter, "quota")
    list_select_related = ("centre", "outage")
    ordering = ("-date", "centre__name_en", "quota")

    @admin.display(description="date", ordering="date")
    def on(self, cut: CapacityCut) -> str:
        return day(cut.date)

    @admin.display(description="outage is", ordering="outage__state")
    def outage_state(self, cut: CapacityCut) -> str:
        return cut.outage.get_state_display()


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    region_path = "slot__region"
    centre_path = "slot__centre"
    list_display = ("expires", "purpose", "at", "slot_starts", "quota")
    list_filter = ("purpose", SlotCentreFilter)
    list_select_related = ("slot__centre",)
    ordering = ("expires_at",)
    fields = ("purpose", "slot", "created_at", "expires_at")

    @admin.display(description="ends", ordering="expires_at")
    def expires(self, hold: Hold) -> str:
        return moment(hold.expires_at)

    @admin.display(description="centre", ordering="slot__centre__name_en")
    def at(self, hold: Hold) -> Any:
        return hold.slot.centre

    @admin.display(description="time", ordering="slot__starts_at")
    def slot_starts(self, hold: Hold) -> str:
        return moment(hold.slot.starts_at)

    @admin.display(description="quota")
    def quota(self, hold: Hold) -> str:
        return hold.slot.get_quota_display()
