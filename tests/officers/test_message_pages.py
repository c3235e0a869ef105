"""Messages as officers see them: found, looked at, decided about; batches; gateways."""

import datetime as dt
import logging
import uuid

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from appointments import addresses, message_batches, messages, reminders
from appointments.admin.outbox import causes, find, gateways
from appointments.admin.outbox.life import life_of
from appointments.admin.outbox.scope import ShortPaginator
from appointments.errors import Refusal
from appointments.models import AddressLook, Application, Outage, Posting
from notifications import batches, dates, outbox, quiet
from notifications.errors import Refusal as MessageRefusal
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
from tests.domain.builders import at, in_days, make_region
from tests.officers import steps
from tests.officers.written import TAKEN, write

pytestmark = pytest.mark.django_db
State = Message.State
LIST = "/officers/notifications/message/"
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def url(name, *args):
    return reverse(f"admin:notifications_message_{name}", args=args)


def tried(message, outcome="accepted", **changes):
    at = timezone.now() - MINUTE
    fields = {
        "message": message,
        "number": 1,
        "lease_token": uuid.uuid4(),
        "gateway": "msg91",
        "claimed_at": at,
        "started_at": at,
        "ended_at": at + dt.timedelta(seconds=0.25),
        "outcome": outcome,
    }
    return Attempt.objects.create(**{**fields, **changes})


@pytest.fixture
def person(office):
    return office.people[0]


@pytest.fixture
def outage(desk, office):
    """No seat stays; 32 people are told."""
    return steps.declare(office, desk().officer, seats=0)


@pytest.fixture
def hold(outage):
    """The name of the batch of its notices."""
    return messages.hold_batch(outage.pk)


# --- Find -----------------------------------------------------------------------------------------


def look_for(seat, what):
    seat.url = url("find")
    return seat.send(changes={"what": what})


@pytest.mark.parametrize(
    "typed",
    [
        *("+919876543210", "9876543210", "98765 43210", "098765-43210", "+91 98765 43210"),
        *("91-9876543210", "(+91) 9876543210", "0091 9876543210", "९८७६५४३२१०"),
    ],
)
def test_message_is_found_by_its_number_in_any_notation(desk, person, typed):
    message = write(person)
    write(person, address="+919876500000")
    seat = look_for(desk(), typed)
    assert "By a mobile number" in seat.text
    assert f"{LIST}{message.pk}/change/" in seat.page.content.decode()
    assert "••••••3210" in seat.text
    assert "••••••0000" not in seat.text


@pytest.mark.parametrize("typed", ["Sunita@Mail.example", " sunita@mail.example "])
def test_message_is_found_by_email_address(desk, person, typed):
    write(person, channel="email", address="sunita@mail.example")
    assert "••••@mail.example" in look_for(desk(), typed).text


def test_message_is_found_by_reference_batch_id_and_number_of_the_appointment(desk, person):
    message = write(person, batch="plan:3")
    for typed in (message.reference, "PLAN:3", str(message.public_id), str(person.pk)):
        assert "••••••3210" in look_for(desk(), typed).text


@pytest.mark.parametrize("typed", ["{}", "Message {}", "message no. {}", "#{}", " MESSAGE #{} "])
def test_message_is_found_by_the_number_that_pages_call_it(desk, office, typed):
    message = write(office.people[-1])
    seat = look_for(desk(), typed.format(message.pk))
    assert "Messages found" in seat.text
    assert f"{LIST}{message.pk}/change/" in seat.page.content.decode()


def test_bare_number_finds_the_message_of_it_and_those_of_the_appointment(desk, office):
    about = write(office.people[0])
    number = office.people[0].pk
    Message.objects.filter(pk=number).exclude(pk=about.pk).delete()
    numbered = write(office.people[5], pk=number) if about.pk != number else about
    seat = look_for(desk(), str(number))
    assert f"By message or appointment {number}" in seat.text
    page = seat.page.content.decode()
    assert f"{LIST}{about.pk}/change/" in page
    assert f"{LIST}{numbered.pk}/change/" in page


@pytest.mark.parametrize(
    "typed", ["hold:{}", "outage:{}", "Outage {}", "“Do not travel yet” of Outage {}"]
)
def test_batch_is_found_by_its_name_in_any_form(desk, outage, hold, typed):
    seat = look_for(desk(), typed.format(outage.pk).upper())
    assert url("batch", hold) in seat.page.content.decode()
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    page = look_for(abroad, typed.format(outage.pk)).page.content.decode()
    assert url("batch", hold) not in page


def test_outage_that_is_not_there_is_said_not_to_be(desk, office):
    assert "No message in your lists" in look_for(desk(), "outage:99").text


@pytest.mark.parametrize(
    "form",
    [
        *("{a}-{b}", "ARN {a}-{b}", "arn: {a}-{b}", "ARN{a}{b}", "{a} {b}", "{a}{b}", "{a} - {b}"),
        *("ARN-{a}-{b}", " {a}-{b} "),
    ],
)
def test_messages_of_all_appointments_of_an_arn_are_found_in_any_notation(desk, person, form):
    write(person)
    year, number = person.application.arn.split("-")
    typed = form.format(a=year, b=number)
    seat = look_for(desk(), typed)
    assert "By an ARN" in seat.text
    assert "••••••3210" in seat.text
    seat.url = reverse("admin:appointments_application_find")
    seat.send(changes={"arn": typed})
    assert seat.url.endswith(f"/{person.application_id}/change/")


@pytest.mark.parametrize("typed", ["26-100048039", "26-10004803945", "ARN", "A26-1000480394"])
def test_what_only_resembles_an_arn_is_none(typed):
    assert find.arn_in(typed) == ""


def test_twelve_digits_that_begin_with_91_are_a_mobile_number():
    assert find.arn_in("919876543210") == ""


