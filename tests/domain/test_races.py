"""Real threads against PostgreSQL: no seat is sold twice, and everybody is told the truth."""

import datetime as dt
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from appointments import (
    booking,
    decide_by,
    leaving,
    messages,
    offer_lists,
    offers,
    outages,
    plans,
    seats,
    waiting_list,
)
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Hold, Offer, OfferList, Outage, Plan, Slot
from notifications.models import Message
from tests.applicants.builders import ask_family
from tests.domain.builders import (
    approved_plan,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
    make_waiting,
)
from tests.storm.invariants import findings

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def at_once(functions):
    """Run all together from one starting gun; each one's result, or the code of its refusal."""
    gun = threading.Barrier(len(functions))

    def run(function):
        try:
            gun.wait(timeout=60)
            return function()
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def applicants(count):
    people = [make_person() for _ in range(count)]
    return [(person, make_application(claimed_by=person)) for person in people]


def book(person, application, slot):
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    return booking.confirm(hold_id=hold.pk, by=person).state


def test_two_hundred_people_and_twenty_seats():
    slot = make_slot(seats=20)
    results = Counter(at_once([lambda p=p, a=a: book(p, a, slot) for p, a in applicants(200)]))
    assert results == {"confirmed": 20, "slot_full": 180}
    slot.refresh_from_db()
    assert slot.taken == 20
    assert Appointment.objects.filter(slot=slot, state="confirmed").count() == 20
    assert Message.objects.filter(kind="CONFIRMED", channel="sms").count() == 20
    assert seats.check() == []


def test_one_person_clicking_ten_times_books_once():
    ((person, application),) = applicants(1)
    slot = make_slot(seats=5)
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    results = at_once([lambda: booking.confirm(hold_id=hold.pk, by=person).pk] * 10)
    assert len(set(results)) == 1
    assert Appointment.objects.count() == 1
    assert seats.check() == []


def test_crossing_changes_between_two_full_slots_do_not_deadlock():
    first, second = make_slot(seats=10), make_slot(hour=12, seats=10)
    people = applicants(10)
    for index, (person, application) in enumerate(people):
        book(person, application, first if index % 2 else second)
    results = at_once(
        [
            lambda p=p, a=a, s=second if i % 2 else first: book(p, a, s)
            for i, (p, a) in enumerate(people)
        ]
    )
    assert set(results) == {"confirmed"}
    assert sorted(Slot.objects.values_list("taken", flat=True)) == [5, 5]
    assert seats.check() == []


def test_cancel_twenty_times_at_once_frees_one_seat():
    ((person, application),) = applicants(1)
    slot = make_slot(seats=3)
    make_appointment(slot)
    book(person, application, slot)
    appointment = application.appointments.get()
    at_once([lambda: booking.cancel(appointment_id=appointment.pk, by=person).state] * 20)
    slot.refresh_from_db()
    assert slot.taken == 1
    assert seats.check() == []


def test_declare_twice_at_once_declares_one_outage():
    officer, centre, key = make_officer(), make_centre(), uuid.uuid4()
    slot = make_slot(centre=centre, seats=3)
    make_appointment(slot)
    cuts = [Cut(centre.pk, slot.date, "normal", 0)]
    results = at_once([lambda: declare_for_test(officer, cuts, request_key=key).pk] * 5)
    assert len(set(results)) == 1
    assert Outage.objects.count() == 1
    assert Message.objects.filter(kind="HOLD").count() == 1


def test_bookings_while_the_day_is_cut_never_take_a_closed_seat():
    officer, centre = make_officer(), make_centre()
    slot = make_slot(centre=centre, seats=30)
    cuts = [Cut(centre.pk, slot.date, "normal", 10)]
    work = [lambda p=p, a=a: book(p, a, slot) for p, a in applicants(40)]
    work.insert(20, lambda: declare_for_test(officer, cuts).pk)
    at_once(work)
    slot.refresh_from_db()
    states = Counter(Appointment.objects.values_list("state", flat=True))
    # Whoever got in before the cut is in doubt if they are too many; nobody got in after it.
    assert slot.closed == 20
    if slot.taken > 10:
        assert states["confirmed"] == 0
    assert seats.check() == []


