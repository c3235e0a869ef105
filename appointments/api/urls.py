"""Addresses of the API, under /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from appointments.api import views

app_name = "api"
urlpatterns = [
    path("sign-in/", include("accounts.api.urls")),
    path("centres/", views.CentreList.as_view(), name="centres"),
    path("centres/<slug:code>/availability/", views.Availability.as_view(), name="availability"),
    path("outages/", views.OutageList.as_view(), name="outages"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
