"""An approval with an hour: the clock applies the plan then, or holds it back and says why."""

import datetime as dt

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from appointments import booking, decide_by, outages, plans, seats, tasks
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Offer, Plan, Posting, Region, Slot, TimelineEntry
from appointments.planning.errors import PlanningError
from notifications import delivery, sweep
from notifications.models import Message
from notifications.render import render
from tests.domain.builders import (
    approve_as_seen,
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
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


class World:
    """Four people, one seat left; the notices have left. Approved to be applied in two hours."""

    def __init__(self, clock):
        self.clock = clock
        self.first, self.second = make_officer(), make_officer(Posting.Role.APPROVER)
        self.slot = make_slot(seats=4)
        self.people = [make_appointment(self.slot) for _ in range(4)]
        self.free = make_slot(day=in_days(5), seats=9)
        self.outage = declare_for_test(self.first, self.cuts(1))
        clock.shift(11 * MINUTE)
        self.hour = timezone.now() + 2 * HOUR
        self.plan = self.approve(self.prepare(), decide_by=self.hour)

    def cuts(self, seats_left, day=3):
        return [Cut(make_centre().pk, in_days(day), "normal", seats_left)]

    def prepare(self):
        return plans.prepare(outage_id=self.outage.pk, region_id=make_region().pk, by=self.first)

    def approve(self, plan, by=None, **fields):
        return plans.approve(
            plan_id=plan.pk,
            by=by or self.second,
            bounds=plans.suggested_bounds(plan),
            fingerprint=plan.fingerprint,
            **fields,
        )

    def strike(self, after=dt.timedelta(0)):
        """The clock at the hour, or so long after it."""
        self.clock.move_to(self.hour + after)
        acted = decide_by.strike(plan_id=self.plan.pk)
        self.plan.refresh_from_db()
        return acted

    def states(self):
        ids = [appointment.pk for appointment in self.people]
        return sorted(Appointment.objects.filter(pk__in=ids).values_list("state", flat=True))

    def log(self):
        return list(self.plan.log.values_list("event", flat=True))

    def untouched(self):
        return self.states() == ["in_doubt"] * 4 and not Offer.objects.exists()


@pytest.fixture
def world():
    with time_machine.travel(at(dt.date(2026, 6, 1), 9), tick=False) as clock:
        yield World(clock)


def alerted():
    return {m.address for m in Message.objects.filter(kind="DECIDE_BY_HELD", channel="email")}


def said() -> str:
    return render(Message.objects.filter(kind="DECIDE_BY_HELD", channel="email").first()).text


# --- At the hour --------------------------------------------------------------------------------


def test_at_the_hour_it_is_applied_in_the_approvers_name(world):
    assert world.strike()
    plan = world.plan
    assert (plan.state, plan.applied_by, plan.applied_at) == ("applied", world.second, world.hour)
    assert plan.decide_by == world.hour  # so the clock did it
    assert world.states() == ["confirmed"] * 4
    assert TimelineEntry.objects.filter(event="moved", actor=world.second).count() == 3
    assert Message.objects.filter(kind="MOVED_KEEP", channel="sms").count() == 3
    assert not Message.objects.filter(kind="DECIDE_BY_HELD").exists()
    assert seats.check() == []


def test_before_the_hour_nothing_happens(world):
    world.clock.move_to(world.hour - dt.timedelta(seconds=1))
    assert decide_by.due(now=timezone.now()) == []
    assert not decide_by.strike(plan_id=world.plan.pk)
    assert world.untouched()


def test_second_beat_changes_nothing(world):
    assert world.strike()
    assert not world.strike(MINUTE)
    assert world.log().count("applied") == 1


def test_task_of_beat_strikes_each_plan_that_is_due(world, monkeypatch):
    world.clock.move_to(world.hour)
    sent = []
    monkeypatch.setattr(tasks.decide_plan, "apply_async", lambda ids, **_: sent.append(*ids))
    assert tasks.decide_plans() == 1
    assert sent == [world.plan.pk]
    assert tasks.decide_plan(world.plan.pk)
    assert tasks.decide_plans() == 0


def test_worker_killed_in_the_middle_leaves_it_to_the_next_beat(world, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(plans.messages, "offered", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.strike()
    assert world.untouched()
    assert world.strike(MINUTE)
    assert world.log().count("applied") == 1
    assert seats.check() == []


def test_undo_puts_everyone_back_as_after_any_plan(world):
    world.strike()
    assert plans.undo(plan_id=world.plan.pk, by=world.first).state == "undone"
    assert world.states() == ["in_doubt"] * 4
    assert decide_by.due(now=timezone.now()) == []


def test_officer_is_faster(world):
    plan = plans.apply(plan_id=world.plan.pk, by=world.first)
    assert (plan.applied_by, plan.decide_by) == (world.first, None)
    assert not world.strike()
    assert world.log().count("applied") == 1


def test_service_is_back_before(world):
    Message.objects.filter(kind="HOLD").update(state=Message.State.ACCEPTED, sent_at=timezone.now())
    outages.restore(outage_id=world.outage.pk, by=world.first)
    assert not world.strike()
    assert (world.plan.state, world.plan.decide_by) == ("dropped", None)
    world.slot.refresh_from_db()
    assert world.slot.closed == 0
    assert world.states() == ["confirmed"] * 4
    assert Message.objects.filter(kind="STANDS", channel="sms").count() == 4
    assert not Message.objects.filter(kind="DECIDE_BY_HELD").exists()


def test_newer_plan_takes_its_place_and_the_hour_with_it(world):
    world.prepare()
    assert not world.strike()
    assert (world.plan.state, world.plan.decide_by) == ("dropped", None)
    assert world.untouched()


def test_put_aside_ends_the_hour(world):
    plans.drop(plan_id=world.plan.pk, by=world.first)
    assert not world.strike()
    assert world.untouched()


def test_while_another_plan_is_in_its_grace_the_clock_waits(world):
    Plan.objects.create(
        outage=declare_for_test(world.first, []),
        region=make_region(),
        state=Plan.State.APPLIED,
        prepared_by=world.first,
        prepared_at=timezone.now(),
        approved_by=world.second,
        approved_at=timezone.now(),
        applied_at=world.hour,
        live_at=world.hour + 5 * MINUTE,
    )
    assert not world.strike()
    assert (world.plan.state, world.plan.held_back) == ("approved", "")
    assert world.strike(5 * MINUTE)
    assert world.plan.state == "applied"


# --- Who hears that it was applied --------------------------------------------------------------


def applied() -> list[Message]:
    return list(Message.objects.filter(kind="DECIDE_BY_APPLIED").order_by("pk"))


def test_officers_of_the_region_hear_that_the_clock_applied_it(world):
    make_officer(region=make_region("LKO-RPO"))
    make_officer(Posting.Role.CENTRE, centre=make_centre())
    world.strike()
    assert {m.address for m in applied()} == {world.first.email, world.second.email}
    mail = render(applied()[0])
    assert mail.subject == f"Plan {world.plan.pk} was applied at its hour"
    for words in (
        "The outage was still open, so the server applied the plan for 4 people on Monday, "
        "1 June 2026, 11:11 am, in the name of",
        str(world.second),
        "New times: 3. Seats that stand: 1. Without a seat: 0.",
        "Until Monday, 1 June 2026, 11:21 am no message about it leaves",
        "open the plan and choose “Undo”",
        f"/officers/appointments/plan/{world.plan.pk}/change/",
    ):
        assert words in mail.text, words


def test_their_sms_says_which_plan_how_many_and_until_when_it_can_be_undone(world):
    Posting.objects.filter(officer=world.second).update(alert_phone="+919800000001")
    world.strike()
    (sms,) = (m for m in applied() if m.channel == "sms")
    said = f"Plan {world.plan.pk} was applied at its hour; new times: 3. Undo it by Mon 1/6 11:21"
    assert said in render(sms).text
    sms.language = "hi"
    assert f"योजना {world.plan.pk} तय समय पर लागू हुई" in render(sms).text


def test_their_sms_rings_at_night_as_there_are_only_ten_minutes_to_undo_it(world):
    Posting.objects.filter(officer=world.second).update(alert_phone="+919800000001")
    world.hour = at(dt.date(2026, 6, 2), 4)
    decide_by.set_hour(plan_id=world.plan.pk, by=world.second, at=world.hour)
    world.strike()
    delivery.run("sms")
    (sms,) = (m for m in applied() if m.channel == "sms")
    assert (sms.state, sms.sent_at) == ("accepted", world.hour)


def test_their_sms_does_not_leave_when_it_is_too_late_to_undo_it_but_the_email_does(world):
    Posting.objects.filter(officer=world.second).update(alert_phone="+919800000001")
    world.hour = at(dt.date(2026, 6, 1), 22)
    decide_by.set_hour(plan_id=world.plan.pk, by=world.second, at=world.hour)
    world.strike()
    world.clock.shift(5 * HOUR)  # no gateway answered until three in the morning
    for channel in ("sms", "email"):
        delivery.run(channel)
    sweep.sweep()
    states = {(m.channel, m.state) for m in applied()}
    assert states == {("sms", "expired"), ("email", "accepted")}


def test_they_hear_of_it_once(world):
    world.strike()
    world.strike(MINUTE)
    assert len(applied()) == 2


def test_nobody_is_alerted_to_what_an_officer_has_applied(world):
    plans.apply(plan_id=world.plan.pk, by=world.first)
    assert applied() == []


# --- Held back ----------------------------------------------------------------------------------


def more_people(world):
    """Eleven more than were approved."""
    full = make_slot(day=in_days(4), seats=11)
    for _ in range(11):
        make_appointment(full)
    outages.change_cut(
        outage_id=world.outage.pk, cuts=world.cuts(1) + world.cuts(0, day=4), by=world.first
    )
    make_slot(day=in_days(6), seats=30)


def test_outside_the_bounds_it_waits_for_an_approval_again(world):
    more_people(world)
    assert world.strike()
    plan = world.plan
    assert (plan.state, plan.held_back, plan.decide_by) == ("prepared", "bounds", None)
    assert plan.approved_by is None
    assert plan.summary["total"]["move"] == 14
    assert world.untouched()
    assert alerted() == {world.first.email, world.second.email}
    assert "It would now move 14 people (approved: 13)" in said()
    assert "approve it anew" in said()
    entry = plan.log.last()
    assert (entry.event, entry.actor) == ("held_back", None)
    assert entry.why == "14 people moved, approved were 13"


def test_held_back_once_and_said_once(world):
    more_people(world)
    assert world.strike()
    assert not world.strike(MINUTE)
    assert world.log().count("held_back") == 1
    assert Message.objects.filter(kind="DECIDE_BY_HELD").count() == 2


def test_changed_cut_within_the_bounds_is_applied_as_it_is_now(world):
    outages.change_cut(outage_id=world.outage.pk, cuts=world.cuts(0), by=world.first)
    assert world.strike()
    assert (world.plan.state, world.plan.summary["total"]["move"]) == ("applied", 4)


def test_solver_that_fails_leaves_the_approval_to_be_applied_by_hand(world, monkeypatch):
    def fails(problem):
        raise PlanningError("of somebody by name")

    with monkeypatch.context() as broken:
        broken.setattr(plans, "solve", fails)
        assert world.strike()
    plan = world.plan
    assert (plan.state, plan.held_back, plan.decide_by) == ("approved", "failed", None)
    assert plan.approved_by == world.second
    assert world.untouched()
    assert "No plan could be made" in said()
    assert "the approval stands" in said()
    assert "by name" not in said() + plan.log.last().why
    plan = plans.apply(plan_id=plan.pk, by=world.first)
    assert (plan.state, plan.held_back) == ("applied", "")


def test_late_by_less_than_the_limit_is_applied(world):
    assert world.strike(settings.DECIDE_BY_LATE_MINUTES * MINUTE)
    assert world.plan.state == "applied"


def test_too_late_is_held_back(world):
    assert world.strike(settings.DECIDE_BY_LATE_MINUTES * MINUTE + dt.timedelta(seconds=1))
    assert (world.plan.state, world.plan.held_back) == ("approved", "late")
    assert world.untouched()
    assert "The server came to it too late" in said()


def test_nobody_is_in_doubt_any_more(world):
    outages.change_cut(outage_id=world.outage.pk, cuts=world.cuts(4), by=world.first)
    assert world.strike()
    assert (world.plan.state, world.plan.held_back) == ("prepared", "nobody")
    assert "there is nobody to move" in said()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda second: User.objects.filter(pk=second.pk).update(is_active=False), id="left"
        ),
        pytest.param(
            lambda second: Posting.objects.filter(officer=second).update(
                region=make_region("LKO-RPO")
            ),
            id="posted elsewhere",
        ),
    ],
)
def test_approver_who_may_decide_no_more(world, change):
    change(world.second)
    assert world.strike()
    assert (world.plan.state, world.plan.held_back) == ("prepared", "approval")
    assert world.untouched()
    assert "may not decide in this region any more" in said()


