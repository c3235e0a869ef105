"""Declare, take back, change, restore: what becomes of seats, people and messages."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.utils import timezone

from appointments import calls, closures, cuts, messages, outages, seats
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    Call,
    CapacityCut,
    OfficeEntry,
    Outage,
    Posting,
    Slot,
    TimelineEntry,
)
from notifications import fallback
from notifications.batches import cancel, pause
from notifications.models import Message
from tests.domain.builders import (
    at,
    declare_for_test,
    in_days,
    make_appointment,
    make_centre,
    make_officer,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
DAY = 3


@pytest.fixture
def officer():
    return make_officer()


@pytest.fixture
def centre():
    return make_centre()


@pytest.fixture
def full_day(centre):
    """Two slots of four seats, all taken."""
    slots = [make_slot(centre=centre, hour=hour, seats=4) for hour in (10, 12)]
    for slot in slots:
        for _ in range(4):
            make_appointment(slot)
    return slots


def cut(centre, seats_left, *, day=DAY, quota="normal"):
    return Cut(centre.pk, in_days(day), quota, seats_left)


def notices_leave():
    """What a worker does with the HOLD notices."""
    left = {"state": Message.State.ACCEPTED, "sent_at": timezone.now()}
    Message.objects.filter(kind="HOLD", state=Message.State.QUEUED).update(**left)


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


def states():
    return sorted(Appointment.objects.values_list("state", flat=True))


def test_spread_of_a_total_follows_the_seats_of_each_centre_and_quota(centre):
    small = make_centre("IDR")
    make_slot(centre=centre, seats=30)
    make_slot(centre=centre, seats=60, quota="tatkaal")
    make_slot(centre=small, seats=10)
    spread = cuts.spread_total(total_per_day=50, centres=[centre, small], dates=[in_days(DAY)])
    assert {(c.centre_id, c.quota): c.seats_left for c in spread} == {
        (centre.pk, "normal"): 15,
        (centre.pk, "tatkaal"): 30,
        (small.pk, "normal"): 5,
    }


def test_preview_shows_seats_people_and_who_is_too_many(centre, full_day):
    (row,) = cuts.preview([cut(centre, 3)])
    assert (row.seats, row.taken, row.seats_left, row.displaced) == (8, 8, 3, 5)


def test_declare_closes_seats_in_proportion_and_puts_people_in_doubt(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 3)])
    assert [Slot.objects.get(pk=s.pk).closed for s in full_day] == [2, 3]
    assert set(states()) == {"in_doubt"}
    assert TimelineEntry.objects.filter(event="in_doubt").count() == 8
    holds = Message.objects.filter(kind="HOLD", channel="sms")
    assert holds.count() == 8
    assert {m.next_attempt_at for m in holds} == {outage.grace_until}
    assert seats.check() == []


def test_declare_leaves_people_of_untouched_centres_alone(officer, centre, full_day):
    other = make_appointment(make_slot(centre=make_centre("IDR"), seats=1))
    declare_for_test(
        officer, [cut(centre, 0)], scope=Outage.Scope.CENTRES, region=None, centres=[centre]
    )
    other.refresh_from_db()
    assert other.state == Appointment.State.CONFIRMED


def test_declare_twice_with_the_same_key_declares_once(officer, centre, full_day):
    key = uuid.uuid4()
    first = declare_for_test(officer, [cut(centre, 0)], request_key=key)
    assert declare_for_test(officer, [cut(centre, 0)], request_key=key) == first
    assert OfficeEntry.objects.count() == 1
    assert Message.objects.filter(kind="HOLD", channel="sms").count() == 8


def test_declare_that_leaves_room_for_everyone_puts_nobody_in_doubt(officer, centre):
    slot = make_slot(centre=centre, seats=4)
    make_appointment(slot)
    declare_for_test(officer, [cut(centre, 2)])
    assert states() == ["confirmed"]
    slot.refresh_from_db()
    assert (slot.closed, slot.paused) == (2, True)


def test_declare_puts_those_not_seen_on_days_passed_in_doubt(officer, centre):
    passed = make_slot(centre=centre, day=in_days(-1))
    not_seen = make_appointment(passed)
    seen = make_appointment(passed, state=Appointment.State.COMPLETED)
    declare_for_test(officer, [cut(centre, 0)], since=at(in_days(-1), 0))
    not_seen.refresh_from_db()
    seen.refresh_from_db()
    assert (not_seen.state, seen.state) == ("in_doubt", "completed")
    assert seats.check() == []


@pytest.mark.parametrize("role", [Posting.Role.CENTRE, "elsewhere", "applicant"])
def test_declare_is_for_officers_who_steer_the_region(centre, full_day, role):
    if role == "applicant":
        by = make_appointment(make_slot(hour=16)).application.claimed_by or make_officer(
            is_staff=False
        )
    elif role == "elsewhere":
        by = make_officer(region=make_region("LKO-RPO"))
    else:
        by = make_officer(Posting.Role.CENTRE, centre=centre)
    with refused("not_permitted"):
        declare_for_test(by, [cut(centre, 0)])
    assert Outage.objects.count() == 0


def test_cut_outside_the_scope_negative_or_double_is_refused(officer, centre, full_day):
    other = make_centre("LKO", region=make_region("LKO-RPO"))
    for wrong in ([cut(other, 1)], [cut(centre, -1)], [cut(centre, 1), cut(centre, 2)]):
        with refused("cut_invalid"):
            declare_for_test(officer, wrong)
    assert Outage.objects.count() == 0


def test_expected_end_before_the_beginning_is_refused(officer, centre, full_day):
    long_ago = timezone.now() - dt.timedelta(days=2)
    with refused("outage_ends_before_it_began"):
        declare_for_test(officer, [cut(centre, 0)], expected_until=long_ago)
    outage = declare_for_test(officer, [cut(centre, 0)])
    with refused("outage_ends_before_it_began"):
        outages.change_cut(
            outage_id=outage.pk, cuts=[cut(centre, 1)], by=officer, expected_until=long_ago
        )


def test_scope_without_a_centre_is_refused(officer):
    with refused("scope_empty"):
        declare_for_test(officer, [], scope=Outage.Scope.CENTRES, region=None, centres=[])


def test_send_notices_now_ends_the_grace_once(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    for _ in range(2):
        outage = outages.send_notices_now(outage_id=outage.pk, by=officer)
    assert outage.grace_until <= timezone.now()
    assert Message.objects.filter(kind="HOLD", next_attempt_at__lte=timezone.now()).count() == 8
    assert outage.log.filter(event="notices_sent").count() == 1


@pytest.mark.parametrize(
    ("decide", "code"), [(pause, "notices_paused"), (cancel, "notices_taken_back")]
)
def test_notices_that_cannot_leave_do_not_end_the_grace(officer, centre, full_day, decide, code):
    outage = declare_for_test(officer, [cut(centre, 0)])
    decide(batch=f"hold:{outage.pk}", by="officer 1", reason="Wait")
    with refused(code):
        outages.send_notices_now(outage_id=outage.pk, by=officer)
    assert not Message.objects.filter(next_attempt_at__lte=timezone.now()).exists()
    outages.take_back(outage_id=outage.pk, by=officer)
    assert set(states()) == {"confirmed"}


def test_take_back_within_the_grace_leaves_everything_as_before(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.take_back(outage_id=outage.pk, by=officer)
    assert set(states()) == {"confirmed"}
    assert set(Message.objects.values_list("state", flat=True)) == {"cancelled"}
    assert not Slot.objects.filter(closed__gt=0).exists()
    assert not Slot.objects.filter(paused=True).exists()
    assert seats.check() == []


def test_take_back_after_the_grace_is_refused(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.send_notices_now(outage_id=outage.pk, by=officer)
    with refused("outage_grace_over"):
        outages.take_back(outage_id=outage.pk, by=officer)


def test_change_cut_adds_days_and_tells_the_newly_doubtful_only(officer, centre, full_day):
    next_day = make_slot(centre=centre, day=in_days(DAY + 1), seats=2)
    make_appointment(next_day)
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.change_cut(
        outage_id=outage.pk, cuts=[cut(centre, 0), cut(centre, 0, day=DAY + 1)], by=officer
    )
    assert Message.objects.filter(kind="HOLD", channel="sms").count() == 9
    assert states().count("in_doubt") == 9
    assert seats.check() == []


def test_change_cut_gives_seats_back_and_tells_that_they_stand(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.send_notices_now(outage_id=outage.pk, by=officer)
    notices_leave()
    outages.change_cut(outage_id=outage.pk, cuts=[], by=officer)
    assert set(states()) == {"confirmed"}
    assert Message.objects.filter(kind="STANDS", channel="sms").count() == 8
    assert CapacityCut.objects.get().seats_left == 8
    assert seats.check() == []


def test_change_cut_within_the_grace_takes_back_notices_that_would_be_wrong(
    officer, centre, full_day
):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.change_cut(outage_id=outage.pk, cuts=[], by=officer)
    assert set(states()) == {"confirmed"}
    assert set(Message.objects.values_list("kind", "state")) == {("HOLD", "cancelled")}


def test_restore_lifts_this_outages_closures_only(officer, centre, full_day):
    first = declare_for_test(officer, [cut(centre, 2)])
    declare_for_test(officer, [cut(centre, 6)])
    assert sum(Slot.objects.values_list("closed", flat=True)) == 8
    outages.restore(outage_id=first.pk, by=officer)
    assert sum(Slot.objects.values_list("closed", flat=True)) == 2
    assert set(states()) == {"in_doubt"}
    assert seats.check() == []


def test_restore_tells_people_in_doubt_that_they_stand(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.send_notices_now(outage_id=outage.pk, by=officer)
    notices_leave()
    for _ in range(2):
        outages.restore(outage_id=outage.pk, by=officer)
    assert set(states()) == {"confirmed"}
    assert Message.objects.filter(kind="STANDS", channel="sms").count() == 8
    assert not Slot.objects.filter(paused=True).exists()


def test_taking_one_of_two_outages_back_leaves_the_other_to_tell_its_people(
    officer, centre, full_day
):
    first = declare_for_test(officer, [cut(centre, 0)])
    declare_for_test(officer, [cut(centre, 0)])
    outages.take_back(outage_id=first.pk, by=officer)
    assert set(states()) == {"in_doubt"}
    assert Message.objects.filter(kind="HOLD", channel="sms", state="queued").count() == 8


def test_who_heard_of_the_doubt_hears_its_end_from_whichever_outage_ends_last(
    officer, centre, full_day
):
    first = declare_for_test(officer, [cut(centre, 0)])
    notices_leave()
    second = declare_for_test(officer, [cut(centre, 0)])
    outages.restore(outage_id=first.pk, by=officer)
    outages.take_back(outage_id=second.pk, by=officer)
    assert set(states()) == {"confirmed"}
    assert Message.objects.filter(kind="STANDS", channel="sms").count() == 8


def test_restore_before_anybody_was_told_tells_nobody(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.restore(outage_id=outage.pk, by=officer)
    assert not Message.objects.exclude(state="cancelled").exists()


def test_who_was_told_of_the_doubt_by_phone_hears_that_it_stands(officer):
    """No SMS brought it; an officer called, and said: do not travel until you hear from us."""
    person = make_appointment(make_slot(seats=1))
    outage = declare_for_test(officer, [cut(person.slot.centre, 0)])
    Message.objects.update(state="failed", error="no such number")
    later = timezone.now() + dt.timedelta(hours=1)
    fallback.follow_up(later)
    with time_machine.travel(later):
        calls.claim_call(appointment_id=person.pk, by=officer)
        calls.record_call(
            appointment_id=person.pk, key=uuid.uuid4(), outcome=Call.Outcome.REACHED, by=officer
        )
        outages.restore(outage_id=outage.pk, by=officer)
    assert Message.objects.filter(kind="STANDS").count() == 1


@pytest.mark.parametrize("state", ["failed", "unknown", "expired"])
def test_who_may_have_read_of_the_doubt_hears_that_it_stands(officer, centre, full_day, state):
    """The notice did not arrive; the page showed it to whoever signed in."""
    outage = declare_for_test(officer, [cut(centre, 0)])
    Message.objects.filter(kind="HOLD").update(state=state)
    outages.restore(outage_id=outage.pk, by=officer)
    assert Message.objects.filter(kind="STANDS", channel="sms").count() == 8


def test_so_do_those_whose_failed_notice_an_officer_was_about_to_send_again(
    officer, centre, full_day
):
    outage = declare_for_test(officer, [cut(centre, 0)])
    Message.objects.update(state="failed", error="no such number")
    fallback.follow_up(timezone.now())
    Message.objects.update(state="queued")
    outages.restore(outage_id=outage.pk, by=officer)
    assert set(Message.objects.values_list("kind", "state")) == {
        ("HOLD", "cancelled"),
        ("STANDS", "queued"),
    }


def test_so_do_those_whose_notice_may_have_left_and_was_to_be_repeated(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    Message.objects.update(repeated=True)
    outages.restore(outage_id=outage.pk, by=officer)
    assert Message.objects.filter(kind="STANDS", state="queued").count() == 8


def test_who_was_not_told_that_it_stands_has_still_to_hear_it(officer, centre, full_day):
    """Only of the doubt is it enough that somebody tried to tell them."""
    declare_for_test(officer, [cut(centre, 0)])
    notices_leave()
    people = list(Appointment.objects.with_people())
    news = messages.stands(
        people, outage=Outage.objects.get(), key="a", batch="", send_after=timezone.now()
    )
    messages.tell(news, now=timezone.now())
    Message.objects.filter(kind="STANDS").update(state="failed")
    assert len(messages.in_the_dark(people)) == 8


def test_restore_puts_those_whose_day_has_passed_on_the_waiting_list(officer, centre):
    appointment = make_appointment(make_slot(centre=centre, day=in_days(-1)))
    outage = declare_for_test(officer, [], since=at(in_days(-1), 0))
    outages.restore(outage_id=outage.pk, by=officer)
    appointment.refresh_from_db()
    assert (appointment.state, appointment.slot) == ("waiting", None)
    assert Message.objects.filter(kind="NO_SEAT", channel="sms").count() == 1
    assert seats.check() == []


def test_verbs_on_an_ended_outage_are_refused(officer, centre, full_day):
    outage = declare_for_test(officer, [cut(centre, 0)])
    outages.restore(outage_id=outage.pk, by=officer)
    with refused("outage_not_open"):
        outages.send_notices_now(outage_id=outage.pk, by=officer)
    with refused("outage_not_open"):
        outages.change_cut(outage_id=outage.pk, cuts=[], by=officer)


def test_slot_opened_during_a_cut_gets_the_rest_of_its_seats_only(officer, centre):
    first = make_slot(centre=centre, hour=10, seats=4)
    declare_for_test(officer, [cut(centre, 5)])
    second = make_slot(centre=centre, hour=12, seats=4)
    closures.close_new_slots(slot_ids=[second.pk])
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.closed, second.closed, second.paused) == (0, 3, True)
    assert seats.check() == []


def test_people_without_contact_get_no_message_but_are_in_doubt(officer, centre):
    slot = make_slot(centre=centre)
    appointment = make_appointment(slot)
    appointment.application.phone = ""
    appointment.application.save()
    declare_for_test(officer, [cut(centre, 0)])
    appointment.refresh_from_db()
    assert appointment.state == Appointment.State.IN_DOUBT
    assert Message.objects.count() == 0


def test_hold_message_may_ring_at_night_only_close_to_the_visit(officer, centre, full_day):
    declare_for_test(officer, [cut(centre, 0)])
    message = Message.objects.filter(kind="HOLD").order_by("quiet_ok_from").first()
    assert message.quiet_ok_from == full_day[0].starts_at - dt.timedelta(hours=18)


def test_declare_costs_the_same_queries_for_few_and_many(
    officer, centre, full_day, django_assert_max_num_queries
):
    with django_assert_max_num_queries(60):
        declare_for_test(officer, [cut(centre, 0)])
