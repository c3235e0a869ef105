"""What other apps may ask of the outbox."""

from typing import Any

import pytest
from django.db import transaction

from notifications import claims, decisions, outbox, sweep
from notifications.models import Message, NotReached
from tests.notifications.builders import NOW, SHARE, begin, draft, minutes, queued

pytestmark = pytest.mark.django_db
State = Message.State


class TestDraft:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"channel": "pigeon"}, "no channel"),
            ({"language": "fr"}, "no language"),
            ({"address": ""}, "no address"),
            ({"address": "a" * 255}, "no address"),
            ({"dedupe_key": ""}, "dedupe_key"),
            ({"dedupe_key": "k" * 121}, "dedupe_key"),
            ({"batch": "b" * 61}, "too long"),
            ({"urgent_by": NOW.replace(tzinfo=None)}, "no time zone"),
            ({"send_after": NOW.replace(tzinfo=None)}, "no time zone"),
            ({"channel": "email"}, "no words for email"),
        ],
    )
    def test_unsendable_draft_is_refused_before_it_is_written(self, changes, why):
        with pytest.raises(ValueError, match=why):
            draft(**changes)

    def test_draft_of_unknown_kind_is_refused(self):
        with pytest.raises(KeyError):
            draft(kind="NEVER")

    def test_values_stay_out_of_logs(self):
        assert "no. 1" not in repr(draft())


class TestEnqueue:
    def test_draft_becomes_a_queued_message_due_at_once(self):
        assert outbox.enqueue([draft(reference="appointment:7", batch="plan:3")], now=NOW) == 1
        message = Message.objects.get()
        assert message.state == State.QUEUED
        assert message.next_attempt_at == message.created_at == NOW
        assert (message.reference, message.batch) == ("appointment:7", "plan:3")

    def test_message_waits_until_send_after(self):
        assert queued(send_after=NOW + minutes(10)).next_attempt_at == NOW + minutes(10)

    def test_same_dedupe_key_is_written_once_and_the_count_says_so(self):
        assert outbox.enqueue([draft(1), draft(2), draft(2)], now=NOW) == 2
        assert outbox.enqueue([draft(2, address="+910000000000"), draft(3)], now=NOW) == 1
        assert Message.objects.count() == 3
        assert Message.objects.get(dedupe_key="test:2").address == draft(2).address

    def test_message_is_gone_with_the_change_that_is_rolled_back(self):
        with transaction.atomic():
            outbox.enqueue([draft()], now=NOW)
            transaction.set_rollback(True)
        assert not Message.objects.exists()

    def test_one_nudge_per_channel_follows_the_commit(
        self, monkeypatch, django_capture_on_commit_callbacks
    ):
        nudged: list[str] = []
        monkeypatch.setattr(
            outbox.nudge, "publish", lambda to, urgent: nudged.append(f"{to} {urgent}")
        )
        mail = draft(9, kind="MAIL", channel="email", address="a@example.org")
        with django_capture_on_commit_callbacks(execute=True):
            outbox.enqueue([draft(1), mail, draft(2)], now=NOW)
            assert nudged == []
        assert nudged == ["email True", "sms True"]

    def test_each_lane_that_has_something_is_nudged(
        self, monkeypatch, django_capture_on_commit_callbacks
    ):
        nudged: list[str] = []
        monkeypatch.setattr(
            outbox.nudge, "publish", lambda to, urgent: nudged.append(f"{to} {urgent}")
        )
        later = NOW + minutes(3 * 24 * 60)
        with django_capture_on_commit_callbacks(execute=True):
            outbox.enqueue([draft(1), draft(2, urgent_by=later), draft(3)], now=NOW)
        assert nudged == ["sms False", "sms True"]

    def test_nothing_to_say_writes_and_nudges_nothing(self, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as callbacks:
            assert outbox.enqueue([], now=NOW) == 0
        assert callbacks == []

    @pytest.mark.parametrize("count", [1, 400])
    def test_number_of_queries_does_not_grow_with_the_messages(
        self, count, django_assert_max_num_queries, on_postgresql
    ):
        drafts = [draft(number) for number in range(count)]
        # SQLite takes 999 values in one statement, so 40 messages.
        with django_assert_max_num_queries(5 if on_postgresql else 24):
            assert outbox.enqueue(drafts, now=NOW) == count


class TestCancel:
    def test_queued_messages_of_the_batch_are_taken_back(self):
        mine, other = queued(1, batch="plan:3"), queued(2, batch="plan:4")
        assert outbox.cancel(batch="plan:3", reason="plan undone") == 1
        mine.refresh_from_db()
        other.refresh_from_db()
        assert (mine.state, mine.error) == (State.CANCELLED, "plan undone")
        assert other.state == State.QUEUED

    def test_batch_and_reference_together_mean_both(self):
        queued(1, batch="plan:3", reference="a:1")
        queued(2, batch="plan:3", reference="a:2")
        queued(3, batch="plan:4", reference="a:1")
        assert outbox.cancel(batch="plan:3", reference="a:1", reason="undone") == 1
        assert Message.objects.get(state=State.CANCELLED).dedupe_key == "test:1"

    def test_again_changes_nothing(self):
        queued(batch="plan:3")
        outbox.cancel(batch="plan:3", reason="first")
        assert outbox.cancel(batch="plan:3", reason="second") == 0
        assert Message.objects.get().error == "first"

    def test_neither_batch_nor_reference_is_refused(self):
        with pytest.raises(ValueError, match="every message"):
            outbox.cancel(reason="oops")

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.FAILED, State.UNKNOWN, State.EXPIRED])
    def test_message_that_has_ended_stays_as_it_is(self, state):
        message = queued(batch="plan:3")
        sent_at = NOW if state == State.ACCEPTED else None
        Message.objects.filter(pk=message.pk).update(state=state, sent_at=sent_at)
        assert outbox.cancel(batch="plan:3", reason="undone") == 0
        assert Message.objects.get().state == state