def test_approving_anew_forgets_that_it_was_held_back(world):
    more_people(world)
    world.strike()
    plan = approve_as_seen(world.plan, world.second)
    assert (plan.state, plan.held_back, plan.decide_by) == ("approved", "", None)


def test_sms_of_the_alert_goes_to_who_asks_for_it_in_their_language(world):
    Posting.objects.filter(officer=world.second).update(alert_phone="+919800000001")
    User.objects.filter(pk=world.second.pk).update(language="hi")
    world.strike(2 * HOUR)
    sms = Message.objects.get(kind="DECIDE_BY_HELD", channel="sms")
    assert f"योजना {world.plan.pk} रोकी गई" in render(sms).text
    mail = Message.objects.get(kind="DECIDE_BY_HELD", channel="email", address=world.second.email)
    assert "अनुमोदन मान्य है" in render(mail).text


# --- Give, change, withdraw ---------------------------------------------------------------------


def test_approver_changes_the_hour(world):
    later = world.hour + HOUR
    for _ in range(2):
        decide_by.set_hour(plan_id=world.plan.pk, by=world.second, at=later)
    assert world.log().count("hour_set") == 1
    assert not world.strike()
    world.hour = later
    assert world.strike()


def test_hour_is_withdrawn_by_any_officer_and_the_approval_stands(world):
    for _ in range(2):
        decide_by.withdraw_hour(plan_id=world.plan.pk, by=world.first)
    assert world.log().count("hour_withdrawn") == 1
    assert not world.strike()
    assert (world.plan.state, world.plan.approved_by) == ("approved", world.second)


