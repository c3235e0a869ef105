"""Calendar entries (.ics) that a phone can take over, update and remove (RFC 5545, RFC 5546).

An appointment is one UID for its whole life. SEQUENCE is the length of its timeline, which grows
with every change and is never shortened: a calendar that gets files in any order keeps the newest.
Times are in UTC, which every calendar shows by its own clock: India has no summer time to describe.
There is no GEO: the register knows the town of a centre, and a pin in its middle would mislead.
"""

from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db.models import Count, Max
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from appointments.models import Appointment, Slot
from appointments.words import address

VISIT_LENGTH = timedelta(hours=1)
RING_BEFORE = timedelta(days=1)


def calendar_entry(
    appointment: Appointment,
    slot: Slot,
    *,
    now: datetime,
    cancelled: bool = False,
    language: str = "",
) -> str:
    """iCalendar text, without name or full ARN, in the person's language unless one is named.

    `cancelled`: the entry that takes the visit in `slot` out of the calendar again.
    """
    person = appointment.application.claimed_by
    language = language or (person.language if person else appointment.application.language)
    calendar = Calendar()
    calendar.add("prodid", "-//passport portal//appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "PUBLISH")
    with translation.override(language):
        calendar.add_component(_event(appointment, slot, now, cancelled, language))
    return calendar.to_ical().decode()


def entry_as_it_stands(appointment: Appointment, *, now: datetime, language: str) -> str | None:
    """What a calendar should hold now: the visit, in doubt too, or that there is none.

    None for somebody who never had a seat.
    """
    seated = appointment.state in Appointment.SEATED_STATES
    slot = appointment.slot if seated else last_seat(appointment)
    if slot is None:
        return None
    return calendar_entry(appointment, slot, now=now, cancelled=not seated, language=language)


def last_seat(appointment: Appointment) -> Slot | None:
    """The seat that somebody without one had last: the visit that still stands in a calendar."""
    lost = appointment.timeline.filter(from_slot__isnull=False)
    entry = lost.select_related("from_slot__centre").last()
    return entry.from_slot if entry else None


def _event(
    appointment: Appointment, slot: Slot, now: datetime, cancelled: bool, language: str
) -> Event:
    in_doubt = appointment.state == Appointment.State.IN_DOUBT
    history = appointment.timeline.aggregate(changes=Count("pk"), changed_at=Max("at"))
    event = Event()
    event.add("uid", f"appointment-{appointment.pk}@{settings.SITE_HOST.split(':')[0]}")
    event.add("sequence", history["changes"])
    event.add("dtstamp", now)
    event.add("last-modified", history["changed_at"] or appointment.booked_at)
    event.add("dtstart", slot.starts_at)
    event.add("dtend", slot.starts_at + VISIT_LENGTH)
    event.add("organizer", _organizer(language))
    # A phone's calendar is often shared with a family or an employer.
    event.add("class", "PRIVATE")
    event.add("url", f"{settings.SITE_SCHEME}://{settings.SITE_HOST}{reverse('appointments:mine')}")
    event.add("location", address(slot.centre))
    event.add("summary", _summary(cancelled, in_doubt))
    event.add("description", _("Come 15 minutes early with originals and copies."))
    if cancelled:
        event.add("status", "CANCELLED")
        return event  # RFC 5546: no alarm in what cancels
    event.add("status", "TENTATIVE" if in_doubt else "CONFIRMED")
    event.add_component(_alarm())
    return event


def _summary(cancelled: bool, in_doubt: bool) -> str:
    if cancelled:
        return _("Passport appointment: cancelled")
    if in_doubt:
        return _("Passport appointment: in doubt, do not travel yet")
    return _("Passport appointment")


def _alarm() -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _("Passport appointment tomorrow: have your documents ready."))
    alarm.add("trigger", -RING_BEFORE)
    return alarm


def _organizer(language: str) -> vCalAddress:
    """RFC 5546 wants one in whatever is published or cancelled."""
    organizer = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    name = settings.OFFICE_NAME_EN if language == "en" else settings.OFFICE_NAME_HI
    organizer.params["cn"] = vText(name)
    return organizer