def test_plan_applied_while_people_cancel_and_answer():
    first, second = make_officer(), make_officer("approver")
    centre = make_centre()
    full = make_slot(centre=centre, seats=12)
    people = applicants(12)
    for _person, application in people:
        make_appointment(full, application=application)
    make_slot(centre=centre, day=in_days(5), seats=30)
    outage = declare_for_test(first, [Cut(centre.pk, full.date, "normal", 2)])
    plan = approved_plan(outage, by=first, second=second)
    by_application = {a.application_id: a.pk for a in Appointment.objects.all()}
    work = [
        lambda p=p, a=a: booking.cancel(appointment_id=by_application[a.pk], by=p).state
        for p, a in people[:6]
    ]
    work += [lambda: plans.apply(plan_id=plan.pk, by=second).state] * 2
    results = at_once(work)
    assert results[:6] == ["cancelled"] * 6
    assert set(results[6:]) == {"applied"}
    left = Appointment.objects.exclude(state="cancelled")
    assert set(left.values_list("state", flat=True)) == {"confirmed"}
    assert seats.check() == []


def test_accept_give_up_and_silence_at_once_end_an_offer_once():
    first, second = make_officer(), make_officer("approver")
    centre = make_centre()
    full = make_slot(centre=centre, seats=2)
    make_appointment(full)
    make_slot(centre=centre, day=in_days(5), seats=30)
    outage = declare_for_test(first, [Cut(centre.pk, full.date, "normal", 0)])
    plan = approved_plan(outage, by=first, second=second)
    plan = plans.apply(plan_id=plan.pk, by=second)
    offer = plan.offers.get()
    plan.offers.update(live_at=plan.applied_at)
    results = at_once(
        [lambda: offers.accept(offer_id=offer.pk, by=None).state] * 5
        + [lambda: offers.give_up(offer_id=offer.pk, by=None).state] * 5
        + [lambda: str(offers.close_silent(now=offer.deadline))] * 2
    )
    offer.refresh_from_db()
    answers = {r for r in results if not r.isdigit()}
    assert answers == {offer.state} or offer.state == "kept"
    assert Message.objects.filter(kind__in=["CONFIRMED", "CANCELLED"], channel="sms").count() <= 1
    assert seats.check() == []


def plan_for_four():
    """Four people in doubt, and an approved plan for them; its officers."""
    first, second = make_officer(), make_officer("approver")
    centre = make_centre()
    full = make_slot(centre=centre, seats=4)
    for _ in range(4):
        make_appointment(full)
    make_slot(centre=centre, day=in_days(5), seats=30)
    outage = declare_for_test(first, [Cut(centre.pk, full.date, "normal", 1)])
    return approved_plan(outage, by=first, second=second), first, second


def test_restore_while_a_plan_is_applied_leaves_one_of_them():
    plan, first, second = plan_for_four()
    results = at_once(
        [
            lambda: plans.apply(plan_id=plan.pk, by=second).state,
            lambda: outages.restore(outage_id=plan.outage_id, by=first).state,
        ]
    )
    assert results in (["applied", "plan_in_grace"], ["plan_not_approved", "restored"])
    assert seats.check() == []


# --- The hour of a plan -------------------------------------------------------------------------


def struck_plan():
    """As plan_for_four, and its hour has just come."""
    plan, first, second = plan_for_four()
    ago = timezone.now() - dt.timedelta(seconds=1)
    Plan.objects.filter(pk=plan.pk).update(approved_at=ago - dt.timedelta(hours=1), decide_by=ago)
    return plan, first, second


def events_of(plan):
    return Counter(plan.log.values_list("event", flat=True))


def test_the_clock_comes_six_times_at_once_and_applies_once():
    plan, _first, second = struck_plan()
    results = at_once([lambda: decide_by.strike(plan_id=plan.pk)] * 6)
    assert results.count(True) == 1
    plan.refresh_from_db()
    assert (plan.state, plan.applied_by) == ("applied", second)
    assert events_of(plan)["applied"] == 1
    assert Offer.objects.filter(state="open").count() == 3
    assert seats.check() == []


