"""Addresses of the API, under /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.api.paths import register
from appointments.api import applicants, officers, views

register()

app_name = "api"
urlpatterns = [
    path("sign-in/", include("accounts.api.urls")),
    path("centres/", views.CentreList.as_view(), name="centres"),
    path("centres/<slug:code>/availability/", views.Availability.as_view(), name="availability"),
    path("outages/", views.OutageList.as_view(), name="outages"),
    path("applications/", applicants.ApplicationList.as_view(), name="applications"),
    path(
        "applications/<row:application_id>/",
        applicants.OneApplication.as_view(),
        name="application",
    ),
    path(
        "applications/<row:application_id>/slots/",
        applicants.FreeSlots.as_view(),
        name="free_slots",
    ),
    path(
        "applications/<row:application_id>/timeline/",
        applicants.Timeline.as_view(),
        name="timeline",
    ),
    path(
        "applications/<row:application_id>/waiting-list/",
        applicants.WaitingList.as_view(),
        name="waiting_list",
    ),
    path("applications/<row:application_id>/holds/", applicants.HoldList.as_view(), name="holds"),
    path("holds/<row:hold_id>/", applicants.OneHold.as_view(), name="hold"),
    path("holds/<row:hold_id>/confirm/", applicants.ConfirmHold.as_view(), name="confirm"),
    path(
        "appointments/<row:appointment_id>/cancel/",
        applicants.CancelAppointment.as_view(),
        name="cancel",
    ),
    path("offers/", applicants.OfferList.as_view(), name="offers"),
    path("offers/<row:offer_id>/", applicants.OneOffer.as_view(), name="offer"),
    path("offers/<row:offer_id>/accept/", applicants.AcceptOffer.as_view(), name="accept"),
    path("offers/<row:offer_id>/decline/", applicants.DeclineOffer.as_view(), name="decline"),
    path("offers/<row:offer_id>/give-up/", applicants.GiveUpOffer.as_view(), name="give_up"),
    path("officers/outages/", officers.OfficerOutages.as_view(), name="officer_outages"),
    path(
        "officers/outages/<row:outage_id>/",
        officers.OneOfficerOutage.as_view(),
        name="officer_outage",
    ),
    path("officers/plans/", officers.OfficerPlans.as_view(), name="officer_plans"),
    path("officers/plans/<row:plan_id>/", officers.OnePlan.as_view(), name="officer_plan"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
