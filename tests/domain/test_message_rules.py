"""The rules for every message: on which channels, at which hours, to whom if one fails."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from appointments import booking, leaving, messages, offers, outages, plans, seat_offers, seats
from appointments.cuts import Cut
from appointments.messages import tell
from appointments.models import Appointment, Offer, Outage, Plan
from appointments.news import News
from notifications import claims, fallback, kinds
from notifications.models import Lane, Message
from notifications.render import render
from tests.applicants.builders import ask, ask_family
from tests.domain.builders import (
    approved_plan,
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_slot,
    make_waiting,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
TO_APPLICANTS_BY_BOTH = [
    *("HOLD", "STANDS", "MOVED_KEEP", "MOVED_ANSWER", "RELEASED", "NO_SEAT", "REPLACED"),
    *("EARLIER", "SEAT_FOUND", "CONFIRMED", "CANCELLED"),
]
BY_SMS_ALONE = ["REMIND_ANSWER", "VISIT"]


def said(kind: str, **fields) -> list[Message]:
    return list(Message.objects.filter(kind=kind, **fields).order_by("channel", "pk"))


def make_reachable(**fields) -> Appointment:
    """With phone and email."""
    application = make_application(**{"email": "a@example.org", **fields})
    return make_appointment(make_slot(day=in_days(5)), application=application)


def tell_one(appointment: Appointment, kind: str = "STANDS", **fields) -> None:
    channels = {"channels": ("sms",)} if kind in BY_SMS_ALONE else {}
    given = {"kind": kind, "key": "test", "new": appointment.slot, **channels, **fields}
    tell([News(appointment=appointment, **given)], now=timezone.now())


class TestChannels:
    @pytest.mark.parametrize("kind", TO_APPLICANTS_BY_BOTH)
    def test_by_sms_and_email_as_one_notice(self, kind):
        tell_one(make_reachable(), kind)
        email, sms = said(kind)
        assert (email.channel, sms.channel) == ("email", "sms")
        assert email.notice == sms.notice == f"{kind}:test"
        assert email.other_address == sms.other_address == ""

    @pytest.mark.parametrize("kind", BY_SMS_ALONE)
    def test_by_sms_and_by_email_only_in_its_place(self, kind):
        tell_one(make_reachable(), kind)
        (sms,) = said(kind)
        assert (sms.channel, sms.other_address) == ("sms", "a@example.org")

    @pytest.mark.parametrize("kind", BY_SMS_ALONE)
    def test_who_has_no_phone_gets_it_by_email(self, kind):
        tell_one(make_reachable(phone=""), kind)
        (email,) = said(kind)
        assert (email.channel, email.other_address) == ("email", "")

    @pytest.mark.parametrize("kind", [*TO_APPLICANTS_BY_BOTH, *BY_SMS_ALONE])
    def test_who_withdrew_consent_gets_no_email_not_even_in_place_of_an_sms(self, kind):
        person = make_person(email="own@example.org", email_messages=False)
        tell_one(make_reachable(claimed_by=person), kind)
        assert [(m.channel, m.other_address) for m in said(kind)] == [("sms", "")]

    @pytest.mark.parametrize("kind", [*TO_APPLICANTS_BY_BOTH, *BY_SMS_ALONE])
    def test_every_kind_has_words_for_both(self, kind):
        assert kinds.get(kind).speaks("sms")
        assert kinds.get(kind).speaks("email")

    @pytest.mark.parametrize("kind", [*TO_APPLICANTS_BY_BOTH, *BY_SMS_ALONE])
    def test_what_is_stored_serves_both(self, kind):
        """The values of a message that fell back are those of the one which failed."""
        appointment = make_reachable(language="en")
        now = timezone.now()
        fields = {"old": appointment.slot, "deadline": now + HOUR, "extra": {"n": 1}}
        tell_one(appointment, kind, **fields)
        values = said(kind)[0].values
        for channel in ("sms", "email"):
            words = render(Message(kind=kind, channel=channel, language="en", values=values))
            assert appointment.application.arn_tail in words.text


class TestFallback:
    def test_reminder_that_failed_goes_by_email(self):
        tell_one(make_reachable(language="en"), "REMIND_ANSWER", deadline=timezone.now() + HOUR)
        Message.objects.update(state="failed", error="no such number")
        fallback.follow_up(timezone.now())
        email, _sms = said("REMIND_ANSWER")
        assert (email.address, email.state) == ("a@example.org", "queued")
        assert render(email).subject.startswith("Reminder: answer by ")

    def test_it_goes_to_the_address_of_that_time(self):
        person = make_person(email="old@example.org")
        tell_one(make_reachable(claimed_by=person, email=""), "REMIND_ANSWER")
        User.objects.filter(pk=person.pk).update(email="new@example.org")
        assert leaving.follow_contact(person=person) == 1
        assert [m.other_address for m in said("REMIND_ANSWER")] == ["new@example.org"]

    def test_it_goes_nowhere_once_consent_is_withdrawn(self):
        person = make_person(email="own@example.org")
        tell_one(make_reachable(claimed_by=person), "REMIND_ANSWER")
        User.objects.filter(pk=person.pk).update(email_messages=False)
        leaving.follow_contact(person=person)
        assert [m.other_address for m in said("REMIND_ANSWER")] == [""]


class TestLists:
    def test_list_falls_back_to_the_address_that_all_share(self):
        ask_family(make_person(), 3, email="family@example.org")
        (sms,) = said("MOVED_MANY_KEEP")
        assert sms.other_address == "family@example.org"
        assert sms.notice == sms.dedupe_key

    def test_its_email_shows_everybody_with_old_and_new(self):
        _plan, asked = ask_family(make_person(language="en"), 3, email="family@example.org")
        Message.objects.filter(kind="MOVED_MANY_KEEP").update(state="failed")
        fallback.follow_up(timezone.now())
        email, sms = said("MOVED_MANY_KEEP")
        words = render(email)
        for offer in asked:
            assert f"ARN ending in {offer.appointment.application.arn_tail}" in words.text
        assert words.subject == "New times for 3 passport applications"
        assert words.text.count("New time: ") == 3
        assert f"http://{sms.values['url']}" in words.text
        assert "a technical fault of the server" in words.text

    def test_link_for_all_goes_to_nobody_who_is_one_of_them(self):
        person = make_person()
        _plan, asked = ask_family(person, 3)
        first = asked[0].appointment.application
        first.email = "one@example.org"
        first.save()
        people = Appointment.objects.filter(offers__in=asked)
        assert messages.email_of_list(people) == ""

    def test_nor_once_one_of_them_wants_no_emails(self):
        person = make_person(email="one@example.org", email_messages=False)
        _plan, asked = ask_family(person, 3, email="family@example.org")
        application = asked[0].appointment.application
        application.claimed_by, application.claimed_at = person, timezone.now()
        application.save()
        leaving.follow_contact(person=person)
        assert [m.other_address for m in said("MOVED_MANY_KEEP")] == [""]


class TestUrgency:
    def test_whose_visit_falls_within_the_grace_is_told_first_once_it_is_sent_now(self):
        """Declared at 08:50; somebody is on the way to a visit at 09:00."""
        officer, centre, day = make_officer(), make_centre(), in_days(3)
        later = make_appointment(make_slot(centre=centre, day=day, hour=10))
        soon = make_appointment(make_slot(centre=centre, day=day, hour=9))
        past = make_appointment(make_slot(centre=centre, day=day, hour=8))
        with time_machine.travel(at(day, 8, 50), tick=False):
            cuts = [Cut(centre.pk, day, "normal", 0)]
            outage = declare_for_test(officer, cuts, since=at(day, 7))
            outages.send_notices_now(outage_id=outage.pk, by=officer)
            due = claims.due(claims.Share("sms", "file"), timezone.now())
            order = [(m.reference, m.lane) for m in due.filter(kind="HOLD")]
        first, second, third = (messages.reference(a) for a in (soon, later, past))
        assert order == [(first, Lane.URGENT), (second, Lane.URGENT), (third, Lane.REST)]


class TestNight:
    """No SMS from 21:00 to 08:00, unless the earlier of the two visits starts within 18 hours."""

    def test_earlier_of_old_and_new_decides(self):
        appointment = make_reachable()
        old, new = make_slot(day=in_days(2)), make_slot(day=in_days(9))
        for key, fields in (("a", (old, new)), ("b", (new, old))):
            tell_one(appointment, "MOVED_KEEP", key=key, old=fields[0], new=fields[1])
        assert {m.quiet_ok_from for m in said("MOVED_KEEP")} == {old.starts_at - 18 * HOUR}

    def test_visit_that_is_over_does_not_count(self):
        appointment = make_reachable()
        old = make_slot(day=in_days(-1))
        tell_one(appointment, "MOVED_KEEP", old=old)
        assert {m.quiet_ok_from for m in said("MOVED_KEEP")} == {
            appointment.slot.starts_at - 18 * HOUR
        }

    def test_without_a_visit_to_come_it_waits_for_the_morning(self):
        tell_one(make_reachable(), "NO_SEAT", old=make_slot(day=in_days(-1)), new=None)
        assert {m.quiet_ok_from for m in said("NO_SEAT")} == {None}

    @pytest.mark.parametrize("kind", ["CONFIRMED", "CANCELLED"])
    def test_answer_to_ones_own_action_rings_at_any_time(self, kind):
        person = make_person(email="own@example.org")
        appointment = make_reachable(claimed_by=person)
        with time_machine.travel(at(in_days(0), 23, 30), tick=False):
            now = timezone.now()
            if kind == "CANCELLED":
                booking.cancel(appointment_id=appointment.pk, by=person)
            else:
                application = appointment.application
                slot = make_slot(day=in_days(7))
                hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
                booking.confirm(hold_id=hold.pk, by=person)
            found = said(kind)
        assert {m.channel for m in found} == {"sms", "email"}
        assert {m.quiet_ok_from for m in found} == {now}
        assert all(m.values["ics"] for m in found)


class TestRemindersOfAnAnswer:
    def offered(self, *, live_at, deadline, visit_at, old_at=None) -> list[Message]:
        """Reminders of one question under the policy that frees the seat."""
        old_at = old_at or visit_at - 4 * 24 * HOUR
        old = make_slot(day=old_at.date(), hour=9)
        new = make_slot(day=visit_at.date(), hour=visit_at.hour)
        appointment = make_appointment(new, application=make_application())
        offer = Offer.objects.create(
            appointment=appointment,
            kind="moved",
            silence=Plan.Silence.REQUEUE,
            old_slot=old,
            new_slot=new,
            token_hash="x" * 64,
            live_at=live_at,
            deadline=deadline,
            created_at=live_at,
        )
        outage = Outage(cause="server")
        offers = [(offer, "AbCdEfGhIjK", False)]
        news = messages.offered(offers, outage=outage, batch="plan:1", reasons={})
        messages.tell(news, now=live_at)
        found = Message.objects.filter(kind="REMIND_ANSWER").order_by("next_attempt_at")
        return list(found)

    def moments(self, **fields) -> list[dt.datetime]:
        reminders = self.offered(**fields)
        assert {m.channel for m in reminders} <= {"sms"}
        assert all(m.expires_at == fields["deadline"] for m in reminders)
        return [m.next_attempt_at for m in reminders]

    def test_24_and_3_hours_before_the_deadline(self):
        live_at, deadline = at(in_days(1), 10), at(in_days(4), 10)
        assert self.moments(live_at=live_at, deadline=deadline, visit_at=at(in_days(9), 10)) == [
            deadline - 24 * HOUR,
            deadline - 3 * HOUR,
        ]

    def test_only_where_the_last_message_is_three_hours_old(self):
        live_at = at(in_days(1), 10)
        visit_at = at(in_days(9), 10)
        deadline = live_at + 26 * HOUR  # the first would come after two hours
        assert self.moments(live_at=live_at, deadline=deadline, visit_at=visit_at) == [
            deadline - 3 * HOUR
        ]

    def test_none_where_the_whole_time_is_shorter(self):
        live_at = at(in_days(1), 10)
        deadline = live_at + 5 * HOUR
        assert self.moments(live_at=live_at, deadline=deadline, visit_at=at(in_days(9), 10)) == []

    def test_message_that_the_night_held_counts_from_the_morning(self):
        """Asked at 22:00, heard at 08:00; the deadline is 10:30 the next day but one."""
        live_at, deadline = at(in_days(1), 22), at(in_days(3), 10, 30)
        assert self.moments(live_at=live_at, deadline=deadline, visit_at=at(in_days(9), 10)) == [
            at(in_days(3), 7, 30)
        ]

    def test_reminder_that_the_night_would_hold_beyond_the_deadline_comes_in_the_evening(self):
        live_at, deadline = at(in_days(1), 2), at(in_days(4), 2)
        assert self.moments(live_at=live_at, deadline=deadline, visit_at=at(in_days(9), 10)) == [
            deadline - 24 * HOUR,
            at(in_days(3), 20, 30),
        ]

    def test_at_night_it_rings_if_the_visit_is_near(self):
        live_at, visit_at = at(in_days(1), 20), at(in_days(2), 10)
        deadline = at(in_days(2), 6)
        reminders = self.offered(live_at=live_at, deadline=deadline, visit_at=visit_at)
        assert [m.next_attempt_at for m in reminders] == [at(in_days(2), 3)]
        assert reminders[0].quiet_ok_from <= reminders[0].next_attempt_at

    def test_at_night_a_visit_that_is_over_by_then_rings_nobody(self):
        """The old visit is an hour after the plan's messages, and days before the reminder."""
        live_at, visit_at = at(in_days(1), 9, 10), at(in_days(9), 10)
        deadline = at(in_days(4), 9, 10)
        first, last = self.offered(
            live_at=live_at, deadline=deadline, visit_at=visit_at, old_at=live_at
        )
        assert last.next_attempt_at == at(in_days(4), 6, 10)
        assert last.quiet_ok_from == first.quiet_ok_from == visit_at - 18 * HOUR

    def test_nor_is_the_reminder_urgent_for_it(self):
        live_at, visit_at = at(in_days(1), 8, 10), at(in_days(9), 10)
        reminders = self.offered(
            live_at=live_at, deadline=live_at + 72 * HOUR, visit_at=visit_at, old_at=live_at
        )
        assert {m.urgent_by for m in reminders} == {visit_at}
        assert {m.lane for m in reminders} == {Lane.OFFERS}

    def test_nor_does_it_keep_the_reminder_from_coming_the_evening_before(self):
        live_at, deadline = at(in_days(1), 8, 10), at(in_days(4), 7, 40)
        assert self.moments(
            live_at=live_at, deadline=deadline, visit_at=at(in_days(9), 10), old_at=live_at
        ) == [at(in_days(3), 7, 40), at(in_days(3), 20, 30)]

    @pytest.mark.parametrize(("deadline_at", "last"), [((8, 59), (3, 20, 30)), ((9, 0), (4, 6, 0))])
    def test_an_hour_to_answer_is_left(self, deadline_at, last):
        """The night holds it until 08:00."""
        deadline, visit_at = at(in_days(4), *deadline_at), at(in_days(9), 10)
        day, hour, minute = last
        *_, moment = self.moments(live_at=at(in_days(1), 9), deadline=deadline, visit_at=visit_at)
        assert moment == at(in_days(day), hour, minute)

    def test_answer_takes_it_back(self):
        person = make_person()
        _application, offer, _token = ask(person, silence=Plan.Silence.REQUEUE)
        assert said("REMIND_ANSWER", state="queued")
        offers.accept(offer_id=offer.pk, by=None)
        assert not said("REMIND_ANSWER", state="queued")


