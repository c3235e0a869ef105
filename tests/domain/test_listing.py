"""Several people behind one phone hear of one event: one SMS for all of them, mails one each."""

import datetime as dt
import re

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from appointments import (
    booking,
    call_list,
    leaving,
    listing,
    messages,
    offer_lists,
    offers,
    outages,
    plans,
    reminders,
    verbs,
)
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Listed, Offer, OfferList, Outage, Slot
from appointments.news import News
from notifications import batches, claims, fallback, sweep
from notifications.gateways.base import Outcome
from notifications.models import Attempt, Message, NotReached
from notifications.render import render
from tests.applicants.builders import ask_family, go_live, plan_again, token_of_list
from tests.domain.builders import (
    at,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db
PHONE = "+919812345678"
NEW_PHONE = "+919800000000"
HOUR = dt.timedelta(hours=1)


def family(count: int = 3, *, slot: Slot | None = None, **fields) -> list[Appointment]:
    """So many people behind one phone, all in one slot."""
    slot = slot or make_slot(seats=count)
    return [
        make_appointment(
            slot, application=make_application(phone=PHONE, centre=slot.centre, **fields)
        )
        for _ in range(count)
    ]


def declare(people: list[Appointment], *, seats_left: int = 0) -> Outage:
    slot = people[0].slot
    return declare_for_test(make_officer(), [Cut(slot.centre_id, slot.date, "normal", seats_left)])


def by_sms(*kinds: str) -> list[Message]:
    chosen = Message.objects.filter(channel="sms").order_by("pk")
    return list(chosen.filter(kind__in=kinds) if kinds else chosen)


def kinds_by_sms() -> list[str]:
    return sorted(message.kind for message in by_sms())


def leave(**fields) -> None:
    """What is queued has left."""
    now = timezone.now()
    Message.objects.filter(state="queued", **fields).update(state="accepted", sent_at=now)


def link(appointment: Appointment, person: User) -> None:
    """The person has taken it into their account, and is reached there from now on."""
    application = appointment.application
    application.claimed_by, application.claimed_at = person, timezone.now()
    application.save()


def of_kind(kind: str, people: list[Appointment], **fields) -> list[News]:
    return [
        News(kind=kind, appointment=a, key=f"{a.pk}", old=a.slot, batch="b", **fields)
        for a in people
    ]


# --- One event, one SMS -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "kinds"),
    [(1, ["HOLD"]), (2, ["HOLD", "HOLD"]), (3, ["HOLD_MANY"]), (5, ["HOLD_MANY"])],
)
def test_up_to_two_in_doubt_get_an_sms_each_and_more_get_one(count, kinds):
    declare(family(count))
    assert kinds_by_sms() == kinds


def test_mails_stay_one_each_and_none_is_of_all():
    people = family(3, email="family@example.org")
    declare(people)
    mails = Message.objects.filter(channel="email")
    assert {m.kind for m in mails} == {"HOLD"}
    assert {m.reference for m in mails} == {messages.reference(a) for a in people}
    assert by_sms()[0].other_address == ""


def test_hold_to_many_says_number_and_do_not_travel_and_no_arn():
    people = family(4, language="en")
    declare(people)
    (sms,) = by_sms()
    text = render(sms).text
    assert "uncertain: 4." in text
    assert "Do not travel before our next SMS." in text
    assert not [a for a in people if a.application.arn_tail in text]
    assert sms.batch.startswith("hold:")
    assert sms.next_attempt_at == Outage.objects.get().grace_until


def test_each_kind_that_one_event_says_to_many_has_an_sms_for_them():
    people = family(3)
    for kind in frozenset().union(*listing.SAYS.values()):
        messages.tell(of_kind(kind, people, channels=("sms",)), now=timezone.now())
    assert len(by_sms()) == len(frozenset().union(*listing.SAYS.values())) - 1  # one batch: MOVED
    assert {m.values["n"] for m in by_sms()} == {3}


