"""The first page: what is happening, what to do, where to go on."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.advice import advice


def home(request: HttpRequest) -> HttpResponse:
    context = {"advice": advice(settings.SITE_HOST), "today": timezone.localdate()}
    return render(request, "portal/home.html", context)
