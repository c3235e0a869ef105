"""Addresses of the sign-in API, under /api/v1/sign-in/."""

from django.urls import path

from accounts.api import views
from accounts.api.paths import register

register()

urlpatterns = [
    path("codes/", views.CodeView.as_view(), name="sign_in_codes"),
    path("tokens/", views.TokenView.as_view(), name="sign_in_tokens"),
    path("tokens/current/", views.CurrentTokenView.as_view(), name="sign_in_token_current"),
    path("tokens/<row:token_id>/", views.OneTokenView.as_view(), name="sign_in_token"),
]