@pytest.mark.parametrize("kind", ["CONFIRMED", "CANCELLED", "EARLIER", "SEAT_FOUND"])
def test_what_is_about_one_person_is_said_to_each(kind):
    now = timezone.now()
    messages.tell(of_kind(kind, family(3), channels=("sms",), extra={"n": 1}), now=now)
    assert kinds_by_sms() == [kind] * 3


@pytest.mark.parametrize(
    ("first", "others", "many"),
    [
        ("STANDS", "MOVED_KEEP", "MIXED_MANY_KEEP"),
        ("NO_SEAT", "REPLACED", "MIXED_MANY_KEEP"),
        ("NO_SEAT", "MOVED_ANSWER", "MIXED_MANY_ANSWER"),
        ("STANDS", "NO_SEAT", "MIXED_MANY"),
        ("MOVED_KEEP", "REPLACED", "MOVED_MANY_KEEP"),
    ],
)
def test_event_that_does_not_do_the_same_with_all_is_still_one_sms(first, others, many):
    one, *rest = family(3)
    news = of_kind(first, [one]) + of_kind(others, rest)
    messages.tell(news, now=timezone.now())
    assert kinds_by_sms() == [many]


def test_language_is_that_of_most_people():
    slot = make_slot(seats=3)
    people = family(2, slot=slot, language="en") + family(1, slot=slot, language="hi")
    messages.tell(of_kind("HOLD", people), now=timezone.now())
    assert by_sms()[0].language == "en"


def test_earliest_visit_decides_urgency_and_latest_the_end():
    soon = family(1, slot=make_slot(day=in_days(2)))
    late = family(2, slot=make_slot(day=in_days(8)))
    messages.tell(of_kind("HOLD", late + soon), now=timezone.now())
    (sms,) = by_sms()
    assert sms.urgent_by == soon[0].slot.starts_at
    assert sms.quiet_ok_from == soon[0].slot.starts_at - 18 * HOUR
    assert sms.expires_at == late[0].slot.starts_at


def test_visit_that_is_over_when_it_leaves_makes_it_neither_urgent_nor_ring():
    new = make_slot(day=in_days(8))
    news = of_kind(
        "REMIND_ANSWER",
        family(3, slot=make_slot(day=in_days(1), seats=3)),
        new=new,
        send_after=at(in_days(3), 5, 10),
    )
    messages.tell(news, now=timezone.now())
    (sms,) = by_sms()
    assert sms.urgent_by == new.starts_at
    assert sms.quiet_ok_from == new.starts_at - 18 * HOUR


def test_people_of_other_phones_are_not_counted():
    people = family(2)
    slot = make_slot(hour=12, seats=3)
    others = [make_appointment(slot, application=make_application()) for _ in range(3)]
    messages.tell(of_kind("HOLD", people + others), now=timezone.now())
    assert kinds_by_sms() == ["HOLD"] * 5


def test_said_again_it_is_still_one_sms():
    people = family(3)
    for _ in range(2):
        messages.tell(of_kind("HOLD", people), now=timezone.now())
    assert kinds_by_sms() == ["HOLD_MANY"]


