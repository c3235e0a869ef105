"""What the API takes from and says to an applicant's app."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from appointments import booking
from appointments.models import Application, Appointment, Hold, Offer, Slot, TimelineEntry


class SlotSerializer(serializers.ModelSerializer):
    """A time at a centre."""

    centre = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)

    class Meta:
        model = Slot
        fields = ("id", "centre", "quota", "date", "starts_at")


class FreeSlotSerializer(SlotSerializer):
    """A time that can be held, with the seats free at this moment."""

    free = serializers.IntegerField(min_value=0)

    class Meta:
        model = Slot
        fields = ("id", "centre", "quota", "date", "starts_at", "free")


class AppointmentSerializer(serializers.ModelSerializer):
    """`slot` is null on the waiting list and after cancelling."""

    slot = SlotSerializer(allow_null=True)

    class Meta:
        model = Appointment
        fields = ("id", "application", "state", "slot", "booked_at", "waiting_since")


class HoldSerializer(serializers.ModelSerializer):
    """A seat that is kept until a moment."""

    slot = SlotSerializer()

    class Meta:
        model = Hold
        fields = ("id", "application", "slot", "purpose", "expires_at")


class ApplicationSerializer(serializers.ModelSerializer):
    """An application linked to the account. Of its number the last four digits are told."""

    home_centre = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)
    appointment = serializers.SerializerMethodField(help_text="The live one, if there is one.")
    hold = serializers.SerializerMethodField(help_text="The seat that is kept, if one is.")
    attempts_left = serializers.SerializerMethodField(
        help_text="Dates that may still be chosen under this fee."
    )

    class Meta:
        model = Application
        fields = (
            *("id", "arn_tail", "service", "home_centre"),
            *("appointment", "hold", "attempts_left"),
        )

    @extend_schema_field(AppointmentSerializer(allow_null=True))
    def get_appointment(self, application: Application) -> Any:
        live = booking.live_appointment(application)
        return AppointmentSerializer(live).data if live else None

    @extend_schema_field(HoldSerializer(allow_null=True))
    def get_hold(self, application: Application) -> Any:
        now = self.context["now"]
        held = application.holds.filter(
            purpose__in=booking.OWN_PURPOSES, expires_at__gt=now
        ).select_related("slot__centre")
        first = held.first()
        return HoldSerializer(first).data if first else None

    def get_attempts_left(self, application: Application) -> int:
        return booking.attempts_left(application, self.context["now"])


class ClaimSerializer(serializers.Serializer):
    """The application's number and birth date, as the receipt shows them."""

    arn = serializers.RegexField(
        r"^[0-9]{2}-[0-9]{10}$",
        help_text="For example 26-1234567890.",
        error_messages={
            "invalid": _("Write the number as on the receipt, for example 26-1234567890.")
        },
    )
    date_of_birth = serializers.DateField()


class HoldAskedSerializer(serializers.Serializer):
    slot = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class FreeQuery(serializers.Serializer):
    """Which free times are asked for."""

    centre = serializers.SlugField(required=False, help_text="Code of a centre.")
    first = serializers.DateField(required=False)
    last = serializers.DateField(required=False)


class TimelineSerializer(serializers.ModelSerializer):
    """What happened to the appointment, in order."""

    words = serializers.CharField(source="get_event_display", help_text="In the asked language.")
    from_slot = SlotSerializer(allow_null=True)
    to_slot = SlotSerializer(allow_null=True)

    class Meta:
        model = TimelineEntry
        fields = ("at", "event", "words", "by", "from_slot", "to_slot")


class OfferSerializer(serializers.ModelSerializer):
    """A question: does the new time suit? Another time is a hold and its confirmation.

    Kind `moved`: a plan has moved the appointment already. Kinds `earlier` and `waiting`: a seat is
    kept until the deadline, and on silence nothing else changes.
    """

    application = serializers.IntegerField(source="appointment.application_id")
    old_slot = SlotSerializer(allow_null=True)
    new_slot = SlotSerializer(allow_null=True)

    class Meta:
        model = Offer
        fields = (
            *("id", "kind", "state", "application", "appointment", "old_slot", "new_slot"),
            *("deadline", "silence"),
        )