@pytest.mark.parametrize("key", ["0", "x", "9" * 19, "9" * 5000, "1٣"])
def test_message_that_cannot_be_is_not_found(desk, office, key):
    desk().go(f"{LIST}{key}/change/", status=404)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("  ", "Type a mobile number"),
        ("+44 20 7946 0958", "number of another country"),
        ("0755 2551155", "landline"),
        ("somebody", "neither a mobile number"),
    ],
)
def test_what_cannot_be_looked_for_is_said(desk, office, typed, words):
    assert words in look_for(desk(), typed).text


def test_what_was_typed_stands_in_no_address_no_log_no_session_and_no_page(desk, person, caplog):
    write(person, address="+919876012345")
    seat = desk()
    with caplog.at_level(logging.DEBUG):
        look_for(seat, "98760 12345")
    assert "••••••2345" in seat.text
    page = seat.page.content.decode()
    said = f"{seat.page.redirect_chain} {dict(seat.client.session)} {page} {caplog.text}"
    # Queries are logged only while somebody debugs.
    said = "\n".join(line for line in said.splitlines() if "django.db.backends" not in line)
    assert "9876012345" not in said
    assert "98760 12345" not in said


def test_find_takes_no_get(desk, office):
    desk().go(url("find"), status=405)


def test_page_of_results_without_a_search_leads_to_the_list(desk, office):
    assert desk().go(url("found")).url == LIST


def test_more_than_fit_are_said_to_be_more(desk, person, monkeypatch):
    monkeypatch.setattr(find, "SHOWN", 2)
    oldest, *_ = [write(person) for _ in range(3)]
    seat = look_for(desk(), "9876543210")
    assert "The newest 2 of more" in seat.text
    assert f"{LIST}{oldest.pk}/change/" not in seat.page.content.decode()


# --- Who sees which -------------------------------------------------------------------------------


def test_officer_of_another_region_finds_nothing_and_opens_nothing(desk, person):
    message = write(person)
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    assert "No message in your lists" in look_for(abroad, "9876543210").text
    assert "No message in your lists" in look_for(abroad, person.application.arn).text
    abroad.go(f"{LIST}{message.pk}/change/", status=404)
    assert "••••••3210" not in abroad.go(LIST).text


def test_centre_officer_sees_messages_of_the_own_centre_only(desk, office, person):
    mine = write(person)
    theirs = write(next(p for p in office.people if p.slot.centre == office.sagar))
    code = write(kind="OTP")
    clerk = desk("centre", centre=office.bhopal)
    clerk.go(f"{LIST}{mine.pk}/change/")
    for message in (theirs, code):
        clerk.go(f"{LIST}{message.pk}/change/", status=404)
    page = look_for(clerk, "9876543210").page.content.decode()
    assert f"{LIST}{mine.pk}/change/" in page
    assert f"{LIST}{theirs.pk}/change/" not in page


def test_officer_without_posting_sees_no_message(desk, person):
    message = write(person)
    seat = desk()
    Posting.objects.filter(officer=seat.officer).delete()
    seat.go(f"{LIST}{message.pk}/change/", status=404)


def test_applicant_and_stranger_see_nothing(client, person):
    message = write(person)
    pages = [LIST, url("batches"), url("gateways"), url("found"), f"{LIST}{message.pk}/change/"]
    assert {client.get(page).status_code for page in pages} == {302}
    client.force_login(User.objects.create_user(phone="+919800000001"))
    assert {client.get(page).status_code for page in pages} == {404}


# --- The whole address ----------------------------------------------------------------------------


def test_whole_address_is_shown_once_asked_for_and_the_look_is_written_down(desk, person):
    message = write(person)
    seat = desk().go(f"{LIST}{message.pk}/change/")
    assert message.address not in seat.page.content.decode()
    assert not AddressLook.objects.exists()
    seat.url = url("address", message.pk)
    seat.send()
    assert message.address in seat.text
    look = AddressLook.objects.get()
    assert (look.message, look.officer) == (message, seat.officer)
    seat.go(f"{LIST}{message.pk}/change/")
    assert message.address not in seat.page.content.decode()
    _page, _heading, looks = seat.text.partition("Who saw the whole address")
    assert seat.officer.name in looks


def test_address_is_not_for_a_centre_nor_of_another_region(desk, office, person):
    message = write(person)
    clerk = desk("centre", centre=office.bhopal).go(f"{LIST}{message.pk}/change/")
    assert "Show the whole address" not in clerk.text
    clerk.url = url("address", message.pk)
    clerk.send(status=403)
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    abroad.url = url("address", message.pk)
    abroad.send(status=404)
    assert not AddressLook.objects.exists()
    with pytest.raises(Refusal, match="not_permitted"):
        addresses.look(message_id=message.pk, by=clerk.officer)


def test_coming_back_to_the_address_leads_to_the_message_and_is_no_look(desk, person):
    message = write(person)
    seat = desk()
    seat.url = url("address", message.pk)
    seat.send()
    for method in (seat.client.get, seat.client.head, seat.client.put):
        answer = method(url("address", message.pk))
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"{LIST}{message.pk}/change/"
    assert message.address not in seat.go(url("address", message.pk)).page.content.decode()
    assert AddressLook.objects.count() == 1
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    abroad.go(url("address", message.pk), status=404)


def test_looks_are_forgotten_after_a_year(desk, person):
    now, officer = timezone.now(), desk().officer
    for days in (364, 366):
        at = now - dt.timedelta(days=days)
        AddressLook.objects.create(message=write(person), officer=officer, at=at)
    assert addresses.forget_looks(now) == 1
    assert AddressLook.objects.get().at == now - dt.timedelta(days=364)


# --- One message's life ---------------------------------------------------------------------------