def test_as_many_queries_for_one_phone_as_for_twenty():
    def cost(phones: int) -> int:
        slot = make_slot(hour=phones, seats=3 * phones)
        people = [
            make_appointment(
                slot, application=make_application(phone=f"+9198765{phones:02d}{number:03d}")
            )
            for number in range(phones)
            for _ in range(3)
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            messages.tell(of_kind("HOLD", people), now=timezone.now())
        return len(queries)

    assert cost(1) == cost(20)
    assert len(by_sms("HOLD_MANY")) == 21


# --- Until it leaves ----------------------------------------------------------------------------


def test_who_cancels_before_it_leaves_is_not_counted_and_hears_it_no_more():
    person = make_person(phone=PHONE, language="en")
    people = family(3, claimed_by=person, language="en")
    declare(people)
    booking.cancel(appointment_id=people[0].pk, by=person)
    (sms,) = by_sms("HOLD_MANY")
    assert (sms.state, sms.values["n"]) == ("queued", 2)
    assert sorted(Listed.objects.values_list("left", flat=True)) == [False, False, True]
    for appointment in people[1:]:
        booking.cancel(appointment_id=appointment.pk, by=person)
    (sms,) = by_sms("HOLD_MANY")
    assert sms.state == "cancelled"


def test_who_cancels_alone_is_not_told_of_a_doubt():
    person = make_person(phone=PHONE)
    people = family(1, claimed_by=person)
    declare(people)
    booking.cancel(appointment_id=people[0].pk, by=person)
    assert [m.state for m in by_sms("HOLD")] == ["cancelled"]


def test_outage_taken_back_within_the_grace_takes_back_the_sms_of_all():
    people = family(3)
    outage = declare(people)
    outages.take_back(outage_id=outage.pk, by=outage.declared_by)
    assert [(m.kind, m.state) for m in by_sms()] == [("HOLD_MANY", "cancelled")]


def test_service_back_before_it_left_tells_nobody_and_after_it_left_tells_all():
    people = family(3)
    outage = declare(people)
    leave()
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    assert kinds_by_sms() == ["HOLD_MANY", "STANDS_MANY"]


def test_service_back_speaks_only_to_those_who_heard_of_the_doubt():
    person = make_person(phone=PHONE)
    people = family(4, claimed_by=person)
    outage = declare(people)
    booking.cancel(appointment_id=people[0].pk, by=person)
    leave()
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    (sms,) = by_sms("STANDS_MANY")
    assert sms.values["n"] == 3


def held_by_a_worker(kind: str) -> claims.Claim:
    """A worker has the one SMS of this kind, and its call has begun."""
    now = timezone.now()
    Message.objects.filter(kind=kind).update(next_attempt_at=now, quiet_ok_from=now)
    Message.objects.exclude(kind=kind).update(state="cancelled")
    (held,) = claims.claim(claims.Share("sms", "file"), limit=9, now=now)
    claims.start([held], now)
    return held


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [(Attempt.Outcome.TRANSIENT, "cancelled"), (Attempt.Outcome.ACCEPTED, "accepted")],
)
def test_sms_of_all_in_a_workers_hands_does_not_return_once_it_is_wrong(outcome, ends):
    outage = declare(family(3))
    held = held_by_a_worker("HOLD_MANY")
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    claims.record([(held, Outcome(outcome))], timezone.now())
    assert [m.state for m in by_sms("HOLD_MANY")] == [ends]
    # It may have left, so they hear how it ends; and it still speaks of them.
    assert [m.values["n"] for m in by_sms("STANDS_MANY")] == [3]
    assert not Listed.objects.filter(left=True).exists()


@pytest.mark.parametrize("state", ["unknown", "failed", "accepted"])
def test_sms_of_all_that_did_not_arrive_is_not_said_again_once_it_is_wrong(state):
    outage = declare(family(3))
    owed = {"sent_at": timezone.now(), "receipt_by": timezone.now()} if state == "accepted" else {}
    Message.objects.filter(kind="HOLD_MANY").update(state=state, **owed)
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    sweep.sweep()
    assert [(m.state, m.cancel_requested) for m in by_sms("HOLD_MANY")] == [(state, True)]
    assert not NotReached.objects.filter(kind="HOLD_MANY").exists()


def test_sms_of_all_that_did_not_arrive_is_said_again_while_it_is_true_of_somebody():
    person = make_person(phone=PHONE)
    people = family(3, claimed_by=person)
    declare(people)
    Message.objects.filter(kind="HOLD_MANY").update(state="unknown")
    booking.cancel(appointment_id=people[0].pk, by=person)
    sweep.sweep()
    assert [m.state for m in by_sms("HOLD_MANY")] == ["queued"]


def test_sms_of_all_in_a_workers_hands_stays_while_it_is_true_of_somebody():
    person = make_person(phone=PHONE)
    people = family(3, claimed_by=person)
    declare(people)
    held = held_by_a_worker("HOLD_MANY")
    booking.cancel(appointment_id=people[0].pk, by=person)
    claims.record([(held, Outcome(Attempt.Outcome.TRANSIENT))], timezone.now())
    assert [(m.state, m.values["n"]) for m in by_sms("HOLD_MANY")] == [("queued", 3)]


