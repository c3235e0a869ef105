"""Calendar entries: valid by RFC 5545 and 5546, and the newest wins in whatever order they come."""

import datetime as dt
import itertools
from dataclasses import dataclass, field

import pytest
from django.utils import timezone
from icalendar import Calendar

from appointments import booking, messages, plans
from appointments.calendar import calendar_entry, entry_as_it_stands, last_seat
from appointments.cuts import Cut
from appointments.models import Appointment, TimelineEntry
from appointments.timeline import SYSTEM, entry
from notifications.models import Message
from tests.applicants.builders import plan_again
from tests.domain.builders import (
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db
State = Appointment.State
VISIT = at(dt.date(2026, 12, 7), 10, 15)


@dataclass
class Phone:
    """A calendar as RFC 5546 wants it: of one UID the highest SEQUENCE holds, then DTSTAMP."""

    entries: dict = field(default_factory=dict)

    def take(self, text):
        calendar, event = parsed(text)
        uid = str(event["uid"])
        version = (int(event["sequence"]), event.decoded("dtstamp"))
        if uid in self.entries and self.entries[uid][0] >= version:
            return
        shown = calendar["method"] == "PUBLISH" and event.decoded("dtstart")
        self.entries[uid] = (version, shown or None)

    @property
    def visits(self):
        return sorted(shown for _version, shown in self.entries.values() if shown)


def parsed(text):
    calendar = Calendar.from_ical(text)
    [event] = calendar.walk("VEVENT")
    return calendar, event


def in_every_order(files):
    """What a calendar holds in the end, for each order in which the files may come."""
    for order in itertools.permutations(files):
        phone = Phone()
        for file in order:
            phone.take(file)
        yield phone.visits


def mailed():
    """The files of all mails so far, the oldest first."""
    rows = Message.objects.filter(channel="email").order_by("pk")
    return [row.values["ics"] for row in rows if "ics" in row.values]


@pytest.fixture
def centre():
    return make_centre(
        name_en="POPSK Sehore",
        name_hi="पीओपीएसके सीहोर",
        town_en="Ashta",
        town_hi="आष्टा",
        district_en="Sehore",
        district_hi="सीहोर",
        pin="466116",
    )


@pytest.fixture
def person():
    return make_person(language="en", email="sunita@example.org")


@pytest.fixture
def application(person, centre):
    return make_application(claimed_by=person, centre=centre, name="Sunita Verma")


def take_seat(application, person, slot):
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    return booking.confirm(hold_id=hold.pk, by=person)


# --- One file ------------------------------------------------------------------------------------


def a_file(centre, **options):
    """The entry of a visit on 7 December 2026, 10:15, with one change behind it."""
    slot = make_slot(centre=centre, day=VISIT.date(), hour=10, minute=15)
    person = make_person(language=options.pop("language", "en"))
    application = make_application(centre=centre, claimed_by=person, name="Sunita Verma")
    appointment = make_appointment(slot, application=application, **options.pop("fields", {}))
    changed = entry(
        appointment=appointment,
        event=TimelineEntry.Event.BOOKED,
        at=timezone.now() - dt.timedelta(hours=1),
        actor=None,
        by=SYSTEM,
        to_slot=slot,
    )
    changed.save()
    text = calendar_entry(appointment, slot, now=timezone.now(), **options)
    return application, appointment, changed, text


def test_published_entry_has_what_the_standards_ask_for(centre, settings):
    settings.SITE_HOST, settings.SITE_SCHEME = "psk.example.in", "https"
    settings.DEFAULT_FROM_EMAIL = "Passport office <office@psk.example.in>"
    _application, appointment, changed, text = a_file(centre)
    calendar, event = parsed(text)
    assert (calendar["version"], calendar["method"]) == ("2.0", "PUBLISH")
    assert calendar["prodid"]
    assert event["uid"] == f"appointment-{appointment.pk}@psk.example.in"
    assert event["sequence"] == 1
    assert event["status"] == "CONFIRMED"
    assert event["class"] == "PRIVATE"
    assert event.decoded("dtstart") == VISIT
    assert event.decoded("dtend") == VISIT + dt.timedelta(hours=1)
    assert event.decoded("last-modified") == changed.at.replace(microsecond=0)
    assert event.decoded("last-modified") <= event.decoded("dtstamp")
    assert event["organizer"] == "mailto:office@psk.example.in"
    assert event["organizer"].params["cn"] == settings.OFFICE_NAME_EN
    assert event["url"] == "https://psk.example.in/my/"
    assert event["summary"] == "Passport appointment"
    assert event["location"] == "POPSK Sehore, Ashta 466116, district Sehore"
    # RFC 5546, 3.2.1: what is published has no attendees.
    assert "attendee" not in event


def test_times_are_in_utc_so_that_no_time_zone_has_to_be_described(centre):
    *_, text = a_file(centre)
    assert "DTSTART:20261207T044500Z" in text
    assert "TZID" not in text


def test_alarm_rings_a_day_before(centre):
    *_, text = a_file(centre)
    [alarm] = Calendar.from_ical(text).walk("VALARM")
    assert alarm["action"] == "DISPLAY"
    assert alarm["trigger"].dt == dt.timedelta(days=-1)
    assert alarm["description"]


def test_cancelling_entry_has_no_alarm_and_says_so(centre):
    *_, text = a_file(centre, cancelled=True)
    calendar, event = parsed(text)
    assert calendar["method"] == "CANCEL"
    assert event["status"] == "CANCELLED"
    assert event["summary"] == "Passport appointment: cancelled"
    assert event["organizer"]
    assert not event.walk("VALARM")


def test_entry_in_doubt_is_tentative_and_says_not_to_travel(centre):
    *_, text = a_file(centre, fields={"state": State.IN_DOUBT})
    calendar, event = parsed(text)
    assert (calendar["method"], event["status"]) == ("PUBLISH", "TENTATIVE")
    assert "do not travel" in event["summary"]


@pytest.mark.parametrize(("language", "place"), [("hi", "पीओपीएसके सीहोर"), ("en", "POPSK Sehore")])
def test_entry_is_in_the_persons_language_unless_one_is_named(centre, language, place):
    *_, text = a_file(centre, language=language)
    assert place in str(parsed(text)[1]["location"])


def test_entry_names_neither_person_nor_application(centre):
    application, *_, text = a_file(centre)
    whole = text.replace("\r\n ", "")
    assert "Sunita" not in whole
    assert application.arn not in whole
    assert application.arn_tail not in whole


def test_lines_end_and_fold_as_rfc_5545_wants(centre):
    *_, text = a_file(centre, language="hi")
    lines = text.encode().split(b"\r\n")
    assert lines[-1] == b""
    assert b"\n" not in b"".join(lines)
    assert max(len(line) for line in lines) <= 75


def test_district_is_left_out_where_it_is_the_town():
    *_, text = a_file(make_centre("IDR", town_en="Indore", district_en="Indore"))
    assert parsed(text)[1]["location"] == "PSK IDR, Indore 462011"


# --- Many files ----------------------------------------------------------------------------------


def test_book_change_cancel_keeps_one_uid_and_the_newest_file_wins(application, person, centre):
    first, second = (make_slot(centre=centre, day=in_days(day)) for day in (4, 5))
    appointment = take_seat(application, person, first)
    take_seat(application, person, second)
    files = mailed()
    assert len(files) == 2
    assert list(in_every_order(files)) == [[second.starts_at]] * 2
    booking.cancel(appointment_id=appointment.pk, by=person)
    files = mailed()
    assert len({str(parsed(file)[1]["uid"]) for file in files}) == 1
    sequences = [int(parsed(file)[1]["sequence"]) for file in files]
    assert sequences == sorted(set(sequences))
    assert [str(parsed(file)[0]["method"]) for file in files] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert list(in_every_order(files)) == [[]] * 6


def test_booking_again_after_a_cancellation_is_another_entry(application, person, centre):
    first, second = (make_slot(centre=centre, day=in_days(day)) for day in (4, 5))
    appointment = take_seat(application, person, first)
    booking.cancel(appointment_id=appointment.pk, by=person)
    take_seat(application, person, second)
    assert list(in_every_order(mailed())) == [[second.starts_at]] * 6


def test_entry_moved_by_a_plan_and_undone_follows_at_each_step(centre, person):
    """The files that somebody downloads at each step, in every order of arrival."""
    full = make_slot(centre=centre, day=in_days(3), seats=1)
    free = make_slot(centre=centre, day=in_days(6), seats=9)
    application = make_application(centre=centre, claimed_by=person)
    appointment = make_appointment(full, application=application)

    def download():
        appointment.refresh_from_db()
        return entry_as_it_stands(appointment, now=timezone.now(), language="en")

    steps = [download()]
    officer = make_officer(region=centre.region)
    cuts = [Cut(centre.pk, full.date, "normal", 0)]
    outage = declare_for_test(officer, cuts, region=centre.region)
    steps.append(download())
    assert parsed(steps[-1])[1]["status"] == "TENTATIVE"
    plan = plan_again(outage, centre.region)
    steps.append(download())
    assert parsed(steps[-1])[1].decoded("dtstart") == free.starts_at
    assert list(in_every_order(steps)) == [[free.starts_at]] * 6
    plans.undo(plan_id=plan.pk, by=officer)
    steps.append(download())
    sequences = [int(parsed(file)[1]["sequence"]) for file in steps]
    assert sequences == sorted(set(sequences))
    assert set(map(tuple, in_every_order(steps))) == {(full.starts_at,)}


def test_seat_lost_to_the_waiting_list_is_taken_out_and_comes_back(application, person, centre):
    first, second = (make_slot(centre=centre, day=in_days(day)) for day in (4, 5))
    appointment = take_seat(application, person, first)
    lose_seat(appointment)
    lost = entry_as_it_stands(appointment, now=timezone.now(), language="en")
    assert parsed(lost)[0]["method"] == "CANCEL"
    assert parsed(lost)[1].decoded("dtstart") == first.starts_at
    assert list(in_every_order([*mailed(), lost])) == [[]] * 2
    take_seat(application, person, second)
    assert set(map(tuple, in_every_order([*mailed(), lost]))) == {(second.starts_at,)}


def lose_seat(appointment):
    """As an applied plan leaves somebody for whom it found no seat."""
    slot = appointment.slot
    appointment.slot, appointment.state = None, State.WAITING
    appointment.waiting_since = timezone.now()
    appointment.save()
    entry(
        appointment=appointment,
        event=TimelineEntry.Event.NO_SEAT,
        at=timezone.now(),
        actor=None,
        by=SYSTEM,
        from_slot=slot,
    ).save()


def test_leaving_the_waiting_list_takes_the_lost_seat_out_of_the_calendar(
    application, person, centre
):
    appointment = take_seat(application, person, make_slot(centre=centre, day=in_days(4)))
    lose_seat(appointment)
    booking.cancel(appointment_id=appointment.pk, by=person)
    assert [str(parsed(file)[0]["method"]) for file in mailed()] == ["PUBLISH", "CANCEL"]
    assert list(in_every_order(mailed())) == [[]] * 2


def test_whoever_never_had_a_seat_has_no_entry(application, person):
    waiting = application.appointments.create(
        state="waiting", booked_at=timezone.now(), waiting_since=timezone.now()
    )
    assert last_seat(waiting) is None
    assert entry_as_it_stands(waiting, now=timezone.now(), language="en") is None
    messages.cancelled(waiting, key="x", old=None, attempts_left=1, now=timezone.now())
    assert mailed() == []
