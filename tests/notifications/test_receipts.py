"""Receipts: what each report makes of its message, and what must change nothing."""

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications import claims, delivery, outbox, receipts, sweep, trouble
from notifications.gateways.base import Outcome
from notifications.models import (
    Arrival,
    Attempt,
    Message,
    NotReached,
    Part,
    Receipt,
    ReceiptCount,
)
from notifications.receipts import Report, Verdict
from tests.notifications.builders import NOW, UNKNOWN, draft, minutes, queued

pytestmark = pytest.mark.django_db
State = Message.State
HOURS = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _reporting(request, gateway) -> None:
    if "transaction" not in request.keywords:
        request.getfixturevalue("clock")
    gateway.reports = True


def reload(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def sent(number: int = 1, **changes: object) -> Message:
    message = queued(number, **changes)
    delivery.run(message.channel)
    return reload(message)


def report(
    message: Message, arrival: Arrival | None = Arrival.DELIVERED, *, at=NOW, attempt: int = 1
) -> Verdict:
    reference = message.attempts.get(number=attempt).client_reference
    told = Report(arrival=arrival, client_reference=reference, detail="said so")
    return receipts.take(gateway="scripted", report=told, now=at)


def counted() -> dict[str, int]:
    return dict(ReceiptCount.objects.values_list("verdict", "count"))


class TestSigning:
    def test_reference_comes_back_as_it_went(self):
        reference = uuid.uuid4()
        assert receipts.unsign("a", receipts.sign("a", reference)) == reference

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda signed: signed[:-1] + ("A" if signed[-1] != "A" else "B"),
            lambda signed: "0" + signed[1:] if signed[0] != "0" else "1" + signed[1:],
            lambda signed: signed.split(":")[0],
            lambda signed: "",
            lambda signed: "\0",
        ],
    )
    def test_what_was_changed_is_forged(self, spoil):
        with pytest.raises(receipts.Forged):
            receipts.unsign("a", spoil(receipts.sign("a", uuid.uuid4())))

    def test_what_was_given_to_another_gateway_is_forged(self):
        with pytest.raises(receipts.Forged):
            receipts.unsign("b", receipts.sign("a", uuid.uuid4()))

    def test_it_leaves_with_the_message_only_where_it_may_come_back(self, gateway):
        message = sent()
        reference = message.attempts.get().client_reference
        assert receipts.unsign("scripted", gateway.taken[0].signed_reference) == reference
        gateway.reports = False
        sent(2)
        assert gateway.taken[1].signed_reference == ""