def test_people_of_one_list_leave_it_together_however_many_others_leave(monkeypatch):
    """A list in a worker's hands knows nobody who left it before: all must be seen at once."""
    monkeypatch.setattr(verbs, "BATCH", 2)
    outage = declare(family(5))
    held = held_by_a_worker("HOLD_MANY")
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    claims.record([(held, Outcome(Attempt.Outcome.TRANSIENT))], timezone.now())
    assert [m.state for m in by_sms("HOLD_MANY")] == ["cancelled"]


def test_undo_within_the_grace_takes_back_the_sms_of_all():
    people = family(4)
    centre = people[0].slot.centre
    outage = declare(people, seats_left=1)
    leave()
    plan = plan_again(outage, centre.region)
    assert "MIXED_MANY" in kinds_by_sms()  # one stays, three have no seat
    plans.undo(plan_id=plan.pk, by=plan.approved_by)
    assert [m.state for m in by_sms("MIXED_MANY")] == ["cancelled"]
    assert [m.state for m in by_sms("HOLD_MANY")] == ["accepted"]


def test_batch_that_an_officer_cancels_takes_the_sms_of_all_with_it():
    outage = declare(family(3))
    batches.cancel(batch=messages.hold_batch(outage.pk), by="officer 1", reason="a mistake")
    assert [m.state for m in by_sms()] == ["cancelled"]


def test_who_answers_is_not_counted_in_the_reminders():
    _plan, asked = ask_family(make_person(), 3, silence="requeue")
    offers.accept(offer_id=asked[0].pk, by=None)
    assert {m.values["n"] for m in by_sms("REMIND_MANY_ANSWER")} == {2}
    for offer in asked[1:]:
        offers.accept(offer_id=offer.pk, by=None)
    assert {m.state for m in by_sms("REMIND_MANY_ANSWER")} == {"cancelled"}


def test_people_whose_reminders_fall_on_other_moments_are_reminded_each():
    now = timezone.now()
    news = [
        item
        for number, one in enumerate(family(3))
        for item in of_kind("REMIND_ANSWER", [one], send_after=now + number * HOUR)
    ]
    messages.tell(news, now=now)
    assert kinds_by_sms() == ["REMIND_ANSWER"] * 3


def test_silence_of_three_at_a_phone_is_told_in_one_sms():
    _plan, asked = ask_family(make_person(language="en"), 3, silence="requeue")
    with time_machine.travel(max(offer.deadline for offer in asked)):
        assert offers.close_silent(now=timezone.now()) == 3
    (sms,) = by_sms("RELEASED_MANY")
    assert "released: 3." in render(sms).text
    assert not by_sms("RELEASED")
    assert set(Appointment.objects.values_list("state", flat=True)) == {"waiting"}


# --- When somebody has another phone ------------------------------------------------------------


def move(person: User) -> None:
    User.objects.filter(pk=person.pk).update(phone=NEW_PHONE)


def test_sms_of_all_follows_the_number_that_all_of_them_have_now():
    person = make_person()
    ask_family(person, 3, silence="requeue", claimed_by=person)
    leave(kind__in=["HOLD_MANY", "MOVED_MANY_ANSWER"])
    move(person)
    assert leaving.follow_contact(person=person) == len(by_sms("REMIND_MANY_ANSWER"))
    assert leaving.follow_contact(person=person) == 0
    assert {(m.address, m.values["n"]) for m in by_sms("REMIND_MANY_ANSWER")} == {(NEW_PHONE, 3)}
    assert kinds_by_sms().count("REMIND_ANSWER") == 0


def test_list_that_followed_is_shown_to_the_new_number():
    person = make_person(phone=PHONE)
    declare(family(3, claimed_by=person))
    move(person)
    leaving.follow_contact(person=person)
    assert by_sms()[0].address == NEW_PHONE
    found = OfferList.objects.get()
    assert len(offer_lists.others(found, now=timezone.now())) == 3


