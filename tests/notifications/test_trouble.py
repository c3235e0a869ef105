"""What is wrong with messages, in a few numbers."""

import datetime as dt

import pytest

from notifications import gates, health, told, trouble
from notifications.models import GatewayState, Message
from tests.notifications.builders import NOW, minutes, queued

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def troubled(number: int, state: str, **fields) -> Message:
    """A message that came to a bad end, and of which everything has been tried."""
    message = queued(number, batch=fields.pop("batch", "plan:1"))
    changes = {"state": state, "followed_up_at": NOW, **fields}
    Message.objects.filter(pk=message.pk).update(**changes)
    return message


class TestByBatch:
    def test_counts_what_is_unclear_and_what_failed_the_worst_batch_first(self):
        troubled(1, "unknown")
        for number in (2, 3):
            troubled(number, "failed", batch="plan:2")
        latest = NOW + minutes(3)
        troubled(4, "undelivered", batch="plan:2", sent_at=NOW, followed_up_at=latest)
        first, second = trouble.by_batch(latest)
        assert (first.batch, first.unknown, first.failed) == ("plan:2", 0, 3)
        assert (first.newest, second.newest) == (latest, NOW)
        assert (second.batch, second.unknown, second.failed) == ("plan:1", 1, 0)
        assert first.count == 3

    def test_newest_is_the_last_that_came_to_its_end_whenever_it_was_written(self):
        first, second = (queued(number, batch="plan:1") for number in (1, 2))
        ends = {first: NOW + minutes(9), second: NOW + minutes(5)}
        for message, at in ends.items():
            Message.objects.filter(pk=message.pk).update(state="failed", followed_up_at=at)
        [found] = trouble.by_batch(NOW + minutes(10))
        assert found.newest == NOW + minutes(9)

    def test_message_that_was_written_days_before_it_failed_counts(self):
        troubled(1, "failed", created_at=NOW - dt.timedelta(days=5))
        assert [each.count for each in trouble.by_batch(NOW)] == [1]

    def test_message_that_was_never_sent_and_had_to_reach_somebody_counts(self):
        ended = NOW - minutes(7)
        troubled(1, "expired", expires_at=ended, followed_up_at=None)
        [found] = trouble.by_batch(NOW)
        assert (found.unknown, found.failed, found.newest) == (0, 1, ended)
        assert trouble.by_batch(ended + dt.timedelta(days=1, minutes=1)) == []

    def test_message_that_was_never_sent_and_need_reach_nobody_does_not_count(self):
        troubled(1, "expired", kind="OTP", expires_at=NOW - minutes(7))
        assert trouble.by_batch(NOW) == []

    @pytest.mark.parametrize("state", ["queued", "accepted", "delivered", "cancelled"])
    def test_other_ends_are_no_trouble(self, state):
        sent = {"sent_at": NOW} if state in ("accepted", "delivered") else {}
        arrived = {"delivered_at": NOW} if state == "delivered" else {}
        troubled(1, state, **sent, **arrived)
        assert trouble.by_batch(NOW) == []

    def test_what_a_repeat_or_a_receipt_may_still_settle_does_not_count(self):
        troubled(1, "unknown", followed_up_at=None)
        assert trouble.by_batch(NOW) == []

    def test_what_was_taken_back_anyway_does_not_count(self):
        troubled(1, "failed", cancel_requested=True)
        assert trouble.by_batch(NOW) == []

    def test_after_a_day_it_stands_in_the_list_only(self):
        troubled(1, "failed")
        assert trouble.by_batch(NOW + dt.timedelta(days=1, minutes=1)) == []


