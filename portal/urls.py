"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

from portal.views.language import set_language

urlpatterns = [
    path("", TemplateView.as_view(template_name="portal/home.html"), name="home"),
    path("language/", set_language, name="set_language"),
    path("account/", include("allauth.urls")),
    path("officers/", admin.site.urls),
]