@pytest.mark.parametrize(("state", "goes_to"), [("failed", NEW_PHONE), ("unknown", PHONE)])
def test_list_that_did_not_arrive_follows_but_not_one_that_may_have(state, goes_to):
    """Whoever has the old number may hold its link, which must not open for them."""
    person = make_person(phone=PHONE)
    declare(family(3, claimed_by=person))
    Message.objects.filter(kind="HOLD_MANY").update(state=state)
    move(person)
    leaving.follow_contact(person=person)
    assert [m.address for m in by_sms("HOLD_MANY")] == [goes_to]
    shown = offer_lists.others(OfferList.objects.get(), now=timezone.now())
    assert len(shown) == (3 if state == "failed" else 0)


def test_one_who_has_another_number_is_reminded_there_alone():
    person = make_person(language="en")
    _plan, asked = ask_family(make_person(phone=PHONE), 3, silence="requeue")
    leave(kind__in=["HOLD_MANY", "MOVED_MANY_ANSWER"])
    moments = {m.next_attempt_at for m in by_sms("REMIND_MANY_ANSWER")}
    link(asked[0].appointment, person)
    assert leaving.follow_contact(person=person) == len(moments)
    assert leaving.follow_contact(person=person) == 0
    assert {(m.address, m.values["n"]) for m in by_sms("REMIND_MANY_ANSWER")} == {(PHONE, 2)}
    alone = by_sms("REMIND_ANSWER")
    assert {m.address for m in alone} == {person.phone}
    assert {m.reference for m in alone} == {messages.reference(asked[0].appointment)}
    assert {m.next_attempt_at for m in alone} == moments
    assert all(asked[0].appointment.application.arn_tail in render(m).text for m in alone)
    offers.accept(offer_id=asked[0].pk, by=None)
    assert {m.state for m in by_sms("REMIND_ANSWER")} == {"cancelled"}


def test_three_who_leave_a_list_of_four_for_one_number_are_a_list_there():
    person = make_person()
    _plan, asked = ask_family(make_person(phone=PHONE), 4, silence="requeue")
    leave(kind__in=["HOLD_MANY", "MOVED_MANY_ANSWER"])
    for offer in asked[:3]:
        link(offer.appointment, person)
    leaving.follow_contact(person=person)
    found = {(m.address, m.values["n"]) for m in by_sms("REMIND_MANY_ANSWER")}
    assert found == {(PHONE, 1), (person.phone, 3)}


def reminded_family(count: int, person: User) -> list[Offer]:
    """Asked with a mail each, and waiting for reminders; all but the last are this person's now."""
    _plan, asked = ask_family(
        make_person(phone=PHONE), count, silence="requeue", email="family@example.org"
    )
    leave(kind__in=["HOLD", "HOLD_MANY", "MOVED_ANSWER", "MOVED_MANY_ANSWER"])
    for offer in asked[:-1]:
        link(offer.appointment, person)
    return asked


def test_reminder_that_follows_is_not_the_question_over_again():
    """Nor a part of the question's notice: the mail of days ago is not another way to bring it."""
    person = make_person(email="own@example.org")
    asked = reminded_family(3, person)
    leaving.follow_contact(person=person)
    alone = Message.objects.filter(channel="sms", address=person.phone)
    assert {m.kind for m in alone} == {"REMIND_ANSWER"}
    mails = Message.objects.filter(kind="MOVED_ANSWER", channel="email")
    assert len(mails) == len(asked)
    assert not {m.notice for m in alone} & {m.notice for m in mails}
    fail("REMIND_ANSWER")
    mails = Message.objects.filter(kind="REMIND_ANSWER", channel="email")
    assert {m.fallback_for for m in mails} == set(alone)


def test_three_who_leave_together_are_reminded_as_a_list():
    person = make_person(email="own@example.org")
    reminded_family(4, person)
    leaving.follow_contact(person=person)
    sms = Message.objects.filter(channel="sms", address=person.phone)
    assert {m.kind for m in sms} == {"REMIND_MANY_ANSWER"}