def test_life_tells_everything_in_order(desk, person, hold):
    officer = desk()
    now = timezone.now()
    message = write(person, "undelivered", batch=hold, notice="n:1", parts=2)
    batches.pause(batch=hold, by=message_batches.label_of(officer.officer), reason="wrong words")
    BatchDecision.objects.update(at=now - 5 * MINUTE)
    first = tried(message, "unknown", number=1, gateway="smpp", error="read timed out")
    Attempt.objects.filter(pk=first.pk).update(
        claimed_at=now - 4 * MINUTE, started_at=now - 4 * MINUTE, ended_at=now - 4 * MINUTE
    )
    second = tried(message, number=2, is_repeat=True, gateway_reference="ref-7")
    for number, arrival in enumerate(["delivered", "undelivered"], 1):
        name = f"part-{number}"
        Part.objects.create(
            attempt=second,
            number=number,
            gateway="msg91",
            reference=name,
            arrival=arrival,
            arrival_at=now + number * MINUTE,
        )
        Receipt.objects.create(
            attempt=second,
            gateway="msg91",
            key=name,
            gateway_reference=name,
            arrival=arrival,
            detail=f"code {number}",
            received_at=now + number * MINUTE,
        )
    Attempt.objects.filter(pk=second.pk).update(receipt="undelivered", receipt_at=now + 3 * MINUTE)
    mail = write(
        person,
        "failed",
        channel="email",
        address="a@b.example",
        notice="n:1",
        fallback_for=message,
        created_at=now + 4 * MINUTE,
    )
    NotReached.objects.create(
        notice="n:1", kind="HOLD", urgent_by=now, since=now + 5 * MINUTE, why="no such mailbox"
    )
    Decision.objects.create(
        message=message,
        verb="resend",
        by=message_batches.label_of(officer.officer),
        reason="phone is on",
        at=now + 6 * MINUTE,
    )
    text = officer.go(f"{LIST}{message.pk}/change/").text
    told = [
        "Written, as SMS",
        f"{officer.officer.name} paused the batch",
        "wrong words",
        "Attempt 1: taken in hand for smpp",
        "Attempt 1: the call began",
        "Attempt 1: no answer",
        "read timed out",
        "Attempt 2: taken in hand for msg91, as a repeat: the person may have it already",
        "Attempt 2: taken",
        "after 0.25 s, 2 parts, reference ref-7",
        "Receipt from msg91 of part 1: it arrived",
        "code 1",
        "Receipt from msg91 of part 2: it did not arrive",
        "Attempt 2, all its parts together: it did not arrive",
        "The same went by email instead: could not be sent",
        f"message {mail.pk}",
        "The person was not reached on any channel",
        "no such mailbox",
        f"{officer.officer.name} sent it again",
        "phone is on",
    ]
    at = text.index("What happened")
    for words in told:
        assert words in text[at:], words
        at = text.index(words, at)
    other = officer.go(f"{LIST}{mail.pk}/change/").text
    assert f"because this one did not arrive: message {message.pk}" in other
    assert "The same on other channels" in other


def test_life_says_which_appointment_batch_and_end(desk, person, hold):
    message = write(person, "expired", batch=hold)
    page = desk().go(f"{LIST}{message.pk}/change/").page.content.decode()
    assert f"/officers/appointments/appointment/{person.pk}/change/" in page
    assert url("batch", hold) in page
    assert "Its end of life came" in page
    assert "It is never sent." in page


def test_message_concerns_the_visit_that_it_speaks_of(desk, person):
    """Its turn comes by the sooner of two visits: whoever does not know would travel to it."""
    old, new = at(in_days(2), 11), at(in_days(9), 9)
    sides = {"old_at": old.isoformat(), "new_at": new.isoformat()}
    message = write(person, kind="CONFIRMED", values=sides, urgent_by=old)
    told = dates.short_moment(new, "en")
    text = desk().go(f"{LIST}{message.pk}/change/").text
    assert f"Concerns {told}" in text
    listed = desk().go(LIST).text
    assert told in listed
    assert dates.short_moment(old, "en") not in listed


def test_message_without_a_visit_concerns_the_moment_of_its_turn(desk, person):
    message = write(person, values={"new_at": "garbled"})
    text = desk().go(f"{LIST}{message.pk}/change/").text
    assert f"Concerns {dates.short_moment(message.urgent_by, 'en')}" in text


def test_life_says_when_the_portal_took_one_back_and_why(desk, person):
    message = write(person)
    outbox.cancel(reference=message.reference, reason="offer withdrawn")
    text = desk().go(f"{LIST}{message.pk}/change/").text
    _page, _heading, life = text.partition("What happened")
    assert "The portal took it back before it left" in life
    assert "The time that it offers was withdrawn." in life
    message.refresh_from_db()
    assert message.taken_back_at is not None


def test_life_says_that_what_has_left_is_not_said_again(desk, person):
    message = write(person, "undelivered")
    outbox.cancel(reference=message.reference, reason="offer withdrawn")
    text = desk().go(f"{LIST}{message.pk}/change/").text
    assert "The portal took it back: it is not said once more by itself" in text
    officer = desk().go(url("resend", message.pk)).send(changes={"reason": "they asked for it"})
    assert "took it back" in officer.text


def test_life_says_once_that_an_officer_took_the_batch_back(desk, hold):
    message = Message.objects.filter(batch=hold).first()
    desk().go(url("batch_cancel", hold)).send(changes={"reason": "not an outage"})
    text = desk().go(f"{LIST}{message.pk}/change/").text
    assert "took back what had not left of the batch" in text
    assert "The portal took it back" not in text


def test_removed_number_takes_back_with_a_moment(desk, person):
    message = write(person)
    outbox.readdress(
        reference=message.reference,
        channel="sms",
        address="",
        reason="the person has no such address any more",
    )
    text = desk().go(f"{LIST}{message.pk}/change/").text
    assert "The portal took it back before it left" in text
    assert "The applicant has removed this number or address." in text


