"""The site's addresses and the specimen page of the design system."""

from django.urls import path

from portal.urls import handler500
from portal.urls import urlpatterns as site
from tests.browser.specimen import specimen

__all__ = ["handler500", "urlpatterns"]

urlpatterns = [path("specimen/", specimen, name="specimen"), *site]