def test_who_has_no_number_any_more_is_reminded_by_email():
    person = make_person(email="own@example.org")
    asked = reminded_family(2 + 1, person)
    moments = {m.next_attempt_at for m in by_sms("REMIND_MANY_ANSWER")}
    User.objects.filter(pk=person.pk).update(phone_verified=False)
    mine = [offer.appointment.application_id for offer in asked[:-1]]
    type(asked[0].appointment.application).objects.filter(pk__in=mine).update(phone="")
    leaving.follow_contact(person=person)
    mails = Message.objects.filter(kind="REMIND_ANSWER", channel="email")
    assert {(m.address, m.next_attempt_at) for m in mails} == {
        ("own@example.org", at) for at in moments
    }
    assert len(mails) == 2 * len(moments)


def test_link_of_a_list_does_not_answer_for_who_left_it_for_another_phone():
    person = make_person()
    plan, asked = ask_family(make_person(phone=PHONE), 3)
    link(asked[0].appointment, person)
    leaving.follow_contact(person=person)
    found = offer_lists.find(token_of_list(plan), now=timezone.now())
    assert set(offer_lists.questions(found)) == set(asked[1:])
    offer_lists.accept_all(list_id=found.pk, by=None)
    assert Offer.objects.get(state="open") == asked[0]
    assert set(offer_lists.questions(found)) == set(asked[1:])


@pytest.mark.parametrize(
    "kind", sorted({each for kinds in listing.SAYS.values() for each in kinds})
)
def test_whatever_waits_to_leave_follows_with_the_mail_as_one_notice(kind):
    people = family(3, email="family@example.org", language="en")
    person = make_person(email="own@example.org", language="en")
    now = timezone.now()
    given = {"deadline": now + HOUR, "new": make_slot(day=in_days(5)), "send_after": now + HOUR}
    messages.tell(of_kind(kind, people, **given), now=now)
    (sms,) = by_sms()
    link(people[0], person)
    leaving.follow_contact(person=person)
    of_all, alone = by_sms()
    assert (of_all.pk, of_all.address, of_all.values["n"]) == (sms.pk, PHONE, 2)
    assert (alone.kind, alone.address, alone.batch) == (kind, person.phone, sms.batch)
    assert alone.next_attempt_at == sms.next_attempt_at
    (email,) = Message.objects.filter(channel="email", reference=alone.reference)
    assert alone.notice == email.notice


def test_one_without_any_number_now_leaves_the_list_to_the_others():
    people = family(3, email="family@example.org")
    declare(people)
    person = make_person(email="own@example.org")
    link(people[0], person)
    User.objects.filter(pk=person.pk).update(phone_verified=False)
    type(people[0].application).objects.filter(pk=people[0].application_id).update(phone="")
    leaving.follow_contact(person=person)
    (sms,) = by_sms()
    assert (sms.address, sms.values["n"]) == (PHONE, 2)
    assert Message.objects.filter(channel="email", kind="HOLD", state="queued").count() == 3


# --- Reminders of the visit ---------------------------------------------------------------------


def test_one_reminder_for_three_with_the_day_and_none_again():
    with time_machine.travel(at(timezone.localdate(), 18), tick=False):
        people = family(3, slot=make_slot(day=in_days(1), seats=3), language="en")
        assert reminders.remind(now=timezone.now()) == 1
        assert reminders.remind(now=timezone.now()) == 0
    (sms,) = by_sms()
    assert sms.kind == "VISIT_MANY"
    assert sms.values["d"] in render(sms).text
    assert len(people) == sms.values["n"] == 3


