"""Alerts to officers: what they are told, who of them, by which channel, how often."""

import datetime as dt
import threading

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone, translation

from appointments import alerts, message_batches, messages, outages, plans
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Holiday, Outage, Plan, Posting
from appointments.timeline import APPLICANT
from notifications import health, kinds, reach, trouble
from notifications.models import Message
from notifications.render import render
from tests.applicants.builders import ask_family
from tests.appointments.call_worlds import happened, moved, not_reached
from tests.domain.builders import (
    approve_as_seen,
    at,
    declare_for_test,
    in_days,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
ASKED = "+919800000001"


@pytest.fixture
def clock():
    """Noon, India."""
    with time_machine.travel(at(timezone.localdate(), 12), tick=False) as traveller:
        yield traveller


@pytest.fixture
def officer(clock):
    return make_officer()


def look() -> int:
    return alerts.alert_officers(now=timezone.now())


def told(kind: str, **fields) -> list[Message]:
    return list(Message.objects.filter(kind=kind, **fields).order_by("pk"))


def ask_for_sms(by) -> None:
    alerts.ask_for_sms(by=by, phone=ASKED)


def make_troubled(count: int = 5, batch: str = "") -> None:
    """Messages which failed, and for which everything has been tried."""
    now = timezone.now()
    start = Message.objects.count()
    Message.objects.bulk_create(
        Message(
            dedupe_key=f"t:{start + number}",
            kind="HOLD",
            channel="sms",
            address="+919811111111",
            language="hi",
            batch=batch,
            state="failed",
            urgent_by=now,
            next_attempt_at=now,
            expires_at=now + HOUR,
            created_at=now,
            followed_up_at=now,
        )
        for number in range(count)
    )


class TestQuiet:
    def test_nothing_wrong_nothing_said(self, officer):
        make_appointment()
        assert look() == 0

    def test_looking_costs_few_queries(self, officer, django_assert_max_num_queries):
        for code in ("IND-RPO", "JBP-RPO"):
            make_region(code)
        with django_assert_max_num_queries(30):
            look()


class TestOutageOverdue:
    def declared(self, officer, hours: int = 2) -> Outage:
        slot = make_slot(day=in_days(1))
        make_appointment(slot)
        return declare_for_test(
            officer,
            [Cut(slot.centre_id, slot.date, "normal", 0)],
            expected_until=timezone.now() + hours * HOUR,
        )

    def test_is_told_when_the_expected_end_has_passed(self, clock, officer):
        outage = self.declared(officer)
        assert look() == 0
        clock.shift(2 * HOUR)
        assert look() == 1
        (message,) = told("OUTAGE_OVERDUE")
        words = render(message)
        assert f"/officers/appointments/outage/{outage.pk}/change/" in words.text
        assert "People in doubt, who wait to hear whether to come: 1." in words.text
        assert "Restore the service if it is back" in words.text

    def test_is_told_once_a_day_and_again_for_a_new_end(self, clock, officer):
        outage = self.declared(officer)
        clock.shift(2 * HOUR)
        look()
        clock.shift(2 * HOUR)
        assert look() == 0
        outages.change_cut(
            outage_id=outage.pk,
            cuts=[Cut(make_centre().pk, in_days(1), "normal", 0)],
            by=officer,
            expected_until=timezone.now() + HOUR,
        )
        assert look() == 0
        clock.shift(HOUR)
        assert look() == 1
        clock.shift(24 * HOUR)
        assert look() == 1

    def test_is_over_when_the_service_is_back(self, clock, officer):
        outage = self.declared(officer)
        clock.shift(HOUR)
        outages.restore(outage_id=outage.pk, by=officer)
        clock.shift(2 * HOUR)
        assert look() == 0

    def test_is_for_the_regions_that_it_touches(self, clock, officer):
        make_officer(region=make_region("IND-RPO"))
        self.declared(officer)
        clock.shift(2 * HOUR)
        look()
        assert [m.address for m in told("OUTAGE_OVERDUE")] == [officer.email]

    def test_rings_at_night_only_if_a_visit_in_doubt_is_near(self, clock, officer):
        ask_for_sms(officer)
        self.declared(officer)
        clock.shift(2 * HOUR)
        look()
        (sms,) = told("OUTAGE_OVERDUE", channel="sms")
        assert sms.quiet_ok_from == at(in_days(1), 10) - 18 * HOUR


class TestMessagesTroubled:
    def test_few_are_no_alert(self, officer, settings):
        make_troubled(settings.ALERT_TROUBLED_MESSAGES - 1)
        assert look() == 0

    def test_one_alert_for_all_of_them_with_counts_by_batch(self, officer):
        make_centre()
        outage = declare_for_test(officer, [])
        make_troubled(4, batch=messages.hold_batch(outage.pk))
        make_troubled(2)
        assert look() == 1
        (message,) = told("MESSAGES_TROUBLED")
        text = render(message).text
        assert message.values["n"] == 6
        assert f"- “Do not travel yet” of Outage {outage.pk}: Unclear 0, Failed 4" in text
        assert f"- खराबी {outage.pk}: केंद्र न जाएँ:" in text
        assert "- Single messages: Unclear 0, Failed 2" in text
        assert "/officers/notifications/message/" in text

    def test_changed_cut_is_not_called_the_service_that_is_back(self, clock, officer):
        slot = make_slot(day=in_days(2))
        appointment = make_appointment(slot)
        cut = Cut(slot.centre_id, slot.date, "normal", 0)
        outage = declare_for_test(officer, [cut])
        Message.objects.filter(kind="HOLD").update(state="accepted", sent_at=timezone.now())
        outages.change_cut(outage_id=outage.pk, cuts=[], by=officer)
        stands = Message.objects.get(kind="STANDS", reference=messages.reference(appointment))
        Message.objects.filter(pk=stands.pk).delete()
        make_troubled(batch=stands.batch)
        look()
        (message,) = told("MESSAGES_TROUBLED")
        text = render(message).text
        assert f"- Outage {outage.pk}: cut changed: Unclear 0, Failed 5" in text
        assert "Service back" not in text

    def test_batch_is_called_as_on_its_page(self, officer):
        name = messages.plan_batch(ask_family(make_person(), 2)[0].pk)
        make_troubled(batch=name)
        look()
        text = render(told("MESSAGES_TROUBLED")[0]).text
        for language in kinds.LANGUAGES:
            with translation.override(language):
                assert f"- {message_batches.subjects([name])[name].label}:" in text

    def test_names_of_many_batches_take_a_bounded_number_of_queries(
        self, officer, django_assert_max_num_queries
    ):
        for number in range(40):
            make_troubled(1, batch=f"offer:{number}")
            make_troubled(1, batch=f"entry:{number}")
            make_troubled(1, batch=f"hold:{number}")
        facts = alerts.Facts(timezone.now())
        with django_assert_max_num_queries(10):
            assert len(facts.troubled) == 120

    def test_at_most_one_an_hour_and_only_if_it_got_worse(self, clock, officer):
        make_troubled()
        assert [look(), look()] == [1, 0]
        clock.shift(30 * MINUTE)
        make_troubled(1)
        assert look() == 0
        clock.shift(31 * MINUTE)
        assert look() == 1
        clock.shift(2 * HOUR)
        assert look() == 0

    def test_those_that_were_written_first_and_fail_last_are_told_too(self, clock, officer):
        make_troubled(7)
        first = Message.objects.order_by("pk")[:2].values_list("pk", flat=True)
        Message.objects.filter(pk__in=list(first)).update(state="queued", followed_up_at=None)
        assert look() == 1
        clock.shift(2 * HOUR)
        Message.objects.filter(pk__in=list(first)).update(
            state="failed", followed_up_at=timezone.now()
        )
        assert look() == 1
        assert told("MESSAGES_TROUBLED")[-1].values["n"] == 7

    def test_one_that_is_settled_is_no_news(self, clock, officer):
        make_troubled(6)
        clock.shift(MINUTE)
        make_troubled(1)
        assert look() == 1
        clock.shift(2 * HOUR)
        last = Message.objects.filter(kind="HOLD").latest("pk")
        Message.objects.filter(pk=last.pk).update(state="queued", followed_up_at=None)
        assert look() == 0

    def test_alert_of_the_last_version_which_does_not_say_how_bad_it_was_is_no_hindrance(
        self, clock, officer
    ):
        make_troubled()
        assert look() == 1
        (message,) = told("MESSAGES_TROUBLED")
        del message.values["newest_at"]
        message.save()
        clock.shift(2 * HOUR)
        assert look() == 1

    def test_those_that_were_never_sent_are_told(self, clock, officer):
        make_centre()
        batch = messages.hold_batch(declare_for_test(officer, []).pk)
        make_troubled(5, batch=batch)
        Message.objects.filter(batch=batch).update(state="expired", followed_up_at=None)
        clock.shift(2 * HOUR)
        assert look() == 1
        text = render(told("MESSAGES_TROUBLED")[0]).text
        assert "- “Do not travel yet” of Outage" in text
        assert "Unclear 0, Failed 5" in text

    @pytest.mark.parametrize("sort", ["plan", "hold", "entry", "offer", "visits"])
    def test_batch_is_for_the_officers_of_its_region(self, officer, sort):
        other = make_officer(region=make_region("IND-RPO"))
        _plan, asked = ask_family(make_person(), 2)
        plan = Plan.objects.get()
        numbers = {
            "plan": plan.pk,
            "hold": plan.outage_id,
            "entry": plan.log.first().pk,
            "offer": asked[0].pk,
            "visits": f"{make_region().pk}:2026-12-01:1",
        }
        Message.objects.all().delete()
        make_troubled(batch=f"{sort}:{numbers[sort]}")
        look()
        addresses = {m.address for m in told("MESSAGES_TROUBLED")}
        assert officer.email in addresses
        assert other.email not in addresses

    def test_messages_of_no_batch_are_for_all_regions(self, officer):
        other = make_officer(region=make_region("IND-RPO"))
        make_troubled()
        look()
        assert {m.address for m in told("MESSAGES_TROUBLED")} == {officer.email, other.email}


class TestGatewayDown:
    def test_is_told_after_five_minutes_with_what_waits(self, clock, officer, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["smtp"]}
        began = timezone.now()
        for _ in range(6):
            rests = health.rest("file", now=timezone.now(), reason="refused")
            clock.shift(rests)
        assert look() == 1
        (message,) = told("GATEWAY_DOWN")
        text = render(message).text
        assert "The message gateway file is down" in text
        assert message.values["since_at"] == began.isoformat()
        assert message.values["url"].endswith(reverse("admin:notifications_message_gateways"))
        assert "No other gateway is left for this channel. Messages that wait: 0." in text
        clock.shift(2 * HOUR)
        assert look() == 0

    def rests(self, clock, times: int = 6) -> None:
        """So often in a row."""
        for _ in range(times):
            clock.shift(health.rest("file", now=timezone.now(), reason="refused"))

    def test_is_told_again_if_it_was_mended_and_is_down_again(self, clock, officer, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["smtp"]}
        self.rests(clock)
        assert look() == 1
        clock.shift(30 * MINUTE)
        health.works("file", now=timezone.now())
        assert look() == 0
        clock.shift(30 * MINUTE)
        again = timezone.now()
        self.rests(clock)
        assert look() == 1
        assert told("GATEWAY_DOWN")[-1].values["since_at"] == again.isoformat()

    def test_as_long_as_it_stays_down_is_no_news(self, clock, officer, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["smtp"]}
        self.rests(clock)
        assert look() == 1
        self.rests(clock, 14)
        assert trouble.gateways_down(timezone.now())
        assert look() == 0

    def test_one_that_comes_and_goes_hides_none_that_stays_down(self, clock, officer, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["smtp"]}
        for _ in range(6):
            health.rest("smtp", now=timezone.now(), reason="refused")
            clock.shift(MINUTE)
            clock.shift(health.rest("file", now=timezone.now(), reason="refused"))
        assert {each.gateway for each in trouble.gateways_down(timezone.now())} == {"file", "smtp"}
        assert look() == 1
        assert told("GATEWAY_DOWN")[-1].values["gateway"] == "smtp"  # the one that is down longer


class TestTextsMissing:
    @pytest.fixture(autouse=True)
    def registry(self, monkeypatch):
        problems: list[str] = []
        monkeypatch.setattr(trouble, "_sources", [lambda now: problems])
        return problems

    def test_is_told_with_the_first_of_them(self, officer, registry):
        registry += [f"KIND{number} hi: nothing on file" for number in range(12)]
        assert look() == 1
        text = render(told("TEXTS_MISSING")[0]).text
        assert "SMS templates that are missing or have expired: 12" in text
        assert "- KIND9 hi: nothing on file" in text
        assert "and 2 more" in text

    def test_one_that_was_filed_is_no_news_and_one_that_has_ended_is(
        self, clock, officer, registry
    ):
        registry += ["HOLD hi: nothing on file", "VISIT hi: nothing on file"]
        assert look() == 1
        registry.pop()
        clock.shift(2 * HOUR)
        assert look() == 0
        registry.append("OTP hi: ended")
        clock.shift(HOUR)
        assert look() == 1
        registry.append("VISIT hi: nothing on file")
        clock.shift(HOUR)
        assert look() == 1

    def test_is_looked_for_each_quarter_of_an_hour(self, clock, officer, registry):
        assert look() == 0
        registry.append("HOLD hi: expired")
        clock.shift(5 * MINUTE)
        assert look() == 0
        clock.shift(11 * MINUTE)
        assert look() == 1


class TestPeopleUnreached:
    def missed(self, slot, **person) -> Appointment:
        """Somebody whom a plan moved to this slot, and whom nothing could tell."""
        old = make_slot(centre=slot.centre, day=in_days(5), minute=Appointment.objects.count())
        appointment = moved(old=old, new=slot, **person)
        not_reached(appointment)
        return appointment

    def test_region_and_centre_are_told_how_many_and_when_the_first_is(self, officer):
        here = make_centre()
        at_centre = make_officer(Posting.Role.CENTRE, centre=here)
        elsewhere = make_officer(Posting.Role.CENTRE, centre=make_centre("VID"))
        slot = make_slot(centre=here, day=in_days(1), seats=2)
        for _ in range(2):
            self.missed(slot)
        assert look() == 2
        found = told("PEOPLE_UNREACHED")
        assert {m.address for m in found} == {officer.email, at_centre.email}
        assert elsewhere.email not in {m.address for m in found}
        assert {m.values["people"] for m in found} == {2}
        text = render(found[0]).text
        assert "Call them: the list has their numbers" in text
        assert "http://127.0.0.1:8000/officers/appointments/call/" in text
        assert {m.values["first_at"] for m in found} == {slot.starts_at.isoformat()}

    def test_people_of_one_phone_are_one_call_and_each_counts(self, officer):
        slot = make_slot(day=in_days(1), seats=3)
        for _ in range(3):
            self.missed(slot, phone="+919812345678")
        look()
        assert told("PEOPLE_UNREACHED")[0].values["people"] == 3

    def test_nobody_whose_visit_is_far(self, officer):
        self.missed(make_slot(day=in_days(3)))
        assert look() == 0

    def test_nobody_whose_appointment_has_ended(self, officer):
        appointment = self.missed(make_slot(day=in_days(1)))
        Appointment.objects.filter(pk=appointment.pk).update(state="cancelled", slot=None)
        assert look() == 0

    def test_is_looked_for_every_five_minutes(self, clock, officer):
        assert look() == 0
        self.missed(make_slot(day=in_days(1)))
        clock.shift(2 * MINUTE)
        assert look() == 0
        clock.shift(3 * MINUTE)
        assert look() == 1

    def test_again_within_the_day_only_for_others(self, clock, officer):
        slot = make_slot(day=in_days(1), hour=11, seats=2)
        self.missed(slot)
        assert look() == 1
        clock.shift(61 * MINUTE)
        assert look() == 0
        self.missed(slot)
        clock.shift(5 * MINUTE)
        assert look() == 1

    def test_whoever_was_reached_is_no_news(self, clock, officer):
        """An hour in which officers called some of them is no reason to alert them again."""
        slot = make_slot(day=in_days(1), hour=11, seats=4)
        first, *_ = [self.missed(slot) for _ in range(3)]
        assert look() == 1
        self.reached(first)
        clock.shift(61 * MINUTE)
        assert look() == 0
        self.missed(slot)
        clock.shift(5 * MINUTE)
        assert look() == 1
        assert told("PEOPLE_UNREACHED")[-1].values["people"] == 3

    def test_whoever_was_reached_and_is_missed_again_is_news(self, clock, officer):
        slot = make_slot(day=in_days(1), hour=11, seats=2)
        first = self.missed(slot)
        assert look() == 1
        clock.shift(10 * MINUTE)
        happened(first, "accepted", hours=0, by=APPLICANT)
        clock.shift(61 * MINUTE)
        happened(first, "in_doubt", hours=0)
        not_reached(first, hours=0, kind="HOLD")
        assert look() == 1

    def test_next_day_it_is_told_again(self, clock, officer):
        self.missed(make_slot(day=in_days(1), hour=11))
        clock.shift(11 * HOUR)
        assert look() == 1
        clock.shift(2 * HOUR)
        assert look() == 1

    def test_who_comes_to_the_region_hears_of_it(self, clock, officer):
        self.missed(make_slot(day=in_days(1), hour=11))
        assert look() == 1
        other = make_officer("approver")
        clock.shift(61 * MINUTE)
        assert look() == 1
        assert told("PEOPLE_UNREACHED")[-1].address == other.email

    def reached(self, appointment: Appointment) -> None:
        reach.clear(now=timezone.now(), references=[messages.reference(appointment)])


class TestDayOff:
    def test_confirmed_visits_on_a_day_off_are_told(self, officer):
        make_appointment(make_slot(day=in_days(2)))
        Holiday.objects.create(
            region=make_region(), date=in_days(2), name_en="Holi", name_hi="होली"
        )
        assert look() == 1
        (message,) = told("DAY_OFF_VISITS")
        assert "Appointments confirmed for it: 1." in render(message).text

    def test_day_off_without_visits_is_none(self, officer):
        make_appointment(make_slot(day=in_days(1)))
        Holiday.objects.create(date=in_days(2), name_en="Holi", name_hi="होली")
        assert look() == 0


class TestPlans:
    @pytest.fixture
    def world(self, officer):
        slot = make_slot(day=in_days(3), seats=2)
        for _ in range(2):
            make_appointment(slot)
        make_slot(day=in_days(6), seats=9)
        self.second = make_officer("approver")
        self.at_centre = make_officer(Posting.Role.CENTRE, centre=slot.centre)
        self.outage = declare_for_test(officer, [Cut(slot.centre_id, slot.date, "normal", 0)])
        return slot

    def prepared(self, officer) -> Plan:
        return plans.prepare(outage_id=self.outage.pk, region_id=make_region().pk, by=officer)

    def test_plan_that_waits_is_for_those_who_may_approve_it(self, world, officer):
        plan = self.prepared(officer)
        (message,) = told("PLAN_WAITS")
        assert message.address == self.second.email
        assert f"/officers/appointments/plan/{plan.pk}/change/" in render(message).text

    def test_it_rings_at_night_if_a_visit_is_near(self, world, officer):
        ask_for_sms(self.second)
        self.prepared(officer)
        (sms,) = told("PLAN_WAITS", channel="sms")
        assert sms.address == ASKED
        assert sms.quiet_ok_from == world.starts_at - 18 * HOUR
        assert sms.values["today"].endswith("/officers/")

    def approve_alone(self, plan: Plan, officer) -> None:
        plans.approve(
            plan_id=plan.pk,
            by=officer,
            bounds=plans.suggested_bounds(plan),
            fingerprint=plan.fingerprint,
            reason="nobody else is awake",
        )

    def test_plan_approved_alone_is_for_all_others_and_rings(self, world, officer):
        ask_for_sms(self.at_centre)
        plan = self.prepared(officer)
        self.approve_alone(plan, officer)
        found = told("PLAN_ALONE")
        assert {m.address for m in found} == {self.second.email, self.at_centre.email, ASKED}
        (sms,) = told("PLAN_ALONE", channel="sms")
        assert sms.quiet_ok_from <= timezone.now()
        assert "was approved by one officer alone. It may be applied from " in render(sms).text

    def test_sms_that_rings_ends_when_the_plan_may_be_applied_and_the_email_does_not(
        self, world, officer
    ):
        ask_for_sms(self.second)
        plan = self.prepared(officer)
        self.approve_alone(plan, officer)
        plan.refresh_from_db()
        (sms,) = told("PLAN_ALONE", channel="sms")
        assert sms.expires_at == plan.not_before
        emails = told("PLAN_ALONE", channel="email")
        assert {m.expires_at for m in emails} == {timezone.now() + 72 * HOUR}
        # One that rings only because of a visit says on the next morning what it said at night.
        (waits,) = told("PLAN_WAITS", channel="sms")
        assert waits.expires_at == timezone.now() + 72 * HOUR

    def test_plan_that_came_back_and_is_approved_alone_again_is_told_again(
        self, clock, world, officer
    ):
        plan = self.prepared(officer)
        self.approve_alone(plan, officer)
        self.out_of_bounds(world, officer)
        clock.shift(plans.LONE_WAIT)
        plan = plans.apply(plan_id=plan.pk, by=officer)
        assert plan.state == "prepared"
        before = len(told("PLAN_ALONE"))
        self.approve_alone(plan, officer)
        again = told("PLAN_ALONE")[before:]
        assert {m.address for m in again} == {self.second.email, self.at_centre.email}
        assert {m.values["moved"] for m in again} == {5}

    def out_of_bounds(self, world, officer) -> None:
        """Three more have come than any plan so far allows for."""
        for number in range(3):
            make_appointment(make_slot(day=in_days(4), hour=9 + number))
        outages.change_cut(
            outage_id=self.outage.pk,
            cuts=[
                Cut(world.centre_id, world.date, "normal", 0),
                Cut(world.centre_id, in_days(4), "normal", 0),
            ],
            by=officer,
        )
        Plan.objects.update(bounds={"moved": 2, "unplaced": 0, "worst_delay_days": {"normal": 3}})

    def test_plan_that_came_back_is_for_all_but_who_tried(self, world, officer):
        plan = self.prepared(officer)
        approve_as_seen(plan, self.second)
        self.out_of_bounds(world, officer)
        assert plans.apply(plan_id=plan.pk, by=officer).state == "prepared"
        (message,) = told("PLAN_BACK")
        assert message.address == self.second.email
        text = render(message).text
        assert "It would now move 5 people (approved: 2)" in text
        assert "Nobody was moved." in text


class TestChannels:
    def test_email_and_sms_are_one_notice_in_the_officers_language(self, officer):
        officer.language = "hi"
        officer.save()
        ask_for_sms(officer)
        make_troubled()
        assert look() == 2
        email, sms = told("MESSAGES_TROUBLED")
        assert (email.channel, sms.channel) == ("email", "sms")
        assert email.notice == sms.notice
        assert {email.language, sms.language} == {"hi"}
        assert "संदेश: 5" in render(sms).text

    def test_sms_ends_when_they_no_longer_ask_for_it(self, officer):
        ask_for_sms(officer)
        alerts.ask_for_sms(by=officer, phone="")
        make_troubled()
        assert look() == 1

    def test_nobody_else_may_ask_for_it(self):
        with pytest.raises(Refusal, match="not_permitted"):
            alerts.ask_for_sms(by=make_person(), phone=ASKED)

    def test_officer_whose_account_is_closed_is_told_nothing(self, officer):
        officer.is_active = False
        officer.save()
        make_troubled()
        assert look() == 0

    def test_centre_officers_are_not_told_of_what_they_cannot_mend(self, officer):
        make_officer(Posting.Role.CENTRE, centre=make_centre())
        make_troubled()
        assert look() == 1

    @pytest.mark.parametrize("phone", ["98765", "9876543210", "+0123456789"])
    def test_number_in_another_form_is_refused_by_the_database(self, officer, phone):
        with (
            pytest.raises(IntegrityError, match="posting_alert_phone_e164"),
            transaction.atomic(),
        ):
            Posting.objects.filter(officer=officer).update(alert_phone=phone)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_send_one():
    officer = make_officer()
    make_troubled()
    now = timezone.now()
    sent: list[int] = []

    def beat() -> None:
        sent.append(alerts.alert_officers(now=now))
        connection.close()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [0, 0, 0, 1]
    assert [m.address for m in told("MESSAGES_TROUBLED")] == [officer.email]
