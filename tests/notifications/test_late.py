"""What should have left and does not: who else tries, and when an officer is told."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications import (
    batches,
    claims,
    decisions,
    delivery,
    fallback,
    kinds,
    outbox,
    reach,
    sweep,
)
from notifications.models import Message, NotReached
from notifications.receipts import Report, take
from tests.notifications.builders import (
    NOW,
    PERMANENT,
    SHARE,
    TRANSIENT,
    UNKNOWN,
    begin,
    draft,
    minutes,
    queued,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "gateway")]
State = Message.State
DAY = dt.timedelta(days=1)
VALUES = {"word": "now", "new_at": "2025-06-24T10:00:00+05:30", "new_centre_en": "PSK Bhopal"}
# A visit tomorrow at ten.
FIELDS = {
    "kind": "BOTH",
    "values": VALUES,
    "reference": "a:1",
    "batch": "plan:3",
    "notice": "n",
    "urgent_by": NOW + DAY,
    "expires_at": NOW + DAY,
}
WHO = {"by": "officer 7", "reason": "why"}


def sms(number: int = 1, **changes) -> Message:
    return queued(number, **{**FIELDS, **changes})


def email(number: int = 2, **changes) -> Message:
    return sms(number, **{"channel": "email", "address": "a@example.org", **changes})


def missed() -> list[str]:
    """Notices on the call list."""
    return list(reach.open_ones().values_list("notice", flat=True))


def run() -> None:
    delivery.run("sms")
    delivery.run("email")


def pass_minutes(clock, count: int) -> None:
    """The sweeper looks each minute; a worker tries whatever is due."""
    for _ in range(count):
        clock.shift(minutes(1))
        run()
        sweep.sweep()


class TestNobodyTakesIt:
    """The gateway is down: nothing of its channel leaves."""

    def test_after_half_an_hour_an_officer_knows(self, clock):
        message = sms()
        clock.shift(minutes(29))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep() == sweep.Swept(late=1)
        [row] = NotReached.objects.all()
        assert (row.notice, row.reference, row.since) == ("n", "a:1", NOW + minutes(30))
        assert row.why == "it could not leave for half an hour"
        message.refresh_from_db()
        assert message.state == State.QUEUED  # it may leave yet
        assert sweep.sweep() == sweep.Swept()

    def test_who_is_noted_comes_off_when_it_leaves_after_all(self, clock):
        message = sms()
        clock.shift(minutes(30))
        sweep.sweep()
        run()
        message.refresh_from_db()
        assert message.state == State.ACCEPTED
        assert missed() == []

    def test_through_a_gateway_that_reports_when_it_arrives(self, clock, gateway):
        gateway.reports = True
        message = sms()
        clock.shift(minutes(30))
        sweep.sweep()
        run()
        assert missed() == ["n"]
        told(message, "delivered", NOW + minutes(31))
        assert missed() == []

    def test_the_other_channel_tries_first(self, clock):
        message = sms(other_address="a@example.org")
        clock.shift(minutes(30))
        assert sweep.sweep() == sweep.Swept(late=1)
        assert missed() == []
        [other] = message.fallbacks.all()
        assert (other.channel, other.notice) == ("email", "n")
        delivery.run("email")
        pass_minutes(clock, 40)
        assert missed() == []

    def test_both_channels_stand_still(self, clock):
        sms(other_address="a@example.org")
        clock.shift(minutes(30))
        sweep.sweep()
        clock.shift(minutes(29))
        sweep.sweep()
        assert missed() == []
        clock.shift(minutes(1))
        sweep.sweep()
        assert missed() == ["n"]

    def test_email_that_was_taken_is_enough(self, clock):
        sms()
        email()
        delivery.run("email")
        clock.shift(minutes(30))
        assert sweep.sweep() == sweep.Swept(late=1)
        assert missed() == []

    def test_matter_far_away_waits_until_it_is_near(self, clock):
        visit = NOW + 3 * DAY
        sms(urgent_by=visit, expires_at=visit)
        clock.move_to(NOW + 3 * DAY - 2 * DAY - minutes(1))
        assert sweep.sweep() == sweep.Swept()
        clock.move_to(visit - 2 * DAY)
        assert sweep.sweep().late == 1
        assert missed() == ["n"]

    def test_end_of_its_life_is_as_near_as_a_visit(self, clock):
        """The seat that it offers is kept until tomorrow; the visit is in a week."""
        sms(urgent_by=NOW + 7 * DAY, expires_at=NOW + DAY)
        clock.shift(minutes(30))
        assert sweep.sweep().late == 1
        assert missed() == ["n"]

    def test_what_nobody_must_hear_is_not_called_about(self, clock, monkeypatch):
        light = kinds.Kind(code="BOTH", sms=kinds.get("BOTH").sms, must_reach=False)
        monkeypatch.setitem(kinds._kinds, "BOTH", light)
        sms()
        clock.shift(minutes(30))
        sweep.sweep()
        assert missed() == []

    def test_one_past_its_life_is_only_ended(self, clock):
        message = sms(expires_at=NOW + minutes(30))
        clock.shift(minutes(30))
        assert sweep.sweep() == sweep.Swept(expired=1)
        message.refresh_from_db()
        assert message.state == State.EXPIRED
        assert missed() == []

    def test_one_in_a_workers_hands_is_not_late(self, clock):
        sms()
        clock.shift(minutes(30))
        [held] = claims.claim(SHARE, limit=1, now=NOW + minutes(30))
        assert sweep.sweep() == sweep.Swept()
        assert begin(held)

    def test_more_than_fit_into_one_turn_the_soonest_first(self, clock, monkeypatch):
        monkeypatch.setattr(fallback, "CHUNK", 2)
        visits = {name: NOW + DAY + minutes(at) for name, at in (("c", 3), ("a", 1), ("b", 2))}
        for number, (name, visit) in enumerate(visits.items()):
            sms(number, notice=name, urgent_by=visit)
        clock.shift(minutes(30))
        sweep.sweep()
        assert missed() == ["a", "b"]
        sweep.sweep()
        assert missed() == ["a", "b", "c"]


class TestItsTimeHasNotCome:
    """What waits for its hour, its moment or an officer is not stuck."""

    def test_until_its_moment(self, clock):
        sms(send_after=NOW + minutes(60))
        clock.shift(minutes(89))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep().late == 1

    def test_written_today_to_leave_from_a_moment_long_past(self, clock):
        """The notices of a cut that is changed may leave since its declaration's grace ended."""
        sms(send_after=NOW - DAY)
        clock.shift(minutes(29))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep().late == 1

    def test_until_half_an_hour_after_the_night(self, clock):
        clock.move_to(NOW.replace(hour=20, minute=45))
        visit = NOW + DAY + minutes(12 * 60)
        queued(1, now=NOW.replace(hour=20, minute=45), **{**FIELDS, "urgent_by": visit})
        for hour, minute in ((21, 30), (23, 0), (7, 59), (8, 0), (8, 29)):
            day = NOW if hour > 12 else NOW + DAY
            clock.move_to(day.replace(hour=hour, minute=minute))
            assert sweep.sweep().late == 0, (hour, minute)
        clock.move_to((NOW + DAY).replace(hour=8, minute=30))
        assert sweep.sweep().late == 1

    def test_at_night_from_when_it_may_ring(self, clock):
        clock.move_to(NOW.replace(hour=20, minute=0))
        rings_from = NOW.replace(hour=22, minute=0)
        queued(1, now=NOW.replace(hour=20), **{**FIELDS, "quiet_ok_from": rings_from})
        Message.objects.update(next_attempt_at=NOW.replace(hour=21, minute=15))
        clock.move_to(NOW.replace(hour=22, minute=29))
        assert sweep.sweep().late == 0
        clock.move_to(NOW.replace(hour=22, minute=30))
        assert sweep.sweep().late == 1
        assert missed() == ["n"]

    def test_emails_know_no_night(self, clock):
        night = NOW.replace(hour=23)
        clock.move_to(night)
        fields = {**FIELDS, "channel": "email", "address": "a@example.org"}
        queued(1, now=night, **fields)
        clock.shift(minutes(30))
        assert sweep.sweep().late == 1

    def test_while_its_batch_is_paused_and_half_an_hour_longer(self, clock):
        sms()
        clock.shift(minutes(20))
        batches.pause(batch="plan:3", **WHO)
        clock.shift(minutes(120))
        assert sweep.sweep() == sweep.Swept()
        batches.resume(batch="plan:3", **WHO)
        clock.shift(minutes(29))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep().late == 1

    def test_pause_of_another_batch_is_no_reason(self, clock):
        sms()
        sms(2, batch="plan:4", notice="other")
        batches.pause(batch="plan:4", **WHO)
        clock.shift(minutes(30))
        assert sweep.sweep().late == 1
        assert missed() == ["n"]

    def test_sent_again_by_an_officer_it_has_its_half_hour(self, clock, gateway):
        gateway.script = [TRANSIENT, PERMANENT]
        message = sms()
        run()
        clock.shift(minutes(1))
        run()
        sweep.sweep()
        assert missed() == ["n"]
        clock.shift(minutes(60))
        reach.clear(now=NOW + minutes(61), references=["a:1"])
        decisions.resend(message=message, **WHO)
        clock.shift(minutes(29))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep().late == 1