def test_hour_can_be_withdrawn_while_the_worker_is_down(world):
    world.clock.move_to(world.hour + 20 * MINUTE)
    decide_by.withdraw_hour(plan_id=world.plan.pk, by=world.first)
    assert not decide_by.strike(plan_id=world.plan.pk)
    assert world.untouched()


def test_hour_is_given_to_an_approval_without_one(world):
    plan = world.approve(world.prepare())
    assert plan.decide_by is None
    decide_by.set_hour(plan_id=plan.pk, by=world.second, at=world.hour)
    world.plan = plan
    assert world.strike()


def test_another_officer_gives_no_hour_in_the_approvers_name(world):
    with refused("hour_not_yours"):
        decide_by.set_hour(plan_id=world.plan.pk, by=world.first, at=world.hour + HOUR)


def test_officer_of_another_region_may_not_touch_it(world):
    stranger = make_officer(region=make_region("LKO-RPO"))
    with refused("not_permitted"):
        decide_by.withdraw_hour(plan_id=world.plan.pk, by=stranger)
    with refused("not_permitted"):
        decide_by.set_hour(plan_id=world.plan.pk, by=stranger, at=world.hour)


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (dt.timedelta(0), "hour_past"),
        (-HOUR, "hour_past"),
        (plans.HOUR_WITHIN + MINUTE, "hour_far"),
    ],
    ids=["now", "past", "far"],
)
def test_hour_is_to_come_and_not_too_far(world, ahead, code):
    with refused(code):
        decide_by.set_hour(plan_id=world.plan.pk, by=world.second, at=timezone.now() + ahead)
    with refused(code):
        world.approve(world.prepare(), decide_by=timezone.now() + ahead)