@pytest.mark.parametrize("count", [1, 6])
def test_life_takes_a_bounded_number_of_queries(desk, person, hold, count):
    message = write(person, "unknown", batch=hold, notice="n:1")
    officer = desk()
    for number in range(count):
        tried(message, number=number + 1)
        write(person, fallback_for=message, notice="n:1")
        Decision.objects.create(
            message=message,
            verb="resend",
            by=message_batches.label_of(officer.officer),
            reason="again",
            at=timezone.now(),
        )
    officer.go(f"{LIST}{message.pk}/change/")
    with CaptureQueriesContext(connection) as queries:
        officer.go(f"{LIST}{message.pk}/change/")
    assert len(queries) <= 26, len(queries)


# --- Decisions about one --------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "undelivered", "unknown"])
def test_officer_sends_a_troubled_message_again_with_a_reason(desk, person, state):
    message = write(person, state)
    officer = desk().go(f"{LIST}{message.pk}/change/")
    assert url("resend", message.pk) in officer.page.content.decode()
    officer.go(url("resend", message.pk))
    assert ("may get it twice" in officer.text) == (state == "unknown")
    officer.send(changes={"reason": "  "})
    assert "Write down the reason." in officer.text
    officer.send(changes={"reason": "number was blocked"})
    assert "It is queued again." in officer.text
    message.refresh_from_db()
    assert (message.state, message.repeated) == (State.QUEUED, state == "unknown")
    decision = Decision.objects.get()
    assert decision.by == message_batches.label_of(officer.officer)
    assert decision.reason == "number was blocked"


def test_officer_who_sends_one_again_is_told_that_it_was_taken_back(desk, person):
    message = write(person, "failed")
    said = "It was taken back: what it says may not be true any more."
    assert said not in desk().go(url("resend", message.pk)).text
    outbox.cancel(reference=message.reference, reason="it stands")
    officer = desk().go(url("resend", message.pk))
    assert said in officer.text
    officer.send(changes={"reason": "they asked for it"})
    message.refresh_from_db()
    assert message.state == State.QUEUED


def test_opening_a_question_changes_nothing(desk, person):
    message = write(person, "unknown")
    for name in ("resend", "treat_as_sent"):
        desk().go(url(name, message.pk))
    message.refresh_from_db()
    assert message.state == State.UNKNOWN


def test_officer_notes_that_an_unknown_message_arrived(desk, person):
    message = write(person, "unknown")
    officer = desk().go(url("treat_as_sent", message.pk)).send(changes={"reason": "person came"})
    message.refresh_from_db()
    assert message.state == State.ACCEPTED
    assert "An officer noted that it was sent" in officer.text
    assert "The gateway took it" not in officer.text


def test_out_of_date_message_says_why_it_cannot_be_sent_again(desk, person):
    message = write(person, "failed", expires_at=timezone.now() - MINUTE)
    officer = desk().go(f"{LIST}{message.pk}/change/")
    assert "What this message says is out of date." in officer.text
    officer.go(url("resend", message.pk))
    assert "What this message says is out of date." in officer.text
    officer.send(changes={"reason": "please"})
    assert "What this message says is out of date." in officer.text
    message.refresh_from_db()
    assert message.state == State.FAILED


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("cancelled", "It was taken back before it left. Why: wrong words"),
        ("delivered", "It has arrived."),
        ("accepted", "It was sent."),
        ("queued", "It has not left yet: it waits."),
    ],
)
def test_page_asks_only_for_what_would_be_done(desk, person, state, why):
    message = write(person, state, error="wrong words")
    officer = desk().go(url("resend", message.pk))
    assert why in officer.text
    assert 'name="reason"' not in officer.page.content.decode()
    assert "Send again" not in officer.text
    officer.go(url("treat_as_sent", message.pk))
    assert "It is known what became of this message." in officer.text
    assert 'name="reason"' not in officer.page.content.decode()


@pytest.mark.parametrize("across", ["0", "1"])
def test_action_without_its_reason_asks_once_and_forgets_nothing(desk, person, across):
    chosen, other = [write(person, "failed") for _ in range(3)], write(person, "failed")
    officer = desk().go(LIST)
    ticked = [str(message.pk) for message in chosen]
    action = {"action": "send_again", "index": "0", "select_across": across}
    officer.send(changes={**action, "reason": " ", "_selected_action": ticked})
    assert officer.text.count("Write down the reason.") == 2  # on top, and at the field
    assert "Reason" in officer.text
    assert not Decision.objects.exists()
    assert ("4 messages" if across == "1" else "3 messages") in officer.text
    # What the page asks with is all that is sent.
    assert sorted(officer.fields["_selected_action"]) == sorted(ticked)
    officer.send(changes={"reason": "phones are on"})
    count = 4 if across == "1" else 3
    assert f"Done for {count} messages." in officer.text
    assert {d.reason for d in Decision.objects.all()} == {"phones are on"}
    other.refresh_from_db()
    assert other.state == (State.QUEUED if across == "1" else State.FAILED)


def test_action_of_a_filtered_list_without_its_reason_comes_back_to_the_same_list(desk, person):
    message = write(person, "unknown")
    officer = desk().go(f"{LIST}?state__exact=unknown")
    action = {"action": "treat_as_sent", "index": "0", "select_across": "0", "reason": ""}
    officer.send(changes={**action, "_selected_action": [str(message.pk)]})
    assert "Nothing is sent." in officer.text
    assert 'href="/officers/notifications/message/?state__exact=unknown"' in (
        officer.page.content.decode()
    )
    officer.send(changes={"reason": "person came"})
    assert officer.url == f"{LIST}?state__exact=unknown"
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


def test_centre_officer_looks_but_does_not_decide(desk, office, person):
    message = write(person, "failed")
    clerk = desk("centre", centre=office.bhopal).go(f"{LIST}{message.pk}/change/")
    assert "Send again" not in clerk.text
    for name in ("resend", "treat_as_sent"):
        clerk.go(url(name, message.pk), status=403)
        clerk.url = url(name, message.pk)
        clerk.send(changes={"reason": "please"}, status=403)
    message.refresh_from_db()
    assert message.state == State.FAILED