def test_visit_that_changes_leaves_the_reminder_of_the_others():
    person = make_person(phone=PHONE)
    with time_machine.travel(at(timezone.localdate(), 18), tick=False):
        people = family(3, slot=make_slot(day=in_days(1), seats=3), claimed_by=person)
        reminders.remind(now=timezone.now())
        booking.cancel(appointment_id=people[0].pk, by=person)
        (sms,) = by_sms("VISIT_MANY")
        assert (sms.state, sms.values["n"]) == ("queued", 2)
        outage = declare(people[1:])
        (sms,) = by_sms("VISIT_MANY")
        assert sms.state == "cancelled"
        outages.take_back(outage_id=outage.pk, by=outage.declared_by)
        assert reminders.remind(now=timezone.now()) == 2  # it stands after all: two, so one each


def test_who_was_told_tonight_on_a_list_that_it_stands_is_not_reminded():
    with time_machine.travel(at(timezone.localdate(), 18, 5), tick=False):
        people = family(3, slot=make_slot(day=in_days(1), seats=3))
        outage = declare(people)
        leave()
        outages.restore(outage_id=outage.pk, by=outage.declared_by)
        assert kinds_by_sms() == ["HOLD_MANY", "STANDS_MANY"]
        assert reminders.remind(now=timezone.now()) == 0


# --- When it does not arrive --------------------------------------------------------------------


def fail(kind: str) -> None:
    Message.objects.filter(kind=kind, channel="sms").update(state="failed", error="no such number")
    fallback.follow_up(timezone.now())


def called(now: dt.datetime) -> set[int]:
    return {pk for entry in call_list.entries(now=now) for pk in entry.ids}


def test_everyone_of_a_list_that_failed_is_on_the_call_list():
    people = family(3)
    declare(people)
    with time_machine.travel(timezone.now() + HOUR):
        fail("HOLD_MANY")
        assert NotReached.objects.get().reference.startswith("offer-list:")
        assert called(timezone.now()) == {a.pk for a in people}
        entry = call_list.entry_of(appointment_id=people[0].pk, now=timezone.now())
        assert len(entry.people) == 3


def test_who_got_the_mail_is_not_called():
    told, *others = family(3)
    told.application.email = "one@example.org"
    told.application.save()
    declare([told, *others])
    leave(channel="email")
    with time_machine.travel(timezone.now() + HOUR):
        fail("HOLD_MANY")
        assert called(timezone.now()) == {a.pk for a in others}


def test_who_got_the_sms_of_all_is_not_called_for_a_mail_that_bounced():
    people = family(3, email="family@example.org")
    declare(people)
    leave(channel="sms")
    with time_machine.travel(timezone.now() + HOUR):
        Message.objects.filter(channel="email").update(state="failed", error="bounced")
        fallback.follow_up(timezone.now())
        assert NotReached.objects.count() == 3
        assert called(timezone.now()) == set()


def test_who_left_the_list_before_it_failed_is_not_called():
    person = make_person(phone=PHONE)
    people = family(3, claimed_by=person)
    declare(people)
    booking.cancel(appointment_id=people[0].pk, by=person)
    with time_machine.travel(timezone.now() + HOUR):
        fail("HOLD_MANY")
        assert called(timezone.now()) == {a.pk for a in people[1:]}


def test_reminder_of_a_visit_that_fails_goes_to_each_by_email():
    with time_machine.travel(at(timezone.localdate(), 18), tick=False):
        slot = make_slot(day=in_days(1), seats=3)
        people = [
            make_appointment(
                slot, application=make_application(phone=PHONE, email=f"p{n}@example.org")
            )
            for n in range(3)
        ]
        reminders.remind(now=timezone.now())
        fail("VISIT_MANY")
    mails = Message.objects.filter(kind="VISIT", channel="email")
    assert {(m.reference, m.address) for m in mails} == {
        (messages.reference(a), a.application.email) for a in people
    }
    assert {m.fallback_for.kind for m in mails} == {"VISIT_MANY"}
    assert all(render(m).subject for m in mails)
    assert not NotReached.objects.exists()


