"""The first page: what is happening, what to do, where to go on."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.advice import advice
from portal.banners import banners_for
from portal.public_cache import public_page


@public_page
def home(request: HttpRequest) -> HttpResponse:
    banners = banners_for(request.user)
    context = {
        "advice": advice(settings.SITE_HOST),
        "today": timezone.localdate(),
        "banners": banners,
        # "Do not travel" must not stand under "service restored".
        "disturbed": any(banner.state != "restored" for banner in banners),
    }
    return render(request, "portal/home.html", context)
