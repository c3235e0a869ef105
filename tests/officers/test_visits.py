"""Completed and no-show: who may say so, when, and what it frees."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import booking, seats, visits
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Offer, Posting, TimelineEntry
from notifications.models import Message
from tests.domain.builders import (
    at,
    declare_for_test,
    in_days,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
State = Appointment.State


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


@pytest.fixture
def visit():
    """A visit tomorrow at ten, one of two in its slot."""
    slot = make_slot(day=in_days(1), hour=10)
    make_appointment(slot)
    return make_appointment(slot)


@pytest.fixture
def clerk(visit):
    return make_officer(Posting.Role.CENTRE, centre=visit.slot.centre)


@pytest.fixture
def visit_day(visit):
    with time_machine.travel(at(in_days(1), 11), tick=True) as clock:
        yield clock


@pytest.mark.usefixtures("visit_day")
@pytest.mark.parametrize(
    ("mark", "state"),
    [(visits.mark_completed, State.COMPLETED), (visits.mark_no_show, State.NO_SHOW)],
)
def test_mark_ends_the_appointment_frees_its_seat_and_is_written_down(visit, clerk, mark, state):
    mark(appointment_id=visit.pk, by=clerk)
    visit.refresh_from_db()
    assert visit.state == state
    assert visit.slot.taken == 1
    assert seats.check() == []
    written = TimelineEntry.objects.get(appointment=visit)
    assert (written.event, written.actor, written.by) == (state, clerk, "officer")
    assert written.from_slot == visit.slot


@pytest.mark.usefixtures("visit_day")
def test_mark_again_changes_nothing(visit, clerk):
    for _ in range(2):
        visits.mark_completed(appointment_id=visit.pk, by=clerk)
    visit.slot.refresh_from_db()
    assert visit.slot.taken == 1
    assert TimelineEntry.objects.filter(appointment=visit).count() == 1


@pytest.mark.usefixtures("visit_day")
def test_mark_after_another_end_is_refused(visit, clerk):
    visits.mark_completed(appointment_id=visit.pk, by=clerk)
    with refused("appointment_ended"):
        visits.mark_no_show(appointment_id=visit.pk, by=clerk)


@pytest.mark.usefixtures("visit_day")
def test_mark_frees_the_seat_of_a_change_that_was_being_chosen(visit, clerk):
    person = make_person()
    visit.application.claimed_by = person
    visit.application.save()
    # Chosen while the visit was still to come.
    with time_machine.travel(at(visit.slot.date, 9)):
        other = make_slot(day=in_days(5))
        hold = booking.hold_seat(application=visit.application, slot_id=other.pk, by=person)
    visits.mark_completed(appointment_id=visit.pk, by=clerk)
    other.refresh_from_db()
    assert other.taken == 0
    with refused("hold_expired"):
        booking.confirm(hold_id=hold.pk, by=person)
    assert seats.check() == []


@pytest.mark.usefixtures("visit_day")
@pytest.mark.parametrize("on_hold", [False, True])
def test_after_a_completed_visit_only_an_application_on_hold_books_again(visit, clerk, on_hold):
    person = make_person()
    visits.mark_completed(appointment_id=visit.pk, by=clerk)
    application = visit.application
    application.claimed_by, application.on_hold = person, on_hold
    application.save()
    other = make_slot(day=in_days(5), quota="on_hold" if on_hold else "normal")
    if on_hold:
        assert booking.hold_seat(application=application, slot_id=other.pk, by=person)
    else:
        with refused("visit_done"):
            booking.hold_seat(application=application, slot_id=other.pk, by=person)


def test_mark_before_the_day_is_refused(visit, clerk):
    with refused("visit_too_early"):
        visits.mark_completed(appointment_id=visit.pk, by=clerk)


def test_person_who_comes_early_is_completed_but_nobody_is_missed_before_the_start(visit, clerk):
    with time_machine.travel(at(in_days(1), 9, 45)):
        with refused("visit_too_early"):
            visits.mark_no_show(appointment_id=visit.pk, by=clerk)
        visits.mark_completed(appointment_id=visit.pk, by=clerk)
    visit.refresh_from_db()
    assert visit.state == State.COMPLETED


@pytest.mark.usefixtures("visit_day")
def test_officer_of_another_centre_or_region_is_refused(visit):
    other_centre = make_centre("IDR")
    abroad = make_region("PUNE", name_en="Pune", name_hi="पुणे")
    for officer in (
        make_officer(Posting.Role.CENTRE, centre=other_centre),
        make_officer(Posting.Role.REGION, region=abroad),
    ):
        with refused("not_permitted"):
            visits.mark_completed(appointment_id=visit.pk, by=officer)
    visit.refresh_from_db()
    assert visit.state == State.CONFIRMED


@pytest.mark.usefixtures("visit_day")
def test_officer_of_the_region_may_mark(visit):
    visits.mark_no_show(appointment_id=visit.pk, by=make_officer())
    visit.refresh_from_db()
    assert visit.state == State.NO_SHOW


def test_waiting_person_has_no_visit_to_mark(clerk):
    waiting = make_appointment(make_slot(day=in_days(2)))
    Appointment.objects.filter(pk=waiting.pk).update(
        state=State.WAITING, slot=None, waiting_since=timezone.now()
    )
    with refused("visit_without_seat"):
        visits.mark_completed(appointment_id=waiting.pk, by=clerk)


def test_person_in_doubt_is_never_a_no_show_but_may_have_been_seen(visit, clerk):
    cut = Cut(visit.slot.centre_id, in_days(1), "normal", 0)
    declare_for_test(make_officer(), [cut])
    assert Message.objects.filter(kind="HOLD", state=Message.State.QUEUED).count() == 2
    with time_machine.travel(at(in_days(1), 11)):
        with refused("visit_in_doubt"):
            visits.mark_no_show(appointment_id=visit.pk, by=clerk)
        visits.mark_completed(appointment_id=visit.pk, by=clerk)
    assert seats.check() == []
    # Nobody who has been served is told to stay at home.
    assert Message.objects.filter(kind="HOLD", state=Message.State.QUEUED).count() == 1


@pytest.mark.usefixtures("visit_day")
def test_open_question_ends_as_kept(visit, clerk):
    now = timezone.now()
    Offer.objects.create(
        appointment=visit,
        kind=Offer.Kind.MOVED,
        new_slot=visit.slot,
        token_hash="0" * 64,
        live_at=now - dt.timedelta(days=1),
        deadline=now + dt.timedelta(hours=1),
        created_at=now - dt.timedelta(days=1),
    )
    visits.mark_completed(appointment_id=visit.pk, by=clerk)
    assert visit.offers.get().state == Offer.State.KEPT
