"""All centres of the office, and how each works today."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.centre_states import all_centres, by_kind
from portal.public_cache import public_page


@public_page
def centres(request: HttpRequest) -> HttpResponse:
    rows = all_centres(timezone.now())
    context = {
        "groups": by_kind(rows),
        "affected": sum(row.state != "running" for row in rows),
        "total": len(rows),
    }
    return render(request, "portal/centres.html", context)