class TestVerdicts:
    def test_delivered_moves_the_message_on(self):
        message = sent()
        assert message.receipt_by == NOW + minutes(30)
        assert report(message, at=NOW + minutes(1)) == Verdict.APPLIED
        message = reload(message)
        assert (message.state, message.delivered_at) == (State.DELIVERED, NOW + minutes(1))
        assert (message.sent_at, message.receipt_by) == (NOW, None)
        assert message.attempts.get().receipt == Arrival.DELIVERED
        assert counted() == {"applied": 1}

    def test_undelivered_is_a_trouble_with_its_reason(self):
        message = sent()
        assert report(message, Arrival.UNDELIVERED) == Verdict.APPLIED
        message = reload(message)
        assert (message.state, message.error) == (State.UNDELIVERED, "said so")

    def test_undelivered_that_comes_after_the_other_channel_had_its_turn_is_news(self):
        """For alerts, which count what has come to a bad end within the last day."""
        message, at = sent(), NOW + 2 * 24 * HOURS
        Message.objects.filter(pk=message.pk).update(followed_up_at=NOW + minutes(30))
        report(message, Arrival.UNDELIVERED, at=at)
        assert [each.newest for each in trouble.by_batch(at)] == [at]

    def test_on_its_way_changes_nothing_and_is_counted(self):
        message = sent()
        assert report(message, None) == Verdict.ON_ITS_WAY
        assert reload(message).state == State.ACCEPTED
        assert not Receipt.objects.exists()
        assert counted() == {"on_its_way": 1}

    def test_replay_changes_nothing_and_is_counted(self):
        message = sent()
        report(message, at=NOW)
        assert report(message, at=NOW + minutes(5)) == Verdict.REPEATED
        assert reload(message).delivered_at == NOW
        assert Receipt.objects.count() == 1
        assert counted() == {"applied": 1, "repeated": 1}

    @pytest.mark.parametrize("first", list(Arrival))
    def test_the_first_final_word_stands(self, first):
        message = sent()
        second = next(each for each in Arrival if each != first)
        report(message, first)
        assert report(message, second) == Verdict.OVERTAKEN
        assert reload(message).state == first.value
        assert counted() == {"applied": 1, "overtaken": 1}

    def test_of_another_gateway_it_is_parked_and_changes_nothing(self):
        message = sent()
        reference = message.attempts.get().client_reference
        told = Report(arrival=Arrival.DELIVERED, client_reference=reference)
        assert receipts.take(gateway="other", report=told, now=NOW) == Verdict.PARKED
        sweep.sweep()
        assert reload(message).state == State.ACCEPTED

    def test_about_no_message_of_ours_it_is_parked_and_dropped_after_72_hours(self, clock):
        told = Report(arrival=Arrival.DELIVERED, gateway_reference="never heard of")
        assert receipts.take(gateway="scripted", report=told, now=NOW) == Verdict.PARKED
        clock.move_to(NOW + 71 * HOURS)
        sweep.sweep()
        assert Receipt.objects.count() == 1
        clock.move_to(NOW + 72 * HOURS)
        sweep.sweep()
        assert not Receipt.objects.exists()
        assert counted() == {"parked": 1, "foreign": 1}

    def test_after_72_hours_it_changes_nothing(self):
        message = sent(urgent_by=NOW + 400 * HOURS, expires_at=NOW + 400 * HOURS)
        assert report(message, at=NOW + 72 * HOURS) == Verdict.LATE
        assert reload(message).state == State.ACCEPTED

    def test_report_must_name_something(self):
        with pytest.raises(ValueError, match="names no message"):
            Report(arrival=Arrival.DELIVERED)

    def test_hostile_texts_are_cut_to_fit(self):
        message = sent()
        reference = message.attempts.get().client_reference
        told = Report(
            arrival=Arrival.UNDELIVERED,
            client_reference=reference,
            gateway_reference="r\0" * 500,
            detail="d\0" * 500,
        )
        assert receipts.take(gateway="scripted", report=told, now=NOW) == Verdict.APPLIED
        assert reload(message).error == "d" * 200


class TestEarly:
    def test_receipt_before_the_answer_is_parked_and_matched_with_it(self, gateway):
        early: list[Verdict] = []
        gateway.meanwhile = lambda _: early.append(report(Message.objects.get()))
        message = sent()
        assert early == [Verdict.PARKED]
        assert message.state == State.DELIVERED
        assert Receipt.objects.get().attempt == message.attempts.get()

    def test_by_the_gateways_own_name_too(self, gateway):
        told = Report(arrival=Arrival.DELIVERED, gateway_reference="g1")
        assert receipts.take(gateway="scripted", report=told, now=NOW) == Verdict.PARKED
        gateway.script = [Outcome(Attempt.Outcome.ACCEPTED, parts=("g1",))]
        assert sent().state == State.DELIVERED

    def test_sweeper_matches_one_that_slipped_through(self):
        message = sent()
        Part.objects.create(
            attempt=message.attempts.get(), number=1, gateway="scripted", reference="g1"
        )
        Receipt.objects.create(
            gateway="scripted",
            key="k",
            gateway_reference="g1",
            arrival=Arrival.DELIVERED,
            received_at=NOW,
        )
        assert sweep.sweep() == sweep.Swept(matched=1)
        assert reload(message).state == State.DELIVERED


