"""An officer holds a batch, lets it go, takes it back; and sees how far it has come."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from notifications import batches, decisions, delivery, nudge, receipts, sweep
from notifications.errors import Refusal
from notifications.models import (
    Attempt,
    Batch,
    BatchDecision,
    Decision,
    Message,
    NotReached,
)
from notifications.receipts import Report
from tests.notifications.builders import NOW, PERMANENT, UNKNOWN, minutes, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State
WHO = {"by": "officer 7", "reason": "wrong words"}


def refused(code):
    return pytest.raises(Refusal, check=lambda error: error.code == code)


def in_state(number, state, **changes):
    """A message of plan 3 that has come so far."""
    message = queued(number, **{"batch": "plan:3", **changes})
    taken = state in ("accepted", "delivered", "undelivered", "unconfirmed")
    columns = {"state": state, "sent_at": NOW if taken else None}
    if state == State.DELIVERED:
        columns["delivered_at"] = NOW
    Message.objects.filter(pk=message.pk).update(**columns)
    message.refresh_from_db()
    return message


# --- Verbs ----------------------------------------------------------------------------------------


def test_pause_and_resume_are_kept_with_who_when_and_why():
    queued(1, batch="plan:3")
    assert batches.pause(batch="plan:3", **WHO).is_paused
    assert not batches.resume(batch="plan:3", by="officer 8", reason="words are right").is_paused
    assert list(BatchDecision.objects.values_list("verb", "by", "reason", "at")) == [
        ("pause", "officer 7", "wrong words", NOW),
        ("resume", "officer 8", "words are right", NOW),
    ]


def test_verb_again_changes_nothing():
    queued(1, batch="plan:3")
    for verb in (batches.resume, batches.pause, batches.pause, batches.cancel, batches.cancel):
        verb(batch="plan:3", **WHO)
    assert list(BatchDecision.objects.values_list("verb", flat=True)) == ["pause", "cancel"]
    assert Batch.objects.count() == 1


def test_pause_changes_no_message():
    message = queued(1, batch="plan:3")
    before = Message.objects.values().get()
    batches.pause(batch="plan:3", **WHO)
    assert Message.objects.values().get(pk=message.pk) == before


def test_paused_batch_does_not_leave_until_it_goes_on(gateway):
    queued(1, batch="plan:3")
    other = queued(2, batch="plan:4")
    batches.pause(batch="plan:3", **WHO)
    queued(3, batch="plan:3")
    delivery.run("sms")
    assert [sent.public_id for sent in gateway.taken] == [other.public_id]
    batches.resume(batch="plan:3", **WHO)
    delivery.run("sms")
    assert len(gateway.taken) == 3


def test_resume_nudges_workers_after_the_commit(monkeypatch, django_capture_on_commit_callbacks):
    nudged = []
    monkeypatch.setattr(
        nudge, "publish", lambda channel, *, urgent: nudged.append((channel, urgent))
    )
    later = NOW + minutes(48 * 60)
    queued(1, batch="plan:3")
    queued(2, batch="plan:3", urgent_by=later, expires_at=later)
    batches.pause(batch="plan:3", **WHO)
    with django_capture_on_commit_callbacks(execute=True):
        batches.resume(batch="plan:3", **WHO)
    assert sorted(nudged) == [("sms", False), ("sms", True)]


def test_cancel_takes_back_what_waits_of_this_batch_and_leaves_what_has_left():
    waiting, sent = queued(1, batch="plan:3"), in_state(2, State.ACCEPTED)
    other = queued(3, batch="plan:4")
    assert batches.cancel(batch="plan:3", **WHO) == 1
    states = dict(Message.objects.values_list("pk", "state"))
    assert states == {waiting.pk: "cancelled", sent.pk: "accepted", other.pk: "queued"}
    waiting.refresh_from_db()
    assert waiting.error == "wrong words"


def test_first_cancel_is_kept_even_if_all_has_left():
    in_state(1, State.ACCEPTED)
    assert not batches.was_taken_back("plan:3")
    assert batches.cancel(batch="plan:3", **WHO) == 0
    assert batches.cancel(batch="plan:3", **WHO) == 0
    assert batches.was_taken_back("plan:3")
    assert BatchDecision.objects.get().verb == "cancel"


def test_cancel_forbids_the_repeat_of_an_unknown_outcome_too():
    unknown = in_state(1, State.UNKNOWN, kind="URGENT")
    assert batches.cancel(batch="plan:3", **WHO) == 0
    unknown.refresh_from_db()
    assert (unknown.state, unknown.cancel_requested) == (State.UNKNOWN, True)
    assert BatchDecision.objects.get().verb == "cancel"


def test_cancel_forbids_the_other_channel_for_what_did_not_arrive(gateway):
    gateway.script = [PERMANENT]
    both = {"batch": "plan:3", "kind": "BOTH", "other_address": "a@b.example"}
    failed = queued(1, **both)
    delivery.run("sms")
    batches.cancel(batch="plan:3", **WHO)
    sweep.sweep()
    assert list(Message.objects.all()) == [failed]
    assert not NotReached.objects.exists()


def test_what_is_enqueued_after_a_cancel_is_not_cancelled_but_a_pause_stays():
    queued(1, batch="plan:3")
    batches.pause(batch="plan:3", **WHO)
    batches.cancel(batch="plan:3", **WHO)
    later = queued(2, batch="plan:3")
    assert later.state == State.QUEUED
    assert batches.progress("plan:3", NOW).is_paused


@pytest.mark.parametrize("verb", [batches.pause, batches.resume, batches.cancel])
def test_verb_needs_an_actor_a_reason_and_a_batch_that_exists(verb):
    queued(1, batch="plan:3")
    with refused("reason_required"):
        verb(batch="plan:3", by="officer 7", reason="  ")
    with refused("reason_required"):
        verb(batch="plan:3", by=" ", reason="because")
    with refused("no_such_batch"):
        verb(batch="plan:4", **WHO)
    with refused("no_such_batch"):
        verb(batch="", **WHO)
    assert not Batch.objects.exists()


@pytest.mark.parametrize("missing", ["by", "reason"])
def test_decision_about_a_batch_without_actor_or_reason_is_bouncedby_the_database(missing):
    batch = Batch.objects.create(name="plan:3")
    fields = {"verb": "pause", "by": "officer 7", "reason": "why", "at": NOW, missing: ""}
    with (
        pytest.raises(IntegrityError, match="batch_decision_has_actor_and_reason"),
        transaction.atomic(),
    ):
        BatchDecision.objects.create(batch=batch, **fields)


# --- Send again -----------------------------------------------------------------------------------


def test_undelivered_message_is_queued_again_without_what_its_first_try_left():
    lost = in_state(1, State.UNDELIVERED)
    first = {"followed_up_at": NOW, "failure_count": 3, "error": "phone is off"}
    Message.objects.filter(pk=lost.pk).update(**first)
    again = decisions.resend(message=lost, by="officer 7", reason="phone is on again")
    assert again.error == ""
    assert (again.state, again.sent_at, again.followed_up_at) == (State.QUEUED, None, None)
    assert (again.failure_count, again.repeated) == (0, False)


def test_message_waits_no_longer_for_a_gateway_that_is_not_in_use(gateway):
    for number, name in enumerate(["scripted", "gone"], 1):
        lost = in_state(number, State.UNKNOWN)
        Message.objects.filter(pk=lost.pk).update(pinned_to=name)
        decisions.resend(message=lost, by="officer 7", reason="not on the phone")
    assert list(Message.objects.order_by("pk").values_list("pinned_to", flat=True)) == [
        "scripted",
        "",
    ]


def test_message_whose_code_is_forgotten_is_not_sent_again():
    lost = in_state(1, State.UNDELIVERED, kind="URGENT")
    wiped = {"values": {"word": "now"}, "holds_secrets": False, "attempt_count": 1}
    Message.objects.filter(pk=lost.pk).update(**wiped)
    with refused("words_wiped"):
        decisions.resend(message=lost, by="officer 7", reason="once more")


def test_all_failed_of_a_batch_are_sent_again_each_with_its_decision():
    failed = [in_state(1, State.FAILED), in_state(2, State.UNDELIVERED)]
    unknown, sent = in_state(3, State.UNKNOWN), in_state(4, State.ACCEPTED)
    in_state(5, State.FAILED, batch="plan:4")
    assert decisions.resend_batch(batch="plan:3", **WHO) == decisions.Resent(queued=2)
    assert set(Decision.objects.values_list("message", "verb", "by", "reason")) == {
        (message.pk, "resend", "officer 7", "wrong words") for message in failed
    }
    states = dict(Message.objects.filter(batch="plan:3").values_list("pk", "state"))
    assert states[unknown.pk] == "unknown"
    assert states[sent.pk] == "accepted"
    assert [states[message.pk] for message in failed] == ["queued", "queued"]
    assert decisions.resend_batch(batch="plan:3", **WHO) == decisions.Resent()
    assert Decision.objects.count() == 2


def test_unknown_ones_are_sent_again_only_when_asked_for_and_as_repeats():
    unknown, failed = in_state(1, State.UNKNOWN), in_state(2, State.FAILED)
    resent = decisions.resend_batch(batch="plan:3", states=[State.UNKNOWN], **WHO)
    assert resent == decisions.Resent(queued=1)
    unknown.refresh_from_db()
    failed.refresh_from_db()
    assert (unknown.state, unknown.repeated) == (State.QUEUED, True)
    assert failed.state == State.FAILED
    with pytest.raises(ValueError, match="are troubles"):
        decisions.resend_batch(batch="plan:3", states=[State.ACCEPTED], **WHO)


def test_out_of_date_and_those_reached_otherwise_stay_as_they_are():
    in_state(1, State.FAILED, expires_at=NOW + minutes(1))
    reached = in_state(2, State.FAILED)
    mail = in_state(3, State.DELIVERED)
    Message.objects.filter(pk__in=[reached.pk, mail.pk]).update(notice="offer:9")
    Message.objects.filter(dedupe_key="test:1").update(expires_at=NOW)
    assert decisions.resend_batch(batch="plan:3", **WHO) == decisions.Resent(kept=2)
    assert not Decision.objects.exists()


def test_more_than_fit_into_one_turn_are_counted_as_left(monkeypatch):
    monkeypatch.setattr(decisions, "CHUNK", 2)
    for number in range(5):
        in_state(number, State.FAILED)
    first = decisions.resend_batch(batch="plan:3", at_most=3, **WHO)
    assert first == decisions.Resent(queued=4, left=1)
    assert decisions.resend_batch(batch="plan:3", **WHO) == decisions.Resent(queued=1)


def test_resend_of_a_batch_needs_a_reason():
    with refused("reason_required"):
        decisions.resend_batch(batch="plan:3", by="officer 7", reason="")


def test_treating_as_sent_clears_the_person_from_those_not_reached():
    unknown = in_state(1, State.UNKNOWN)
    Message.objects.filter(pk=unknown.pk).update(notice="offer:9")
    missed = not_reached("offer:9")
    decisions.treat_as_sent(message=unknown, by="officer 7", reason="person answered")
    missed.refresh_from_db()
    assert missed.cleared_at == NOW


# --- Progress -------------------------------------------------------------------------------------


def not_reached(notice, **changes):
    fields = {"batch": "plan:3", "kind": "PLAIN", "urgent_by": NOW, "since": NOW, "why": "no phone"}
    return NotReached.objects.create(notice=notice, **{**fields, **changes})


def test_progress_counts_every_state_of_this_batch_only():
    for number, state in enumerate(s for s in State.values if s != State.SENDING):
        in_state(number, state)
    in_state(50, State.FAILED, batch="plan:4")
    not_reached("offer:1")
    not_reached("offer:2", cleared_at=NOW)
    not_reached("offer:3", batch="plan:4")
    seen = batches.progress("plan:3", NOW)
    assert seen.counts == {**dict.fromkeys(State.values, 1), "sending": 0}
    assert (seen.total, seen.sent, seen.arrived, seen.trouble) == (8, 3, 1, 4)
    assert (seen.to_leave, seen.not_reached, seen.is_paused) == (1, 1, False)


def test_progress_of_a_name_without_messages_is_all_zero():
    seen = batches.progress("plan:9", NOW)
    assert set(seen.counts.values()) == {0}
    assert (seen.total, seen.paces, seen.seconds_left) == (0, (), 0)


def left(number, ago, *, per_second=1, channel="sms"):
    """So many seconds in which a message left, the last of them so many seconds ago."""
    for second in range(number):
        for each in range(per_second):
            name = f"{channel}:{ago}:{second}:{each}"
            message = in_state(1, State.ACCEPTED, channel=channel, kind="BOTH", dedupe_key=name)
            at = NOW - dt.timedelta(seconds=ago + second)
            Message.objects.filter(pk=message.pk).update(sent_at=at)


def pace(channel="sms"):
    paces = batches.progress("plan:3", NOW).paces
    return next(each for each in paces if each.channel == channel)


def test_time_left_goes_by_the_pace_of_each_channel():
    left(10, 1, per_second=2)
    left(10, 1, per_second=5, channel="email")  # they leave at once
    for number in range(40):
        queued(number, batch="plan:3")
    assert pace().rate == pytest.approx(2)
    assert pace("email").rate == pytest.approx(5)
    assert pace("email").due == 0
    seen = batches.progress("plan:3", NOW)
    assert seen.seconds_left == pytest.approx(20)
    assert seen.last_sent_at == NOW - dt.timedelta(seconds=1)


def test_time_before_a_rest_is_no_part_of_the_pace():
    left(10, 40, per_second=3)
    left(6, 0, per_second=2)
    queued(1, batch="plan:3")
    assert pace().rate == pytest.approx(2)


def test_nobody_can_say_how_long_after_a_few_seconds_or_when_none_left_lately():
    left(4, 0, per_second=9)
    queued(1, batch="plan:3")
    assert pace().rate is None
    assert batches.progress("plan:3", NOW).seconds_left is None
    Message.objects.filter(state="accepted").delete()
    left(20, 11)
    assert pace().rate is None


def test_nobody_can_say_how_long_while_one_of_its_channels_stands_still():
    left(10, 0)
    queued(1, batch="plan:3")
    assert batches.progress("plan:3", NOW).seconds_left == pytest.approx(1)
    queued(2, batch="plan:3", kind="BOTH", channel="email", address="a@b.example")
    assert batches.progress("plan:3", NOW).seconds_left is None


def test_nobody_can_say_how_long_an_sms_waits_at_night():
    night = NOW.replace(hour=23)
    queued(1, batch="plan:3")
    sent = in_state(2, State.ACCEPTED)
    for seconds in range(9):
        each = in_state(10 + seconds, State.ACCEPTED)
        at = night - dt.timedelta(seconds=seconds)
        Message.objects.filter(pk__in=[sent.pk, each.pk]).update(sent_at=at)
    [sms] = batches.progress("plan:3", night).paces
    assert (sms.is_held, bool(sms.rate), sms.seconds_left) == (True, True, None)


def test_nobody_can_say_how_long_a_paused_batch_takes():
    left(10, 0)
    queued(1, batch="plan:3")
    batches.pause(batch="plan:3", **WHO)
    assert batches.progress("plan:3", NOW).seconds_left is None


def test_what_was_taken_back_is_told_apart():
    in_state(1, State.ACCEPTED)
    in_state(2, State.CANCELLED)
    seen = batches.progress("plan:3", NOW)
    assert (seen.total, seen.written, seen.taken_back, seen.sent) == (1, 2, 1, 1)


def test_sms_that_were_taken_are_paid_each_time_and_bouncedones_never(gateway):
    long = {"batch": "plan:3", "values": {"word": "w" * 200, "url": "u"}}
    gateway.script = [PERMANENT, UNKNOWN]
    bounced, unknown = queued(1, **long), queued(2, **long)
    queued(3, **long)
    queued(4, **{**long, "batch": "plan:4"})
    delivery.run("sms")
    assert batches.paid_parts("plan:3") == 2
    assert Message.objects.get(pk=bounced.pk).parts == 2
    for message in (bounced, unknown):
        decisions.resend(message=message, by="officer 7", reason="again")
    delivery.run("sms")
    assert batches.paid_parts("plan:3") == 6
    answer = unknown.attempts.get(number=1)
    told = Report(arrival="delivered", client_reference=answer.client_reference)
    receipts.take(gateway="scripted", report=told, now=NOW)
    assert batches.paid_parts("plan:3") == 8  # it had taken the first one too
    assert batches.paid_parts("plan:5") == 0


def test_what_waits_for_its_moment_is_not_counted_as_due():
    queued(1, batch="plan:3", send_after=NOW + minutes(10))
    queued(2, batch="plan:3", send_after=NOW + minutes(20))
    seen = batches.progress("plan:3", NOW)
    assert (seen.due, seen.later, seen.next_at) == (0, 2, NOW + minutes(10))
    assert seen.seconds_left == 0


@pytest.mark.parametrize("count", [1, 3])
def test_progress_takes_four_queries_for_any_number_of_batches(count):
    names = [f"plan:{number}" for number in range(count)]
    for number, name in enumerate(names):
        queued(number, batch=name)
    with CaptureQueriesContext(connection) as queries:
        seen = batches.progress_of(names, NOW)
    assert len(queries) == 4
    assert [seen[name].total for name in names] == [1] * count


def test_attempts_stay_when_a_message_is_sent_again():
    failed = in_state(1, State.FAILED)
    Attempt.objects.create(
        message=failed,
        number=1,
        lease_token="00000000-0000-4000-8000-000000000001",
        gateway="scripted",
        claimed_at=NOW,
        started_at=NOW,
        ended_at=NOW,
        outcome="permanent",
    )
    decisions.resend(message=failed, by="officer 7", reason="number was blocked")
    assert failed.attempts.get().outcome == "permanent"
