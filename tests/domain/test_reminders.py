"""Reminders of the visit: who gets them, when, and what takes them back before they leave."""

import datetime as dt
import threading

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import User
from appointments import booking, message_batches, messages, offers, outages, plans, reminders
from appointments.cuts import Cut
from appointments.models import Appointment, Holiday, Plan
from notifications import claims, delivery, outbox
from notifications.models import Message
from notifications.render import render
from tests.domain.builders import (
    approve_as_seen,
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def evening():
    """Six in the evening, India; yields the clock."""
    with time_machine.travel(at(timezone.localdate(), 18), tick=False) as clock:
        yield clock


def remind() -> int:
    return reminders.remind(now=timezone.now())


def queued(**fields) -> list[Message]:
    chosen = Message.objects.filter(kind="VISIT", state="queued", **fields)
    return list(chosen.order_by("urgent_by", "pk"))


def stop_reminders(officer: User | None = None) -> int:
    """An officer takes back the reminders of tomorrow's visits."""
    batch = reminders.batch_of(make_region().pk, in_days(1), 1)
    return message_batches.cancel(name=batch, by=officer or make_officer(), reason="a day off")


def make_visit(days: int = 1, **fields) -> Appointment:
    """Somebody with a visit in so many days, who knows of it since long."""
    slot = make_slot(day=in_days(days), hour=fields.pop("hour", 10))
    return make_appointment(slot, application=make_application(**fields))


def day_off(region) -> None:
    Holiday.objects.create(region=region, date=in_days(1), name_en="Holi", name_hi="होली")


class TestWho:
    @pytest.mark.parametrize(("days", "told"), [(0, 0), (1, 1), (2, 1), (3, 0)])
    def test_two_days_before_and_on_the_evening_before(self, evening, days, told):
        make_visit(days)
        assert remind() == told

    def test_one_visit_is_reminded_of_on_both_evenings(self, evening):
        appointment = make_visit(2, language="en")
        remind()
        evening.shift(dt.timedelta(days=1))
        remind()
        first, second = Message.objects.filter(kind="VISIT").order_by("pk")
        assert {m.reference for m in (first, second)} == {f"appointment:{appointment.pk}"}
        assert second.created_at - first.created_at == dt.timedelta(days=1)

    @pytest.mark.parametrize("clock", [(17, 59), (20, 0), (9, 0), (23, 30)])
    def test_at_other_hours_nobody(self, evening, clock):
        make_visit()
        evening.move_to(at(timezone.localdate(), *clock))
        assert remind() == 0

    @pytest.mark.parametrize("state", ["in_doubt", "completed", "no_show", "cancelled"])
    def test_only_whose_seat_stands(self, evening, state):
        appointment = make_visit()
        Appointment.objects.filter(pk=appointment.pk).update(state=state)
        assert remind() == 0

    def test_who_books_after_six_is_not_reminded_the_same_evening(self, evening):
        evening.shift(5 * MINUTE)
        person = make_person()
        application = make_application(claimed_by=person)
        slot = make_slot(day=in_days(2), hour=15)
        hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
        booking.confirm(hold_id=hold.pk, by=person)
        evening.shift(5 * MINUTE)
        assert remind() == 0
        evening.shift(dt.timedelta(days=1))
        assert remind() == 1

    def test_who_booked_before_six_is(self, evening):
        evening.move_to(at(timezone.localdate(), 17, 50))
        person = make_person()
        application = make_application(claimed_by=person)
        slot = make_slot(day=in_days(2), hour=15)
        hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
        booking.confirm(hold_id=hold.pk, by=person)
        evening.move_to(at(timezone.localdate(), 18))
        assert remind() == 1

    def test_nobody_on_a_day_off(self, evening):
        make_visit(1)
        make_visit(2)
        Holiday.objects.create(
            region=make_region(), date=in_days(1), name_en="Holi", name_hi="होली"
        )
        assert remind() == 1
        assert queued()[0].urgent_by == at(in_days(2), 10)

    def test_day_off_of_another_region_is_none_here(self, evening):
        make_visit(1)
        day_off(make_region("IND-RPO"))
        assert remind() == 1

    def test_who_has_no_phone_is_reminded_by_email(self, evening):
        make_visit(phone="", email="a@example.org")
        make_visit(phone="", hour=11)
        assert remind() == 1
        assert [(m.channel, m.address) for m in queued()] == [("email", "a@example.org")]

    def test_email_is_where_it_goes_if_the_sms_does_not_arrive(self, evening):
        make_visit(email="a@example.org")
        remind()
        (message,) = queued()
        assert message.channel == "sms"
        assert message.other_address == "a@example.org"

    def test_who_wants_no_emails_gets_none_in_its_place_either(self, evening):
        person = make_person(email="a@example.org", email_messages=False)
        make_visit(claimed_by=person, email="register@example.org")
        remind()
        (message,) = queued()
        assert message.other_address == ""


class TestWords:
    def test_day_time_town_and_the_end_of_the_number(self, evening):
        appointment = make_visit(1, language="en")
        remind()
        (message,) = queued()
        said = render(message).text
        assert said.startswith("Reminder: ")
        assert " 10:00, Bpl. " in said
        assert f"ARN ..{appointment.application.arn_tail}" in said

    def test_email_in_its_place_says_what_to_bring(self, evening):
        make_visit(1, phone="", email="a@example.org", language="en")
        remind()
        (message,) = queued()
        words = render(message)
        assert words.subject.startswith("Reminder: your appointment ")
        assert "Come by 9:45 am" in words.text
        assert "Bpl" not in words.subject


class TestOnce:
    def test_called_each_minute_it_reminds_once(self, evening):
        make_visit()
        assert [remind() for _ in range(3)] == [1, 0, 0]

    def test_who_comes_to_be_reminded_later_in_the_evening_is(self, evening):
        make_visit()
        remind()
        evening.shift(30 * MINUTE)
        make_visit(hour=11)
        assert remind() == 1

    def test_each_region_has_its_batch(self, evening):
        other = make_centre("IND", region=make_region("IND-RPO"))
        make_visit()
        make_appointment(make_slot(centre=other, day=in_days(1)))
        remind()
        assert {m.batch for m in queued()} == {
            reminders.batch_of(region.pk, in_days(1), 1)
            for region in (make_region(), make_region("IND-RPO"))
        }

    def test_number_of_queries_does_not_grow_with_people(
        self, evening, django_assert_max_num_queries
    ):
        slot = make_slot(day=in_days(1), seats=9)
        make_appointment(slot)
        with django_assert_max_num_queries(99) as one:
            remind()
        for _ in range(3):
            make_appointment(slot)
        with django_assert_max_num_queries(99) as three:
            assert remind() == 3
        assert len(three) == len(one)


class TestNotAfterEight:
    def test_reminder_that_could_not_leave_by_eight_never_does(self, evening):
        make_visit()
        evening.shift(119 * MINUTE)
        remind()
        (message,) = queued()
        assert message.expires_at == at(timezone.localdate(), 20)
        evening.shift(MINUTE)
        share = claims.Share(channel="sms", gateway="file", pinned_only=False)
        assert not claims.due(share, timezone.now()).exists()

    def test_soonest_visit_leaves_first(self, evening):
        late, early = make_visit(1, hour=15), make_visit(1, hour=9)
        remind()
        assert [m.reference for m in queued()] == [
            f"appointment:{early.pk}",
            f"appointment:{late.pk}",
        ]


class TestTakenBack:
    """Each changes the visit after the reminder was queued and before it left."""

    def test_by_a_cancellation(self, evening):
        person = make_person()
        appointment = make_visit(claimed_by=person)
        remind()
        booking.cancel(appointment_id=appointment.pk, by=person)
        assert queued() == []

    def test_by_a_change(self, evening):
        person = make_person()
        appointment = make_visit(claimed_by=person)
        remind()
        slot = make_slot(day=in_days(2), hour=15)
        hold = booking.hold_seat(application=appointment.application, slot_id=slot.pk, by=person)
        booking.confirm(hold_id=hold.pk, by=person)
        assert queued() == []
        assert remind() == 0

    def test_by_an_outage(self, evening):
        appointment = make_visit()
        remind()
        declare_for_test(make_officer(), [Cut(make_centre().pk, in_days(1), "normal", 0)])
        assert queued() == []
        appointment.refresh_from_db()
        assert appointment.state == "in_doubt"
        assert remind() == 0

    def test_by_an_outage_that_was_declared_by_mistake_and_comes_again(self, evening):
        make_visit()
        remind()
        officer = make_officer()
        outage = declare_for_test(officer, [Cut(make_centre().pk, in_days(1), "normal", 0)])
        evening.shift(MINUTE)
        outages.take_back(outage_id=outage.pk, by=officer)
        assert remind() == 1
        assert remind() == 0
        assert len(queued()) == 1

    def test_reminders_of_others_stay(self, evening):
        person = make_person()
        appointment, other = make_visit(claimed_by=person), make_visit(hour=11)
        remind()
        booking.cancel(appointment_id=appointment.pk, by=person)
        assert [m.reference for m in queued()] == [f"appointment:{other.pk}"]


class TestPlans:
    def plan(self, *, silence="keep", keep=0):
        """Two people; a plan moves those beyond `keep` to the day after tomorrow."""
        full = make_slot(day=in_days(1), seats=2)
        people = [make_appointment(full) for _ in range(2)]
        make_slot(day=in_days(2), hour=16, seats=2)
        first, second = make_officer(), make_officer("approver")
        declare_for_test(first, [Cut(make_centre().pk, in_days(1), "normal", keep)])
        outage = outages.Outage.objects.latest("pk")
        plan = plans.prepare(
            outage_id=outage.pk, region_id=make_region().pk, by=first, silence=silence
        )
        approve_as_seen(plan, second)
        return plans.apply(plan_id=plan.pk, by=second), people

    def test_who_was_moved_is_not_reminded_before_they_hear_of_it(self, evening):
        evening.shift(-5 * MINUTE)
        plan, _people = self.plan()
        evening.shift(5 * MINUTE)
        assert {a.state for a in Appointment.objects.all()} == {"confirmed"}
        assert remind() == 0
        evening.move_to(plan.live_at + MINUTE)
        assert remind() == 0

    def test_who_was_moved_in_the_afternoon_is(self, evening):
        evening.shift(-30 * MINUTE)
        _plan, people = self.plan()
        evening.shift(30 * MINUTE)
        assert remind() == len(people)
        assert {m.urgent_by for m in queued()} == {at(in_days(2), 16)}

    def test_who_heard_this_evening_that_it_stands_is_not(self, evening):
        evening.shift(-5 * MINUTE)
        self.plan(keep=1)
        evening.shift(20 * MINUTE)
        assert remind() == 0

    def test_whose_silence_frees_the_seat_is_reminded_of_the_answer_instead(self, evening):
        evening.shift(dt.timedelta(hours=-2))
        plan, _people = self.plan(silence=Plan.Silence.REQUEUE)
        evening.shift(dt.timedelta(hours=2))
        assert remind() == 0
        offers.accept(offer_id=plan.offers.first().pk, by=None)
        assert remind() == 0  # accepted this evening: the confirmation says it all

    def test_restored_this_evening_says_it_once(self, evening):
        make_visit()
        officer = make_officer()
        outage = declare_for_test(officer, [Cut(make_centre().pk, in_days(1), "normal", 0)])
        outages.send_notices_now(outage_id=outage.pk, by=officer)
        Message.objects.filter(kind="HOLD").update(state="accepted", sent_at=timezone.now())
        evening.shift(30 * MINUTE)
        outages.restore(outage_id=outage.pk, by=officer)
        assert Message.objects.filter(kind="STANDS").count() == 1
        assert remind() == 0


def test_reminders_are_handed_over_and_those_taken_back_are_not(evening, settings, tmp_path):
    settings.MESSAGE_FILE_SINK = tmp_path / "phone.jsonl"
    person = make_person()
    gone, stays = make_visit(claimed_by=person), make_visit(hour=11)
    remind()
    booking.cancel(appointment_id=gone.pk, by=person)
    delivery.run("sms")
    states = dict(Message.objects.filter(kind="VISIT").values_list("reference", "state"))
    assert states == {
        f"appointment:{gone.pk}": "cancelled",
        f"appointment:{stays.pk}": "accepted",
    }


def test_reminders_of_a_region_can_be_stopped_as_one_batch(evening):
    make_visit()
    remind()
    batch = reminders.batch_of(make_region().pk, in_days(1), 1)
    assert outbox.cancel(batch=batch, reason="a holiday was announced") == 1


def test_reminders_that_officers_have_taken_back_are_not_written_again(evening):
    make_visit()
    make_visit(2)
    remind()
    batch = reminders.batch_of(make_region().pk, in_days(1), 1)
    officer = make_officer()
    assert message_batches.cancel(name=batch, by=officer, reason="a day off") == 1
    evening.shift(5 * MINUTE)
    make_visit(hour=12)
    make_visit(2, hour=12)
    assert remind() == 1
    assert {m.batch for m in queued()} == {reminders.batch_of(make_region().pk, in_days(2), 2)}


def test_reminders_that_officers_stop_when_all_have_left_are_not_written_any_more(
    evening, settings, tmp_path
):
    settings.MESSAGE_FILE_SINK = tmp_path / "phone.jsonl"
    make_visit()
    remind()
    delivery.run("sms")
    assert stop_reminders() == 0
    evening.shift(5 * MINUTE)
    make_visit(hour=12)
    assert remind() == 0


def test_reminders_stopped_while_they_are_looked_for_are_not_written(evening, monkeypatch):
    make_visit()
    remind()
    evening.shift(5 * MINUTE)
    make_visit(hour=12)
    look = reminders.due

    def stopped_after_the_look(*args):
        found = look(*args)
        assert stop_reminders() == 1
        return found

    monkeypatch.setattr(reminders, "due", stopped_after_the_look)
    assert reminders.remind_region(region_id=make_region().pk, days=1, now=timezone.now()) == 0
    assert queued() == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_reminders_stopped_while_they_are_written_do_not_leave(monkeypatch):
    with time_machine.travel(at(timezone.localdate(), 18), tick=False):
        make_visit()
        remind()
        make_visit(hour=12)
        officer, write = make_officer(), messages.visits_near

        def stop() -> None:
            stop_reminders(officer)
            connection.close()

        stopping = threading.Thread(target=stop)

        def write_while_it_is_stopped(*args, **fields):
            stopping.start()
            stopping.join(1)  # it waits for the reminders, or is done before they are there
            return write(*args, **fields)

        monkeypatch.setattr(messages, "visits_near", write_while_it_is_stopped)
        assert remind() == 1
        stopping.join()
    assert queued() == []
    assert Message.objects.filter(kind="VISIT", state="cancelled").count() == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_remind_once():
    with time_machine.travel(at(timezone.localdate(), 18), tick=False):
        slot = make_slot(day=in_days(1), seats=30)
        for _ in range(30):
            make_appointment(slot)
        done: list[int] = []

        def beat() -> None:
            done.append(remind())
            connection.close()

        threads = [threading.Thread(target=beat) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(done) == 30
    assert Message.objects.filter(kind="VISIT").count() == 30


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_who_cancels_while_reminders_are_queued_is_not_reminded():
    with time_machine.travel(at(timezone.localdate(), 18), tick=False):
        slot = make_slot(day=in_days(1), seats=20)
        people = []
        for _ in range(20):
            person = make_person()
            application = make_application(claimed_by=person)
            people.append((person, make_appointment(slot, application=application)))

        def cancel() -> None:
            for person, appointment in people:
                booking.cancel(appointment_id=appointment.pk, by=person)
            connection.close()

        def beat() -> None:
            for _ in range(10):
                remind()
            connection.close()

        threads = [threading.Thread(target=each) for each in (cancel, beat)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert queued() == []