# --- Batches --------------------------------------------------------------------------------------


def test_batches_are_named_after_what_they_are_about(desk, outage, hold):
    text = desk().go(url("batches")).text
    assert f"“Do not travel yet” of Outage {outage.pk} " in text
    assert "0 of 32 sent · 32 waiting" in text


def test_batches_of_an_outage_that_ended_long_ago_are_listed_only_while_paused(desk, outage, hold):
    Outage.objects.filter(pk=outage.pk).update(
        state="restored",
        ended_at=timezone.now() - dt.timedelta(days=15),
        ended_by=outage.declared_by,
    )
    assert "None. Messages about one appointment" in desk().go(url("batches")).text
    batches.pause(batch=hold, by="officer 1", reason="why")
    assert f"Outage {outage.pk} paused" in desk().go(url("batches")).text


def test_page_of_a_batch_shows_how_far_it_has_come(desk, outage, hold):
    ids = list(Message.objects.filter(batch=hold).order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    for number, state in enumerate(["accepted", "delivered", "undelivered", "failed", "unknown"]):
        Message.objects.filter(pk=ids[number]).update(
            state=state,
            sent_at=now if state in TAKEN else None,
            delivered_at=now if state == "delivered" else None,
            parts=2,
        )
        tried(Message.objects.get(pk=ids[number]), "permanent" if state == "failed" else "accepted")
    Attempt.objects.update(size=2)
    NotReached.objects.create(
        notice="n:1", batch=hold, kind="HOLD", urgent_by=now, since=now, why="both failed"
    )
    text = desk().go(url("batch", hold)).text
    for words in (
        "to leave 27",
        "sent 2 of 32",
        "of them arrived 1",
        "in trouble 3",
        "people not reached 1",
        "SMS paid for 8",
        "27 wait for their moment",
        "1 did not arrive · 1 unclear whether sent · 1 could not be sent",
        "1 not reached on any channel",
    ):
        assert words in text, words


def test_those_that_were_never_sent_are_in_trouble_and_cannot_be_sent_again(desk, hold):
    """Their end of life came while a gateway was down, say."""
    Message.objects.filter(batch=hold).update(state="expired")
    text = desk().go(url("batch", hold)).text
    assert "in trouble 32" in text
    assert text.count("too late to send") > 2
    assert "Send them again" not in text
    Message.objects.filter(pk=Message.objects.filter(batch=hold).first().pk).update(state="failed")
    assert "Send them again" in desk().go(url("batch", hold)).text


def test_outage_page_and_first_page_show_new_states_and_the_pause(desk, outage, hold):
    now = timezone.now()
    first, second = Message.objects.filter(batch=hold)[:2]
    Message.objects.filter(pk=first.pk).update(state="delivered", sent_at=now, delivered_at=now)
    Message.objects.filter(pk=second.pk).update(state="undelivered", sent_at=now)
    NotReached.objects.create(
        notice="n:1", batch=hold, kind="HOLD", urgent_by=now, since=now, why="both failed"
    )
    batches.pause(batch=hold, by="officer 1", reason="why")
    for page in (f"/officers/appointments/outage/{outage.pk}/change/", "/officers/"):
        seat = desk().go(page)
        told = "1 of 32 sent · 30 waiting · 1 arrived · 1 did not arrive · 1 not reached"
        assert told in seat.text
        assert "paused" in seat.text
        assert url("batch", hold) in seat.page.content.decode()


def test_officer_pauses_lets_go_and_takes_back_with_reasons(desk, hold):
    officer = desk().go(url("batch_pause", hold))
    assert "about two seconds' worth, still leaves" in officer.text
    officer.send(changes={"reason": ""})
    assert "Write down the reason." in officer.text
    assert not Batch.objects.exists()
    officer.send(changes={"reason": "wrong words"})
    assert "The batch is paused." in officer.text
    assert "nothing leaves until somebody lets it go on" in officer.text
    assert f"{officer.officer.name} paused the batch wrong words" in officer.text
    officer.go(url("batch_resume", hold)).send(changes={"reason": "words are right"})
    assert "The batch goes on." in officer.text
    officer.go(url("batch_cancel", hold))
    assert "32 messages are taken back, for good" in officer.text
    officer.send(changes={"reason": "not an outage"})
    assert "32 messages are taken back." in officer.text
    assert Message.objects.filter(batch=hold, state=State.CANCELLED).count() == 32
    assert BatchDecision.objects.count() == 3


@pytest.mark.parametrize("step", ["batch_pause", "batch_resume", "batch_cancel", "batch_resend"])
def test_batch_is_steered_by_officers_of_its_region_only(desk, office, hold, step):
    Message.objects.filter(batch=hold).update(state="failed")
    clerk = desk("centre", centre=office.bhopal)
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    for seat in (clerk, abroad):
        seat.go(url(step, hold), status=404)
        seat.url = url(step, hold)
        seat.send(changes={"reason": "why", "states": ["failed"]}, status=404)
        assert "Do not travel yet" not in seat.go(url("batches")).text
    assert not BatchDecision.objects.exists()
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "verb",
    [
        message_batches.pause,
        message_batches.resume,
        message_batches.cancel,
        lambda **given: message_batches.resend(states=["failed"], **given),
    ],
)
def test_verbs_ask_for_the_right_themselves(desk, office, hold, verb):
    clerk = desk("centre", centre=office.bhopal).officer
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे")).officer
    for by in (clerk, abroad):
        with pytest.raises(Refusal, match="not_permitted"):
            verb(name=hold, by=by, reason="why")
    # A batch of nobody's region is not an officer's of one.
    write(batch="odd:1")
    with pytest.raises(Refusal, match="not_permitted"):
        verb(name="odd:1", by=desk().officer, reason="why")
    with pytest.raises(MessageRefusal, check=lambda error: error.code == "reason_required"):
        verb(name=hold, by=desk().officer, reason=" ")