def test_an_officer_applies_at_the_very_hour():
    plan, first, _second = struck_plan()
    results = at_once(
        [lambda: decide_by.strike(plan_id=plan.pk)] * 3
        + [lambda: plans.apply(plan_id=plan.pk, by=first).state] * 3
    )
    assert results[3:] == ["applied"] * 3
    plan.refresh_from_db()
    by_the_clock = True in results[:3]
    assert (plan.decide_by is not None, plan.applied_by == first) == (
        by_the_clock,
        not by_the_clock,
    )
    assert events_of(plan)["applied"] == 1
    assert Offer.objects.filter(state="open").count() == 3
    assert seats.check() == []


def test_the_service_is_back_at_the_very_hour():
    plan, first, _second = struck_plan()
    *struck, restored = at_once(
        [lambda: decide_by.strike(plan_id=plan.pk)] * 2
        + [lambda: outages.restore(outage_id=plan.outage_id, by=first).state]
    )
    plan.refresh_from_db()
    if True in struck:
        assert (plan.state, restored) == ("applied", "plan_in_grace")
    else:
        assert (plan.state, plan.decide_by, restored) == ("dropped", None, "restored")
        assert set(Appointment.objects.values_list("state", flat=True)) == {"confirmed"}
        assert not Offer.objects.exists()
    assert seats.check() == []


def test_the_hour_is_withdrawn_and_put_off_at_the_very_hour():
    plan, first, second = struck_plan()
    later = timezone.now() + dt.timedelta(hours=1)
    struck, *_officers = at_once(
        [
            lambda: decide_by.strike(plan_id=plan.pk),
            lambda: decide_by.withdraw_hour(plan_id=plan.pk, by=first).state,
            lambda: decide_by.set_hour(plan_id=plan.pk, by=second, at=later).state,
        ]
    )
    plan.refresh_from_db()
    assert struck == (plan.state == "applied")
    if not struck:
        assert plan.decide_by in (None, later)
    assert seats.check() == []


def someone_waits():
    """Somebody on the waiting list, and the one free seat there is."""
    person = make_person()
    waiting = make_waiting(application=make_application(claimed_by=person))
    return person, waiting, make_slot(seats=1)


def test_offering_ten_times_at_once_asks_each_person_once():
    people = [make_waiting() for _ in range(5)]
    make_slot(seats=3)
    results = at_once([lambda: waiting_list.offer_seats(now=timezone.now())] * 10)
    assert sum(results) == 3
    assert Offer.objects.filter(appointment__in=people, state="open").count() == 3
    assert Message.objects.filter(kind="SEAT_FOUND", channel="sms").count() == 3
    assert list(findings_about_seats()) == []


def test_taking_declining_and_silence_at_once_end_a_seat_offer_once():
    person, waiting, slot = someone_waits()
    waiting_list.offer_seats(now=timezone.now())
    offer = waiting.offers.get()
    at_once(
        [lambda: offers.accept(offer_id=offer.pk, by=person).state] * 4
        + [lambda: offers.decline(offer_id=offer.pk, by=None).state] * 4
        + [lambda: str(offers.close_silent(now=offer.deadline))] * 2
        + [lambda: booking.expire_holds(now=offer.deadline)] * 2
    )
    offer.refresh_from_db()
    waiting.refresh_from_db()
    slot.refresh_from_db()
    expected = {"accepted": ("confirmed", 1)}.get(offer.state, ("waiting", 0))
    assert (waiting.state, slot.taken) == expected
    assert list(findings_about_seats()) == []


def test_the_public_and_the_line_want_the_last_seat():
    _person, waiting, slot = someone_waits()
    results = at_once(
        [lambda p=p, a=a: book(p, a, slot) for p, a in applicants(5)]
        + [lambda: waiting_list.offer_seats(now=timezone.now())] * 2
    )
    booked = results[:5].count("confirmed")
    assert booked + waiting.offers.filter(state="open").count() == 1
    assert list(findings_about_seats()) == []


