"""All centres of the office, and how each works today."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.centre_states import CentreState, centre_states


def centres(request: HttpRequest) -> HttpResponse:
    rows = centre_states(timezone.now())
    affected = sum(row.state != "running" for row in rows)
    context = {
        "groups": _by_kind(rows),
        "affected": affected,
        "total": len(rows),
    }
    return render(request, "portal/centres.html", context)


def _by_kind(rows: list[CentreState]) -> list[tuple[str, list[CentreState]]]:
    """Passport Seva Kendras first, then those in post offices; by town in each."""
    ordered = sorted(rows, key=lambda row: (row.centre.kind != "PSK", row.centre.town))
    kinds: dict[str, list[CentreState]] = {}
    for row in ordered:
        kinds.setdefault(row.centre.get_kind_display(), []).append(row)
    return list(kinds.items())
