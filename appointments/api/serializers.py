"""What the API says. Field names are stable within a version."""

from typing import TypeAlias

from rest_framework import serializers

from appointments.models import Centre, Outage, Quota, Region

RegionCode: TypeAlias = "serializers.SlugRelatedField[Region]"


class CentreSerializer(serializers.ModelSerializer):
    """A centre, its names in both languages, and where it is (degrees; town level)."""

    region: RegionCode = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = Centre
        fields = (
            *("code", "kind", "region", "name_en", "name_hi", "town_en", "town_hi"),
            *("district_en", "district_hi", "pin", "lat", "lon"),
        )


class AvailabilityQuery(serializers.Serializer):
    """Which days and kinds of seats are asked about; at most 92 days."""

    MAX_DAYS = 92

    quota = serializers.ChoiceField(choices=Quota.choices, required=False)
    first = serializers.DateField(required=False, help_text="First day; default: today.")
    last = serializers.DateField(required=False, help_text="Last day; default: 45 days later.")


class DaySerializer(serializers.Serializer):
    """Seats that can be booked on a day in a quota, at this moment."""

    date = serializers.DateField()
    quota = serializers.ChoiceField(choices=Quota.choices)
    free = serializers.IntegerField(min_value=0, source="free_seats")


class CapacitySerializer(serializers.Serializer):
    """Seats that an outage leaves on a day at its centres."""

    date = serializers.DateField()
    seats_left = serializers.IntegerField(min_value=0)


class OutageSerializer(serializers.ModelSerializer):
    """An outage as the banners tell it."""

    region: RegionCode = serializers.SlugRelatedField(
        slug_field="code", read_only=True, allow_null=True
    )
    centres = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the centres it touches."
    )
    capacity = CapacitySerializer(many=True, help_text="Days of the outage, from today on.")

    class Meta:
        model = Outage
        fields = (
            *("id", "state", "scope", "region", "centres", "cause", "since", "expected_until"),
            *("declared_at", "ended_at", "text_en", "text_hi", "capacity"),
        )
