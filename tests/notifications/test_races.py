"""Real threads on PostgreSQL: no message is claimed, repeated or swept twice."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications import claims, decisions, delivery, fallback, gates, outbox, sweep
from notifications.models import Attempt, Decision, Message
from tests.notifications.builders import (
    SHARE,
    UNKNOWN,
    draft,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _turns_are_long(settings) -> None:
    """On a busy machine too, a worker goes on until nothing is due."""
    settings.MESSAGE_RUN_SECONDS = settings.MESSAGE_LEASE_SECONDS = 600


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Run `work` in threads that begin together; returns what each gave, or raised."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        try:
            barrier.wait()
            results[number] = work(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    errors = [result for result in results if isinstance(result, Exception)]
    assert not errors
    return results


def fill(count: int, **changes: object) -> None:
    now = timezone.now()
    times = {"urgent_by": now + HOUR, "expires_at": now + HOUR, "quiet_ok_from": now}
    outbox.enqueue([draft(number, **times, **changes) for number in range(count)], now=now)


def test_no_message_is_claimed_twice():
    fill(1000)

    def work(_: int) -> list[int]:
        mine: list[int] = []
        while held := claims.claim(SHARE, limit=7, now=timezone.now()):
            mine += [each.message.pk for each in held]
        return mine

    taken = Counter(pk for mine in at_once(8, work) for pk in mine)
    assert len(taken) == 1000
    assert set(taken.values()) == {1}
    assert Attempt.objects.count() == 1000


def test_many_workers_hand_over_each_message_once(gateway):
    fill(600)
    at_once(6, lambda _: delivery.run("sms"))
    assert len(gateway.taken) == 600
    assert len({message.public_id for message in gateway.taken}) == 600
    assert Message.objects.filter(state=Message.State.ACCEPTED).count() == 600


def test_workers_sweepers_and_an_undo_at_once_lose_and_repeat_nothing(gateway):
    fill(400, batch="plan:1")
    Message.objects.filter(pk__in=list(Message.objects.values_list("pk", flat=True)[:200])).update(
        batch="plan:2"
    )

    def work(number: int) -> object:
        if number < 4:
            return delivery.run("sms")
        if number == 4:
            return outbox.cancel(batch="plan:1", reason="undone")
        return [sweep.sweep() for _ in range(10)]

    at_once(7, work)
    delivery.run("sms")
    sent = Counter(message.public_id for message in gateway.taken)
    assert set(sent.values()) <= {1}
    accepted = Message.objects.filter(state=Message.State.ACCEPTED)
    assert set(accepted.values_list("public_id", flat=True)) == set(sent)
    assert accepted.filter(batch="plan:2").count() == 200
    # Passed over while the undo held its row: back in the queue only if it was not cancelled.
    rest = Message.objects.exclude(state=Message.State.ACCEPTED)
    assert set(rest.values_list("state", flat=True)) <= {Message.State.CANCELLED}


def test_one_sweeper_passes_at_a_time():
    now = timezone.now()
    passed = at_once(8, lambda _: gates.pass_alone("sweep", now=now, until=now + HOUR))
    assert passed.count(True) == 1


def test_repeat_is_given_once_by_many_sweepers():
    fill(50, kind="URGENT")
    Message.objects.update(state=Message.State.UNKNOWN)
    repeated = at_once(6, lambda _: sweep.repeat_unknown(timezone.now()))
    assert sum(repeated) == 50


def test_same_drafts_from_two_changes_are_written_once():
    now = timezone.now()
    drafts = [draft(number, expires_at=now + HOUR) for number in range(300)]
    written = at_once(
        4, lambda number: outbox.enqueue(drafts if number % 2 else reversed(drafts), now=now)
    )
    assert sum(written) == Message.objects.count() == 300


def test_two_officers_resend_at_once_and_one_decision_is_kept(gateway):
    gateway.script = [UNKNOWN]
    fill(1)
    delivery.run("sms")
    message = Message.objects.get()
    at_once(4, lambda n: decisions.resend(message=message, by=f"officer {n}", reason="asked"))
    assert Decision.objects.count() == 1


# --- What is taken back while the other channel is being written ---------------------------------


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return bool(cursor.fetchone())


def while_it_is_followed_up(event: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The event comes when the sweeper has written the email, and has not committed it yet."""
    real, written = fallback._stand_in, threading.Event()

    def slowly(*given: object) -> bool:
        done = real(*given)
        written.set()
        end = time.monotonic() + 60
        while not is_waited_for() and time.monotonic() < end:
            time.sleep(0.02)
        return done

    def work(number: int) -> object:
        if number == 0:
            return fallback.follow_up(timezone.now())
        written.wait(timeout=60)
        return event()

    monkeypatch.setattr(fallback, "_stand_in", slowly)
    assert at_once(2, work)[0] == 1


def failed_sms() -> Message:
    fill(1, kind="BOTH", reference="a:1", batch="plan:3", other_address="a@example.org")
    Message.objects.update(state="failed", error="no such number")
    return Message.objects.get()


def the_email() -> Message:
    return Message.objects.get(channel="email")


@pytest.mark.parametrize("of", [{"kind": "BOTH"}, {"batch": "plan:3"}])
def test_email_that_is_just_being_written_is_taken_back_too(of, monkeypatch):
    failed_sms()
    take_back = partial(outbox.take_back, references=["a:1"], reason="in doubt again", **of)
    while_it_is_followed_up(take_back, monkeypatch)
    assert the_email().state == "cancelled"


def test_so_it_is_by_batch_or_reference(monkeypatch):
    failed_sms()
    cancel = partial(outbox.cancel, batch="plan:3", reference="a:1", reason="plan undone")
    while_it_is_followed_up(cancel, monkeypatch)
    assert the_email().state == "cancelled"


def test_email_that_is_just_being_written_is_found_by_who_rewrites(monkeypatch):
    failed_sms()
    found: list[Message] = []

    def look() -> None:
        with transaction.atomic():
            found.extend(outbox.may_be_said(references=["a:1"]))

    while_it_is_followed_up(look, monkeypatch)
    assert [message.channel for message in found] == ["sms", "email"]


def test_email_that_is_just_being_written_follows_the_address(monkeypatch):
    failed_sms()
    of = {"reference": "a:1", "channel": "email", "reason": "no address"}
    follow = partial(outbox.readdress, address="new@example.org", **of)
    while_it_is_followed_up(follow, monkeypatch)
    assert the_email().address == "new@example.org"
