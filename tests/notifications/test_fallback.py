"""A channel that does not bring a notice: who else tries, and when an officer is told."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import claims, decisions, delivery, kinds, outbox, receipts, sweep
from notifications.models import Arrival, Message, NotReached
from notifications.receipts import Report
from tests.notifications import builders
from tests.notifications.builders import ACCEPTED, NOW, PERMANENT, UNKNOWN, draft, minutes, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "gateway")]
State = Message.State
DAY = dt.timedelta(days=1)
VALUES = {"word": "now", "new_at": "2025-06-24T10:00:00+05:30", "new_centre_en": "PSK Bhopal"}
BOTH = {"kind": "BOTH", "values": VALUES, "reference": "a:1", "batch": "plan:3", "scope": "place:1"}


def reload(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def sms(**changes: object) -> Message:
    return queued(1, **{**BOTH, "other_address": "a@example.org", "notice": "n", **changes})


def email(**changes: object) -> Message:
    fields = {**BOTH, "channel": "email", "address": "a@example.org", "notice": "n"}
    return queued(2, **{**fields, **changes})


def email_fails_while_sms_waits(gateway) -> None:
    gateway.script = [PERMANENT]
    email()
    sms(other_address="", send_after=NOW + minutes(20))
    run()


def run() -> None:
    delivery.run("sms")
    delivery.run("email")


def why() -> str:
    return NotReached.objects.get(cleared_at__isnull=True).why


class TestFailed:
    def test_failed_sms_goes_by_email(self, gateway):
        gateway.script = [PERMANENT]
        message = sms()
        run()
        assert sweep.sweep() == sweep.Swept(followed_up=1)
        [other] = message.fallbacks.all()
        assert (other.channel, other.address, other.notice) == ("email", "a@example.org", "n")
        assert (other.batch, other.reference) == ("plan:3", "a:1")
        assert other.scope == "place:1"
        run()
        assert reload(other).state == State.ACCEPTED
        assert gateway.taken[1].subject
        assert not NotReached.objects.exists()

    def test_failed_email_goes_by_sms(self, gateway):
        gateway.script = [PERMANENT]
        message = email(other_address="+919800000001")
        run()
        sweep.sweep()
        run()
        [other] = message.fallbacks.all()
        assert (other.channel, other.state) == ("sms", State.ACCEPTED)
        assert gateway.taken[1].text == "Note: now -PSKMP"

    def test_it_is_followed_up_once(self, gateway):
        gateway.script = [PERMANENT]
        sms()
        run()
        sweep.sweep()
        assert sweep.sweep() == sweep.Swept()
        assert Message.objects.count() == 2

    def test_both_failed_is_not_reached(self, gateway):
        gateway.script = [PERMANENT, PERMANENT]
        sms()
        run()
        sweep.sweep()
        run()
        assert sweep.sweep() == sweep.Swept(followed_up=1)
        missed = NotReached.objects.get()
        assert (missed.reference, missed.batch, missed.kind) == ("a:1", "plan:3", "BOTH")
        assert (missed.urgent_by, missed.since) == (NOW + minutes(1), NOW)
        assert missed.why == "no such number"

    def test_one_sent_again_in_vain_is_not_reached_again(self, gateway, clock):
        gateway.script = [PERMANENT, PERMANENT]
        message = sms(other_address="")
        run()
        sweep.sweep()
        NotReached.objects.update(cleared_at=NOW)  # told by telephone
        clock.shift(minutes(1))
        decisions.resend(message=message, by="officer 1", reason="a new number")
        run()
        sweep.sweep()
        assert NotReached.objects.get().cleared_at is None

    def test_without_another_address_it_is_not_reached_at_once(self, gateway):
        gateway.script = [PERMANENT]
        sms(other_address="")
        run()
        sweep.sweep()
        assert why() == "no such number"

    def test_kind_without_words_for_the_other_channel_is_not_reached(self, gateway):
        gateway.script = [PERMANENT]
        sms(kind="PLAIN")
        run()
        sweep.sweep()
        assert Message.objects.count() == 1
        assert NotReached.objects.count() == 1

    def test_what_nobody_must_hear_is_not_called_about(self, gateway, monkeypatch):
        kind = kinds.get("PLAIN")
        light = kinds.Kind(code="PLAIN", sms=kind.sms, must_reach=False)
        monkeypatch.setitem(kinds._kinds, "PLAIN", light)
        gateway.script = [PERMANENT]
        sms(kind="PLAIN")
        run()
        assert sweep.sweep() == sweep.Swept()
        assert not NotReached.objects.exists()

    def test_message_past_its_life_is_not_followed_up(self, gateway, clock):
        gateway.script = [PERMANENT]
        sms(expires_at=NOW + minutes(5))
        run()
        clock.shift(minutes(5))
        sweep.sweep()
        assert Message.objects.count() == 1
        assert not NotReached.objects.exists()


class TestSentOnBothAnyway:
    def test_one_that_is_taken_is_enough(self, gateway):
        gateway.script = [PERMANENT, ACCEPTED]
        sms(other_address="")
        email()
        run()
        assert sweep.sweep() == sweep.Swept()
        assert Message.objects.count() == 2
        assert not NotReached.objects.exists()

    def test_one_that_still_waits_may_do_it(self, gateway):
        email_fails_while_sms_waits(gateway)
        sweep.sweep()
        assert not NotReached.objects.exists()

    def test_when_it_fails_too_nobody_was_reached(self, gateway, clock):
        gateway.script = [PERMANENT, PERMANENT]
        email()
        sms(other_address="", send_after=NOW + minutes(20))
        run()
        sweep.sweep()
        clock.shift(minutes(20))
        run()
        sweep.sweep()
        assert NotReached.objects.count() == 1

    def test_matter_that_was_taken_back_is_nobodys_to_call(self, gateway):
        email_fails_while_sms_waits(gateway)
        outbox.cancel(batch="plan:3", reason="plan undone")
        sweep.sweep()
        assert not NotReached.objects.exists()


class TestAddressThatIsGone:
    """The account is closed, or emails are not wanted any more: what says it elsewhere must."""

    def gone(self, channel: str) -> None:
        taken = {"reference": "a:1", "channel": channel, "address": "", "reason": "no address"}
        assert outbox.readdress(**taken) == 1

    def test_other_channel_that_fails_later_is_not_reached(self, gateway):
        gateway.script = [PERMANENT]
        email()
        sms(other_address="", send_after=NOW + minutes(20))
        self.gone("sms")
        run()
        sweep.sweep()
        assert why() == "no such number"

    def test_other_channel_that_had_failed_before_is_not_reached(self, gateway):
        email_fails_while_sms_waits(gateway)
        sweep.sweep()
        assert not NotReached.objects.exists()
        self.gone("sms")
        sweep.sweep()
        assert why() == "no such number"

    def test_email_that_was_to_stand_in_for_a_silent_sms_is_none(self, gateway, clock):
        gateway.reports = True
        message = sms()
        run()
        clock.shift(minutes(30))
        sweep.sweep()
        assert message.fallbacks.get().state == State.QUEUED
        self.gone("email")
        sweep.sweep()
        assert why() == "no receipt came"
        assert reload(message).receipt_by == NOW + 3 * DAY

    def test_other_channel_that_is_late_is_not_reached(self, gateway, clock):
        email()
        sms(other_address="", send_after=NOW + minutes(50))
        clock.shift(minutes(31))
        sweep.sweep()
        assert not NotReached.objects.exists()
        self.gone("sms")
        sweep.sweep()
        assert NotReached.objects.count() == 1

    def test_other_channel_that_has_brought_it_is_enough(self, gateway):
        email()
        run()
        sms(other_address="", send_after=NOW + minutes(20))
        self.gone("sms")
        sweep.sweep()
        assert not NotReached.objects.exists()

    def test_matter_that_is_taken_back_as_well_is_nobodys_to_call(self, gateway):
        email_fails_while_sms_waits(gateway)
        self.gone("sms")
        outbox.cancel(batch="plan:3", reason="plan undone")
        sweep.sweep()
        assert not NotReached.objects.exists()


class TestSilent:
    @pytest.fixture(autouse=True)
    def _reports(self, gateway) -> None:
        gateway.reports = True

    def test_without_a_receipt_after_half_an_hour_the_email_leaves(self, gateway, clock):
        message = sms()
        run()
        clock.shift(minutes(29))
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(1))
        assert sweep.sweep() == sweep.Swept(silent=1)
        assert message.fallbacks.get().channel == "email"
        assert reload(message).state == State.ACCEPTED
        assert sweep.sweep() == sweep.Swept()

    def test_receipt_in_time_sends_nothing(self, gateway, clock):
        message = sms()
        run()
        tell(message, Arrival.DELIVERED)
        clock.shift(minutes(31))
        sweep.sweep()
        assert not message.fallbacks.exists()

    def test_undelivered_does_not_wait(self, gateway):
        message = sms()
        run()
        tell(message, Arrival.UNDELIVERED)
        assert sweep.sweep() == sweep.Swept(followed_up=1)
        assert message.fallbacks.get().channel == "email"

    def test_matter_far_away_waits_until_it_is_near(self, gateway, clock):
        visit = NOW + 3 * DAY
        message = sms(urgent_by=visit, expires_at=visit)
        run()
        clock.move_to(NOW + minutes(31))
        assert sweep.sweep() == sweep.Swept()
        clock.move_to(visit - 2 * DAY)
        assert sweep.sweep() == sweep.Swept(silent=1)
        assert message.fallbacks.exists()

    def silent_for_72_hours(self, clock, **changes: object) -> Message:
        """Its matter is so far away that nobody has looked before."""
        visit = NOW + 20 * DAY
        message = sms(urgent_by=visit, expires_at=visit, **changes)
        run()
        clock.move_to(NOW + 3 * DAY)
        assert sweep.sweep() == sweep.Swept(silent=1)
        message = reload(message)
        assert (message.state, message.receipt_by) == (State.UNCONFIRMED, None)
        return message

    def test_after_72_hours_it_is_no_longer_waited_for_and_the_email_leaves(self, clock):
        message = self.silent_for_72_hours(clock)
        assert message.fallbacks.get().channel == "email"
        assert sweep.sweep() == sweep.Swept()

    def test_after_72_hours_without_another_address_it_is_not_reached(self, clock):
        self.silent_for_72_hours(clock, other_address="")
        assert why() == "no receipt came"

    def test_one_that_was_looked_at_when_it_came_near_is_not_looked_at_again(self, clock):
        visit = NOW + 4 * DAY
        message = sms(urgent_by=visit, expires_at=visit)
        run()
        clock.move_to(NOW + 2 * DAY)
        assert sweep.sweep() == sweep.Swept(silent=1)
        run()
        clock.move_to(NOW + 3 * DAY)
        sweep.sweep()
        assert reload(message).state == State.UNCONFIRMED
        assert message.fallbacks.count() == 1

    def test_silent_on_both_channels_is_not_reached(self, gateway, clock):
        sms()
        run()
        clock.shift(minutes(30))
        sweep.sweep()
        run()
        clock.shift(minutes(30))
        sweep.sweep()
        assert why() == "no receipt came"

    def test_link_is_kept_for_the_fallback(self, gateway, clock, monkeypatch):
        secret = kinds.Kind(
            code="BOTH",
            sms={"hi": "{url}", "en": "{url}"},
            email_template="messages/email/confirmed",
            secrets=frozenset({"url"}),
        )
        monkeypatch.setitem(kinds._kinds, "BOTH", secret)
        message = sms(values={**VALUES, "url": "host/secret"})
        run()
        sweep.sweep()
        clock.shift(minutes(30))
        sweep.sweep()
        assert message.fallbacks.get().values["url"] == "host/secret"

    def test_gateway_that_does_not_report_is_not_waited_for(self, gateway, clock):
        gateway.reports = False
        message = sms()
        run()
        assert reload(message).receipt_by is None
        clock.shift(minutes(60))
        assert sweep.sweep() == sweep.Swept()


class TestInDoubt:
    def test_other_channel_tries_after_two_minutes(self, gateway, clock):
        gateway.script = [UNKNOWN]
        message = sms()
        run()
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(2))
        assert sweep.sweep() == sweep.Swept(followed_up=1)
        assert message.fallbacks.get().channel == "email"

    def test_of_an_urgent_kind_its_repeat_comes_first(self, gateway, clock):
        gateway.script = [UNKNOWN, UNKNOWN]
        values = {"word": "now", "url": "host/x"}
        message = queued(1, kind="URGENT", values=values, reference="a:1")
        run()
        assert sweep.sweep() == sweep.Swept(repeated=1)
        run()
        clock.shift(minutes(2))
        assert sweep.sweep() == sweep.Swept(followed_up=1)
        assert reload(message).state == State.UNKNOWN
        assert NotReached.objects.get().reference == "a:1"


def tell(message: Message, arrival: Arrival) -> None:
    reference = message.attempts.latest("number").client_reference
    told = Report(arrival=arrival, client_reference=reference)
    receipts.take(gateway="scripted", report=told, now=NOW)


def test_many_are_followed_up_in_one_turn(gateway):
    gateway.script = [PERMANENT] * 30
    outbox.enqueue(
        [draft(n, **{**BOTH, "notice": f"n{n}", "other_address": f"a{n}@b.in"}) for n in range(30)],
        now=NOW,
    )
    run()
    assert sweep.sweep() == sweep.Swept(followed_up=30)
    assert Message.objects.filter(channel="email").count() == 30


class TestReachedAfterAll:
    """A notice on the call list leaves it when it is known that it reached its person."""

    def missed(self, number: int, gateway) -> Message:
        gateway.script = [PERMANENT]
        message = queued(number, **BOTH, notice=f"n:{number}")
        run()
        sweep.sweep()
        assert NotReached.objects.get(notice=f"n:{number}").cleared_at is None
        return reload(message)

    def test_one_sent_again_and_taken_by_a_gateway_without_receipts(self, gateway, clock):
        message, other = self.missed(1, gateway), self.missed(2, gateway)
        clock.shift(minutes(5))
        decisions.resend(message=message, by="officer", reason="again")
        assert NotReached.objects.filter(cleared_at__isnull=True).count() == 2
        run()
        assert reload(message).state == State.ACCEPTED
        cleared = NotReached.objects.get(cleared_at__isnull=False)
        assert (cleared.notice, cleared.cleared_at) == ("n:1", NOW + minutes(5))
        assert reload(other).state == State.FAILED

    def test_whole_window_is_cleared_at_once(self, gateway):
        for number in range(1, 5):
            self.missed(number, gateway)
        gateway.window = 4
        decisions.resend_batch(batch="plan:3", by="officer", reason="again")
        held = claims.claim(builders.SHARE, limit=4, now=NOW)
        claims.start(held, NOW)
        with CaptureQueriesContext(connection) as queries:
            claims.record([(each, ACCEPTED) for each in held], NOW)
        assert len([q for q in queries if "notreached" in q["sql"]]) == 2
        assert not NotReached.objects.filter(cleared_at__isnull=True).exists()

    def test_gateway_that_reports_clears_it_by_its_receipt_only(self, gateway):
        message = self.missed(1, gateway)
        gateway.reports = True
        decisions.resend(message=message, by="officer", reason="again")
        run()
        assert reload(message).state == State.ACCEPTED
        assert NotReached.objects.get().cleared_at is None
        tell(message, Arrival.DELIVERED)
        assert NotReached.objects.get().cleared_at is not None

    def test_worker_that_says_late_that_it_was_taken_clears_it(self, gateway, clock):
        queued(1, **BOTH, notice="n:1")
        [held] = claims.claim(builders.SHARE, limit=1, now=NOW)
        assert builders.begin(held)
        clock.shift(minutes(5))  # the worker sleeps past its lease
        sweep.sweep()
        clock.shift(minutes(5))
        sweep.sweep()
        assert NotReached.objects.get().cleared_at is None
        claims.record([(held, ACCEPTED)], timezone.now())
        assert NotReached.objects.get().cleared_at == timezone.now()

    def test_one_refused_again_stays(self, gateway):
        message = self.missed(1, gateway)
        gateway.script = [PERMANENT]
        decisions.resend(message=message, by="officer", reason="again")
        run()
        assert NotReached.objects.get().cleared_at is None