def test_only_an_approved_plan_has_an_hour(world):
    plan = world.prepare()
    for verb in (
        lambda: decide_by.set_hour(plan_id=plan.pk, by=world.second, at=world.hour),
        lambda: decide_by.withdraw_hour(plan_id=plan.pk, by=world.second),
        lambda: decide_by.withdraw_hour(plan_id=world.plan.pk, by=world.second),  # dropped
    ):
        with refused("hour_needs_approval"):
            verb()


# --- A lone officer -----------------------------------------------------------------------------


def alone(world, at):
    return world.approve(world.prepare(), by=world.first, reason="nobody else", decide_by=at)


def test_lone_approval_has_its_hour_after_the_wait(world):
    wait = timezone.now() + plans.LONE_WAIT
    with refused("hour_before_wait"):
        alone(world, wait - dt.timedelta(seconds=1))
    plan = alone(world, wait)
    with refused("hour_before_wait"):
        decide_by.set_hour(plan_id=plan.pk, by=world.first, at=wait - MINUTE)
    told = Message.objects.filter(kind="PLAN_ALONE").last()
    assert "applies it by itself on Monday, 1 June 2026, 9:26 am" in render(told).text
    world.plan, world.hour = plan, wait
    assert world.strike()
    assert (world.plan.state, world.plan.applied_by) == ("applied", world.first)


def test_lone_approval_that_the_region_has_forbidden_since_is_held_back(world):
    world.hour = timezone.now() + HOUR
    world.plan = alone(world, world.hour)
    Region.objects.update(lone_approval=False)
    assert world.strike()
    assert (world.plan.state, world.plan.held_back) == ("prepared", "approval")
    assert world.untouched()


# --- On the data of the hour --------------------------------------------------------------------


def test_it_is_solved_afresh_at_the_hour(world):
    gone = world.people[0].application
    gone.claimed_by = make_person()
    gone.save()
    booking.cancel(appointment_id=world.people[0].pk, by=gone.claimed_by)
    assert world.strike()
    assert world.plan.summary["total"]["people"] == 3
    assert Slot.objects.get(pk=world.free.pk).taken == 2
    assert seats.check() == []
