"""The line for a seat: joining, the order, offers, and what each answer leaves behind."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments import availability, booking, offers, outages, plans, seats, slots, waiting_list
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    Hold,
    Offer,
    Quota,
    Slot,
    SlotTemplate,
)
from notifications.models import Message
from tests.domain.builders import (
    approved_plan,
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_moved,
    make_officer,
    make_person,
    make_region,
    make_slot,
    make_waiting,
)
from tests.storm.invariants import findings

pytestmark = pytest.mark.django_db
NOON = at(dt.date(2026, 6, 1), 12)  # a Monday


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def ledger(db):
    """After every test the counters are what the rows say, and each offer has its hold."""
    yield
    assert seats.check() == []
    held = {
        (hold.application_id, hold.slot_id, hold.purpose)
        for hold in Hold.objects.filter(purpose__in=Offer.SEAT_KINDS)
    }
    asked = {
        (offer.appointment.application_id, offer.new_slot_id, offer.kind)
        for offer in Offer.objects.filter(state="open", kind__in=Offer.SEAT_KINDS)
    }
    assert held == asked


def refused(code):
    return pytest.raises(Refusal, check=lambda refusal: refusal.code == code)


def offer_now():
    return waiting_list.offer_seats(now=timezone.now())


def open_offer(appointment):
    return Offer.objects.get(appointment=appointment, state="open")


def asked():
    """Whom an open offer asks, in the order of asking."""
    found = Offer.objects.filter(state="open").order_by("pk")
    return list(found.values_list("appointment", flat=True))


def events(appointment):
    return list(appointment.timeline.values_list("event", flat=True))


def mine(**fields):
    """A person, their application, and the place on the waiting list that an outage gave them."""
    person = make_person()
    application = make_application(claimed_by=person)
    return person, make_waiting(application=application, **fields)


# --- Joining ------------------------------------------------------------------------------------


class TestJoin:
    def test_join_waits_without_a_seat_and_says_so_in_the_timeline(self):
        person = make_person()
        application = make_application(claimed_by=person)
        joined = waiting_list.join(application=application, by=person)
        assert (joined.state, joined.slot, joined.joined_waiting) == ("waiting", None, True)
        assert joined.waiting_since == NOON
        assert events(joined) == ["joined"]
        assert application.visit_attempts.count() == 0

    def test_join_again_is_the_same_place(self):
        person = make_person()
        application = make_application(claimed_by=person)
        first = waiting_list.join(application=application, by=person)
        assert waiting_list.join(application=application, by=person) == first
        assert events(first) == ["joined"]

    def test_join_for_somebody_else_is_refused(self):
        with refused("not_yours"):
            waiting_list.join(application=make_application(), by=make_person())

    def test_join_with_an_appointment_is_refused(self):
        person = make_person()
        application = make_application(claimed_by=person)
        make_appointment(application=application)
        with refused("already_booked"):
            waiting_list.join(application=application, by=person)

    def test_join_after_the_visit_is_refused(self):
        person = make_person()
        application = make_application(claimed_by=person)
        make_appointment(make_slot(day=in_days(-3)), application=application, state="completed")
        seats.recount()
        with refused("visit_done"):
            waiting_list.join(application=application, by=person)

    def test_join_without_an_attempt_left_is_refused(self):
        person = make_person()
        application = make_application(claimed_by=person)
        for day in range(3):
            application.visit_attempts.create(date=in_days(day), chosen_at=NOON)
        with refused("no_attempts_left"):
            waiting_list.join(application=application, by=person)

    def test_a_date_found_for_who_joined_uses_an_attempt(self):
        person = make_person()
        application = make_application(claimed_by=person)
        joined = waiting_list.join(application=application, by=person)
        make_slot()
        offer_now()
        offers.accept(offer_id=open_offer(joined).pk, by=person)
        joined.refresh_from_db()
        assert (joined.state, joined.joined_waiting) == ("confirmed", False)
        assert booking.attempts_left(application, NOON) == 2

    def test_a_date_found_for_whom_an_outage_put_there_uses_none(self):
        person, waiting = mine()
        make_slot()
        offer_now()
        offers.accept(offer_id=open_offer(waiting).pk, by=person)
        assert booking.attempts_left(waiting.application, NOON) == 3

    def test_a_time_that_who_joined_chooses_uses_an_attempt(self):
        person = make_person()
        application = make_application(claimed_by=person)
        waiting_list.join(application=application, by=person)
        hold = booking.hold_seat(application=application, slot_id=make_slot().pk, by=person)
        booking.confirm(hold_id=hold.pk, by=person)
        assert booking.attempts_left(application, NOON) == 2

    def test_leaving_keeps_nothing(self):
        person = make_person()
        application = make_application(claimed_by=person)
        joined = waiting_list.join(application=application, by=person)
        booking.cancel(appointment_id=joined.pk, by=person)
        joined.refresh_from_db()
        assert joined.state == "cancelled"
        again = waiting_list.join(application=application, by=person)
        assert again != joined


# --- Order --------------------------------------------------------------------------------------


def numbers(*appointments):
    found = waiting_list.places(appointments, timezone.now())
    return [(found[a.pk].number, found[a.pk].of) for a in appointments]


class TestPlace:
    def test_tiers_go_before_everything_else(self):
        rest = make_waiting(days=9, first_in_line=True)
        senior = make_waiting(application=make_application(date_of_birth=dt.date(1950, 1, 1)))
        urgent = make_waiting(
            application=make_application(travel_date=in_days(20), travel_proof_accepted=True)
        )
        assert numbers(urgent, senior, rest) == [(1, 3), (2, 3), (3, 3)]

    def test_a_family_waits_where_its_first_member_does(self):
        family = uuid.uuid4()
        other = make_waiting(days=9)
        child = make_application(date_of_birth=dt.date(2020, 1, 1), family=family)
        parent = make_waiting(application=make_application(family=family), days=3)
        make_waiting(application=child)
        assert numbers(parent, other) == [(1, 3), (3, 3)]

    def test_within_a_tier_first_in_line_then_by_outage_then_joined_then_longest(self):
        joined = make_waiting(days=30, joined_waiting=True)
        later = make_waiting(days=2)
        promised = make_waiting(days=1, original_date=in_days(-9))
        silent = make_waiting(days=1, first_in_line=True)
        order = numbers(silent, promised, later, joined)
        assert [number for number, _of in order] == [1, 2, 3, 4]

    def test_tatkaal_counts_for_normal_seats_but_not_the_other_way(self):
        normal = make_waiting()
        tatkaal = make_waiting(application=make_application(service="tatkaal"))
        make_waiting(application=make_application(service="pcc"))
        assert numbers(normal, tatkaal) == [(2, 2), (1, 1)]

    def test_other_regions_do_not_count(self):
        here = make_waiting()
        far = make_centre("XYZ", region=make_region("OTHER"))
        make_waiting(application=make_application(centre=far))
        assert numbers(here) == [(1, 1)]

    def test_who_has_a_seat_has_no_place(self):
        assert waiting_list.place(make_appointment(), NOON) is None

    def test_line_is_worked_out_once_for_all_who_look_within_a_minute(self):
        first, second = make_waiting(days=2), make_waiting(days=1)
        assert numbers(second) == [(2, 2)]
        with CaptureQueriesContext(connection) as queries:
            assert numbers(first) == [(1, 2)]
        assert len(queries) == 0

    def test_who_has_just_joined_has_a_place_at_once(self):
        first = make_waiting(days=2)
        assert numbers(first) == [(1, 1)]
        joined = make_waiting(days=1, joined_waiting=True)
        assert numbers(joined, first) == [(2, 2), (1, 2)]

    def test_line_needs_no_cache(self, monkeypatch):
        waiting = make_waiting()

        def away(*args, **kwargs):
            raise ConnectionError

        monkeypatch.setattr("appointments.kept.cache.get", away)
        monkeypatch.setattr("appointments.kept.cache.set", away)
        assert numbers(waiting) == [(1, 1)]

    def test_who_let_three_offers_pass_waits_behind_the_others(self, clock):
        quiet, other = make_waiting(days=9), make_waiting(days=1)
        for number in range(3):
            slot = make_slot(day=in_days(3 + number), hour=9 + number, seats=1)
            Offer.objects.create(
                appointment=quiet,
                kind="waiting",
                state="released",
                new_slot=slot,
                token_hash=str(number),
                live_at=NOON,
                deadline=NOON + dt.timedelta(days=1),
                created_at=NOON,
                ended_at=NOON + dt.timedelta(days=1),
            )
        assert numbers(other, quiet) == [(1, 2), (2, 2)]

    def test_queries_do_not_grow_with_the_line(self, django_assert_num_queries):
        first = [make_waiting()]
        with django_assert_num_queries(2):
            numbers(*first)
        many = [make_waiting() for _ in range(8)]
        with django_assert_num_queries(2):
            numbers(*many)


# --- Offers to those who wait -------------------------------------------------------------------


class TestSeatFound:
    def test_the_first_in_line_is_asked_and_told(self):
        second, first = make_waiting(days=1), make_waiting(days=2)
        slot = make_slot(seats=1)
        assert offer_now() == 1
        offer = open_offer(first)
        assert (offer.kind, offer.new_slot, offer.old_slot) == ("waiting", slot, None)
        hold = Hold.objects.get()
        assert (hold.purpose, hold.slot, hold.expires_at) == ("waiting", slot, offer.deadline)
        slot.refresh_from_db()
        assert slot.taken == 1
        message = Message.objects.get(channel="sms")
        assert message.kind == "SEAT_FOUND"
        assert offers.find(message.values["url"].rpartition("/")[2], now=NOON) == offer
        assert events(first) == ["offered"]
        assert events(second) == []

    def test_again_asks_nobody_twice(self):
        make_waiting()
        make_slot(seats=5)
        assert [offer_now(), offer_now()] == [1, 0]

    def test_each_gets_the_soonest_day_then_the_nearest_centre(self):
        near = make_centre("NEA", lat=23.5, lon=77.43)
        make_slot(centre=make_centre("FAR", lat=26.2, lon=78.2), day=in_days(2))
        soon = make_slot(centre=near, day=in_days(3), seats=1)
        own = make_slot(day=in_days(3), hour=15, seats=1)
        later = make_slot(day=in_days(6), seats=1)
        people = [make_waiting(days=9 - number) for number in range(4)]
        assert offer_now() == 3
        found = [open_offer(a).new_slot for a in people[:3]]
        assert found == [own, soon, later]

    def test_only_seats_of_the_right_quota_region_and_before_the_journey(self):
        make_slot(quota=Quota.TATKAAL)
        make_slot(centre=make_centre("XYZ", region=make_region("OTHER")))
        make_slot(day=in_days(8))
        travels = make_application(travel_date=in_days(8))
        make_waiting(application=travels)
        assert offer_now() == 0

    def test_tatkaal_takes_its_own_quota_first_and_normal_too(self):
        people = [
            make_waiting(application=make_application(service="tatkaal"), days=9 - number)
            for number in range(2)
        ]
        normal, own = make_slot(seats=1), make_slot(quota=Quota.TATKAAL, hour=16, seats=1)
        offer_now()
        assert [open_offer(a).new_slot for a in people] == [own, normal]

    def test_nothing_too_soon_paused_or_full(self):
        make_waiting()
        make_slot(day=in_days(0), hour=16)
        paused = make_slot()
        Slot.objects.filter(pk=paused.pk).update(paused=True)
        make_appointment(make_slot(hour=12, seats=1))
        assert offer_now() == 0

    def test_nobody_is_asked_while_a_plan_may_be_undone(self):
        first, second = make_officer(), make_officer("approver")
        full = make_slot(seats=1)
        make_appointment(full)
        outage = declare_for_test(first, [Cut(make_centre().pk, full.date, "normal", 0)])
        plan = approved_plan(outage, by=first, second=second)
        plan = plans.apply(plan_id=plan.pk, by=second)
        waiting = Appointment.objects.get(state="waiting")
        free = make_slot(day=in_days(9))
        assert offer_now() == 0
        plans.undo(plan_id=plan.pk, by=first)
        waiting.refresh_from_db()
        assert waiting.state == "in_doubt"
        assert free.taken == 0

    def test_after_the_grace_those_left_without_a_seat_are_asked(self, clock):
        first, second = make_officer(), make_officer("approver")
        full = make_slot(seats=1)
        make_appointment(full)
        outage = declare_for_test(first, [Cut(make_centre().pk, full.date, "normal", 0)])
        plan = approved_plan(outage, by=first, second=second)
        plans.apply(plan_id=plan.pk, by=second)
        make_slot(day=in_days(9))
        clock.shift(dt.timedelta(minutes=11))
        plans.settle(now=timezone.now())
        assert offer_now() == 1


class TestBeforeThePublic:
    def public(self, slot):
        """Somebody who comes along and wants this slot."""
        person = make_person()
        application = make_application(claimed_by=person)
        return booking.hold_seat(application=application, slot_id=slot.pk, by=person)

    def cancel_one(self, slot):
        person = make_person()
        taken = make_appointment(slot, application=make_application(claimed_by=person))
        return lambda: booking.cancel(appointment_id=taken.pk, by=person)

    def test_a_freed_seat_goes_to_the_line_though_the_public_asks_first(self):
        waiting = make_waiting()
        slot = make_slot(seats=1)
        self.cancel_one(slot)()
        with refused("slot_full"):
            self.public(slot)
        assert not availability.bookable(NOON).exists()
        offer_now()
        assert open_offer(waiting).new_slot == slot

    def test_what_nobody_in_line_takes_is_the_publics_after_the_minute(self):
        make_waiting(application=make_application(travel_date=in_days(2)))
        slot = make_slot(seats=1)
        self.cancel_one(slot)()
        offer_now()
        assert self.public(slot)

    def test_if_the_clock_stands_still_the_public_gets_it_after_two_minutes(self, clock):
        make_waiting()
        slot = make_slot(seats=1)
        self.cancel_one(slot)()
        clock.shift(seats.FIRST_REFUSAL)
        assert self.public(slot)

    def test_with_nobody_in_line_the_public_gets_it_at_once(self):
        make_waiting(application=make_application(service="pcc"))
        slot = make_slot(seats=1)
        self.cancel_one(slot)()
        assert self.public(slot)

    def test_a_seat_that_somebody_only_looked_at_stays_the_publics(self, clock):
        slot = make_slot(seats=1)
        hold = self.public(slot)
        make_waiting(application=make_application(travel_date=in_days(2)))
        booking.release_hold(hold_id=hold.pk, by=hold.application.claimed_by)
        assert self.public(slot)
        clock.shift(dt.timedelta(minutes=11))
        booking.expire_holds(now=timezone.now())
        assert self.public(slot)

    def test_new_days_are_offered_to_the_line_first(self, settings):
        settings.HORIZON_WORKING_DAYS = 2
        waiting = make_waiting()
        SlotTemplate.objects.create(centre=make_centre(), quota="normal", start="14:00", seats=1)
        slots.open_slots(now=timezone.now())
        assert not availability.bookable(NOON).exists()
        offer_now()
        assert open_offer(waiting)
        assert availability.bookable(NOON).exists()

    def test_restored_seats_are_offered_to_the_line_first(self):
        officer, slot = make_officer(), make_slot(seats=2)
        outage = declare_for_test(officer, [Cut(make_centre().pk, slot.date, "normal", 0)])
        waiting = make_waiting()
        assert offer_now() == 0
        outages.restore(outage_id=outage.pk, by=officer)
        with refused("slot_full"):
            self.public(slot)
        offer_now()
        assert open_offer(waiting).new_slot == slot


# --- Answers ------------------------------------------------------------------------------------


class TestAnswers:
    def test_accepting_takes_the_seat_counted_once(self):
        person, waiting = mine()
        slot = make_slot(seats=1)
        offer_now()
        done = offers.accept(offer_id=open_offer(waiting).pk, by=person)
        assert done.state == "accepted"
        waiting.refresh_from_db()
        assert (waiting.state, waiting.slot) == ("confirmed", slot)
        slot.refresh_from_db()
        assert slot.taken == 1
        assert Message.objects.filter(kind="CONFIRMED", channel="sms").count() == 1
        assert events(waiting) == ["offered", "accepted"]
        assert offers.accept(offer_id=done.pk, by=person).state == "accepted"
        assert offers.decline(offer_id=done.pk, by=person).state == "accepted"

    def test_no_thanks_frees_the_seat_for_the_next_and_keeps_the_place(self):
        person, waiting = mine(days=9)
        following = make_waiting(days=1)
        slot = make_slot(seats=1)
        offer_now()
        offer = open_offer(waiting)
        assert offers.decline(offer_id=offer.pk, by=person).state == "declined"
        assert offers.decline(offer_id=offer.pk, by=None).state == "declined"
        waiting.refresh_from_db()
        assert waiting.state == "waiting"
        assert numbers(waiting) == [(1, 2)]
        assert events(waiting) == ["offered", "declined"]
        offer_now()
        assert open_offer(following).new_slot == slot

    def test_silence_frees_the_seat_for_the_next_and_keeps_the_place(self, clock):
        waiting, following = make_waiting(days=9), make_waiting(days=1)
        slot = make_slot(day=in_days(9), seats=1)
        offer_now()
        clock.move_to(open_offer(waiting).deadline)
        booking.expire_holds(now=timezone.now())  # ends no offer's hold
        assert offers.close_silent(now=timezone.now()) == 1
        assert waiting.offers.get().state == "released"
        waiting.refresh_from_db()
        assert (waiting.state, events(waiting)) == ("waiting", ["offered", "unanswered"])
        offer_now()
        assert open_offer(following).new_slot == slot

    def test_nobody_is_asked_again_about_a_day_they_refused(self):
        person, waiting = mine()
        make_slot(seats=1)
        make_slot(hour=15, seats=1)
        offer_now()
        offers.decline(offer_id=open_offer(waiting).pk, by=person)
        assert offer_now() == 0
        other = make_slot(day=in_days(5))
        offer_now()
        assert open_offer(waiting).new_slot == other

    def test_give_up_leaves_the_line_and_frees_the_seat(self):
        person, waiting = mine()
        slot = make_slot(seats=1)
        offer_now()
        assert offers.give_up(offer_id=open_offer(waiting).pk, by=person).state == "given_up"
        waiting.refresh_from_db()
        slot.refresh_from_db()
        assert (waiting.state, slot.taken) == ("cancelled", 0)

    def test_leaving_the_list_withdraws_the_offer(self):
        person, waiting = mine()
        make_slot(seats=1)
        offer_now()
        booking.cancel(appointment_id=waiting.pk, by=person)
        assert waiting.offers.get().state == "withdrawn"

    def test_choosing_another_time_oneself_ends_the_offer(self):
        person, waiting = mine()
        make_slot(seats=1)
        offer_now()
        other = make_slot(day=in_days(5))
        hold = booking.hold_seat(application=waiting.application, slot_id=other.pk, by=person)
        booking.confirm(hold_id=hold.pk, by=person)
        waiting.refresh_from_db()
        assert (waiting.slot, waiting.offers.get().state) == (other, "changed")

    def test_the_hold_of_an_offer_is_no_hold_to_confirm_or_release(self):
        person, _waiting = mine()
        make_slot(seats=1)
        offer_now()
        hold = Hold.objects.get()
        with refused("hold_expired"):
            booking.confirm(hold_id=hold.pk, by=person)
        booking.release_hold(hold_id=hold.pk, by=person)
        assert Hold.objects.filter(pk=hold.pk).exists()

    def test_a_stranger_answers_nothing(self):
        _person, waiting = mine()
        make_slot(seats=1)
        offer_now()
        for verb in (offers.accept, offers.decline, offers.give_up):
            with refused("not_yours"):
                verb(offer_id=open_offer(waiting).pk, by=make_person())

    def test_a_seat_that_has_begun_cannot_be_taken(self, clock):
        person, waiting = mine()
        slot = make_slot(seats=1)
        offer_now()
        clock.move_to(slot.starts_at)
        with refused("slot_too_soon"):
            offers.accept(offer_id=open_offer(waiting).pk, by=person)

    def test_a_plans_new_time_cannot_be_declined(self):
        slot = make_slot()
        moved = Offer.objects.create(
            appointment=make_appointment(slot),
            kind="moved",
            new_slot=slot,
            token_hash="x",
            live_at=NOON,
            deadline=NOON + dt.timedelta(days=1),
            created_at=NOON,
        )
        with refused("offer_needs_another_answer"):
            offers.decline(offer_id=moved.pk, by=None)


# --- Earlier seats ------------------------------------------------------------------------------


def free_one(slot):
    """Somebody cancels here: the one seat of the slot comes free."""
    person = make_person()
    gone = make_appointment(slot, application=make_application(claimed_by=person))
    booking.cancel(appointment_id=gone.pk, by=person)


class TestEarlier:
    def test_those_moved_furthest_are_asked_first(self):
        near = make_moved(make_slot(day=in_days(12), seats=1), days=8)
        far = make_moved(make_slot(day=in_days(13), seats=1), days=11)
        early = make_slot(day=in_days(5), seats=1)
        free_one(early)
        assert offer_now() == 1
        offer = open_offer(far)
        assert (offer.kind, offer.new_slot, offer.old_slot) == ("earlier", early, far.slot)
        assert (
            Message.objects.get(kind="EARLIER", channel="sms").reference == f"appointment:{far.pk}"
        )
        assert not near.offers.exists()

    def test_taking_it_moves_frees_the_old_seat_and_costs_nothing(self):
        person = make_person()
        application = make_application(claimed_by=person)
        old, early = make_slot(day=in_days(13), seats=1), make_slot(day=in_days(5), seats=1)
        moved = make_moved(old, days=11, application=application)
        free_one(early)
        offer_now()
        offers.accept(offer_id=open_offer(moved).pk, by=None)
        moved.refresh_from_db()
        assert (moved.slot, moved.state, moved.original_date) == (early, "confirmed", in_days(2))
        assert booking.attempts_left(application, NOON) == 3
        old.refresh_from_db()
        assert old.taken == 0
        assert events(moved) == ["offered", "accepted"]

    @pytest.mark.parametrize("answer", ["decline", "silence"])
    def test_no_thanks_and_silence_change_nothing_else(self, clock, answer):
        old, early = make_slot(day=in_days(13), seats=1), make_slot(day=in_days(8), seats=1)
        moved = make_moved(old, days=11)
        free_one(early)
        offer_now()
        offer = open_offer(moved)
        if answer == "decline":
            offers.decline(offer_id=offer.pk, by=None)
        else:
            clock.move_to(offer.deadline)
            offers.close_silent(now=timezone.now())
        moved.refresh_from_db()
        early.refresh_from_db()
        assert (moved.slot, moved.state, early.taken) == (old, "confirmed", 0)
        assert moved.offers.get().state == {"decline": "declined", "silence": "released"}[answer]

    @pytest.mark.parametrize(
        ("day", "why"),
        [(12, "only one day earlier"), (1, "before the date first promised"), (13, "the same day")],
    )
    def test_not_every_seat_is_worth_a_question(self, day, why):
        make_moved(make_slot(day=in_days(13), seats=1), days=11)
        free_one(make_slot(day=in_days(day), hour=16, seats=1))
        assert offer_now() == 0, why

    def test_only_at_the_own_centre_or_the_present_one(self):
        near = make_centre("NEA", lat=23.5, lon=77.43)
        make_moved(make_slot(day=in_days(13), seats=1), days=11)
        free_one(make_slot(centre=near, day=in_days(5), seats=1))
        assert offer_now() == 0

    def test_seats_that_the_public_has_had_are_not_offered(self):
        make_moved(make_slot(day=in_days(13), seats=1), days=11)
        make_slot(day=in_days(5))
        assert offer_now() == 0

    def test_who_was_not_moved_or_has_muted_is_not_asked(self, monkeypatch):
        make_appointment(make_slot(day=in_days(12), seats=1))
        make_moved(make_slot(day=in_days(13), seats=1), days=11)
        monkeypatch.setattr(waiting_list, "wants_earlier", lambda application: False)
        free_one(make_slot(day=in_days(5), seats=1))
        assert offer_now() == 0

    def test_the_muted_are_asked_by_the_account_alone(self):
        person = make_person()
        application = make_application(claimed_by=person)
        assert waiting_list.wants_earlier(make_application())
        person.earlier_seats = False
        assert not waiting_list.wants_earlier(application)

    def test_those_who_wait_go_first_in_their_tier_and_tiers_first_of_all(self):
        moved = make_moved(make_slot(day=in_days(13), seats=1), days=11)
        waiting = make_waiting()
        child = make_moved(
            make_slot(day=in_days(14), seats=1),
            days=11,
            application=make_application(date_of_birth=dt.date(2020, 1, 1)),
        )
        for hour in (10, 12, 15):
            free_one(make_slot(day=in_days(5), hour=hour, seats=1))
        assert offer_now() == 3
        assert asked() == [child.pk, waiting.pk, moved.pk]

    def test_so_many_open_at_once_and_no_more(self, settings):
        settings.EARLIER_SEATS_OPEN = 1
        for hour in (10, 12):
            make_moved(make_slot(day=in_days(13), hour=hour, seats=1), days=11)
            free_one(make_slot(day=in_days(5), hour=hour, seats=1))
        assert [offer_now(), offer_now()] == [1, 0]

    def test_one_is_asked_three_times_and_then_left_in_peace(self):
        moved = make_moved(make_slot(day=in_days(13), seats=1), days=11)
        for day in (5, 6, 7, 8):
            free_one(make_slot(day=in_days(day), seats=1))
            offer_now()
            for offer in moved.offers.filter(state="open"):
                offers.decline(offer_id=offer.pk, by=None)
        assert moved.offers.count() == waiting_list.EARLIER_OFFERS_EACH

    def test_an_own_change_ends_the_offer_and_uses_an_attempt(self):
        person = make_person()
        application = make_application(claimed_by=person)
        moved = make_moved(make_slot(day=in_days(13), seats=1), days=11, application=application)
        free_one(make_slot(day=in_days(5), seats=1))
        offer_now()
        hold = booking.hold_seat(
            application=application, slot_id=make_slot(day=in_days(20)).pk, by=person
        )
        booking.confirm(hold_id=hold.pk, by=person)
        assert moved.offers.get().state == "changed"
        assert booking.attempts_left(application, NOON) == 2

    def test_cancelling_frees_both_seats(self):
        person = make_person()
        application = make_application(claimed_by=person)
        moved = make_moved(make_slot(day=in_days(13), seats=1), days=11, application=application)
        free_one(make_slot(day=in_days(5), seats=1))
        offer_now()
        booking.cancel(appointment_id=moved.pk, by=person)
        assert set(Slot.objects.values_list("taken", flat=True)) == {0}


# --- An outage while a seat is on offer ---------------------------------------------------------


class TestOutage:
    def cut(self, slot, left=0):
        declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", left)])

    def test_the_offered_seat_closes(self):
        waiting = make_waiting()
        slot = make_slot(seats=2)
        make_appointment(slot)
        offer_now()
        self.cut(slot, left=1)
        slot.refresh_from_db()
        # The seat on offer goes first: nobody who sits there is in doubt.
        assert (slot.taken, slot.closed) == (1, 1)
        assert slot.appointments.get().state == "confirmed"
        assert waiting.offers.get().state == "withdrawn"
        assert events(waiting) == ["offered", "withdrawn"]
        assert not Message.objects.filter(kind="SEAT_FOUND", state="queued").exists()

    def test_many_offered_seats_that_close_cost_as_many_queries_as_one(self):
        def cost(people, day):
            slot = make_slot(day=in_days(day), seats=people)
            waiting = [make_waiting() for _ in range(people)]
            offer_now()
            assert {offer.new_slot for offer in map(open_offer, waiting)} == {slot}
            with CaptureQueriesContext(connection) as queries:
                self.cut(slot)
            Appointment.objects.filter(pk__in=[each.pk for each in waiting]).update(
                state="cancelled"
            )
            return len(queries)

        assert cost(1, day=5) == cost(6, day=8)
        assert Message.objects.filter(kind="SEAT_FOUND", state="cancelled").count() == 7
        assert not Message.objects.filter(kind="SEAT_FOUND", state="queued").exists()

    def test_the_offered_seat_has_room_still(self):
        person, waiting = mine()
        slot = make_slot(seats=2)
        offer_now()
        self.cut(slot, left=1)
        offers.accept(offer_id=open_offer(waiting).pk, by=person)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.slot) == ("confirmed", slot)
        assert list(findings_of("oversold")) == []

    def test_the_own_seat_closes_while_an_earlier_one_is_on_offer(self):
        old, early = make_slot(day=in_days(13), seats=1), make_slot(day=in_days(5), seats=1)
        moved = make_moved(old, days=11)
        free_one(early)
        offer_now()
        self.cut(old)
        moved.refresh_from_db()
        early.refresh_from_db()
        assert (moved.state, early.taken) == ("in_doubt", 0)
        assert moved.offers.get().state == "withdrawn"


def findings_of(kind):
    return (finding for finding in findings() if finding.kind == kind)