def test_a_seat_on_offer_is_cut_while_it_is_taken_and_left():
    officer, centre = make_officer(), make_centre()
    slot = make_slot(centre=centre, seats=6)
    people = [make_person() for _ in range(6)]
    waiting = [make_waiting(application=make_application(claimed_by=p)) for p in people]
    assert waiting_list.offer_seats(now=timezone.now()) == 6
    ids = [a.offers.get().pk for a in waiting]
    work = [
        lambda i=i, p=p: offers.accept(offer_id=i, by=p).state
        for i, p in zip(ids, people, strict=True)
    ]
    work += [
        lambda a=a, p=p: booking.cancel(appointment_id=a.pk, by=p).state
        for a, p in zip(waiting[:2], people[:2], strict=True)
    ]
    work.insert(3, lambda: declare_for_test(officer, [Cut(centre.pk, slot.date, "normal", 2)]).pk)
    at_once(work)
    assert not Offer.objects.filter(state="open").exists()
    assert list(findings_about_seats()) == []


def findings_about_seats():
    kinds = ("ledger", "oversold", "offer", "seat offer")
    return (finding for finding in findings() if finding.kind in kinds)


# --- Message links ------------------------------------------------------------------------------


def test_two_link_holders_and_one_seat():
    _plan, asked = ask_family(make_person(), 2)
    seat = make_slot(day=in_days(8), seats=1)
    results = at_once(
        [
            lambda o=offer: booking.hold_seat_by_link(offer_id=o.pk, slot_id=seat.pk).purpose
            for offer in asked
        ]
    )
    assert sorted(results) == ["change", "slot_full"]
    assert Hold.objects.count() == 1
    assert seats.check() == []


def test_one_link_opened_on_two_phones_holds_one_seat_at_a_time():
    _plan, (offer,) = ask_family(make_person(), 1)
    slots = [make_slot(day=in_days(8), hour=hour, seats=1) for hour in (10, 11, 12)]
    at_once(
        [
            lambda s=slot: booking.hold_seat_by_link(offer_id=offer.pk, slot_id=s.pk).pk
            for slot in slots * 3
        ]
    )
    assert Hold.objects.count() == 1
    assert (
        sum(Slot.objects.filter(pk__in=[s.pk for s in slots]).values_list("taken", flat=True)) == 1
    )
    assert seats.check() == []


def test_link_holder_and_twenty_bookers_and_one_seat():
    _plan, (offer,) = ask_family(make_person(), 1)
    seat = make_slot(day=in_days(8), seats=1)
    work = [lambda p=p, a=a: book(p, a, seat) for p, a in applicants(20)]
    work.insert(10, lambda: booking.hold_seat_by_link(offer_id=offer.pk, slot_id=seat.pk).purpose)
    results = Counter(at_once(work))
    assert results["slot_full"] == 20
    assert seats.check() == []


def test_answer_and_another_time_by_link_at_once():
    """Whichever comes first: no seat is lost, and an ended question holds none afterwards."""
    _plan, (offer,) = ask_family(make_person(), 1)
    seat = make_slot(day=in_days(8), seats=1)
    at_once(
        [lambda: offers.give_up(offer_id=offer.pk, by=None).state] * 3
        + [lambda: booking.hold_seat_by_link(offer_id=offer.pk, slot_id=seat.pk).purpose] * 3
        + [lambda: booking.release_choice(offer_id=offer.pk, by=None)] * 2
    )
    offer.refresh_from_db()
    assert offer.state == "given_up"
    assert Hold.objects.count() == 0
    assert seats.check() == []


