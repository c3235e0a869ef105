"""What an officer's program can read: outages and plans of the officer's region. No applicants."""

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import AppTokenAuthentication, IsOfficer, person_of
from accounts.api.pages import Pagination
from accounts.api.serializers import problems
from appointments.models import Outage, Plan
from appointments.permissions import posting_of

READS = problems(401, 403, 404, 406, 429)
LISTS = problems(400, 401, 403, 406, 429)


class OfficerOutageSerializer(serializers.ModelSerializer):
    """An outage as officers see it."""

    region = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)

    class Meta:
        model = Outage
        fields = (
            *("id", "state", "scope", "region", "cause", "since", "expected_until"),
            *("declared_at", "ended_at", "text_en", "text_hi"),
        )


class PlanSerializer(serializers.ModelSerializer):
    """A plan: what was approved, and its counts. Nobody is named in it but officers."""

    region = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)
    prepared_by = serializers.StringRelatedField[Any]()
    approved_by = serializers.StringRelatedField[Any](allow_null=True)
    applied_by = serializers.StringRelatedField[Any](allow_null=True)
    undone_by = serializers.StringRelatedField[Any](allow_null=True)
    bounds = serializers.DictField()
    summary = serializers.DictField()

    class Meta:
        model = Plan
        fields = (
            *("id", "outage", "region", "state", "silence", "bounds", "summary"),
            *("prepared_by", "prepared_at", "approved_by", "approved_at", "not_before"),
            *("decide_by", "held_back"),
            *("applied_by", "applied_at", "live_at", "settled_at", "undone_by", "undone_at"),
        )


class ForOfficers(APIView):
    authentication_classes = (AppTokenAuthentication,)
    permission_classes = (IsOfficer,)


def _own_region(request: Request, field: str) -> Q:
    """The officer's region; a superuser sees all, an officer without a posting nothing."""
    officer = person_of(request)
    if officer.is_superuser:
        return Q()
    posting = posting_of(officer)
    return Q(**{field: posting.region_id}) if posting else Q(pk__in=[])


def outages_of(request: Request) -> QuerySet[Outage]:
    """Of the officer's region, of all regions, or of centres in it."""
    reach = _own_region(request, "region") | _own_region(request, "centres__region")
    if posting_of(person_of(request)) is not None:
        reach |= Q(scope=Outage.Scope.ALL)
    found = Outage.objects.filter(reach).select_related("region")
    return found.distinct().order_by("-declared_at", "-pk")


def plans_of(request: Request) -> QuerySet[Plan]:
    people = ("prepared_by", "approved_by", "applied_by", "undone_by")
    found = Plan.objects.filter(_own_region(request, "region"))
    return found.select_related("region", *people).order_by("-prepared_at", "-pk")


class OfficerOutages(ForOfficers, ListAPIView):
    """Outages that touch the officer's region, also those that ended long ago."""

    serializer_class = OfficerOutageSerializer
    pagination_class = Pagination

    def get_queryset(self) -> QuerySet[Outage]:
        return outages_of(self.request)

    @extend_schema(responses={200: OfficerOutageSerializer(many=True), **LISTS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)


class OneOfficerOutage(ForOfficers):
    @extend_schema(responses={200: OfficerOutageSerializer, **READS})
    def get(self, request: Request, outage_id: int) -> Response:
        """One outage."""
        outage = get_object_or_404(outages_of(request), pk=outage_id)
        return Response(OfficerOutageSerializer(outage).data)


class OfficerPlans(ForOfficers, ListAPIView):
    """Plans of the officer's region, the newest first."""

    serializer_class = PlanSerializer
    pagination_class = Pagination

    def get_queryset(self) -> QuerySet[Plan]:
        return plans_of(self.request)

    @extend_schema(responses={200: PlanSerializer(many=True), **LISTS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)


class OnePlan(ForOfficers):
    @extend_schema(responses={200: PlanSerializer, **READS})
    def get(self, request: Request, plan_id: int) -> Response:
        """One plan."""
        return Response(PlanSerializer(get_object_or_404(plans_of(request), pk=plan_id)).data)