def test_offer_of_a_seat_is_not_made_after_its_deadline():
    """By then the seat is the next person's."""
    person = make_person(email="own@example.org")
    waiting = make_waiting(application=make_application(claimed_by=person))
    slot = make_slot(day=in_days(5))
    seats.take(slot_id=slot.pk, now=timezone.now())
    offer = seat_offers.make(
        appointment=waiting, slot=slot, kind=Offer.Kind.WAITING, now=timezone.now()
    )
    assert {m.expires_at for m in said("SEAT_FOUND")} == {offer.deadline}


def test_reason_of_the_plan_is_told_to_the_very_person():
    person = make_person(language="en")
    ask(person, email="a@example.org")
    email = Message.objects.get(kind="MOVED_KEEP", channel="email")
    text = render(email).text
    assert (
        "Why: a technical fault of the server. Your old time was cancelled by the outage." in text
    )


def test_no_seat_says_why():
    slot = make_slot(day=in_days(3))
    make_appointment(slot, application=make_application(email="a@example.org", language="en"))
    officer, second = make_officer(), make_officer("approver")
    outage = declare_for_test(officer, [Cut(make_centre().pk, slot.date, "normal", 0)])
    plan = approved_plan(outage, by=officer, second=second)
    plans.apply(plan_id=plan.pk, by=officer)
    text = render(Message.objects.get(kind="NO_SEAT", channel="email")).text
    assert "Why: a technical fault of the server. " in text