@pytest.fixture
def evening(office):
    """18:05; tomorrow is a day off, which nobody knew at 18:00. The batch of its reminders."""
    with time_machine.travel(at(timezone.localdate(), 18, 5), tick=False):
        name = reminders.batch_of(make_region().pk, in_days(1), 1)
        for number in range(3):
            write(office.people[number], kind="VISIT", batch=name)
        yield name


def test_officers_of_a_region_stop_the_reminders_of_this_evening(desk, evening):
    officer = desk().go(url("batches"))
    tomorrow = f"{in_days(1).day} {in_days(1):%B %Y}"
    assert f"Reminders of visits on {tomorrow}, 1 day before: RPO Bhopal" in officer.text
    assert "0 of 3 sent · 3 waiting" in officer.text
    officer.go(url("batch_pause", evening)).send(changes={"reason": "a day off"})
    assert "The batch is paused." in officer.text
    officer.go(url("batch_cancel", evening)).send(changes={"reason": "a day off"})
    assert "3 messages are taken back." in officer.text


def test_reminders_of_this_evening_can_be_stopped_when_all_have_left(desk, evening):
    now = timezone.now()
    Message.objects.filter(batch=evening).update(state="accepted", sent_at=now)
    officer = desk().go(url("batch", evening))
    assert "Take back what has not left" in officer.text
    officer.go(url("batch_cancel", evening))
    assert "Nobody else is reminded of these visits this evening." in officer.text
    officer.send(changes={"reason": "a day off"})
    assert "0 messages are taken back." in officer.text
    assert "Take back what has not left" not in officer.text
    assert batches.was_taken_back(evening)


def test_reminders_whose_evening_is_over_and_other_batches_have_nothing_to_stop(
    desk, evening, hold
):
    now = timezone.now()
    Message.objects.update(state="accepted", sent_at=now)
    assert "Take back what has not left" not in desk().go(url("batch", hold)).text
    with time_machine.travel(now + 2 * HOUR, tick=False):
        assert "Take back what has not left" not in desk().go(url("batch", evening)).text


@pytest.mark.parametrize("step", ["batch_pause", "batch_resume", "batch_cancel", "batch_resend"])
def test_reminders_are_stopped_by_officers_of_their_region_only(desk, office, evening, step):
    for seat in (
        desk("centre", centre=office.bhopal),
        desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे")),
    ):
        assert "Reminders of visits" not in seat.go(url("batches")).text
        seat.go(url(step, evening), status=404)


def test_reminders_of_both_days_are_listed_until_the_next_evening(desk, office, evening):
    write(office.people[0], batch=reminders.batch_of(make_region().pk, in_days(2), 2))
    lists = {}
    for hour in (18, 18 + 23):
        with time_machine.travel(at(timezone.localdate(), 18, 5) + (hour - 18) * HOUR):
            lists[hour] = desk().go(url("batches")).text
    for text in lists.values():
        assert "2 days before" in text
        assert "1 day before" in text
    with time_machine.travel(at(timezone.localdate(), 18, 5) + 24 * HOUR):
        assert "Reminders of visits" not in desk().go(url("batches")).text


@pytest.mark.parametrize(
    "name", ["visits:1", "visits:x:2026-12-01:1", "visits:1:2026-13-01:1", "visits:1:2026-12-01:x"]
)
def test_name_that_only_resembles_reminders_is_nobodys(office, name):
    make_region()
    assert message_batches.subjects([name]) == {}


def test_all_failed_of_a_batch_are_sent_again_but_unclear_ones_only_if_ticked(desk, hold):
    ids = list(Message.objects.filter(batch=hold).order_by("pk").values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids[:5]).update(state="failed")
    Message.objects.filter(pk__in=ids[5:7]).update(state="unknown")
    officer = desk().go(url("batch_resend", hold))
    assert "5 could not be sent" in officer.text
    assert "2 unclear whether sent: these people may get it twice" in officer.text
    assert officer.fields["states"] == ["failed"]
    officer.send(changes={"reason": "gateway is mended"})
    assert "5 messages are queued again." in officer.text
    assert Decision.objects.filter(verb="resend", reason="gateway is mended").count() == 5
    assert Message.objects.filter(batch=hold, state="unknown").count() == 2
    officer.go(url("batch_resend", hold))
    assert officer.fields["states"] == []
    officer.send(changes={"reason": "please"})
    assert "Choose at least one kind of message." in officer.text
    officer.send(changes={"reason": "please", "states": ["unknown"]})
    assert Message.objects.filter(batch=hold, repeated=True, state="queued").count() == 2


def test_open_page_hears_of_news_only_when_there_are_any(desk, hold):
    officer = desk()
    first = officer.client.get(url("batch_news", hold))
    assert first.status_code == 200
    assert 'id="news"' in first.content.decode()
    assert "<html" not in first.content.decode()
    have = {"If-None-Match": first["ETag"]}
    assert officer.client.get(url("batch_news", hold), headers=have).status_code == 304
    Message.objects.filter(pk=Message.objects.filter(batch=hold).first().pk).update(state="failed")
    assert officer.client.get(url("batch_news", hold), headers=have).status_code == 200


def test_page_asks_again_only_while_there_is_something_to_hear(desk, hold):
    officer = desk()
    assert 'hx-trigger="every 5s"' in officer.go(url("batch", hold)).page.content.decode()
    Message.objects.filter(batch=hold).update(state="accepted", sent_at=timezone.now())
    assert 'hx-trigger="every 30s"' in officer.go(url("batch", hold)).page.content.decode()
    Message.objects.filter(batch=hold).update(state="unconfirmed")
    assert "hx-trigger" not in officer.go(url("batch", hold)).page.content.decode()