class TestParts:
    @pytest.fixture
    def message(self, gateway) -> Message:
        gateway.script = [Outcome(Attempt.Outcome.ACCEPTED, parts=("g1", "g2"))]
        return sent()

    def tell(self, part: str, arrival: Arrival) -> Verdict:
        told = Report(arrival=arrival, gateway_reference=part)
        return receipts.take(gateway="scripted", report=told, now=NOW)

    def test_all_parts_must_arrive(self, message):
        assert self.tell("g2", Arrival.DELIVERED) == Verdict.APPLIED
        assert reload(message).state == State.ACCEPTED
        assert self.tell("g1", Arrival.DELIVERED) == Verdict.APPLIED
        assert reload(message).state == State.DELIVERED

    def test_one_lost_part_is_enough(self, message):
        assert self.tell("g1", Arrival.UNDELIVERED) == Verdict.APPLIED
        assert reload(message).state == State.UNDELIVERED
        assert self.tell("g2", Arrival.DELIVERED) == Verdict.OVERTAKEN

    def test_twice_the_same_part_is_not_two_parts(self, message):
        self.tell("g1", Arrival.DELIVERED)
        assert self.tell("g1", Arrival.DELIVERED) == Verdict.REPEATED
        assert reload(message).state == State.ACCEPTED


class TestNameUsedAgain:
    """An SMSC that counts anew gives a part a name which another one had."""

    def named(self, gateway, number: int, *names: str) -> Message:
        gateway.script = [Outcome(Attempt.Outcome.ACCEPTED, parts=names)]
        visit = timezone.now() + 100 * HOURS
        message = sent(number, now=timezone.now(), urgent_by=visit, expires_at=visit)
        assert message.state == State.ACCEPTED
        return message

    def tell(self, part: str, arrival: Arrival) -> Verdict:
        told = Report(arrival=arrival, gateway_reference=part)
        return receipts.take(gateway="scripted", report=told, now=timezone.now())

    def test_after_72_hours_it_is_the_new_parts(self, gateway, clock):
        old = self.named(gateway, 1, "g1")
        self.tell("g1", Arrival.DELIVERED)
        clock.shift(72 * HOURS)
        new = self.named(gateway, 2, "g1", "g2")
        assert self.tell("g2", Arrival.DELIVERED) == Verdict.APPLIED
        assert reload(new).state == State.ACCEPTED
        assert self.tell("g1", Arrival.DELIVERED) == Verdict.APPLIED
        assert reload(new).state == State.DELIVERED
        assert reload(old).state == State.DELIVERED

    def test_lost_part_under_such_a_name_is_seen(self, gateway, clock):
        self.named(gateway, 1, "g1")
        self.tell("g1", Arrival.DELIVERED)
        clock.shift(72 * HOURS)
        new = self.named(gateway, 2, "g1", "g2")
        self.tell("g2", Arrival.DELIVERED)
        self.tell("g1", Arrival.UNDELIVERED)
        assert reload(new).state == State.UNDELIVERED

    def test_sooner_it_stays_the_old_parts_and_nothing_says_that_half_a_text_arrived(
        self, gateway, clock
    ):
        old = self.named(gateway, 1, "g1")
        clock.shift(71 * HOURS)
        new = self.named(gateway, 2, "g1", "g2")
        assert self.tell("g2", Arrival.DELIVERED) == Verdict.PARKED
        assert self.tell("g1", Arrival.DELIVERED) == Verdict.APPLIED
        assert reload(new).state == State.ACCEPTED
        assert reload(old).state == State.DELIVERED

    def test_of_another_gateway_it_is_another_name(self, gateway, clock):
        old = self.named(gateway, 1, "g1")
        Part.objects.update(gateway="other")
        new = self.named(gateway, 2, "g1", "g2")
        assert self.tell("g1", Arrival.DELIVERED) == Verdict.APPLIED
        assert self.tell("g2", Arrival.DELIVERED) == Verdict.APPLIED
        assert reload(new).state == State.DELIVERED
        assert reload(old).state == State.ACCEPTED

    def test_answer_that_is_recorded_twice_keeps_its_names(self, gateway):
        message = self.named(gateway, 1, "g1", "g2")
        held = claims.Claim(message, message.attempts.get(), reports=True)
        accepted = Outcome(Attempt.Outcome.ACCEPTED, parts=("g1", "g2"))
        claims.record([(held, accepted)], NOW)
        assert [part.reference for part in held.attempt.parts.all()] == ["g1", "g2"]


