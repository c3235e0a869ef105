"""Addresses that gateways call."""

from django.urls import path

from notifications import callbacks
from notifications.gateways.anymail import webhooks

app_name = "notifications"
urlpatterns = [
    # Each provider of emails has its own way to prove who it is.
    path("callbacks/anymail/", webhooks.tracking, name="anymail_tracking"),
    path("callbacks/<slug:gateway>/", callbacks.reports, name="callback"),
]