def test_batch_that_does_not_exist_is_not_found(desk, office):
    chief = desk()
    chief.go(url("batch", "plan:999"), status=404)
    chief.go(url("batch", "hold:x"), status=404)
    User.objects.filter(pk=chief.officer.pk).update(is_superuser=True)
    chief.go(url("batch", "odd:1"), status=404)
    write(batch="odd:1")
    assert "odd:1" in chief.go(url("batch", "odd:1")).text


def test_names_of_batches_take_a_bounded_number_of_queries(outage, desk):
    names = [f"hold:{outage.pk}", "plan:1", "entry:1", "offer:1", "odd:1", "hold:y"]
    names += ["visits:1:2026-12-01:1", "visits:2:2026-12-01:1"]
    with CaptureQueriesContext(connection) as queries:
        found = message_batches.subjects(names * 5)
    assert len(queries) <= 10
    others = {name for name in found if name.startswith(("entry", "visits"))}
    assert set(found) == {f"hold:{outage.pk}", *others}


@pytest.mark.parametrize("page", ["batches", "batch"])
def test_pages_of_batches_take_a_bounded_number_of_queries(desk, hold, page):
    Message.objects.filter(batch=hold).update(state="failed")
    officer = desk()
    args = [hold] if page == "batch" else []
    officer.go(url(page, *args))
    with CaptureQueriesContext(connection) as queries:
        officer.go(url(page, *args))
    assert len(queries) <= 22


# --- Gateways -------------------------------------------------------------------------------------


@pytest.fixture
def one_gateway(settings):
    path = "tests.notifications.builders.ScriptedGateway"
    settings.MESSAGE_GATEWAYS = {"sms": [path], "email": [path]}
    settings.GATEWAY_RATES = {"scripted": 50.0}


@pytest.mark.usefixtures("one_gateway")
def test_gateways_show_rest_limit_last_hour_and_forged_receipts(desk, person):
    now = timezone.now()
    # "About a minute" is 55 to 90 seconds: some of them pass before the page is there.
    shut_until = now + dt.timedelta(seconds=75)
    Gate.objects.create(name="scripted", shut_until=shut_until, reason="3 of 5 calls failed")
    Gate.objects.create(name="old_one", shut_until=now - MINUTE, reason="long over")
    GatewayState.objects.create(
        name="scripted", tokens=12, filled_at=now, failures=3, failing_since=now, rests=2
    )
    for number, outcome in enumerate(["accepted", "accepted", "unknown"], 1):
        tried(write(person), outcome, gateway="scripted", number=number)
    old = tried(write(person), gateway="scripted")
    Attempt.objects.filter(pk=old.pk).update(
        claimed_at=now - 90 * MINUTE, started_at=now - 90 * MINUTE, ended_at=now - 90 * MINUTE
    )
    for days, verdict, count in ((0, "applied", 40), (0, "forged", 5), (6, "forged", 7)):
        day = now.date() - dt.timedelta(days=days)
        ReceiptCount.objects.create(gateway="scripted", day=day, verdict=verdict, count=count)
    ReceiptCount.objects.create(
        gateway="scripted", day=now.date() - dt.timedelta(days=7), verdict="forged", count=99
    )
    text = desk().go(url("gateways")).text
    for words in (
        "scripted resting",
        "No SMS leaves for about a minute.",
        "No email leaves for about a minute.",
        "3 of 5 calls failed",
        "Failures in a row 3",
        "50 a second, 12 saved up",
        "2 taken · 1 no answer",
        "40 applied · 12 forged",
    ):
        assert words in text, words
    assert "long over" not in text


@pytest.mark.usefixtures("one_gateway")
def test_gateway_that_is_no_longer_in_use_still_shows_its_receipts(desk, office):
    ReceiptCount.objects.create(
        gateway="old_one", day=timezone.now().date(), verdict="foreign", count=4
    )
    assert "old_one not in use" in desk().go(url("gateways")).text
    assert "4 foreign" in desk().go(url("gateways")).text


@pytest.mark.usefixtures("one_gateway")
def test_figures_of_gateways_look_at_the_newest_attempts_only(person, monkeypatch):
    monkeypatch.setattr(gateways, "NEWEST", 2)
    for number in range(1, 4):
        tried(write(person), gateway="scripted", number=number)
    with CaptureQueriesContext(connection) as queries:
        seen = gateways.all_figures(timezone.now())
    assert len(queries) == 6
    assert seen.is_cut
    assert seen.figures[0].outcomes == [("taken", 2)]


# --- The ways there -------------------------------------------------------------------------------


def test_appointment_and_application_lead_to_their_messages(desk, person):
    write(person)
    page = desk().go(f"/officers/appointments/appointment/{person.pk}/change/").page
    link = f"{LIST}?q=appointment:{person.pk}"
    assert link in page.content.decode()
    assert "••••••3210" in desk().go(link).text
    application = Application.objects.get(pk=person.application_id)
    page = desk().go(f"/officers/appointments/application/{application.pk}/change/").page
    assert link in page.content.decode()