class TestItIsTriedInVain:
    """The gateway answers "later" each time, so its next try is never long ago."""

    def test_mailbox_that_is_full_all_day(self, clock, gateway):
        gateway.script = [TRANSIENT] * 20
        email()
        run()
        pass_minutes(clock, 29)
        assert missed() == []
        pass_minutes(clock, 1)
        assert missed() == ["n"]
        assert NotReached.objects.get().why == "busy"
        assert not any(pass_minutes(clock, 1) for _ in range(5))
        assert NotReached.objects.count() == 1

    def test_sms_that_failed_was_followed_up_while_its_email_gave_hope(self, clock, gateway):
        """It has no such number; the mailbox says later until the visit."""
        gateway.script = [PERMANENT, *[TRANSIENT] * 20]
        sms()
        email()
        run()
        sweep.sweep()
        assert missed() == []
        pass_minutes(clock, 30)
        assert missed() == ["n"]

    def test_sms_that_fails_when_its_email_is_late_already(self, clock):
        sms(send_after=NOW + minutes(60))
        email()
        clock.shift(minutes(30))
        assert sweep.sweep() == sweep.Swept(late=1)
        assert missed() == []  # the SMS may do it
        Message.objects.filter(channel="sms").update(state=State.FAILED)
        sweep.sweep()
        assert missed() == ["n"]

    def test_gateway_that_asks_for_an_hour(self, clock, gateway):
        gateway.script = [TRANSIENT]
        message = email()
        run()
        Message.objects.filter(pk=message.pk).update(next_attempt_at=NOW + minutes(60))
        clock.shift(minutes(30))
        assert sweep.sweep().late == 1


