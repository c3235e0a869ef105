"""Prepare, approve, apply, undo, settle; and the answers of the people moved."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
import time_machine
from django.utils import timezone

from appointments import booking, offers, outages, plans, seats, waiting_list
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import (
    Appointment,
    Offer,
    Plan,
    PlanLine,
    Posting,
    Slot,
    TimelineEntry,
    VisitAttempt,
)
from appointments.plan_problem import tiers_of
from appointments.planning.plan import Outcome
from appointments.planning.problem import Policy
from appointments.planning.solver import solve
from notifications.models import Message
from tests.domain.builders import (
    declare_for_test,
    far_from_midnight,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_day():
    with far_from_midnight():
        yield


LATER = dt.timedelta(minutes=11)


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


class World:
    """One centre; a full day that is cut to one seat, and free days after it."""

    def __init__(self, *, people=4, free=8, seats_left=1):
        self.centre = make_centre()
        self.region = self.centre.region
        self.first = make_officer()
        self.second = make_officer(Posting.Role.APPROVER)
        self.slot = make_slot(centre=self.centre, seats=people)
        self.people = [make_appointment(self.slot) for _ in range(people)]
        self.free = make_slot(centre=self.centre, day=in_days(5), seats=free)
        self.outage = declare_for_test(
            self.first, [Cut(self.centre.pk, in_days(3), "normal", seats_left)]
        )

    def prepare(self, **fields):
        return plans.prepare(
            outage_id=self.outage.pk, region_id=self.region.pk, by=self.first, **fields
        )

    def approve(self, plan, by=None, bounds=None, **fields):
        return plans.approve(
            plan_id=plan.pk,
            by=by or self.second,
            bounds=bounds or plans.suggested_bounds(plan),
            fingerprint=plan.fingerprint,
            **fields,
        )

    def applied(self, **fields):
        plan = self.approve(self.prepare(**fields))
        return plans.apply(plan_id=plan.pk, by=self.second)

    def states(self):
        return sorted(
            Appointment.objects.filter(pk__in=[a.pk for a in self.people]).values_list(
                "state", flat=True
            )
        )

    def tokens(self, plan):
        """Offer -> token, as the messages carry it."""
        found = {}
        for message in Message.objects.filter(batch=f"plan:{plan.pk}", channel="sms"):
            token = message.values["url"].rpartition("/")[2]
            if message.kind.startswith(("MOVED", "REPLACED")):
                pk = int(message.reference.partition(":")[2])
                found[Offer.objects.get(plan=plan, appointment=pk)] = token
        return found


@pytest.fixture
def world():
    return World()


# --- Prepare ---


def test_prepare_says_who_keeps_and_who_moves_and_moves_nobody(world):
    plan = world.prepare()
    assert plan.summary["total"] == {"people": 4, "keep": 1, "move": 3, "unplaced": 0}
    assert plan.summary["worst_delay_days"] == {"normal": 2}
    assert plan.summary["clear_date"] == in_days(5).isoformat()
    assert plan.lines.count() == 4
    assert world.states() == ["in_doubt"] * 4
    assert Message.objects.filter(kind="PLAN_WAITS").count() == 1


def test_prepare_again_drops_the_plan_that_waited(world):
    first, second = world.prepare(), world.prepare()
    first.refresh_from_db()
    assert (first.state, second.state) == (Plan.State.DROPPED, Plan.State.PREPARED)
    assert first.fingerprint == second.fingerprint


def test_prepare_with_nobody_too_many_is_refused():
    world = World(people=1)
    with refused("plan_nobody"):
        world.prepare()


def test_prepare_keeps_those_in_doubt_whose_slot_has_room_again(world):
    for appointment in world.people[:3]:
        appointment.refresh_from_db()
        appointment.application.claimed_by = make_person()
        appointment.application.save()
        booking.cancel(appointment_id=appointment.pk, by=appointment.application.claimed_by)
    plan = world.prepare()
    assert plan.summary["total"] == {"people": 1, "keep": 1, "move": 0, "unplaced": 0}
    applied = plans.apply(plan_id=world.approve(plan).pk, by=world.second)
    assert applied.state == Plan.State.APPLIED
    assert Message.objects.filter(kind="STANDS").count() == 1


def test_solution_that_breaks_a_rule_is_refused_and_nothing_is_stored(world, monkeypatch):
    def everybody_keeps(problem):
        """A solver gone wrong: four people keep one seat."""
        right = solve(problem)
        wrong = [
            replace(d, outcome=Outcome.KEEP, slot=world.slot.pk, reason=None, km=0, delay_days=0)
            for d in right.decisions
        ]
        return replace(right, decisions=tuple(wrong))

    monkeypatch.setattr(plans, "solve", everybody_keeps)
    with refused("planning_failed"):
        world.prepare()
    assert Plan.objects.count() == 0


def test_prepare_is_for_officers_of_the_region(world):
    stranger = make_officer(region=make_region("LKO-RPO"))
    with refused("not_permitted"):
        plans.prepare(outage_id=world.outage.pk, region_id=world.region.pk, by=stranger)


def test_family_has_the_tier_of_its_highest_member():

    family = uuid.uuid4()
    slot = make_slot(seats=4)
    normal = make_application(family=family)
    minor = make_application(family=family, date_of_birth=in_days(-365 * 5))
    for application in (normal, minor):
        make_appointment(slot, application=application)
    alone = make_application()
    tatkaal = make_application(service="tatkaal")
    urgent = make_application(travel_date=in_days(9), travel_proof_accepted=True)
    unproved = make_application(travel_date=in_days(9))
    tiers = tiers_of([normal, minor, alone, tatkaal, urgent, unproved], in_days(0))
    assert list(tiers.values()) == [
        "vulnerable",
        "vulnerable",
        "normal",
        "tatkaal",
        "urgent",
        "normal",
    ]


# --- Approve ---


def test_approve_by_a_second_officer(world):
    plan = world.approve(world.prepare())
    assert (plan.state, plan.approved_by, plan.not_before) == ("approved", world.second, None)


def test_approve_of_another_plan_than_was_seen_is_refused(world):
    plan = world.prepare()
    with refused("plan_changed"):
        plans.approve(
            plan_id=plan.pk,
            by=world.second,
            bounds=plans.suggested_bounds(plan),
            fingerprint="0" * 64,
        )


def test_approve_with_bounds_below_the_plan_is_refused(world):
    plan = world.prepare()
    with refused("bounds_too_small"):
        world.approve(plan, bounds=plans.Bounds(2, 0, {"normal": 2}))
    with refused("bounds_too_small"):
        world.approve(plan, bounds=plans.Bounds(3, 0, {"normal": 1}))


def test_lone_officer_needs_a_reason_and_fifteen_minutes_and_the_others_hear(world):
    plan = world.prepare()
    with refused("lone_reason_missing"):
        world.approve(plan, by=world.first, reason=" ")
    plan = world.approve(plan, by=world.first, reason="Nobody else on duty")
    assert Message.objects.filter(kind="PLAN_ALONE").count() == 1
    with refused("plan_waits"):
        plans.apply(plan_id=plan.pk, by=world.first)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=16)):
        assert plans.apply(plan_id=plan.pk, by=world.first).state == Plan.State.APPLIED


def test_lone_approval_is_refused_where_the_region_forbids_it(world):
    world.region.lone_approval = False
    world.region.save()
    with refused("lone_not_allowed"):
        world.approve(world.prepare(), by=world.first, reason="Nobody else")


# --- Apply ---


def test_apply_moves_people_opens_offers_and_queues_messages_for_after_the_grace(world):
    plan = world.applied()
    assert world.states() == ["confirmed"] * 4
    world.slot.refresh_from_db()
    world.free.refresh_from_db()
    assert (world.slot.taken, world.free.taken) == (1, 3)
    assert Offer.objects.filter(state="open", plan=plan).count() == 3
    moved = Appointment.objects.filter(slot=world.free)
    assert {a.original_date for a in moved} == {in_days(3)}
    assert {a.moved_count for a in moved} == {1}
    messages = Message.objects.filter(batch=f"plan:{plan.pk}", channel="sms")
    assert sorted(m.kind for m in messages) == ["MOVED_KEEP"] * 3 + ["STANDS"]
    assert {m.next_attempt_at for m in messages} == {plan.live_at}
    assert TimelineEntry.objects.filter(event="moved").count() == 3
    assert VisitAttempt.objects.count() == 0
    assert seats.check() == []


def test_apply_twice_changes_nothing_the_second_time(world):
    plan = world.applied()
    again = plans.apply(plan_id=plan.pk, by=world.first)
    assert again.applied_at == plan.applied_at
    assert Offer.objects.count() == 3


def test_apply_without_approval_is_refused(world):
    with refused("plan_not_approved"):
        plans.apply(plan_id=world.prepare().pk, by=world.second)


def test_apply_outside_the_bounds_goes_back_to_the_officer(world):
    plan = world.approve(world.prepare())
    Slot.objects.filter(pk=world.free.pk).update(closed=8)
    later = make_slot(centre=world.centre, day=in_days(30), seats=8)
    plan = plans.apply(plan_id=plan.pk, by=world.second)
    assert (plan.state, plan.approved_by) == (Plan.State.PREPARED, None)
    assert plan.log.filter(event="out_of_bounds").count() == 1
    assert world.states() == ["in_doubt"] * 4
    later.refresh_from_db()
    assert later.taken == 0


def test_apply_solves_afresh_on_the_data_of_the_moment(world):
    plan = world.approve(world.prepare())
    gone = world.people[0].application
    gone.claimed_by = make_person()
    gone.save()
    booking.cancel(appointment_id=world.people[0].pk, by=gone.claimed_by)
    plan = plans.apply(plan_id=plan.pk, by=world.second)
    assert plan.summary["total"]["people"] == 3
    assert seats.check() == []


def test_apply_puts_those_without_a_seat_on_the_waiting_list():
    world = World(free=2)
    world.applied(policy=Policy(reserve_share=0))
    assert world.states() == ["confirmed", "confirmed", "confirmed", "waiting"]
    waiting = Appointment.objects.get(state="waiting")
    assert waiting.original_date == in_days(3)
    assert Message.objects.filter(kind="NO_SEAT", channel="sms").count() == 1
    assert seats.check() == []


def test_public_gets_no_seat_in_touched_slots_until_the_grace_is_over(world):
    person = make_person()
    application = make_application(claimed_by=person)
    plan = world.applied()
    touched = world.slot
    Slot.objects.filter(pk=touched.pk).update(closed=2)  # a seat would be free
    with refused("slot_paused"):
        booking.hold_seat(application=application, slot_id=touched.pk, by=person)
    assert plans.settle(now=plan.live_at) == 1
    assert plans.settle(now=plan.live_at) == 0
    with refused("slot_full"):  # those whom the plan moved are asked first
        booking.hold_seat(application=application, slot_id=touched.pk, by=person)
    waiting_list.offer_seats(now=plan.live_at)
    booking.hold_seat(application=application, slot_id=touched.pk, by=person)


# --- Undo ---


def test_undo_puts_everyone_back_and_no_message_leaves(world):
    before = {a.pk: (a.slot_id, a.moved_count, a.original_date) for a in world.people}
    plan = world.applied()
    undone = plans.undo(plan_id=plan.pk, by=world.first, why="wrong policy")
    assert undone.state == Plan.State.UNDONE
    after = Appointment.objects.filter(pk__in=before)
    assert {a.pk: (a.slot_id, a.moved_count, a.original_date) for a in after} == before
    assert world.states() == ["in_doubt"] * 4
    assert set(Offer.objects.values_list("state", flat=True)) == {"withdrawn"}
    batch = Message.objects.filter(batch=f"plan:{plan.pk}")
    assert set(batch.values_list("state", flat=True)) == {"cancelled"}
    assert TimelineEntry.objects.filter(event="undone").count() == 4
    assert seats.check() == []


def test_undo_with_people_on_the_waiting_list_gives_their_seats_back():
    world = World(free=2)
    plan = world.applied(policy=Policy(reserve_share=0))
    plans.undo(plan_id=plan.pk, by=world.first)
    assert world.states() == ["in_doubt"] * 4
    assert seats.check() == []


def test_undo_leaves_alone_who_has_cancelled_since(world):
    plan = world.applied()
    moved = Appointment.objects.filter(slot=world.free).first()
    moved.application.claimed_by = make_person()
    moved.application.save()
    booking.cancel(appointment_id=moved.pk, by=moved.application.claimed_by)
    plans.undo(plan_id=plan.pk, by=world.first)
    assert world.states() == ["cancelled", "in_doubt", "in_doubt", "in_doubt"]
    assert seats.check() == []


def test_undo_twice_or_after_the_grace(world):
    plan = world.applied()
    with time_machine.travel(timezone.now() + LATER), refused("plan_not_undoable"):
        plans.undo(plan_id=plan.pk, by=world.first)
    plans.undo(plan_id=plan.pk, by=world.first)
    assert plans.undo(plan_id=plan.pk, by=world.first).log.filter(event="undone").count() == 1


def test_after_undo_a_new_plan_can_be_prepared_and_applied(world):
    plans.undo(plan_id=world.applied().pk, by=world.first)
    world.applied()
    assert world.states() == ["confirmed"] * 4
    assert seats.check() == []


def test_nothing_else_is_planned_changed_or_restored_within_the_grace(world):
    world.applied()
    with refused("plan_in_grace"):
        world.prepare()
    with refused("plan_in_grace"):
        outages.change_cut(outage_id=world.outage.pk, cuts=[], by=world.first)
    with refused("plan_in_grace"):
        outages.restore(outage_id=world.outage.pk, by=world.first)


def test_another_outage_over_the_same_seats_is_not_changed_within_the_grace(world):
    other = declare_for_test(world.first, [Cut(world.centre.pk, in_days(3), "normal", 3)])
    world.applied()
    with refused("plan_in_grace"):
        outages.restore(outage_id=other.pk, by=world.first)
    with refused("plan_in_grace"):
        outages.take_back(outage_id=other.pk, by=world.first)


def test_undo_also_puts_back_who_another_outage_has_put_in_doubt_since(world):
    plan = world.applied()
    declare_for_test(world.first, [Cut(world.centre.pk, in_days(5), "normal", 0)])
    assert world.states() == ["confirmed", "in_doubt", "in_doubt", "in_doubt"]
    # Three more notices, about a visit that nobody has heard of.
    assert Message.objects.filter(kind="HOLD", channel="sms").count() == 7
    plans.undo(plan_id=plan.pk, by=world.first)
    waiting = Message.objects.filter(kind="HOLD", channel="sms", state="queued")
    assert {message.values["old_at"] for message in waiting} == {world.slot.starts_at.isoformat()}
    assert waiting.count() == 4
    assert Appointment.objects.filter(slot=world.slot, state="in_doubt").count() == 4
    assert seats.check() == []


def test_notice_that_waits_for_the_morning_does_not_leave_after_the_plan(world):
    plan = world.applied()
    Message.objects.filter(kind="HOLD").update(quiet_ok_from=None)
    plans.settle(now=plan.live_at)
    assert not Message.objects.filter(kind="HOLD", state="queued").exists()


# --- Moved again ---


def test_seat_that_closes_under_an_open_offer_is_replaced_in_one_message(world):
    world.applied()
    with time_machine.travel(timezone.now() + LATER):
        plans.settle(now=timezone.now())
        cuts = [
            Cut(world.centre.pk, in_days(3), "normal", 1),
            Cut(world.centre.pk, in_days(5), "normal", 0),
        ]
        outages.change_cut(outage_id=world.outage.pk, cuts=cuts, by=world.first)
        assert world.states() == ["confirmed", "in_doubt", "in_doubt", "in_doubt"]
        make_slot(centre=world.centre, day=in_days(8), seats=9)
        second = world.applied()
    assert second.summary["total"]["move"] == 3
    assert Message.objects.filter(kind="REPLACED", channel="sms").count() == 3
    assert Offer.objects.filter(state="withdrawn", withdrawn_by=second).count() == 3
    moved = Appointment.objects.filter(slot__date=in_days(8))
    assert {(a.moved_count, a.original_date) for a in moved} == {(2, in_days(3))}
    assert seats.check() == []


def test_undo_of_the_second_plan_opens_the_first_offers_again(world):
    first = world.applied()
    with time_machine.travel(timezone.now() + LATER):
        plans.settle(now=timezone.now())
        cuts = [Cut(world.centre.pk, in_days(5), "normal", 0)]
        outages.change_cut(outage_id=world.outage.pk, cuts=cuts, by=world.first)
        make_slot(centre=world.centre, day=in_days(8), seats=9)
        second = world.applied()
        plans.undo(plan_id=second.pk, by=world.first)
    assert Offer.objects.filter(plan=first, state="open").count() == 3


def test_seat_that_stands_by_a_later_plan_is_not_lost_by_an_old_silence(world):
    first = world.applied(silence=Plan.Silence.REQUEUE)
    with time_machine.travel(timezone.now() + LATER):
        plans.settle(now=timezone.now())
        cuts = [Cut(world.centre.pk, in_days(5), "normal", 2)]
        outages.change_cut(outage_id=world.outage.pk, cuts=cuts, by=world.first)
        make_slot(centre=world.centre, day=in_days(8), seats=9)
        second = world.applied()
    kept = second.lines.filter(outcome="keep").values_list("appointment", flat=True)
    assert kept
    asked = Offer.objects.filter(plan=first, appointment__in=kept)
    assert set(asked.values_list("state", flat=True)) == {"kept"}
    with time_machine.travel(timezone.now() + dt.timedelta(days=4)):
        plans.settle(now=timezone.now())
        offers.close_silent(now=timezone.now())
    assert set(Appointment.objects.filter(pk__in=kept).values_list("state", flat=True)) == {
        "confirmed"
    }
    old = Message.objects.filter(batch=f"plan:{first.pk}", kind="REMIND_ANSWER", state="queued")
    assert not old.exists()


def test_cut_that_displaces_nobody_opens_its_seats_after_the_grace():
    world = World(people=1, seats_left=1)
    slot = make_slot(centre=world.centre, day=in_days(4), seats=8)
    declare_for_test(world.first, [Cut(world.centre.pk, in_days(4), "normal", 6)])
    plans.settle(now=timezone.now())
    slot.refresh_from_db()
    assert slot.paused
    plans.settle(now=timezone.now() + LATER)
    slot.refresh_from_db()
    assert (slot.paused, slot.free) == (False, 6)


def test_in_doubt_in_a_visit_that_began_with_room_again_goes_to_the_waiting_list(world):
    person = make_person()
    for appointment in world.people[:3]:
        appointment.application.claimed_by = person
        appointment.application.save()
        booking.cancel(appointment_id=appointment.pk, by=person)
    with time_machine.travel(world.slot.starts_at + dt.timedelta(minutes=1)):
        world.applied()
    assert world.states() == ["cancelled", "cancelled", "cancelled", "waiting"]
    assert seats.check() == []


def test_plan_of_a_region_that_the_outage_does_not_touch_is_refused(world):
    elsewhere = make_region("LKO-RPO")
    with refused("not_permitted"):
        plans.prepare(
            outage_id=world.outage.pk,
            region_id=elsewhere.pk,
            by=make_officer(region=elsewhere),
        )


# --- Answers ---


@pytest.fixture
def asked(world):
    """The world after the grace, with one offer and its token."""
    plan = world.applied()
    with time_machine.travel(timezone.now() + LATER):
        plans.settle(now=timezone.now())
        offer, token = next(iter(world.tokens(plan).items()))
        yield world, offer, token


def test_link_is_not_live_within_the_grace(world):
    plan = world.applied()
    offer, token = next(iter(world.tokens(plan).items()))
    with refused("offer_not_live"):
        offers.find(token, now=timezone.now())
    with refused("offer_not_live"):
        offers.accept(offer_id=offer.pk, by=None)


def test_unknown_token_finds_nothing(asked):
    with refused("offer_not_found"):
        offers.find("AAAAAAAAAAA", now=timezone.now())


def test_accept_confirms_the_new_time_without_an_attempt(asked):
    _world, offer, token = asked
    found = offers.find(token, now=timezone.now())
    assert offers.accept(offer_id=found.pk, by=None).state == Offer.State.ACCEPTED
    assert Message.objects.filter(kind="CONFIRMED", channel="sms").count() == 1
    assert offer.appointment.timeline.last().event == "accepted"
    assert VisitAttempt.objects.count() == 0


def test_accept_again_or_after_giving_up_says_what_stands(asked):
    _world, offer, _token = asked
    offers.give_up(offer_id=offer.pk, by=None)
    assert offers.accept(offer_id=offer.pk, by=None).state == Offer.State.GIVEN_UP
    offer.appointment.refresh_from_db()
    assert offer.appointment.state == Appointment.State.CANCELLED


def test_give_up_frees_the_seat(asked):
    world, offer, _token = asked
    offers.give_up(offer_id=offer.pk, by=None)
    world.free.refresh_from_db()
    assert world.free.taken == 2
    assert seats.check() == []


def test_accept_while_in_doubt_again_is_refused(asked):
    world, offer, _token = asked
    cuts = [Cut(world.centre.pk, in_days(5), "normal", 0)]
    outages.change_cut(outage_id=world.outage.pk, cuts=cuts, by=world.first)
    with refused("in_doubt"):
        offers.accept(offer_id=offer.pk, by=None)


def test_another_time_ends_the_offer_and_uses_no_attempt(asked):
    world, offer, _token = asked
    person = make_person()
    application = offer.appointment.application
    application.claimed_by = person
    application.save()
    other = make_slot(centre=world.centre, day=in_days(6))
    hold = booking.hold_seat(application=application, slot_id=other.pk, by=person)
    booking.confirm(hold_id=hold.pk, by=person)
    offer.refresh_from_db()
    assert offer.state == Offer.State.CHANGED
    assert VisitAttempt.objects.count() == 0
    assert seats.check() == []


def test_answer_takes_back_messages_that_have_not_left(asked):
    _world, offer, _token = asked
    offers.accept(offer_id=offer.pk, by=None)
    question = Message.objects.get(
        kind="MOVED_KEEP", channel="sms", reference=f"appointment:{offer.appointment_id}"
    )
    assert question.state == Message.State.CANCELLED


def test_answer_by_somebody_else_is_refused(asked):
    _world, offer, _token = asked
    with refused("not_yours"):
        offers.accept(offer_id=offer.pk, by=make_person())


def test_silence_keeps_the_new_time(asked):
    _world, offer, _token = asked
    with time_machine.travel(offer.deadline):
        assert offers.close_silent(now=timezone.now()) == 3
        assert offers.close_silent(now=timezone.now()) == 0
    offer.refresh_from_db()
    offer.appointment.refresh_from_db()
    assert (offer.state, offer.appointment.state) == ("kept", "confirmed")


def test_silence_under_requeue_frees_the_seat_and_puts_first_in_line(world):
    plan = world.applied(silence=Plan.Silence.REQUEUE)
    texts = Message.objects.filter(batch=f"plan:{plan.pk}", channel="sms")
    assert texts.filter(kind="MOVED_ANSWER").count() == 3
    assert texts.filter(kind="REMIND_ANSWER").count() >= 3
    offer = Offer.objects.first()
    with time_machine.travel(offer.deadline):
        offers.close_silent(now=timezone.now())
        plans.settle(now=timezone.now())
    assert world.states() == ["confirmed", "waiting", "waiting", "waiting"]
    assert Appointment.objects.filter(first_in_line=True).count() == 3
    assert Message.objects.filter(kind="RELEASED", channel="sms").count() == 3
    assert not texts.filter(kind="REMIND_ANSWER", state="queued").exists()
    assert seats.check() == []


def test_restore_after_a_plan_leaves_the_moved_where_they_are(asked):
    world, offer, _token = asked
    outages.restore(outage_id=world.outage.pk, by=world.first)
    offer.appointment.refresh_from_db()
    assert offer.appointment.slot == world.free
    assert seats.check() == []


def test_restore_drops_a_plan_that_waits(world):
    plan = world.prepare()
    outages.restore(outage_id=world.outage.pk, by=world.first)
    plan.refresh_from_db()
    assert plan.state == Plan.State.DROPPED
    assert world.states() == ["confirmed"] * 4


def test_plan_lines_keep_what_undo_needs(world):
    plan = world.prepare()
    line = PlanLine.objects.filter(plan=plan, outcome="move").first()
    assert (line.was_state, line.was_moved_count, line.was_original_date) == ("in_doubt", 0, None)


# --- Drop ---------------------------------------------------------------------------------------


def test_drop_puts_a_pending_plan_aside_and_again_changes_nothing():
    world = World()
    plan = plans.prepare(outage_id=world.outage.pk, region_id=world.region.pk, by=world.first)
    for _ in range(2):
        plans.drop(plan_id=plan.pk, by=world.second, why="too many moves")
    plan.refresh_from_db()
    assert plan.state == Plan.State.DROPPED
    dropped = plan.log.get(event="dropped")
    assert (dropped.actor, dropped.why) == (world.second, "too many moves")
    with refused("plan_not_prepared"):
        plans.approve(
            plan_id=plan.pk,
            by=world.second,
            bounds=plans.suggested_bounds(plan),
            fingerprint=plan.fingerprint,
        )