class TestGateways:
    @pytest.fixture(autouse=True)
    def two(self, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["smtp", "file"]}

    def rest(self, times: int, *, start: dt.datetime = NOW) -> dt.datetime:
        """Let the gateway "file" rest so often in a row; returns when the last rest ends."""
        at = start
        for _ in range(times):
            at += health.rest("file", now=at, reason="refused") or dt.timedelta()
        return at

    def test_rest_of_a_minute_is_no_news(self):
        ends = self.rest(2)
        assert trouble.gateways_down(ends - minutes(0.1)) == []

    def test_rests_in_a_row_of_more_than_five_minutes_are(self):
        ends = self.rest(5)  # 15 + 30 + 60 + 120 + 240 seconds
        assert trouble.gateways_down(NOW + minutes(4.9)) == []
        now = NOW + minutes(5.1)
        assert now < ends
        sms, email = trouble.gateways_down(now)
        assert (sms.gateway, sms.channel, sms.since, sms.others) == ("file", "sms", NOW, 0)
        assert (email.channel, email.others) == ("email", 1)

    def test_rest_that_it_asked_for_itself_counts_by_its_length(self):
        health.rest("file", now=NOW, reason="429", wait=minutes(4))
        assert trouble.gateways_down(NOW) == []
        health.rest("file", now=NOW, reason="429", wait=minutes(20))
        assert [down.channel for down in trouble.gateways_down(NOW)] == ["sms", "email"]

    def test_moment_since_when_is_that_of_the_first_rest_whatever_the_gateway_asked_for(self):
        first = self.rest(1)
        health.rest("file", now=first, reason="429", wait=minutes(20))
        for down in trouble.gateways_down(first):
            assert down.since == NOW  # not in the future: see health.rest for nominal rests

    def test_tries_of_a_message_that_backs_off_go_on_with_the_same_rest(self):
        ends = self.rest(2)
        later = ends + minutes(5)
        health.rest("file", now=later, reason="refused")
        assert {down.since for down in trouble.gateways_down(later)} == {NOW}

    def test_after_hours_without_work_a_rest_begins_anew(self):
        ends = self.rest(2)
        later = ends + HOUR
        health.rest("file", now=later, reason="429", wait=minutes(20))
        assert {down.since for down in trouble.gateways_down(later)} == {later}

    def test_success_ends_it(self):
        ends = self.rest(6)
        health.works("file", now=ends)
        assert trouble.gateways_down(ends) == []
        health.rest("file", now=ends, reason="429", wait=minutes(20))
        assert {down.since for down in trouble.gateways_down(ends)} == {ends}

    def test_one_rest_is_not_longer_because_nobody_has_asked_since(self):
        self.rest(1)
        assert trouble.gateways_down(NOW + 5 * HOUR) == []

    def test_says_how_many_messages_wait(self):
        self.rest(6)
        queued(1)
        queued(2, send_after=NOW + HOUR)
        assert trouble.gateways_down(NOW + minutes(6))[0].waiting == 1

    def test_gateway_that_is_not_in_use_is_no_trouble(self):
        gates.shut("msg91", until=NOW + HOUR, now=NOW, reason="down")
        GatewayState.objects.create(name="msg91", filled_at=NOW, rests=9)
        assert trouble.gateways_down(NOW) == []


class TestTexts:
    @pytest.fixture(autouse=True)
    def no_sources(self, monkeypatch):
        monkeypatch.setattr(trouble, "_sources", [])

    def test_every_source_is_asked_once(self):
        def registry(now):
            return [f"HOLD hi: expired on {now:%d/%m}"]

        trouble.add_source(registry)
        trouble.add_source(registry)
        trouble.add_source(lambda now: ["VISIT en: nothing on file"])
        assert trouble.text_problems(NOW) == [
            "HOLD hi: expired on 23/06",
            "VISIT en: nothing on file",
        ]


class TestTold:
    def test_one_that_was_taken_back_does_not_hold(self):
        queued(1, batch="b", reference="m:1")
        gone = queued(2, batch="b", reference="m:2")
        Message.objects.filter(pk=gone.pk).update(state="cancelled")
        assert told.in_batch("b") == {
            "m:1": told.Told(holds=True),
            "m:2": told.Told(taken_back=1),
        }

    def test_of_a_kind_and_since_a_moment(self):
        queued(1, reference="m:1")
        queued(2, reference="m:2", now=NOW - HOUR)
        queued(3, reference="m:3", kind="URGENT")
        gone = queued(4, reference="m:4")
        Message.objects.filter(pk=gone.pk).update(state="cancelled")
        every = [f"m:{number}" for number in range(1, 6)]
        assert told.told_since(kinds=["PLAIN"], references=every, since=NOW) == {"m:1"}