def test_all_accepted_by_two_phones_while_one_gives_up():
    _plan, asked = ask_family(make_person(), 5)
    offer_list = OfferList.objects.get(kind__startswith="MOVED_MANY")

    def accept_all():
        answers = offer_lists.accept_all(list_id=offer_list.pk, by=None)
        assert answers.refused == []
        return len(answers.accepted)

    at_once([accept_all] * 4 + [lambda: offers.give_up(offer_id=asked[2].pk, by=None).state])
    states = Counter(Offer.objects.values_list("state", flat=True))
    assert states["accepted"] + states["given_up"] == 5
    assert states["given_up"] <= 1
    told = Message.objects.filter(kind__in=["CONFIRMED", "CANCELLED"], channel="sms")
    assert told.count() == 5
    assert seats.check() == []


# --- Somebody's number changes while an event makes wrong what is to be said ---------------------


PHONE = "+919812345678"


def claimed_since(application, person):
    """Taken into an account: reached at that one's number from now on."""
    application.claimed_by, application.claimed_at = person, timezone.now()
    application.save()


def is_waited_for():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return bool(cursor.fetchone())


def while_it_follows(person, event, monkeypatch):
    """The event comes when a list's message has followed the number, and is not committed yet."""
    real, written = messages.say_elsewhere, threading.Event()

    def slowly(*args, **fields):
        count = real(*args, **fields)
        written.set()
        end = time.monotonic() + 60
        while not is_waited_for() and time.monotonic() < end:
            time.sleep(0.02)
        return count

    def then():
        written.wait(timeout=60)
        return event()

    monkeypatch.setattr(messages, "say_elsewhere", slowly)
    followed, _ = at_once([lambda: leaving.follow_contact(person=person), then])
    assert followed > 0


def family_in_doubt():
    """Three people behind one phone, in doubt since a moment; the first has an account since."""
    slot, person = make_slot(seats=3), make_person()
    people = [
        make_appointment(slot, application=make_application(phone=PHONE, centre=slot.centre))
        for _ in range(3)
    ]
    outage = declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", 0)])
    claimed_since(people[0].application, person)
    return person, people, outage


def family_asked():
    """Three people behind one phone, asked by a plan; the first has an account since."""
    _plan, asked = ask_family(make_person(phone=PHONE), 3, silence=Plan.Silence.REQUEUE)
    person = make_person()
    claimed_since(asked[0].appointment.application, person)
    return person, asked


def test_service_is_back_while_a_doubt_follows_a_number(monkeypatch):
    person, _people, outage = family_in_doubt()
    officer = outage.declared_by
    back = partial(outages.restore, outage_id=outage.pk, by=officer)
    while_it_follows(person, back, monkeypatch)
    of_doubt = Message.objects.filter(address=person.phone, kind="HOLD")
    assert [m.state for m in of_doubt] == ["cancelled"]


def test_visit_is_cancelled_while_a_doubt_follows_a_number(monkeypatch):
    person, people, _outage = family_in_doubt()
    gone = partial(booking.cancel, appointment_id=people[0].pk, by=person)
    while_it_follows(person, gone, monkeypatch)
    of_doubt = Message.objects.filter(address=person.phone, kind="HOLD")
    assert [m.state for m in of_doubt] == ["cancelled"]


def test_answer_comes_while_the_question_follows_a_number(monkeypatch):
    person, asked = family_asked()
    answer = partial(offers.accept, offer_id=asked[0].pk, by=person)
    while_it_follows(person, answer, monkeypatch)
    said = Message.objects.filter(address=person.phone).exclude(kind="CONFIRMED")
    assert {m.kind for m in said} >= {"MOVED_ANSWER", "REMIND_ANSWER"}
    assert {m.state for m in said} == {"cancelled"}


def test_doubt_ends_while_the_question_follows_a_number(monkeypatch):
    person, asked = family_asked()
    seat = asked[0].new_slot
    officer = make_officer()
    outage = declare_for_test(officer, [Cut(seat.centre_id, seat.date, "normal", 0)])
    Message.objects.filter(kind="HOLD_MANY").update(state="accepted", sent_at=timezone.now())
    back = partial(outages.restore, outage_id=outage.pk, by=officer)
    while_it_follows(person, back, monkeypatch)
    asks = Message.objects.filter(address=person.phone, kind="MOVED_ANSWER")
    assert [m.state for m in asks] == ["cancelled"]
