"""Indexes of the outbox that stand for others which were dropped: PostgreSQL reads by them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications import fallback, outbox, sweep, trouble
from notifications.models import Attempt, Message, Part
from tests.notifications.builders import NOW, draft, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture(autouse=True)
def _thousands() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("asks PostgreSQL how it would do it")
    far = NOW + minutes(60 * 24 * 30)
    drafts = [draft(n, kind="URGENT", urgent_by=far, expires_at=far) for n in range(3000)]
    outbox.enqueue(drafts, now=NOW)
    Message.objects.filter(dedupe_key="test:7").update(state="cancelled")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")


def plan_of(ask: Callable[[], Any], table: str) -> str:
    """How PostgreSQL does the first query of `ask` to this table."""
    with CaptureQueriesContext(connection) as queries:
        ask()
    sql = next(q["sql"] for q in queries if f'"{table}"' in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda: sweep.hurry(NOW), "message_queue"),
        (lambda: sweep.wipe_secrets(NOW), "message_secrets"),
        (lambda: list(Message(pk=7).fallbacks.all()), "message_fallbacks"),
        (lambda: trouble.by_batch(NOW), "message_troubles"),
        (lambda: trouble.by_batch(NOW), "message_expiries"),
    ],
    ids=["hurry", "wipe", "fallbacks", "troubles", "expiries"],
)
def test_query_is_read_by_the_index_that_is_there_for_it(ask, index):
    how = plan_of(ask, "notifications_message")
    assert index in how
    assert "Seq Scan" not in how


def test_late_ones_are_found_in_the_queue():
    """Beside it the few batches are read that were paused or let go."""
    how = plan_of(lambda: fallback.look_for_late(NOW), "notifications_message")
    assert "message_queue" in how
    assert "Seq Scan on notifications_message" not in how


def test_attempts_and_parts_are_found_by_their_uniqueness():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    attempts = plan_of(lambda: list(Attempt.objects.filter(message_id=7)), "notifications_attempt")
    assert "attempt_number_unique" in attempts
    parts = plan_of(lambda: list(Part.objects.filter(attempt_id=7)), "notifications_part")
    assert "part_number_unique" in parts


def test_outbox_has_no_index_but_these():
    """Each change of a row is paid for in all of them: docs/delivery.md says what each is for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename IN"
            " ('notifications_message', 'notifications_attempt', 'notifications_part')"
        )
        found = {name for (name,) in cursor.fetchall()}
    assert found == {
        *("notifications_message_pkey", "notifications_message_public_id_key"),
        *("message_dedupe_key_unique", "message_by_reference", "message_by_batch"),
        *("message_by_notice", "message_by_scope", "message_addresses", "message_fallbacks"),
        *("message_queue", "message_ends_of_life", "message_leases", "message_owed_receipts"),
        *("message_follow_ups", "message_troubles", "message_expiries", "message_secrets"),
        *("notifications_attempt_pkey", "attempt_number_unique", "attempt_reference_unique"),
        "attempt_one_open_per_message",
        *("notifications_part_pkey", "part_number_unique", "part_reference_unique"),
    }


def test_what_waits_to_leave_is_in_no_index_of_secrets():
    assert Message.objects.filter(holds_secrets=True).count() == 3000
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('message_secrets')")
        [size] = cursor.fetchone()
    assert size <= 2 * 8192