def test_list_counts_no_further_than_anybody_turns_pages(desk, person, monkeypatch):
    monkeypatch.setattr(ShortPaginator, "most", 3)
    for _ in range(5):
        write(person)
    seat = desk()
    with CaptureQueriesContext(connection) as queries:
        assert "3 messages" in seat.go(LIST).text
    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "message" in q["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts)


def test_list_is_filtered_by_state_and_kind_without_reading_the_table_for_them(desk, person):
    write(person, "failed")
    write(person, "unconfirmed", kind="STANDS", address="+919876500000")
    seat = desk()
    with CaptureQueriesContext(connection) as queries:
        seat.go(f"{LIST}?state__exact=unconfirmed&kind=STANDS")
    assert not [q["sql"] for q in queries if "DISTINCT" in q["sql"]]
    assert "sent, no receipt came" in seat.text
    assert "••••••0000" in seat.text
    assert "••••••3210" not in seat.text


def test_time_left_is_not_promised_while_the_gateways_rest(desk, hold, one_gateway, monkeypatch):
    monkeypatch.setattr(quiet, "is_quiet", lambda now: False)
    now = timezone.now()
    Message.objects.filter(batch=hold).update(next_attempt_at=now - MINUTE)
    for second, message in enumerate(Message.objects.filter(batch=hold)[:8]):
        at = now - dt.timedelta(seconds=second)
        Message.objects.filter(pk=message.pk).update(state="accepted", sent_at=at)
    text = desk().go(url("batch", hold)).text
    assert "Time left under a minute" in text
    assert "Speed 1.0 SMS a second" in text
    Gate.objects.create(
        name="scripted",
        shut_until=timezone.now() + dt.timedelta(seconds=32),
        reason="gateway down: ConnectError: refused",
    )
    text = desk().go(url("batch", hold)).text
    assert "Time left nobody can say at this moment" in text
    assert "No SMS leaves for about 30 seconds: The gateway cannot be reached." in text
    assert "scripted: gateway down: ConnectError: refused" in text
    assert "No email leaves" not in text


def test_what_waits_a_few_seconds_is_said_without_a_clock(desk, hold):
    now = timezone.now()
    Message.objects.filter(batch=hold).update(next_attempt_at=now + dt.timedelta(seconds=41))
    text = desk().go(url("batch", hold)).text
    assert "32 wait for their moment, the first for about 40 seconds." in text


def test_page_that_asks_for_news_gets_its_lower_part_too(desk, hold):
    officer = desk()
    first = officer.client.get(url("batch_news", hold))
    assert "In trouble" in first.content.decode()
    lost = Message.objects.filter(batch=hold).first()
    Message.objects.filter(pk=lost.pk).update(state="failed", error="no such number")
    have = {"If-None-Match": first["ETag"]}
    news = officer.client.get(url("batch_news", hold), headers=have).content.decode()
    assert f'id="message-{lost.pk}"' in news
    assert url("batch_resend", hold) in news
    # A decision about one of them is news as well.
    batches.pause(batch=hold, by="officer 1", reason="look first")
    assert "look first" in officer.client.get(url("batch_news", hold)).content.decode()


def test_batch_that_was_taken_back_says_so(desk, hold):
    ids = list(Message.objects.filter(batch=hold).values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids[:12]).update(state="accepted", sent_at=timezone.now())
    Message.objects.filter(pk__in=ids[12:]).update(state="cancelled", error="wrong words")
    text = desk().go(url("batch", hold)).text
    assert "sent 12 of 32" in text
    assert "taken back 20" in text
    assert "Time left nothing is left to send: 20 were taken back" in text
    assert "everything has left" not in text
    assert "12 of 32 sent · 20 taken back" in desk().go(url("batches")).text


def test_receipt_that_changed_nothing_is_not_shown_as_an_arrival(desk, person):
    message = write(person, "undelivered")
    attempt = tried(message)
    now = timezone.now()
    for minute, arrival in enumerate(["undelivered", "delivered"]):
        Receipt.objects.create(
            attempt=attempt,
            gateway="msg91",
            key=arrival,
            client_reference=attempt.client_reference,
            arrival=arrival,
            received_at=now + minute * MINUTE,
        )
    Attempt.objects.filter(pk=attempt.pk).update(receipt="undelivered", receipt_at=now)
    counted, late = life_of(message).moments[-2:]
    assert (counted.what, counted.tone) == ("Receipt from msg91: it did not arrive", "stop")
    assert (late.what, late.tone) == ("Receipt from msg91: it arrived", "")
    text = desk().go(f"{LIST}{message.pk}/change/").text
    assert "Receipt from msg91: it arrived It came too late and changed nothing" in text


def test_late_part_of_a_message_changed_nothing_either(person):
    message = write(person, "delivered")
    attempt, now = tried(message), timezone.now()
    arrived = {"arrival": "delivered", "arrival_at": now}
    Part.objects.create(attempt=attempt, number=1, gateway="msg91", reference="p", **arrived)
    for minute in range(2):
        Receipt.objects.create(
            attempt=attempt,
            gateway="msg91",
            key=str(minute),
            gateway_reference="p",
            arrival="delivered",
            received_at=now + minute * MINUTE,
        )
    tones = [m.tone for m in life_of(message).moments if m.what.startswith("Receipt")]
    assert tones == ["go", ""]


def test_message_is_paid_for_as_often_as_it_was_taken(desk, person):
    message = write(person, "accepted", parts=2, attempt_count=3)
    tried(message, "permanent", number=1, size=2)
    assert "SMS paid for 0, 2 each time" in desk().go(f"{LIST}{message.pk}/change/").text
    for number in (2, 3):
        tried(message, number=number, size=2)
    assert "SMS paid for 4, 2 each time" in desk().go(f"{LIST}{message.pk}/change/").text


def test_reason_of_an_officer_is_not_taken_for_a_programs_words(person):
    gone = write(person, "cancelled", error="wrong template")
    assert causes.cause_of(gone) == causes.Cause("wrong template")


def test_pages_speak_plainly_and_keep_what_was_said_in_small_print(desk, person, hold):
    message = write(person, "unknown", batch=hold, error="ReadTimeout")
    tried(message, "unknown", error="ReadTimeout")
    for page in (f"{LIST}{message.pk}/change/", LIST, url("batch", hold)):
        seat = desk().go(page)
        assert "The gateway did not answer in time. ReadTimeout" in seat.text
        assert '<small class="as-said">ReadTimeout</small>' in seat.page.content.decode()
        assert "do not travel yet" in seat.text
    assert ">HOLD<" not in desk().go(LIST).page.content.decode()
