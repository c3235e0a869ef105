"""What is held about a person: told in words, and to take away."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.http import require_POST

import accounts.export
import appointments.export
import notifications.export
from accounts.models import User
from accounts.pages import account_page, person_of
from appointments.verbs import snapshot

FILE_NAME = "my-passport-appointments.json"
# Counts up when a key of the file changes its meaning or goes; docs/data-export.md.
FORMAT_VERSION = 1


@account_page
def show(request: HttpRequest) -> HttpResponse:
    held = everything(person=person_of(request), now=timezone.now())
    appointments_held = [each for found in held["applications"] for each in found["appointments"]]
    context = {
        "held": held,
        "counts": {
            "appointments": len(appointments_held),
            "timeline": sum(len(each["timeline"]) for each in appointments_held),
            "offers": sum(len(each["offers"]) for each in appointments_held),
            "attempts": sum(len(each["visit_attempts"]) for each in held["applications"]),
        },
    }
    return render(request, "account/data.html", context)


@require_POST
@account_page
def download(request: HttpRequest) -> HttpResponse:
    """A file with no name or number of the person in its name, which no cache keeps."""
    held = everything(person=person_of(request), now=timezone.now())
    response = JsonResponse(held, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response["Cache-Control"] = "private, no-store"
    return response


def everything(*, person: User, now: datetime) -> dict[str, Any]:
    """All that the apps hold about this person, as of one moment. The same keys in any language."""
    with snapshot(), translation.override(person.language):
        applications = appointments.export.export(person=person)
        about = [*appointments.export.references(applications), f"person:{person.pk}"]
        return {
            "format": FORMAT_VERSION,
            "made_at": now,
            **accounts.export.export(person=person, now=now),
            "applications": applications,
            "messages": notifications.export.export(references=about),
        }