class TestAfterwards:
    """One that was late and then left is followed up like any other."""

    @pytest.fixture
    def late(self, clock, gateway) -> Message:
        gateway.reports = True
        message = sms()
        clock.shift(minutes(30))
        sweep.sweep()
        reach.clear(now=NOW + minutes(30), references=["a:1"])  # told by telephone
        return message

    def test_taken_it_gives_hope_again(self, late, clock):
        assert reach.hopeful(["a:1"]) == {}
        run()
        assert reach.hopeful(["a:1"]) == {"a:1": {("BOTH", "plan:3")}}
        late.refresh_from_db()
        assert late.followed_up_at is None

    def test_its_receipt_has_half_an_hour_too(self, late, clock):
        run()
        clock.shift(minutes(29))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep() == sweep.Swept(silent=1)

    @pytest.mark.parametrize("answer", [PERMANENT, UNKNOWN])
    def test_its_bad_end_is_seen_to_at_its_own_moment(self, late, clock, gateway, answer):
        gateway.script = [answer]
        run()
        clock.shift(minutes(3))
        assert sweep.sweep().followed_up == 1
        late.refresh_from_db()
        assert late.followed_up_at == NOW + minutes(33)

    def test_worker_that_stops_with_it(self, late, clock):
        [held] = claims.claim(SHARE, limit=1, now=NOW + minutes(30))
        assert begin(held)
        clock.shift(minutes(5))
        assert sweep.sweep().unknown == 1
        late.refresh_from_db()
        assert (late.state, late.followed_up_at) == (State.UNKNOWN, None)

    def test_tried_in_vain_it_stays_late(self, late, clock, gateway):
        gateway.script = [TRANSIENT]
        run()
        late.refresh_from_db()
        assert late.followed_up_at == NOW + minutes(30)
        assert sweep.sweep() == sweep.Swept()

    def test_told_by_telephone_stays_told(self, late, clock, gateway):
        gateway.script = [PERMANENT]
        run()
        sweep.sweep()
        assert missed() == []


def told(message: Message, arrival: str, at: dt.datetime) -> None:
    reference = message.attempts.latest("number").client_reference
    take(gateway="scripted", report=Report(arrival=arrival, client_reference=reference), now=at)


@pytest.mark.parametrize("count", [1, 30])
def test_looking_for_late_ones_takes_four_queries_however_many_wait(count):
    """What is to be done for each late one comes on top."""
    far = NOW + 9 * DAY
    outbox.enqueue([draft(n, urgent_by=far, expires_at=far) for n in range(count)], now=NOW)
    with CaptureQueriesContext(connection) as queries:
        assert fallback.look_for_late(NOW + minutes(60)) == 0
    assert len([q for q in queries if "SELECT" in q["sql"]]) == 4