class TestInDoubt:
    def test_receipt_settles_what_was_unknown(self, gateway):
        gateway.script = [UNKNOWN]
        message = sent()
        assert message.state == State.UNKNOWN
        assert report(message) == Verdict.APPLIED
        message = reload(message)
        assert (message.state, message.error) == (State.DELIVERED, "")
        assert message.attempts.get().outcome == Attempt.Outcome.ACCEPTED

    def test_repeat_waits_for_the_receipt_two_minutes(self, gateway, clock):
        gateway.script = [UNKNOWN]
        message = sent(kind="URGENT")
        assert sweep.sweep() == sweep.Swept()
        clock.shift(minutes(2))
        assert sweep.sweep() == sweep.Swept(repeated=1)
        assert report(message, at=NOW + minutes(2)) == Verdict.APPLIED
        delivery.run("sms")
        assert len(gateway.taken) == 1  # the repeat was not needed any more

    def test_receipt_of_the_first_attempt_while_the_repeat_is_under_way(self, gateway, clock):
        gateway.script = [UNKNOWN]
        message = sent(kind="URGENT")
        clock.shift(minutes(2))
        sweep.sweep()
        gateway.meanwhile = lambda _: report(message, at=NOW + minutes(2))
        delivery.run("sms")
        message = reload(message)
        assert message.state == State.DELIVERED
        assert [attempt.receipt for attempt in message.attempts.all()] == ["delivered", ""]

    def test_refusal_of_the_first_attempt_does_not_undo_the_repeat(self, gateway, clock):
        gateway.script = [UNKNOWN]
        message = sent(kind="URGENT")
        clock.shift(minutes(2))
        sweep.sweep()
        delivery.run("sms")
        report(message, Arrival.UNDELIVERED)
        assert reload(message).state == State.ACCEPTED


def test_arrival_clears_what_was_not_reached():
    message = sent()
    report(message, Arrival.UNDELIVERED)
    sweep.sweep()
    assert NotReached.objects.get().cleared_at is None
    receipts._deliver(reload(message), NOW + minutes(1), NOW)
    assert NotReached.objects.get().cleared_at == NOW + minutes(1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def at_once(self, *works) -> None:
        barrier = threading.Barrier(len(works))
        errors: list[Exception] = []

        def run(work) -> None:
            try:
                barrier.wait()
                work()
            except Exception as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not errors

    def fill(self, count: int) -> list[claims.Claim]:
        now = timezone.now()
        times = {
            "urgent_by": now + HOURS,
            "expires_at": now + 9 * HOURS,
            "quiet_ok_from": now,
        }
        outbox.enqueue([draft(number, **times) for number in range(count)], now=now)
        share = claims.Share(channel="sms", gateway="scripted", reports=True)
        held = claims.claim(share, limit=count, now=now)
        with transaction.atomic():
            claims.start(held, now)
        return held

    def record(self, held: claims.Claim, *parts: str) -> None:
        with transaction.atomic():
            claims.record([(held, Outcome(Attempt.Outcome.ACCEPTED, parts=parts))], timezone.now())

    def test_receipts_and_records_at_once_lose_none(self):
        held, now = self.fill(60), timezone.now()

        def record() -> None:
            for number, each in enumerate(held):
                self.record(each, f"g{number}")

        def by_our_reference() -> None:
            for each in held[::2]:
                told = Report(
                    arrival=Arrival.DELIVERED, client_reference=each.attempt.client_reference
                )
                receipts.take(gateway="scripted", report=told, now=now)

        def by_theirs() -> None:
            for number in range(1, 60, 2):
                told = Report(arrival=Arrival.DELIVERED, gateway_reference=f"g{number}")
                receipts.take(gateway="scripted", report=told, now=now)

        self.at_once(record, by_our_reference, by_theirs, by_our_reference, by_theirs)
        receipts.match_parked(limit=100)
        assert Message.objects.filter(state=State.DELIVERED).count() == 60
        assert Receipt.objects.filter(attempt__isnull=False).count() == 60
        assert sum(counted().values()) == 120

    def test_contradicting_receipts_at_once_leave_one_word(self):
        [held], now = self.fill(1), timezone.now()
        self.record(held)

        def tell(arrival: Arrival):
            told = Report(arrival=arrival, client_reference=held.attempt.client_reference)
            return lambda: receipts.take(gateway="scripted", report=told, now=now)

        self.at_once(*(tell(arrival) for arrival in [*Arrival] * 3))
        message = Message.objects.get()
        assert message.state == message.attempts.get().receipt
        assert counted() == {"applied": 1, "overtaken": 1, "repeated": 4}
