"""Calendar entries (.ics) that a phone can take over, update and remove."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from appointments.models import Appointment, Slot

VISIT_LENGTH = timedelta(hours=1)


def calendar_entry(
    appointment: Appointment, slot: Slot, *, now: datetime, cancelled: bool = False
) -> str:
    """iCalendar text in the person's language, without name or full ARN.

    SEQUENCE is the number of changes so far, so that a calendar replaces what it has.
    """
    person = appointment.application.claimed_by
    language = person.language if person else appointment.application.language
    calendar = Calendar()
    calendar.add("prodid", "-//passport portal//appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "PUBLISH")
    event = Event()
    event.add("uid", f"appointment-{appointment.pk}@{settings.SITE_HOST.split(':')[0]}")
    event.add("sequence", appointment.timeline.count())
    event.add("dtstamp", now)
    event.add("dtstart", slot.starts_at)
    event.add("dtend", slot.starts_at + VISIT_LENGTH)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    with translation.override(language):
        event.add("summary", _("Passport appointment"))
        event.add("location", slot.centre.name_in(language))
        event.add("description", _("Come 15 minutes early with originals and copies."))
    calendar.add_component(event)
    return calendar.to_ical().decode()
