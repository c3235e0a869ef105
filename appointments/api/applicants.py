"""What an applicant's app can do: the verbs of the pages, and the same refusals."""

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import limits
from accounts.api.authentication import AppTokenAuthentication, IsApplicant, person_of
from accounts.api.idempotency import Idempotent, plain
from accounts.api.pages import Pagination
from accounts.api.serializers import problems
from accounts.api.views import KEY_PARAMETER
from appointments import availability, booking, claiming, offers, waiting_list
from appointments.api.applicant_serializers import (
    ApplicationSerializer,
    AppointmentSerializer,
    ClaimSerializer,
    FreeQuery,
    FreeSlotSerializer,
    HoldAskedSerializer,
    HoldSerializer,
    OfferSerializer,
    TimelineSerializer,
)
from appointments.models import Application, Appointment, Offer, Slot, TimelineEntry

READS = problems(401, 403, 404, 406, 429)
LISTS = problems(400, 401, 403, 404, 406, 429)
WRITES = problems(400, 401, 403, 404, 406, 409, 410, 413, 415, 422, 429, 503)


class ForApplicants(Idempotent):
    """Only the app of an applicant, and only what is that person's: the rest is not found."""

    authentication_classes = (AppTokenAuthentication,)
    permission_classes = (IsApplicant,)


def own_applications(request: Request) -> QuerySet[Application]:
    found = Application.objects.filter(claimed_by=person_of(request))
    return found.select_related("home_centre").prefetch_related("visit_attempts").order_by("pk")


def own_application(request: Request, application_id: int) -> Application:
    return get_object_or_404(own_applications(request), pk=application_id)


def shown_application(application: Application) -> Any:
    return ApplicationSerializer(application, context={"now": timezone.now()}).data


