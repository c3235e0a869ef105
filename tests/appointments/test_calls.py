"""The call list: who is on it and who leaves it, who comes first, and how calls are recorded."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Device
from appointments import (
    alerts,
    call_list,
    call_scripts,
    calls,
    listing,
    messages,
    offers,
    outages,
    plans,
)
from appointments.call_list import Why
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    Call,
    CallClaim,
    NumberView,
    Offer,
    Posting,
    Region,
    TimelineEntry,
)
from notifications import dates, delivery, missed, outbox, reach, sweep
from notifications.models import Message, NotReached
from tests.appointments.call_worlds import (
    HOUR,
    ago,
    happened,
    in_doubt,
    list_of,
    moved,
    not_reached,
    without_seat,
)
from tests.domain.builders import (
    approved_plan,
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
    make_waiting,
)
from tests.domain.lock_order import watched_locks
from tests.domain.test_races import at_once
from tests.notifications.builders import ScriptedGateway

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
Outcome = Call.Outcome
Subject = Call.Subject


def listed(**where):
    return call_list.entries(now=timezone.now(), **where)


def entry_of(appointment):
    return call_list.entry_of(appointment_id=appointment.pk, now=timezone.now())


def is_listed(appointment):
    assert (entry_of(appointment) is not None) == any(appointment.pk in e.ids for e in listed())
    return entry_of(appointment) is not None


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


@pytest.fixture
def officer():
    make_centre()
    return make_officer()


def take(appointment, officer):
    return calls.claim_call(appointment_id=appointment.pk, by=officer)


def record(appointment, officer, outcome="reached", **fields):
    given = {"key": uuid.uuid4(), **fields}
    return calls.record_call(appointment_id=appointment.pk, outcome=outcome, by=officer, **given)


def call(appointment, officer, outcome="reached", **fields):
    take(appointment, officer)
    return record(appointment, officer, outcome, **fields)


# --- Who is on it -------------------------------------------------------------------------------


def test_somebody_whom_no_channel_reached_is_listed_once_however_many_notices_failed():
    person = moved()
    for _ in range(3):
        not_reached(person)
    (entry,) = listed()
    assert entry.ids == [person.pk]
    assert entry.why == {Why.NOT_REACHED}


def test_somebody_whose_notice_cannot_leave_is_listed_until_it_does(settings):
    """Phone alone, and the gateway is down; then it is up again."""
    ScriptedGateway.reset()
    settings.MESSAGE_GATEWAYS = {
        "sms": "tests.notifications.builders.ScriptedGateway",
        "email": "tests.notifications.builders.ScriptedGateway",
    }
    morning = at(in_days(1), 10)
    with time_machine.travel(morning, tick=False) as clock:
        person = make_appointment(make_slot(day=in_days(1), hour=15, seats=1))
        centre = person.slot.centre
        outage = declare_for_test(make_officer(), [Cut(centre.pk, in_days(1), "normal", 0)])
        clock.move_to(outage.grace_until + 29 * MINUTE)
        sweep.sweep()
        assert not is_listed(person)
        clock.shift(MINUTE)
        sweep.sweep()
        assert entry_of(person).why == {Why.NOT_REACHED}
        delivery.run("sms")
        assert not is_listed(person)


def test_nobody_is_listed_whose_notices_arrived_or_are_on_their_way():
    moved()
    in_doubt()
    make_appointment()
    assert listed() == []


def test_somebody_without_any_address_is_listed_for_what_no_message_was_written_about():
    people = [in_doubt(phone=""), moved(phone=""), without_seat(phone="")]
    make_appointment(application=make_application(phone=""))  # nothing happened to them
    in_doubt(phone="", email="a@example.org")
    person = make_person()
    in_doubt(phone="", claimed_by=person)
    found = listed()
    assert sorted(e.pk for e in found) == sorted(p.pk for p in people)
    assert all(Why.NO_ADDRESS in e.why and not e.can_be_called for e in found)


def test_somebody_without_a_seat_is_listed_also_when_the_message_arrived():
    person = without_seat()
    arrived(person)
    (entry,) = listed()
    assert (entry.pk, entry.why, entry.lead.subject) == (person.pk, {Why.NO_SEAT}, Subject.NO_SEAT)


def test_whoever_waits_by_their_own_wish_or_let_a_seat_go_is_not_called():
    make_waiting(joined_waiting=True)
    released = make_waiting(first_in_line=True)
    happened(released, "released")
    assert listed() == []


def test_list_of_several_people_is_one_call_about_all_of_them():
    slots = [make_slot(day=in_days(day)) for day in (3, 1, 2)]
    offer_list, people = list_of(*slots, phone="+919812345678")
    not_reached(listing.reference(offer_list.pk))
    (entry,) = listed()
    assert [p.appointment for p in entry.people] == [people[1], people[2], people[0]]
    assert entry.phone == "+919812345678"


def test_people_at_one_number_are_one_call_also_without_a_list():
    account = make_person(phone="+919812345678")
    first, second = moved(phone="+919812345678"), moved(claimed_by=account)
    other = moved()
    for person in (first, second, other):
        not_reached(person)
    assert sorted(entry.ids for entry in listed()) == [[first.pk, second.pk], [other.pk]]
    assert entry_of(second).ids == [first.pk, second.pk]


def test_list_is_of_the_regions_that_are_asked_for():
    here, abroad = make_region(), Region.objects.create(code="X", name_en="X", name_hi="X")
    centre = make_centre("FAR", region=abroad)
    near, far = moved(), moved(new=make_slot(centre=centre, day=in_days(7)))
    not_reached(near)
    not_reached(far)
    assert [e.pk for e in listed(region_ids=[here.pk])] == [near.pk]
    assert [e.pk for e in listed(region_ids=[abroad.pk])] == [far.pk]


def test_centre_is_where_the_next_visit_is_or_the_lost_one_was():
    home, there = make_centre(), make_centre("SGR")
    seated = moved(new=make_slot(centre=there, day=in_days(5)))
    seatless = without_seat(old=make_slot(centre=there, day=in_days(2)))
    for person in (seated, seatless):
        person.application.home_centre = home
        person.application.save()
        not_reached(person)
    assert {entry.centre_id for entry in listed()} == {there.pk}
    nowhere = make_waiting()
    not_reached(nowhere)
    assert entry_of(nowhere).centre_id == nowhere.application.home_centre_id


# --- What they have to be told ------------------------------------------------------------------


def stands_so(appointment):
    not_reached(appointment)
    return entry_of(appointment).lead


@pytest.mark.parametrize(
    ("make", "subject"),
    [
        (in_doubt, Subject.IN_DOUBT),
        (moved, Subject.MOVED_KEEP),
        (lambda: moved(silence="requeue"), Subject.MOVED_ANSWER),
        (lambda: moved(state="kept"), Subject.MOVED),
        (without_seat, Subject.NO_SEAT),
        (make_appointment, Subject.STANDS),
    ],
)
def test_what_is_told_is_how_it_stands_now(make, subject):
    assert stands_so(make()).subject == subject


def test_old_notice_is_not_repeated_when_the_appointment_has_moved_on():
    person = in_doubt()
    not_reached(person, kind="HOLD", hours=2)
    assert entry_of(person).lead.subject == Subject.IN_DOUBT
    happened(person, "stands", hours=1)
    Appointment.objects.filter(pk=person.pk).update(state="confirmed")
    assert entry_of(person).lead.subject == Subject.STANDS


def test_within_the_grace_of_a_plan_it_is_still_in_doubt(officer):
    full = make_slot(day=in_days(3), seats=1)
    free = make_slot(day=in_days(6), seats=1)
    person = make_appointment(full)
    with time_machine.travel(ago(5), tick=False):
        outage = declare_for_test(officer, [Cut(full.centre_id, full.date, "normal", 0)])
    not_reached(person, kind="HOLD", hours=2)
    plan = approved_plan(outage, by=officer, second=make_officer("approver"))
    plans.apply(plan_id=plan.pk, by=officer)
    person.refresh_from_db()
    assert person.slot == free
    lead = entry_of(person).lead
    assert (lead.subject, lead.visit, lead.question) == (Subject.IN_DOUBT, full, None)
    with time_machine.travel(timezone.now() + 11 * MINUTE, tick=False):
        lead = entry_of(person).lead
        assert (lead.subject, lead.visit, lead.old) == (Subject.MOVED_KEEP, free, full)
        assert lead.question.state == "open"


def hold_given_up(person, *, minutes_ago=0.0):
    """The fallback gave the HOLD notice up a moment ago."""
    return not_reached(person, kind="HOLD", hours=minutes_ago / 60)


def declared_for(slot, officer):
    return declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 0)])


def test_notices_sent_at_once_fill_the_list_and_the_alert_at_once(officer):
    slot = make_slot(day=in_days(2), seats=3)
    account = make_person()
    silent = make_appointment(slot)
    looked = make_appointment(slot, application=make_application(claimed_by=account))
    unknown = make_appointment(slot, application=make_application(phone=""))
    with time_machine.travel(slot.starts_at - 20 * HOUR, tick=False) as clock:
        outage = declared_for(slot, officer)
        clock.shift(MINUTE)
        account.last_login = timezone.now()  # before the notices were out
        account.save()
        assert listed() == []
        clock.shift(MINUTE)
        outages.send_notices_now(outage_id=outage.pk, by=officer)
        assert entry_of(unknown).since == timezone.now()
        clock.shift(MINUTE)
        for person in (silent, looked):
            hold_given_up(person)
        everybody = {silent.pk, looked.pk, unknown.pk}
        assert {pk for entry in listed() for pk in entry.ids} == everybody
        soon = alerts.Facts(timezone.now()).look_at_people()
        assert {pk for entry in soon for pk in entry.ids} == everybody
        account.last_login = timezone.now()
        account.save()
        assert not is_listed(looked)


def test_notices_that_wait_for_the_grace_are_no_news_before_it_ends(officer, settings):
    slot = make_slot(day=in_days(2))
    unknown = make_appointment(slot, application=make_application(phone=""))
    with time_machine.travel(ago(5), tick=False) as clock:
        declared_for(slot, officer)
        clock.shift(settings.GRACE_MINUTES * MINUTE - dt.timedelta(seconds=1))
        assert listed() == []
        clock.shift(dt.timedelta(seconds=1))
        assert is_listed(unknown)


def test_cut_that_is_changed_later_is_news_at_once(officer):
    slot, other = make_slot(day=in_days(2)), make_slot(day=in_days(3))
    unknown = make_appointment(other, application=make_application(phone=""))
    with time_machine.travel(ago(5), tick=False) as clock:
        outage = declared_for(slot, officer)
        clock.shift(HOUR)
        cuts = [Cut(s.centre_id, s.date, "normal", 0) for s in (slot, other)]
        outages.change_cut(outage_id=outage.pk, cuts=cuts, by=officer)
        assert entry_of(unknown).since == timezone.now()


def test_seat_that_was_let_go_is_news_at_once():
    nowhere = make_application(phone="")
    person = make_waiting(application=nowhere, first_in_line=True)
    happened(person, "released", hours=0)
    assert is_listed(person)


def test_notice_given_up_within_the_grace_of_a_plan_stays_on_the_list(officer):
    full = make_slot(day=in_days(3), seats=1)
    make_slot(day=in_days(6), seats=1)
    person = make_appointment(full)
    with time_machine.travel(ago(5), tick=False) as clock:
        outage = declared_for(full, officer)
        clock.shift(HOUR)
        plan = approved_plan(outage, by=officer, second=make_officer("approver"))
        plan = plans.apply(plan_id=plan.pk, by=officer)
        clock.shift(MINUTE)
        hold_given_up(person)
        assert entry_of(person).lead.subject == Subject.IN_DOUBT
        clock.move_to(plan.live_at)
        assert entry_of(person).lead.subject == Subject.MOVED_KEEP


def test_told_of_a_seat_that_is_kept_for_them():
    waits = without_seat()
    slot = make_slot(day=in_days(4))
    Offer.objects.create(
        appointment=waits,
        kind="waiting",
        new_slot=slot,
        token_hash="w" * 64,
        live_at=ago(1),
        deadline=timezone.now() + 5 * HOUR,
        created_at=ago(1),
    )
    lead = entry_of(waits).lead
    assert lead.subject == Subject.SEAT_FOUND
    said = call_scripts.facts(lead, "en")
    assert dates.long_moment(slot.starts_at, "en") in said[-1]


def test_script_says_old_and_new_time_in_the_language_of_the_person_first():
    old, new = make_slot(day=in_days(2)), make_slot(day=in_days(6))
    person = moved(old=old, new=new, name="Sunita Verma", silence="requeue", language="en")
    not_reached(person)
    scripts = call_scripts.scripts_of(entry_of(person), centre=new.centre)
    assert [script.language for script in scripts] == ["en", "hi"]
    for script in scripts:
        words = " ".join([*script.opening, *script.told[0][1], *script.closing])
        for moment in (old.starts_at, new.starts_at, person.offers.get().deadline):
            assert dates.long_moment(moment, script.language) in words
        assert "Sunita Verma" in words
        assert "OTP" in words
        assert "1800-" in words
        assert person.application.arn not in words
        assert "{" not in words


def test_script_of_several_people_says_of_each_how_it_stands():
    phone = "+919812345678"
    people = [in_doubt(phone=phone, name="Asha"), moved(phone=phone, name="Binod")]
    for person in people:
        not_reached(person)
    entry = entry_of(people[0])
    for script in call_scripts.scripts_of(entry, centre=make_centre()):
        assert len(script.told) == 2
        for (whose, _facts), person in zip(script.told, entry.people, strict=True):
            assert person.appointment.application.name in whose
            assert person.appointment.application.arn_tail in whose


@pytest.mark.parametrize("subject", Subject.values)
def test_every_subject_has_words_in_both_languages(subject):
    assert set(call_scripts.FACTS[subject]) == {"hi", "en"}


# --- Who comes first ----------------------------------------------------------------------------


def test_soonest_visit_comes_first_also_one_that_does_not_take_place():
    far = moved(old=make_slot(day=in_days(9)), new=make_slot(day=in_days(12)))
    vain = moved(old=make_slot(day=in_days(3)), new=make_slot(day=in_days(20)))
    near = in_doubt(make_slot(day=in_days(4)))
    seatless = without_seat(old=make_slot(day=in_days(2), hour=12))
    gone = without_seat(old=make_slot(day=in_days(-1)))
    for person in (far, vain, near, gone):
        not_reached(person)
    assert [e.pk for e in listed()] == [p.pk for p in (seatless, vain, near, far, gone)]
    assert entry_of(vain).lead.comes_in_vain
    assert not entry_of(near).lead.comes_in_vain
    assert entry_of(gone).lead.urgent_at is None


def test_visits_within_a_day_are_marked():
    with time_machine.travel(timezone.now().replace(hour=3, minute=0), tick=False):
        soon = in_doubt(make_slot(day=in_days(1), hour=8))
        later = in_doubt(make_slot(day=in_days(1), hour=9))
        for person in (soon, later):
            not_reached(person)
        assert entry_of(soon).is_soon
        assert not entry_of(later).is_soon


def test_nobody_answers_so_they_come_back_after_a_while_and_lower_after_three_times(
    officer, settings
):
    person, other = in_doubt(make_slot(day=in_days(2))), in_doubt(make_slot(day=in_days(5)))
    for each in (person, other):
        not_reached(each)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for tries in (1, 2, 3):
            call(person, officer, "no_answer")
            assert entry_of(person).tries == tries
            assert entry_of(person).rank == 3
            assert [e.pk for e in listed()] == [other.pk, person.pk]
            clock.shift(settings.CALL_AGAIN_MINUTES * MINUTE)
            first = person if tries < 3 else other
            assert listed()[0].pk == first.pk
        assert entry_of(person).rank == 2


def test_whoever_asked_to_be_called_again_comes_back_at_that_time(officer):
    person = in_doubt(make_slot(day=in_days(4)))
    not_reached(person)
    with time_machine.travel(at_clock(1, 12), tick=False) as clock:
        call(person, officer, "call_back", call_back_at=timezone.now() + 2 * HOUR)
        assert entry_of(person).rank == 3
        clock.shift(2 * HOUR)
        assert entry_of(person).rank == 1


def test_wrong_number_is_marked_until_another_one_is_known(officer):
    person = in_doubt()
    not_reached(person)
    call(person, officer, "wrong_number")
    entry = entry_of(person)
    assert (entry.has_wrong_number, entry.can_be_called, entry.rank) == (True, False, 2)
    assert entry.phone not in Call.objects.get().number_digest
    person.application.phone = "+919812312312"
    person.application.save()
    assert entry_of(person).can_be_called


# --- Who leaves it ------------------------------------------------------------------------------


def arrived(appointment, *, hours=0.5):
    """A message about it, written then, was delivered."""
    draft = outbox.Draft(
        kind="STANDS",
        channel="sms",
        address="+919800000001",
        language="hi",
        values={},
        dedupe_key=f"arrived:{Message.objects.count()}",
        reference=messages.reference(appointment),
        urgent_by=timezone.now(),
        expires_at=timezone.now() + HOUR,
    )
    outbox.enqueue([draft], now=ago(hours))
    now = timezone.now()
    Message.objects.update(state="delivered", sent_at=now, delivered_at=now)


def test_whoever_answers_by_link_leaves():
    person = moved()
    not_reached(person)
    assert is_listed(person)
    offers.accept(offer_id=person.offers.get().pk, by=None)
    assert not is_listed(person)


def test_whoever_answers_on_a_list_leaves_it_and_the_others_stay():
    slots = [make_slot(hour=hour) for hour in (10, 11, 12)]
    offer_list, people = list_of(*slots, phone="+919812345678")
    not_reached(listing.reference(offer_list.pk))
    offers.accept(offer_id=people[0].offers.get().pk, by=None)
    (entry,) = listed()
    assert entry.ids == [people[1].pk, people[2].pk]


def test_whoever_signs_in_leaves_until_there_is_more_news():
    account = make_person()
    person = moved(claimed_by=account)
    not_reached(person)
    assert is_listed(person)
    account.last_login = timezone.now()
    account.save()
    assert not is_listed(person)
    with time_machine.travel(timezone.now() + 2 * HOUR, tick=False):
        happened(person, "in_doubt", hours=1)
        not_reached(person, hours=0.5)
        assert is_listed(person)


def test_whoever_looks_in_a_session_that_is_open_leaves():
    account = make_person()
    person = without_seat(claimed_by=account)
    device = Device.objects.create(
        person=account, session_key="s", signed_in_at=ago(90), last_used_at=ago(4)
    )
    assert is_listed(person)
    device.last_used_at = ago(1)
    device.save()
    assert not is_listed(person)


def test_whoever_signed_in_before_the_news_stays():
    account = make_person(last_login=ago(4))
    person = moved(claimed_by=account)
    not_reached(person)
    assert is_listed(person)


def test_receipt_that_comes_later_takes_them_off():
    person = moved()
    row = not_reached(person)
    missed.clear([row.notice], at=timezone.now())
    assert not is_listed(person)


def test_later_message_that_arrived_takes_them_off_and_an_earlier_one_does_not():
    person = moved(hours=3)
    not_reached(person)
    arrived(person, hours=5)
    assert is_listed(person)
    arrived(person, hours=2)
    assert not is_listed(person)


def test_whoever_has_no_live_appointment_any_more_leaves():
    person = moved()
    not_reached(person)
    Appointment.objects.filter(pk=person.pk).update(state="cancelled")
    assert not is_listed(person)


def test_whoever_got_a_seat_leaves_as_one_without_a_seat():
    person = without_seat()
    assert is_listed(person)
    slot = make_slot(day=in_days(8))
    Appointment.objects.filter(pk=person.pk).update(state="confirmed", slot=slot)
    assert not is_listed(person)


def test_visit_that_is_over_needs_no_call():
    person = moved(new=make_slot(day=in_days(1)))
    not_reached(person)
    with time_machine.travel(timezone.now() + dt.timedelta(days=3), tick=False):
        assert not is_listed(person)


def test_real_outage_from_doubt_to_seatless(officer):
    """Declared, planned and applied by the verbs: nobody is listed before the grace is over."""
    slot = make_slot(day=in_days(3), seats=1)
    nobody_knows = make_appointment(slot, application=make_application(phone=""))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 0)])
        assert not is_listed(nobody_knows)
        clock.shift(11 * MINUTE)
        assert entry_of(nobody_knows).lead.subject == Subject.IN_DOUBT
        call(nobody_knows, officer)  # found by other means
        assert not is_listed(nobody_knows)
        plan = approved_plan(outage, by=officer, second=make_officer("approver"))
        plans.apply(plan_id=plan.pk, by=officer)
        assert not is_listed(nobody_knows)
        clock.shift(11 * MINUTE)
        entry = entry_of(nobody_knows)
        assert entry.lead.subject == Subject.NO_SEAT
        assert entry.why == {Why.NO_SEAT, Why.NO_ADDRESS}
        assert entry.lead.urgent_at == slot.starts_at


def test_that_it_stands_is_told_to_whoever_was_told_of_a_doubt_by_phone(officer):
    slot = make_slot(day=in_days(3), seats=1)
    told = make_appointment(slot, application=make_application(phone=""))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 0)])
        clock.shift(11 * MINUTE)
        call(told, officer)
        clock.shift(MINUTE)
        outages.restore(outage_id=outage.pk, by=officer)
        clock.shift(11 * MINUTE)
        assert entry_of(told).lead.subject == Subject.STANDS
        call(told, officer)
        assert not is_listed(told)


# --- Taking somebody ----------------------------------------------------------------------------


def test_taken_person_is_not_taken_by_another_until_the_lease_ends(officer, settings):
    person = moved()
    not_reached(person)
    other = make_officer()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        take(person, officer)
        assert entry_of(person).claim.officer == officer
        with refused("call_taken"):
            take(person, other)
        clock.shift(settings.CALL_LEASE_MINUTES * MINUTE)
        assert entry_of(person).claim is None
        assert take(person, other).claim.officer == other
        with refused("call_taken"):
            record(person, officer)


def test_taking_again_lasts_anew_and_is_the_same_claim(officer, settings):
    person = moved()
    not_reached(person)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = take(person, officer).claim
        clock.shift(5 * MINUTE)
        again = take(person, officer).claim
        assert (again.pk, again.claimed_at) == (first.pk, first.claimed_at)
        assert again.until == first.until + 5 * MINUTE


def test_one_person_at_a_time_is_an_officers(officer):
    first, second = moved(), moved()
    for person in (first, second):
        not_reached(person)
    take(first, officer)
    take(second, officer)
    assert [claim.appointment for claim in CallClaim.objects.all()] == [second]


def test_everybody_at_the_number_is_taken_together(officer):
    phone = "+919812345678"
    first, second = moved(phone=phone), moved(phone=phone)
    for person in (first, second):
        not_reached(person)
    take(second, officer)
    with refused("call_taken"):
        take(first, make_officer())


def test_given_back_is_free_for_others_and_nobody_gives_back_anothers(officer):
    person = moved()
    not_reached(person)
    other = make_officer()
    take(person, officer)
    calls.release_call(appointment_id=person.pk, by=other)
    with refused("call_taken"):
        take(person, other)
    for _ in range(2):
        calls.release_call(appointment_id=person.pk, by=officer)
    assert take(person, other).claim.officer == other


def test_nobody_is_taken_who_needs_no_call(officer):
    with refused("call_not_needed"):
        take(make_appointment(), officer)


def test_next_is_whoever_comes_first_and_is_free(officer):
    soon, later, last = (in_doubt(make_slot(day=in_days(day))) for day in (2, 3, 4))
    for person in (soon, later, last):
        not_reached(person)
    take(soon, make_officer())
    call(later, officer, "no_answer")
    assert calls.claim_next(waiting=listed(), by=officer).pk == last.pk
    assert calls.claim_next(waiting=listed(), by=make_officer()) is None


def test_next_passes_over_whom_another_took_since_the_list_was_read(officer):
    first, second = in_doubt(make_slot(day=in_days(2))), in_doubt(make_slot(day=in_days(3)))
    for person in (first, second):
        not_reached(person)
    stale = listed()
    take(first, make_officer())
    assert calls.claim_next(waiting=stale, by=officer).pk == second.pk


@pytest.mark.parametrize("who", ["another centre", "another region", "an applicant", "inactive"])
def test_others_may_neither_take_nor_record(officer, who):
    person = moved()
    not_reached(person)
    abroad = Region.objects.create(code="X", name_en="X", name_hi="X")
    stranger = {
        "another centre": lambda: make_officer("centre", centre=make_centre("SGR")),
        "another region": lambda: make_officer(region=abroad),
        "an applicant": make_person,
        "inactive": lambda: make_officer(is_active=False),
    }[who]()
    with refused("not_permitted"):
        take(person, stranger)
    claim = take(person, officer).claim
    CallClaim.objects.filter(pk=claim.pk).update(officer=stranger)
    for step in (lambda: record(person, stranger), lambda: number(person, stranger)):
        with refused("not_permitted"):
            step()
    assert not Call.objects.exists()


def test_centre_officer_calls_for_the_own_centre(officer):
    person = moved()
    not_reached(person)
    clerk = make_officer(Posting.Role.CENTRE, centre=person.slot.centre)
    assert call(person, clerk)[0].officer == clerk


# --- The number ---------------------------------------------------------------------------------


def number(appointment, officer):
    return calls.show_number(appointment_id=appointment.pk, by=officer)


def test_number_is_shown_to_whoever_has_taken_the_call_and_written_down_once(officer):
    person = moved(phone="+919812345678")
    not_reached(person)
    with refused("call_not_taken"):
        number(person, officer)
    take(person, officer)
    with refused("call_not_taken"):
        number(person, make_officer())
    for _ in range(2):
        assert number(person, officer) == ["+919812345678"]
    view = NumberView.objects.get()
    assert (view.appointment, view.officer) == (person, officer)


def test_number_of_the_register_is_shown_behind_that_of_the_account(officer):
    account = make_person(phone="+919812345678")
    person = moved(claimed_by=account, phone="+919712345678")
    not_reached(person)
    take(person, officer)
    assert number(person, officer) == ["+919812345678", "+919712345678"]


def test_number_that_is_not_known_is_refused(officer):
    person = in_doubt(phone="")
    take(person, officer)
    with refused("call_no_number"):
        number(person, officer)


# --- How it went --------------------------------------------------------------------------------


def test_reached_clears_the_notices_and_stands_on_the_timeline(officer):
    person = moved()
    for _ in range(2):
        not_reached(person)
    other = not_reached(moved())
    (made,) = call(person, officer, note="Will come.")
    assert (made.outcome, made.told, made.note) == ("reached", Subject.MOVED_KEEP, "Will come.")
    assert made.centre == person.slot.centre
    assert list(reach.open_ones()) == [other]
    line = person.timeline.last()
    assert (line.event, line.actor, line.by) == ("phoned", officer, "officer")
    assert not is_listed(person)
    assert not CallClaim.objects.exists()


@pytest.mark.parametrize("outcome", ["no_answer", "wrong_number", "call_back", "refuses"])
def test_other_outcomes_clear_nothing_and_are_not_on_the_timeline(officer, outcome):
    person = moved()
    not_reached(person)
    back = at_clock(1, 12) if outcome == "call_back" else None
    (made,) = call(person, officer, outcome, call_back_at=back)
    assert (made.outcome, made.told, made.call_back_at) == (outcome, "", back)
    assert reach.open_ones().count() == 1
    assert not person.timeline.filter(event="phoned").exists()
    assert is_listed(person) == (outcome != "refuses")


def test_whoever_refused_or_was_told_is_called_again_for_more_news_only(officer):
    for outcome in ("refuses", "reached"):
        person = moved()
        not_reached(person)
        call(person, officer, outcome)
        assert not is_listed(person)
        with time_machine.travel(timezone.now() + 2 * HOUR, tick=False):
            not_reached(person, hours=0.1)  # a reminder of what they know
            assert not is_listed(person)
            happened(person, "in_doubt", hours=1)
            assert is_listed(person)


def test_recorded_twice_with_one_key_is_one_call(officer):
    person = moved()
    not_reached(person)
    key = uuid.uuid4()
    first = call(person, officer, key=key)
    assert record(person, officer, key=key) == first
    assert Call.objects.count() == 1
    assert person.timeline.filter(event="phoned").count() == 1


def test_one_call_is_recorded_for_everybody_at_the_number(officer):
    slots = [make_slot(hour=hour) for hour in (10, 11, 12)]
    offer_list, people = list_of(*slots, phone="+919812345678")
    row = not_reached(listing.reference(offer_list.pk))
    made = call(people[1], officer)
    assert [each.appointment for each in made] == people
    assert len({each.key for each in made}) == 1
    row.refresh_from_db()
    assert row.cleared_at is not None
    assert listed() == []


def test_list_stays_open_for_somebody_who_has_another_number_by_now(officer):
    slots = [make_slot(hour=hour) for hour in (10, 11, 12)]
    offer_list, people = list_of(*slots, phone="+919812345678")
    row = not_reached(listing.reference(offer_list.pk))
    people[2].application.phone = "+919700000001"
    people[2].application.save()
    call(people[0], officer)
    row.refresh_from_db()
    assert row.cleared_at is None
    (entry,) = listed()
    assert entry.ids == [people[2].pk]
    call(people[2], officer)
    row.refresh_from_db()
    assert row.cleared_at is not None


def test_nothing_is_recorded_without_taking_the_call(officer):
    person = moved()
    not_reached(person)
    with refused("call_not_taken"):
        record(person, officer)
    take(person, make_officer())
    with refused("call_taken"):
        record(person, officer)


def test_lapsed_claim_counts_until_somebody_else_comes(officer):
    person = moved()
    not_reached(person)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        take(person, officer)
        clock.shift(HOUR)
        assert record(person, officer)


def test_what_was_read_must_still_be_so(officer):
    person = in_doubt()
    not_reached(person)
    seen = take(person, officer).seen
    Appointment.objects.filter(pk=person.pk).update(state="confirmed")
    with refused("call_changed"):
        record(person, officer, seen=seen)
    assert not Call.objects.exists()
    assert record(person, officer, "no_answer", seen=seen)
    assert call(person, officer, seen=entry_of(person).seen)[0].told == Subject.STANDS


def test_whoever_joined_after_the_page_was_read_is_not_said_to_be_told(officer):
    phone = "+919812345678"
    first, second = in_doubt(phone=phone), in_doubt(phone=phone)
    not_reached(first)
    seen = take(first, officer).seen
    not_reached(second)
    take(second, officer)
    made = record(first, officer, seen=seen)
    assert [each.appointment for each in made] == [first]
    assert [entry.ids for entry in listed()] == [[second.pk]]


@pytest.mark.parametrize("shift", [None, -MINUTE, dt.timedelta(days=8)])
def test_time_to_call_again_is_needed_and_near(officer, shift):
    person = moved()
    not_reached(person)
    at = None if shift is None else timezone.now() + shift
    with refused("call_back_when"):
        call(person, officer, "call_back", call_back_at=at)


NIGHT = [(21, 0), (3, 0), (7, 59)]
DAY = [(8, 0), (20, 59)]


def at_clock(days, hour, minute=0):
    """That moment in India, so many days from now."""
    day = timezone.localdate() + dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=dates.INDIA)


@pytest.mark.parametrize(("hour", "minute"), NIGHT)
def test_nobody_is_called_again_at_night(officer, hour, minute):
    person = in_doubt(make_slot(day=in_days(5)))
    not_reached(person)
    with refused("call_back_at_night"):
        call(person, officer, "call_back", call_back_at=at_clock(2, hour, minute))
    assert not Call.objects.exists()


@pytest.mark.parametrize(("hour", "minute"), DAY)
def test_somebody_is_called_again_by_day(officer, hour, minute):
    person = in_doubt(make_slot(day=in_days(5)))
    not_reached(person)
    back = at_clock(2, hour, minute).astimezone(dt.UTC)
    assert call(person, officer, "call_back", call_back_at=back)[0].call_back_at == back


@pytest.mark.parametrize("who", ["in doubt", "of two at one number", "believes in the old time"])
def test_nobody_is_called_again_after_the_visit(officer, who):
    visit, later = make_slot(day=in_days(3), hour=10), make_slot(day=in_days(9), hour=10)
    phone = "+919812345678"
    if who == "believes in the old time":
        person = moved(old=visit, new=later)
    else:
        person = in_doubt(visit, phone=phone)
    not_reached(person)
    if who == "of two at one number":
        person = in_doubt(later, phone=phone)
        not_reached(person)
    take(person, officer)
    for late in (visit.starts_at, visit.starts_at + HOUR, at_clock(5, 3)):
        with refused("call_back_after_visit"):
            record(person, officer, "call_back", call_back_at=late)
    assert record(person, officer, "call_back", call_back_at=visit.starts_at - HOUR)


def test_whose_visit_has_passed_is_called_again_when_they_like(officer):
    person = without_seat(old=make_slot(day=in_days(-1)))
    assert call(person, officer, "call_back", call_back_at=at_clock(5, 11))


def test_unknown_outcome_is_an_error_of_the_caller(officer):
    person = moved()
    not_reached(person)
    take(person, officer)
    with pytest.raises(ValueError, match="shrug"):
        record(person, officer, "shrug")


# --- Figures ------------------------------------------------------------------------------------


def test_progress_counts_people_by_centre(officer):
    here, there = make_centre(), make_centre("SGR")
    people = [moved() for _ in range(3)]
    people.append(moved(new=make_slot(centre=there, day=in_days(5))))
    for person in people:
        not_reached(person)
    call(people[0], officer)
    call(people[1], officer, "no_answer")
    make_centre("IDR")
    centres = [here, there, make_centre("IDR")]
    rows = calls.progress(listed(), centres=centres, now=timezone.now())
    assert [(r.centre, r.left, r.soon, r.called, r.reached) for r in rows] == [
        (here, 2, 0, 2, 1),
        (there, 1, 0, 0, 0),
    ]


def test_list_costs_the_same_queries_for_one_and_three(officer):
    counts = []
    for _ in range(2):
        call_person = moved(claimed_by=make_person())
        not_reached(call_person)
        call(call_person, officer, "no_answer")
        with CaptureQueriesContext(connection) as queries:
            listed()
        counts.append(len(queries))
        for _ in range(2):
            not_reached(moved(claimed_by=make_person()))
            without_seat()
    assert counts[0] == counts[1]
    assert counts[0] <= 16


def test_forgets_lapsed_claims_and_looks_at_numbers_after_a_year(officer):
    person = moved()
    not_reached(person)
    take(person, officer)
    number(person, officer)
    now = timezone.now()
    assert calls.forget(now=now) == 0
    assert calls.forget(now=now + dt.timedelta(days=2)) == 1
    assert calls.forget(now=now + dt.timedelta(days=366)) == 1
    assert not NumberView.objects.exists()


# --- Constraints --------------------------------------------------------------------------------


@pytest.fixture
def made(officer):
    person = moved()
    not_reached(person)
    (made,) = call(person, officer, "no_answer")
    return made


def claim(made, **fields):
    now = timezone.now()
    return CallClaim.objects.create(
        appointment=made.appointment,
        centre=made.centre,
        officer=made.officer,
        **{"claimed_at": now, "until": now + MINUTE, **fields},
    )


def change(**fields):
    return lambda made: Call.objects.filter(pk=made.pk).update(**fields)


def again(made):
    made.pk = None
    made.save(force_insert=True)


BREAKERS = {
    "call_recorded_once": again,
    "call_outcome_known": change(outcome="shrugged"),
    "call_back_exactly_when_asked": change(call_back_at=timezone.now() + 9 * HOUR),
    "call_back_after_call": change(outcome="call_back", call_back_at=timezone.now() - 9 * HOUR),
    "call_told_exactly_when_reached": change(outcome="reached"),
    "call_wrong_number_is_named": change(outcome="wrong_number", number_digest=""),
    "callclaim_one_per_appointment": lambda made: [claim(made), claim(made)],
    "callclaim_ends_after_start": lambda made: claim(made, until=timezone.now() - HOUR),
}


def test_every_named_constraint_has_a_test():
    constraints = [*Call._meta.constraints, *CallClaim._meta.constraints]
    assert {constraint.name for constraint in constraints} == BREAKERS.keys()


@pytest.mark.parametrize("name", BREAKERS)
def test_constraint_refuses_what_it_names(made, name, on_postgresql):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        BREAKERS[name](made)
    if on_postgresql:
        assert caught.value.__cause__.diag.constraint_name == name


# --- Races --------------------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_officers_take_the_same_people_and_one_gets_them():
    phone = "+919812345678"
    people = [moved(phone=phone), moved(phone=phone), moved(phone=phone)]
    for person in people:
        not_reached(person)
    officers = [make_officer() for _ in range(8)]
    results = at_once(
        [lambda o=o, p=people[i % 3]: take(p, o).claim.officer_id for i, o in enumerate(officers)]
    )
    winners = [result for result in results if result != "call_taken"]
    assert len(winners) == 1
    claims = CallClaim.objects.all()
    assert {claim.officer_id for claim in claims} == set(winners)
    assert claims.count() == 3


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_officers_who_press_next_at_once_get_different_people():
    for day in range(2, 8):
        not_reached(in_doubt(make_slot(day=in_days(day))))
    waiting = listed()
    officers = [make_officer() for _ in range(6)]
    taken = at_once([lambda o=o: calls.claim_next(waiting=waiting, by=o).pk for o in officers])
    assert sorted(taken) == sorted(entry.pk for entry in waiting)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["take", "number", "record"])
def test_verbs_lock_in_the_order_of_the_decision(step):
    phone, officer = "+919812345678", make_officer()
    people = [moved(phone=phone), moved(phone=phone)]
    for person in reversed(people):
        not_reached(person)
    steps = {"take": take, "number": number, "record": record}
    for before in ("take", "number"):
        if before == step:
            break
        steps[before](people[0], officer)
    with watched_locks() as locks:
        steps[step](people[0], officer)
    assert locks.wrong == []
    assert locks.tables == (["appointment"] if step == "record" else [])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_form_sent_five_times_at_once_is_one_call():
    person, officer, key = moved(), make_officer(), uuid.uuid4()
    not_reached(person)
    take(person, officer)
    results = at_once([lambda: record(person, officer, key=key)[0].pk] * 5)
    assert len(set(results)) == 1
    assert Call.objects.count() == 1
    assert TimelineEntry.objects.filter(event="phoned").count() == 1
    assert NotReached.objects.filter(cleared_at__isnull=True).count() == 0
