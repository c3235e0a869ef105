"""Offers: the questions put to people, to look at."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from appointments.admin.base import OwnCentresFilter, ReadOnlyAdmin, moment
from appointments.models import Offer


class NewCentreFilter(OwnCentresFilter):
    title = "new centre"
    path = "new_slot__centre"


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    region_path = "new_slot__region"
    centre_path = "new_slot__centre"
    list_display = (
        *("number", "who", "kind", "answer", "old_time", "new_time", "new_centre"),
        *("answer_by", "on_silence", "plan"),
    )
    list_display_links = ("number",)
    list_filter = ("state", "kind", "silence", NewCentreFilter)
    list_select_related = ("appointment", "old_slot", "new_slot__centre", "plan")
    search_fields = ("=appointment__id",)
    search_help_text = "Number of an appointment."
    ordering = ("-pk",)
    fields = (
        *("appointment", "plan", "kind", "answer", "on_silence", "old_time", "new_time"),
        *("new_centre", "live_at", "deadline", "created_at", "ended_at"),
    )

    @admin.display(description="offer", ordering="pk")
    def number(self, offer: Offer) -> str:
        return f"Offer {offer.pk}"

    @admin.display(description="appointment", ordering="appointment")
    def who(self, offer: Offer) -> Any:
        url = reverse("admin:appointments_appointment_change", args=[offer.appointment_id])
        return format_html('<a href="{}">{}</a>', url, offer.appointment_id)

    @admin.display(description="answer", ordering="state")
    def answer(self, offer: Offer) -> str:
        return offer.get_state_display()

    @admin.display(description="on silence", ordering="silence")
    def on_silence(self, offer: Offer) -> str:
        return offer.get_silence_display()

    @admin.display(description="old time", ordering="old_slot__starts_at")
    def old_time(self, offer: Offer) -> str:
        return moment(offer.old_slot.starts_at if offer.old_slot else None)

    @admin.display(description="new time", ordering="new_slot__starts_at")
    def new_time(self, offer: Offer) -> str:
        return moment(offer.new_slot.starts_at)

    @admin.display(description="new centre", ordering="new_slot__centre__name_en")
    def new_centre(self, offer: Offer) -> Any:
        return offer.new_slot.centre

    @admin.display(description="answer by", ordering="deadline")
    def answer_by(self, offer: Offer) -> str:
        return moment(offer.deadline)