class ApplicationList(ForApplicants, ListAPIView):
    """The applications linked to the account; or link another one."""

    serializer_class = ApplicationSerializer
    pagination_class = Pagination

    def get_queryset(self) -> QuerySet[Application]:
        return own_applications(self.request)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "now": timezone.now()}

    @extend_schema(responses={200: ApplicationSerializer(many=True), **LISTS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)

    @extend_schema(
        operation_id="applications_create",
        parameters=[KEY_PARAMETER],
        request=ClaimSerializer,
        responses={201: ApplicationSerializer, **WRITES},
    )
    def post(self, request: Request) -> Response:
        asked = ClaimSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        application = claiming.claim(
            arn=asked.validated_data["arn"],
            date_of_birth=asked.validated_data["date_of_birth"],
            network=limits.network_of(plain(request)),
            by=person_of(request),
        )
        return Response(shown_application(application), status=201)


class OneApplication(ForApplicants):
    @extend_schema(responses={200: ApplicationSerializer, **READS})
    def get(self, request: Request, application_id: int) -> Response:
        """An application, with its appointment and the seat that is kept for it."""
        return Response(shown_application(own_application(request, application_id)))


class FreeSlots(ForApplicants, ListAPIView):
    """Times which this application may take now, the soonest first."""

    serializer_class = FreeSlotSerializer
    pagination_class = Pagination

    def get_queryset(self) -> QuerySet[Slot]:
        query = FreeQuery(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        if "first" in asked and "last" in asked and asked["last"] < asked["first"]:
            raise ValidationError({"last": [gettext("The last day lies before the first.")]})
        application = own_application(self.request, self.kwargs["application_id"])
        slots = availability.for_application(application, timezone.now())
        wanted = {"centre": "centre__code", "first": "date__gte", "last": "date__lte"}
        slots = slots.filter(**{wanted[name]: value for name, value in asked.items()})
        return slots.select_related("centre").order_by("starts_at", "pk")

    @extend_schema(
        parameters=[FreeQuery],
        responses={200: FreeSlotSerializer(many=True), **LISTS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)


class Timeline(ForApplicants, ListAPIView):
    """Everything that happened to the application's appointments, in order."""

    serializer_class = TimelineSerializer
    pagination_class = Pagination

    def get_queryset(self) -> QuerySet[TimelineEntry]:
        application = own_application(self.request, self.kwargs["application_id"])
        written = TimelineEntry.objects.filter(appointment__application=application)
        return written.select_related("from_slot__centre", "to_slot__centre")

    @extend_schema(responses={200: TimelineSerializer(many=True), **LISTS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)


class WaitingList(ForApplicants):
    @extend_schema(
        operation_id="applications_waiting_list_create",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={201: AppointmentSerializer, **WRITES},
    )
    def post(self, request: Request, application_id: int) -> Response:
        """Wait for a seat; what is then offered is a question (kind `waiting`)."""
        joined = waiting_list.join(
            application=own_application(request, application_id), by=person_of(request)
        )
        return Response(AppointmentSerializer(joined).data, status=201)


class HoldList(ForApplicants):
    @extend_schema(
        operation_id="applications_holds_create",
        parameters=[KEY_PARAMETER],
        request=HoldAskedSerializer,
        responses={201: HoldSerializer, **WRITES},
    )
    def post(self, request: Request, application_id: int) -> Response:
        """Keep a seat while the person decides; another one replaces it."""
        asked = HoldAskedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        hold = booking.hold_seat(
            application=own_application(request, application_id),
            slot_id=asked.validated_data["slot"],
            by=person_of(request),
        )
        return Response(HoldSerializer(hold).data, status=201)


class OneHold(ForApplicants):
    @extend_schema(responses={204: None, **READS, **problems(503)})
    def delete(self, request: Request, hold_id: int) -> Response:
        """Free the seat. One that is free already: the same."""
        person = person_of(request)
        if _is_own_hold(request, hold_id):
            booking.release_hold(hold_id=hold_id, by=person)
        return Response(status=204)


def _is_own_hold(request: Request, hold_id: int) -> bool:
    """Live, or confirmed by an earlier request."""
    of_hold = Q(holds__pk=hold_id) | Q(appointments__confirmed_hold=hold_id)
    return own_applications(request).filter(of_hold).exists()


class ConfirmHold(ForApplicants):
    @extend_schema(
        operation_id="holds_confirm_create",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={200: AppointmentSerializer, **WRITES},
    )
    def post(self, request: Request, hold_id: int) -> Response:
        """Book the seat that is kept, or change to it: the old one is then free."""
        if not _is_own_hold(request, hold_id):
            raise booking.hold_expired()  # as of one that never was: nobody counts others' holds
        appointment = booking.confirm(hold_id=hold_id, by=person_of(request))
        return Response(AppointmentSerializer(appointment).data)


class CancelAppointment(ForApplicants):
    @extend_schema(
        operation_id="appointments_cancel_create",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={200: AppointmentSerializer, **WRITES},
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """End the appointment and free its seat."""
        mine = Appointment.objects.filter(application__claimed_by=person_of(request))
        found = get_object_or_404(mine, pk=appointment_id)
        ended = booking.cancel(appointment_id=found.pk, by=person_of(request))
        return Response(AppointmentSerializer(ended).data)


# --- Offers -------------------------------------------------------------------------------------


def own_offers(request: Request) -> QuerySet[Offer]:
    """Questions that were put to the person, open or ended; not before their grace has passed."""
    found = Offer.objects.filter(
        appointment__application__claimed_by=person_of(request), live_at__lte=timezone.now()
    )
    return found.select_related(
        "appointment", "old_slot__centre", "new_slot__centre", "plan"
    ).order_by("-pk")


class OfferList(ForApplicants, ListAPIView):
    """All questions put to the person, the newest first."""

    serializer_class = OfferSerializer
    pagination_class = Pagination

    def get_queryset(self) -> QuerySet[Offer]:
        return own_offers(self.request)

    @extend_schema(responses={200: OfferSerializer(many=True), **LISTS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)


class OneOffer(ForApplicants):
    @extend_schema(responses={200: OfferSerializer, **READS})
    def get(self, request: Request, offer_id: int) -> Response:
        """One question, and how it stands."""
        return Response(OfferSerializer(get_object_or_404(own_offers(request), pk=offer_id)).data)


class AcceptOffer(ForApplicants):
    @extend_schema(
        operation_id="offers_accept_create",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={200: OfferSerializer, **WRITES},
    )
    def post(self, request: Request, offer_id: int) -> Response:
        """The new time suits. An offer that has ended stays as it is: read its state."""
        found = get_object_or_404(own_offers(request), pk=offer_id)
        offers.accept(offer_id=found.pk, by=person_of(request))
        return Response(OfferSerializer(own_offers(request).get(pk=found.pk)).data)


class DeclineOffer(ForApplicants):
    @extend_schema(
        operation_id="offers_decline_create",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={200: OfferSerializer, **WRITES},
    )
    def post(self, request: Request, offer_id: int) -> Response:
        """No thanks to a seat that is kept (`earlier`, `waiting`): nothing else changes."""
        found = get_object_or_404(own_offers(request), pk=offer_id)
        offers.decline(offer_id=found.pk, by=person_of(request))
        return Response(OfferSerializer(own_offers(request).get(pk=found.pk)).data)


class GiveUpOffer(ForApplicants):
    @extend_schema(
        operation_id="offers_give_up_create",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={200: OfferSerializer, **WRITES},
    )
    def post(self, request: Request, offer_id: int) -> Response:
        """No appointment is wanted any more: it is cancelled."""
        found = get_object_or_404(own_offers(request), pk=offer_id)
        offers.give_up(offer_id=found.pk, by=person_of(request))
        return Response(OfferSerializer(own_offers(request).get(pk=found.pk)).data)
