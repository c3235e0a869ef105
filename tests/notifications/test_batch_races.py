"""Officers who decide about a batch at the same moment."""

import threading

import pytest
from django.db import connection

from notifications import batches, decisions
from notifications.models import Batch, BatchDecision, Decision, Message
from tests.notifications.builders import NOW, queued

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def at_once(count, call):
    """Run `call` in so many threads that start together; what each returned or raised."""
    barrier, results = threading.Barrier(count), []

    def run():
        barrier.wait()
        try:
            results.append(call())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_batch_paused_by_many_at_once_is_one_batch_and_one_decision():
    queued(1, batch="plan:3")
    paused = at_once(8, lambda: batches.pause(batch="plan:3", by="officer 7", reason="why"))
    assert [type(result) for result in paused] == [Batch] * 8
    assert Batch.objects.get().is_paused
    assert BatchDecision.objects.count() == 1


def test_batch_cancelled_by_many_at_once_takes_each_message_back_once():
    for number in range(50):
        queued(number, batch="plan:3")
    cancelled = at_once(6, lambda: batches.cancel(batch="plan:3", by="officer 7", reason="why"))
    assert sorted(cancelled) == [0, 0, 0, 0, 0, 50]
    assert BatchDecision.objects.count() == 1


def test_failed_messages_sent_again_by_many_at_once_are_queued_once_each():
    for number in range(50):
        queued(number, batch="plan:3")
    Message.objects.update(state="failed", expires_at=NOW.replace(year=2100))
    resent = at_once(
        6, lambda: decisions.resend_batch(batch="plan:3", by="officer 7", reason="why")
    )
    assert sum(one.queued for one in resent) == 50
    assert Decision.objects.count() == 50
    assert set(Message.objects.values_list("state", flat=True)) == {"queued"}