def test_reminder_of_an_answer_that_fails_goes_to_each_who_has_not_answered():
    _plan, asked = ask_family(make_person(), 3, silence="requeue", email="family@example.org")
    offers.accept(offer_id=asked[0].pk, by=None)
    fail("REMIND_MANY_ANSWER")
    mails = Message.objects.filter(kind="REMIND_ANSWER", channel="email")
    assert {m.reference for m in mails} == {messages.reference(o.appointment) for o in asked[1:]}
    assert all(m.values["url"].endswith("/my") for m in mails)
    assert all(render(m).text for m in mails)


@pytest.mark.parametrize("claimed", [True, False])
def test_every_button_of_that_mail_leads_to_a_page(client, claimed):
    """The link of a list answers for all of them, so the mail leads to the sign-in instead."""
    person = make_person(language="en")
    owner = {"claimed_by": person} if claimed else {}
    ask_family(person, 3, silence="requeue", email="family@example.org", **owner)
    fail("REMIND_MANY_ANSWER")
    client.force_login(person)
    mails = Message.objects.filter(kind="REMIND_ANSWER", channel="email")
    assert mails
    for words in (render(mail) for mail in mails):
        assert "Answer now" in words.html
        assert "Answer now" in words.text
        pages = set(re.findall(rf"//{re.escape(settings.SITE_HOST)}(/[^\s\"#<]*)", words.html))
        pages |= set(re.findall(rf"//{re.escape(settings.SITE_HOST)}(/[^\s\"#<]*)", words.text))
        assert {client.get(page, follow=True).status_code for page in pages} == {200}


def test_mail_in_place_of_the_sms_of_who_left_a_list_leads_to_the_sign_in():
    person = make_person(email="own@example.org")
    _plan, asked = ask_family(make_person(phone=PHONE), 3, silence="requeue")
    link(asked[0].appointment, person)
    leaving.follow_contact(person=person)
    fail("REMIND_ANSWER")
    words = render(Message.objects.filter(kind="REMIND_ANSWER", channel="email").first())
    assert "/my/another-time" not in words.html + words.text


# --- What the list is, and to whom --------------------------------------------------------------


def test_two_events_are_two_lists_and_neither_token_is_kept():
    people = family(3)
    outage = declare(people)
    leave()
    outages.restore(outage_id=outage.pk, by=outage.declared_by)
    tokens = {m.values["url"].rpartition("/")[2] for m in by_sms()}
    lists = OfferList.objects.all()
    assert len(tokens) == len({each.token_hash for each in lists}) == 2
    assert not [each for each in lists if each.token_hash in tokens]


def test_list_can_be_read_for_a_month():
    declare(family(3))
    token = by_sms()[0].values["url"].rpartition("/")[2]
    now = timezone.now()
    assert offer_lists.find(token, now=now + 29 * 24 * HOUR)
    with pytest.raises(Refusal, match="offer_not_found"):
        offer_lists.find(token, now=now + 31 * 24 * HOUR)


def test_who_has_another_phone_since_is_not_shown():
    person = make_person(phone=PHONE)
    slot = make_slot(seats=3)
    people = family(1, slot=slot, claimed_by=person) + family(2, slot=slot)
    declare(people)
    found = OfferList.objects.get()
    assert len(offer_lists.others(found, now=timezone.now())) == 3
    leave()
    move(person)
    assert leaving.follow_contact(person=person) == 0
    shown = {each.appointment.pk for each in offer_lists.others(found, now=timezone.now())}
    assert shown == {a.pk for a in people[1:]}


def test_within_a_plans_grace_the_list_of_the_doubt_says_nothing_of_it():
    people = family(3)
    centre = people[0].slot.centre
    outage = declare(people)
    make_slot(centre=centre, day=in_days(6), seats=9)
    plan = plan_again(outage, centre.region)
    found = OfferList.objects.get(kind="HOLD_MANY")
    assert {each.stands.subject for each in offer_lists.others(found, now=timezone.now())} == {
        "in_doubt"
    }
    go_live(plan)
    assert {each.stands.subject for each in offer_lists.others(found, now=timezone.now())} == {
        "moved_keep"
    }
    assert not offer_lists.questions(found).exists()
    assert not Offer.objects.exclude(state="open").exists()