def once_said(number: int, state: str, **changes: Any) -> Message:
    """One that has left, or may have, and has come so far. `receipt_by`: its receipt is owed."""
    message = queued(number, batch="hold:3", reference="a:1", **changes)
    taken = state in (State.ACCEPTED, State.UNDELIVERED, State.UNCONFIRMED)
    owed = NOW + minutes(30) if state == State.ACCEPTED else None
    columns = {"sent_at": NOW if taken else None, "receipt_by": owed, "error": "phone is off"}
    Message.objects.filter(pk=message.pk).update(state=state, **columns)
    message.refresh_from_db()
    return message


@pytest.mark.usefixtures("clock")
class TestSaidAgain:
    """What was taken back is said in no other way either."""

    VERBS = (
        lambda: outbox.cancel(batch="hold:3", reason="it stands"),
        lambda: outbox.cancel(reference="a:1", reason="it stands"),
        lambda: outbox.take_back(kind="URGENT", references=["a:1"], reason="it stands"),
        lambda: outbox.take_back(batch="hold:3", references=["a:1"], reason="it stands"),
    )
    NAMES = ("batch", "reference", "kind", "batch-and-reference")

    @pytest.mark.parametrize("verb", VERBS, ids=NAMES)
    @pytest.mark.parametrize(
        "state", [State.UNKNOWN, State.FAILED, State.UNDELIVERED, State.ACCEPTED]
    )
    def test_one_that_could_still_be_said_again_keeps_its_state_and_is_not(self, state, verb):
        message = once_said(1, state, kind="URGENT")
        assert verb() == 0
        message.refresh_from_db()
        assert (message.state, message.cancel_requested) == (state, True)
        assert message.error == "phone is off"  # why it did not arrive, not why it is out of date

    @pytest.mark.parametrize("verb", VERBS, ids=NAMES)
    def test_one_whose_fate_is_known_is_not_touched(self, verb):
        message = once_said(1, State.UNCONFIRMED, kind="URGENT")
        before = Message.objects.values().get(pk=message.pk)
        assert verb() == 0
        assert Message.objects.values().get(pk=message.pk) == before

    @pytest.mark.parametrize("verb", VERBS, ids=NAMES)
    def test_no_repeat_and_no_other_channel(self, verb, clock, gateway):
        once_said(1, State.UNKNOWN, kind="URGENT")
        once_said(2, State.FAILED, kind="URGENT")
        once_said(3, State.ACCEPTED, kind="URGENT")
        verb()
        clock.shift(minutes(31))
        sweep.sweep()
        assert not Message.objects.filter(state=State.QUEUED).exists()
        assert not NotReached.objects.exists()

    def test_what_another_matter_or_an_older_event_said_may_be_said_again(self):
        elsewhere = once_said(1, State.UNKNOWN, kind="URGENT")
        Message.objects.filter(pk=elsewhere.pk).update(reference="a:2")
        once_said(2, State.UNKNOWN, kind="PLAIN")
        once_said(3, State.UNKNOWN, kind="URGENT")
        since = NOW + minutes(1)
        outbox.take_back(kind="URGENT", references=["a:1"], written_since=since, reason="it stands")
        assert not Message.objects.filter(cancel_requested=True).exists()

    def test_batch_is_sent_again_without_it(self):
        back, other = once_said(1, State.FAILED), once_said(2, State.FAILED)
        Message.objects.filter(pk=other.pk).update(reference="a:2")
        outbox.take_back(kind="PLAIN", references=["a:1"], reason="it stands")
        resent = decisions.resend_batch(batch="hold:3", by="officer 7", reason="mended")
        assert resent == decisions.Resent(queued=1, kept=1)
        back.refresh_from_db()
        other.refresh_from_db()
        assert (back.state, other.state) == (State.FAILED, State.QUEUED)


@pytest.mark.usefixtures("clock")
def test_one_taken_back_in_the_hands_of_a_worker_does_not_begin():
    message = queued(1, kind="PLAIN", reference="a:1")
    [held] = claims.claim(SHARE, limit=1, now=NOW)
    assert outbox.take_back(kind="PLAIN", references=["a:1"], reason="wrong") == 0
    assert begin(held) == []
    claims.give_back([held], NOW)
    message.refresh_from_db()
    assert (message.state, message.error) == (State.CANCELLED, "wrong")


def test_send_now_ends_the_wait_of_one_batch(monkeypatch, django_capture_on_commit_callbacks):
    nudged: list[str] = []
    monkeypatch.setattr(outbox.nudge, "publish", lambda to, urgent: nudged.append(f"{to} {urgent}"))
    mine = queued(1, batch="outage:1", send_after=NOW + minutes(10))
    other = queued(2, batch="outage:2", send_after=NOW + minutes(10))
    with django_capture_on_commit_callbacks(execute=True):
        assert outbox.send_now(batch="outage:1", now=NOW + minutes(1)) == 1
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.next_attempt_at == NOW + minutes(1)
    assert other.next_attempt_at == NOW + minutes(10)
    assert nudged == ["sms True"]
