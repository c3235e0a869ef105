"""Each rule that the database itself keeps, and an attempt to break it."""

import uuid

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from notifications import claims
from notifications.models import (
    Attempt,
    Batch,
    BatchDecision,
    Decision,
    Gate,
    GatewayState,
    Message,
    NotReached,
    Part,
    Receipt,
    ReceiptCount,
)
from tests.notifications.builders import (
    NOW,
    SHARE,
    begin,
    minutes,
    queued,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def breaks():
    """Run what breaks a rule; the database names it."""

    def check(name, break_it):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            break_it()
        # SQLite names a broken check, but only the columns of a broken uniqueness.
        unique = connection.vendor == "sqlite" and "UNIQUE" in str(caught.value)
        assert unique or name in str(caught.value)

    return check


def changed(message: Message, **changes: object):
    return lambda: Message.objects.filter(pk=message.pk).update(**changes)


def test_message_dedupe_key_unique(breaks):
    message, other = queued(1), queued(2)
    breaks("message_dedupe_key_unique", changed(other, dedupe_key=message.dedupe_key))


def test_message_state_known(breaks):
    breaks("message_state_known", changed(queued(), state="lost"))


def test_message_channel_known(breaks):
    breaks("message_channel_known", changed(queued(), channel="fax"))


def test_message_language_known(breaks):
    breaks("message_language_known", changed(queued(), language="fr"))


def test_message_has_address(breaks):
    breaks("message_has_address", changed(queued(), address=""))


def test_message_lease_exactly_while_sending(breaks):
    message = queued()
    breaks("message_lease_exactly_while_sending", changed(message, state="sending"))
    breaks("message_lease_exactly_while_sending", changed(message, lease_token=uuid.uuid4()))
    breaks("message_lease_exactly_while_sending", changed(message, lease_until=NOW))


def test_message_sent_at_exactly_when_accepted(breaks):
    message = queued()
    breaks("message_sent_at_exactly_when_accepted", changed(message, state="accepted"))
    breaks("message_sent_at_exactly_when_accepted", changed(message, sent_at=NOW))


@pytest.fixture
def attempt() -> Attempt:
    """Begun, not ended."""
    queued()
    [held] = claims.claim(SHARE, limit=1, now=NOW)
    begin(held)
    return Attempt.objects.get()


def attempt_changed(attempt: Attempt, **changes: object):
    return lambda: Attempt.objects.filter(pk=attempt.pk).update(**changes)


def another(attempt: Attempt, **fields: object):
    return lambda: Attempt.objects.create(
        **{
            "message": attempt.message,
            "number": 2,
            "lease_token": uuid.uuid4(),
            "gateway": "scripted",
            "claimed_at": NOW,
            **fields,
        }
    )


def test_attempt_one_open_per_message(breaks, attempt):
    breaks("attempt_one_open_per_message", another(attempt))


def test_attempt_number_unique(breaks, attempt):
    closed = {"outcome": "not_started", "ended_at": NOW}
    breaks("attempt_number_unique", another(attempt, number=1, **closed))


def test_attempt_reference_unique(breaks, attempt):
    closed = {"outcome": "not_started", "ended_at": NOW}
    breaks(
        "attempt_reference_unique",
        another(attempt, client_reference=attempt.client_reference, **closed),
    )


def test_attempt_outcome_exactly_when_ended(breaks, attempt):
    breaks("attempt_outcome_exactly_when_ended", attempt_changed(attempt, ended_at=NOW))
    breaks("attempt_outcome_exactly_when_ended", attempt_changed(attempt, outcome="accepted"))


def test_attempt_started_unless_not_started(breaks, attempt):
    ended = {"ended_at": NOW}
    breaks(
        "attempt_started_unless_not_started",
        attempt_changed(attempt, outcome="not_started", **ended),
    )
    breaks(
        "attempt_started_unless_not_started",
        attempt_changed(attempt, started_at=None, outcome="accepted", **ended),
    )


def test_attempt_started_after_claim(breaks, attempt):
    before = attempt.claimed_at - minutes(1)
    breaks("attempt_started_after_claim", attempt_changed(attempt, started_at=before))


def test_decision_has_actor_and_reason(breaks, attempt):
    fields = {"message": attempt.message, "verb": "resend", "at": NOW}
    breaks(
        "decision_has_actor_and_reason",
        lambda: Decision.objects.create(**fields, by="", reason="x"),
    )
    breaks(
        "decision_has_actor_and_reason",
        lambda: Decision.objects.create(**fields, by="x", reason=""),
    )


def test_gate_name_unique(breaks):
    Gate.objects.create(name="sweep", shut_until=NOW)
    breaks("gate_name_unique", lambda: Gate.objects.create(name="sweep", shut_until=NOW))


def test_message_delivered_at_exactly_when_delivered(breaks):
    message = queued()
    delivered = {"state": "delivered", "sent_at": NOW}
    breaks("message_delivered_at_exactly_when_delivered", changed(message, **delivered))
    breaks("message_delivered_at_exactly_when_delivered", changed(message, delivered_at=NOW))


def test_message_owes_a_receipt_only_while_accepted(breaks):
    breaks("message_owes_a_receipt_only_while_accepted", changed(queued(), receipt_by=NOW))


def test_message_lane_known(breaks):
    breaks("message_lane_known", changed(queued(), lane=7))


def test_attempt_receipt_has_moment(breaks, attempt):
    breaks("attempt_receipt_has_moment", attempt_changed(attempt, receipt="delivered"))
    breaks("attempt_receipt_has_moment", attempt_changed(attempt, receipt_at=NOW))
    breaks("attempt_receipt_has_moment", attempt_changed(attempt, receipt="maybe", receipt_at=NOW))


def test_part_reference_unique(breaks, attempt):
    Part.objects.create(attempt=attempt, number=1, gateway="scripted", reference="a")
    again = {"attempt": attempt, "gateway": "scripted", "reference": "a"}
    breaks("part_reference_unique", lambda: Part.objects.create(number=2, **again))


def test_part_number_unique(breaks, attempt):
    Part.objects.create(attempt=attempt, number=1, gateway="scripted", reference="a")
    again = {"attempt": attempt, "gateway": "scripted", "reference": "b"}
    breaks("part_number_unique", lambda: Part.objects.create(number=1, **again))


def receipt(**fields: object):
    usual = {"gateway": "scripted", "key": "k", "arrival": "delivered", "received_at": NOW}
    return lambda: Receipt.objects.create(**{**usual, "gateway_reference": "a", **fields})


def test_receipt_stored_once(breaks):
    receipt()()
    breaks("receipt_stored_once", receipt(gateway_reference="b"))


def test_receipt_names_an_attempt(breaks):
    breaks("receipt_names_an_attempt", receipt(gateway_reference=""))


def test_receipt_count_unique(breaks):
    today = {"gateway": "scripted", "day": NOW.date(), "verdict": "forged"}
    ReceiptCount.objects.create(**today)
    breaks("receipt_count_unique", lambda: ReceiptCount.objects.create(**today))


def test_not_reached_notice_unique(breaks):
    missed = {"notice": "n", "kind": "PLAIN", "urgent_by": NOW, "why": "x", "since": NOW}
    NotReached.objects.create(**missed)
    breaks("not_reached_notice_unique", lambda: NotReached.objects.create(**missed))


def test_batch_name_unique(breaks):
    Batch.objects.create(name="plan:3")
    breaks("batch_name_unique", lambda: Batch.objects.create(name="plan:3"))


def test_batch_decision_has_actor_and_reason(breaks):
    fields = {"batch": Batch.objects.create(name="plan:3"), "verb": "pause", "at": NOW}
    name = "batch_decision_has_actor_and_reason"
    breaks(name, lambda: BatchDecision.objects.create(**fields, by="", reason="x"))
    breaks(name, lambda: BatchDecision.objects.create(**fields, by="x", reason=""))


def test_gateway_name_unique(breaks):
    GatewayState.objects.create(name="scripted", filled_at=NOW)
    breaks(
        "gateway_name_unique",
        lambda: GatewayState.objects.create(name="scripted", filled_at=NOW),
    )


def test_every_constraint_is_tested():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for model in apps.get_app_config("notifications").get_models():
        if model.__module__ == "notifications.models":
            assert {constraint.name for constraint in model._meta.constraints} <= tested
