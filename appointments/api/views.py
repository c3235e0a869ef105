"""Reads for everybody: queries only."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.conditional import conditional_read
from accounts.api.pages import Pagination
from accounts.api.serializers import problems
from appointments import availability
from appointments.api.serializers import (
    AvailabilityQuery,
    CentreSerializer,
    DaySerializer,
    OutageSerializer,
)
from appointments.models import CapacityCut, Centre, Outage

DEFAULT_DAYS = timedelta(days=45)
# How long an outage that has ended is still listed.
RECENT = timedelta(days=7)


@method_decorator(conditional_read, name="dispatch")
@extend_schema(responses={200: CentreSerializer(many=True), **problems(400, 406, 412, 429)})
class CentreList(ListAPIView):
    """All centres, by name."""

    queryset = Centre.objects.select_related("region")
    serializer_class = CentreSerializer
    pagination_class = Pagination


@method_decorator(conditional_read, name="dispatch")
class Availability(APIView):
    """Days with seats that the public can book now at a centre, by quota; at most 92 days."""

    @extend_schema(
        parameters=[AvailabilityQuery],
        responses={200: DaySerializer(many=True), **problems(400, 404, 406, 412, 429)},
    )
    def get(self, request: Request, code: str) -> Response:
        centre = get_object_or_404(Centre, code=code)
        now = timezone.now()
        query = _checked(request, now)
        slots = availability.bookable(now).filter(
            centre=centre, date__range=(query["first"], query["last"])
        )
        if "quota" in query:
            slots = slots.filter(quota=query["quota"])
        days = slots.values("date", "quota").annotate(free_seats=availability.FREE)
        days = days.order_by("date", "quota")
        return Response(DaySerializer(days, many=True).data)


def _checked(request: Request, now: datetime) -> dict[str, Any]:
    query = AvailabilityQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    asked = dict(query.validated_data)
    first = asked.setdefault("first", timezone.localdate(now))
    last = asked.setdefault("last", first + min(DEFAULT_DAYS, date.max - first))
    if last < first:
        raise ValidationError({"last": [gettext("The last day lies before the first.")]})
    if (last - first).days >= AvailabilityQuery.MAX_DAYS:
        most = gettext("At most %(days)d days at once.") % {"days": AvailabilityQuery.MAX_DAYS}
        raise ValidationError({"last": [most]})
    return asked


@method_decorator(conditional_read, name="dispatch")
class OutageList(APIView):
    """Outages that are open, and those that ended within seven days; the newest first.

    Not in pages: they are few, and a program that shows a banner must not miss one.
    """

    @extend_schema(responses={200: OutageSerializer(many=True), **problems(406, 412, 429)})
    def get(self, request: Request) -> Response:
        now = timezone.now()
        shown = Outage.objects.filter(
            Q(state=Outage.State.OPEN) | Q(state=Outage.State.RESTORED, ended_at__gt=now - RECENT)
        ).select_related("region")
        told = _told(list(shown.prefetch_related("centres")), now)
        return Response(OutageSerializer(told, many=True).data)


def _told(shown: list[Outage], now: datetime) -> list[dict[str, Any]]:
    """Each row's own fields, the centres it touches, and what it leaves from today on."""
    own = ("id", "state", "scope", "region", "cause", "since", "expected_until")
    moments = ("declared_at", "ended_at", "text_en", "text_hi")
    capacity = _capacity(shown, timezone.localdate(now))
    codes = dict(Centre.objects.values_list("code", "region_id")) if shown else {}
    return [
        {
            **{name: getattr(outage, name) for name in own + moments},
            "centres": _centres(outage, codes),
            "capacity": capacity[outage.pk],
        }
        for outage in shown
    ]


def _capacity(shown: list[Outage], today: date) -> dict[int, list[dict[str, Any]]]:
    """Outage -> its days with the seats left, over all centres and quotas."""
    days = (
        CapacityCut.objects.filter(outage__in=shown, date__gte=today)
        .values("outage", "date")
        .annotate(seats_left=Sum("seats_left"))
        .order_by("date")
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for day in days:
        found[day["outage"]].append(dict(day))
    return found


def _centres(outage: Outage, codes: dict[str, int]) -> list[str]:
    """As outages.centres_of, from what has been read once for all outages."""
    if outage.scope == Outage.Scope.CENTRES:
        return sorted(centre.code for centre in outage.centres.all())
    whole = outage.scope == Outage.Scope.ALL
    return sorted(code for code, region in codes.items() if whole or region == outage.region_id)
