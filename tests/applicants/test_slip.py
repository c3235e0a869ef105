"""The slip for the gate, the code on it, the calendar file, and telling others."""

import datetime as dt
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import segno
from django.urls import reverse
from django.utils import timezone, translation
from icalendar import Calendar

from appointments import booking, slips
from appointments.models import Appointment, Offer
from appointments.roles import post
from appointments.sharing import share_text
from tests.applicants.builders import ask
from tests.applicants.reading import page, text
from tests.domain.builders import (
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


@pytest.fixture
def slot():
    return make_slot(day=in_days(4), hour=12, minute=15)


@pytest.fixture
def appointment(application, slot):
    return make_appointment(slot, application=application)


# --- The slip ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["hi", "en"])
def test_slip_says_everything_in_both_languages_hindi_first(
    signed_in, application, appointment, slot, language, settings
):
    signed_in.cookies["django_language"] = language
    answer = signed_in.get(page("slip", application.pk))
    words = text(answer)
    for once in ("Sunita Verma", application.arn):
        assert words.count(once) == 1
    assert answer.context["code"] in answer.text
    for twice in ("462011", settings.HELPLINE, "www.passportindia.gov.in"):
        assert words.count(twice) == 2
    for hindi, english in [
        (settings.OFFICE_NAME_HI, settings.OFFICE_NAME_EN),
        ("अपॉइंटमेंट पर्ची", "Appointment slip"),
        ("अपॉइंटमेंट आईडी", "Appointment ID"),
        ("दोपहर 12:15 बजे", "12:15 pm"),
        ("दोपहर 12:00 बजे", "12:00 noon"),
        ("सामान्य", "Normal"),
        ("पीएसके भोपाल", "PSK BPL"),
        ("आधिकारिक रसीद नहीं है", "not the official receipt"),
        ("कोई अवसर कम नहीं होता", "uses no attempt"),
        ("स्व-सत्यापित प्रतियाँ", "self-attested copies"),
    ]:
        assert words.index(hindi) < words.index(english)
    assert '<section class="slip-side" lang="hi">' in answer.text
    assert '<section class="slip-side" lang="en">' in answer.text


def test_slip_is_kept_by_no_cache_and_holds_nothing_inline(signed_in, application, appointment):
    answer = signed_in.get(page("slip", application.pk))
    assert "no-store" in answer["Cache-Control"]
    assert "style=" not in answer.text
    assert "<style" not in answer.text
    assert re.findall(r"<script(?![^>]* src=)", answer.text) == []


def test_slip_asks_for_a_sign_in(client, application, appointment):
    answer = client.get(page("slip", application.pk))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_request_login_code"))


@pytest.mark.parametrize("name", ["slip", "calendar"])
def test_slip_and_calendar_of_somebody_else_do_not_exist(signed_in, name):
    other = make_application(claimed_by=make_person())
    make_appointment(application=other)
    assert signed_in.get(page(name, other.pk)).status_code == 404


@pytest.mark.parametrize("state", [None, "in_doubt", "waiting", "cancelled", "completed"])
def test_slip_is_for_a_confirmed_appointment_only(signed_in, application, slot, state):
    if state == "waiting":
        fields = {"state": state, "waiting_since": timezone.now(), "booked_at": timezone.now()}
        application.appointments.create(**fields)
    elif state:
        make_appointment(slot, application=application, state=state)
    answer = signed_in.get(page("slip", application.pk), follow=True)
    assert answer.redirect_chain[-1][0] == page("mine")
    assert "only while an appointment is confirmed" in text(answer)
    assert "Slip for the gate" not in text(answer)


def test_slip_waits_for_the_answer_to_a_question(signed_in, person):
    application, offer, _token = ask(person, claimed_by=person)
    slip = page("slip", application.pk)
    answer = signed_in.get(slip, follow=True)
    assert answer.redirect_chain[-1][0] == page("question", application.pk)
    assert "Answer first" in text(answer)
    Offer.objects.filter(pk=offer.pk).update(live_at=timezone.now() + dt.timedelta(minutes=5))
    answer = signed_in.get(slip, follow=True)
    assert answer.redirect_chain[-1][0] == page("mine")
    assert "Look again in a few minutes" in text(answer)


@pytest.mark.parametrize("name", ["mine", "done"])
def test_slip_and_calendar_are_linked_where_the_appointment_stands(
    signed_in, application, appointment, name
):
    answer = signed_in.get(page(name, *([application.pk] if name == "done" else [])))
    assert page("slip", application.pk) in answer.text
    assert page("calendar", application.pk) in answer.text


def test_slip_costs_as_many_queries_with_a_long_history_as_with_none(
    signed_in, application, appointment, django_assert_max_num_queries
):
    for _ in range(5):
        appointment.timeline.create(event="stands", at=timezone.now(), by="system")
    with django_assert_max_num_queries(8):
        signed_in.get(page("slip", application.pk))


# --- The code ------------------------------------------------------------------------------------


def drawn(svg):
    """The dark modules of a drawing, as a matrix without its quiet zone."""
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])
    modules = [[0] * size for _ in range(size)]
    commands = re.search(r'stroke="#000" d="([^"]+)"', svg)[1]
    x = y = 0.0
    for move, run in re.findall(r"([Mm]-?[\d.]+ ?-?[\d.]+)h(\d+)", commands):
        first, second = (float(n) for n in re.findall(r"-?[\d.]+", move))
        x, y = (first, second) if move[0] == "M" else (x + first, y + second)
        for column in range(int(run)):
            modules[int(y)][int(x) + column] = 1
        x += int(run)
    border = slips.QUIET_ZONE
    return [row[border:-border] for row in modules[border:-border]]


def test_code_on_the_slip_is_the_address_at_which_officers_check_it(
    signed_in, application, appointment, settings
):
    settings.SITE_HOST, settings.SITE_SCHEME = "psk.example.in", "https"
    svg = re.search(r"<svg[^>]*class=\"qr\".*?</svg>", page_of_slip(signed_in, application))[0]
    url = slips.check_url(appointment)
    assert url.startswith("https://psk.example.in/check/")
    expected = [list(row) for row in segno.make(url, error="m", micro=False).matrix]
    assert drawn(svg) == expected
    # A camera reads modules of half a millimetre on paper: 38 mm with the quiet zone.
    assert 38 / (len(expected) + 2 * slips.QUIET_ZONE) > 0.5


def page_of_slip(client, application):
    return client.get(page("slip", application.pk)).text


def test_code_holds_nothing_about_the_person(application, appointment):
    url = slips.check_url(appointment)
    assert "Sunita" not in url
    assert application.arn_tail not in url.partition(".")[0].rpartition("/")[2]
    assert str(application.phone[-4:]) not in url


def test_code_that_this_site_did_not_make_is_no_reference(appointment):
    true = slips.reference(appointment)
    assert slips.read(true) == slips.Reference(appointment.pk, appointment.slot_id)
    value, _dot, signature = true.partition(".")
    for false in ("", "x", f"{value}.", f"{value}1.{signature}", f"{value}.{signature[:-2]}"):
        assert slips.read(false) is None


def test_code_opened_by_somebody_else_says_that_officers_can_check_it(client, appointment):
    client.cookies["django_language"] = "en"
    true = client.get(page("check_slip", slips.reference(appointment)))
    false = client.get(page("check_slip", "1-2.made-up"))
    assert true.status_code == false.status_code == 200
    assert text(true) == text(false)
    here = page("check_slip", slips.reference(appointment))
    assert f'href="{reverse("officer_login")}?next={here}"' in true.text
    assert "for the officers of the passport office" in text(true)
    assert "noindex" in true["X-Robots-Tag"]
    assert "no-store" in true["Cache-Control"]


def test_applicant_learns_nothing_from_the_code_of_another(signed_in, appointment):
    other = make_appointment(application=make_application(name="Meera Joshi"))
    answer = signed_in.get(page("check_slip", slips.reference(other)))
    assert "Meera" not in answer.text
    assert "Sign in as an officer" not in text(answer)


@pytest.fixture
def at_the_gate(client, monkeypatch):
    """An officer of the centre, signed in with the second factor."""
    monkeypatch.setattr("accounts.officers.has_second_factor", lambda request: True)

    def sign_in(role="region", **posting):
        officer = make_officer(role, **posting)
        post(officer=officer, role=role, region=make_region(), centre=posting.get("centre"))
        client.force_login(officer)
        return client

    return sign_in


def test_officer_sees_that_the_slip_holds_and_the_appointment(at_the_gate, appointment):
    reference = slips.reference(appointment)
    answer = at_the_gate().get(page("check_slip", reference), follow=True)
    where = f"/officers/appointments/appointment/{appointment.pk}/change/"
    assert answer.redirect_chain[-1][0] == where
    assert "The slip holds" in answer.text
    appointment.refresh_from_db()
    assert appointment.state == "confirmed"
    assert not appointment.timeline.exists()


def test_officer_sees_that_a_slip_is_out_of_date(at_the_gate, person, application, appointment):
    printed = slips.reference(appointment)
    later = make_slot(day=in_days(6))
    hold = booking.hold_seat(application=application, slot_id=later.pk, by=person)
    booking.confirm(hold_id=hold.pk, by=person)
    answer = at_the_gate().get(page("check_slip", printed), follow=True)
    assert "out of date" in answer.text
    assert "The slip holds" not in answer.text


@pytest.mark.parametrize(
    ("state", "words"),
    [("in_doubt", "in doubt"), ("completed", "completed"), ("cancelled", "cancelled")],
)
def test_officer_sees_that_the_appointment_of_a_slip_does_not_stand(
    at_the_gate, appointment, state, words
):
    printed = slips.reference(appointment)
    Appointment.objects.filter(pk=appointment.pk).update(state=state)
    answer = at_the_gate().get(page("check_slip", printed), follow=True)
    assert f"does not hold: the appointment is {words}" in answer.text


def test_officer_of_another_centre_learns_nothing_of_the_slip(at_the_gate, appointment):
    elsewhere = make_centre("SGR")
    client = at_the_gate("centre", centre=elsewhere)
    answer = client.get(page("check_slip", slips.reference(appointment)), follow=True)
    assert "belongs to no appointment in your lists" in answer.text
    assert "Sunita" not in answer.text


def test_officer_without_second_factor_does_not_reach_the_appointment(client, appointment):
    client.force_login(make_officer())
    answer = client.get(page("check_slip", slips.reference(appointment)), follow=True)
    assert "/officers/appointments/" not in answer.redirect_chain[-1][0].partition("?")[0]
    assert "The slip holds" not in answer.text


# --- The calendar file ---------------------------------------------------------------------------


def downloaded(client, application):
    answer = client.get(page("calendar", application.pk))
    assert answer.status_code == 200
    return answer, Calendar.from_ical(answer.content)


def test_calendar_file_of_a_confirmed_appointment(signed_in, application, appointment, slot):
    answer, calendar = downloaded(signed_in, application)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert answer["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    assert "no-store" in answer["Cache-Control"]
    [event] = calendar.walk("VEVENT")
    assert event.decoded("dtstart") == slot.starts_at


def test_calendar_file_is_in_the_language_of_the_page(signed_in, application, appointment):
    signed_in.cookies["django_language"] = "hi"
    _answer, calendar = downloaded(signed_in, application)
    assert calendar.walk("VEVENT")[0]["summary"] == "पासपोर्ट अपॉइंटमेंट"


def test_calendar_file_after_cancelling_takes_the_visit_out(signed_in, person, application, slot):
    hold = booking.hold_seat(application=application, slot_id=slot.pk, by=person)
    appointment = booking.confirm(hold_id=hold.pk, by=person)
    _answer, before = downloaded(signed_in, application)
    booking.cancel(appointment_id=appointment.pk, by=person)
    told = signed_in.get(page("cancelled", application.pk))
    assert "Remove from the calendar" in text(told)
    assert page("calendar", application.pk) in told.text
    answer, after = downloaded(signed_in, application)
    assert answer["Content-Type"].endswith("method=CANCEL")
    [old], [new] = before.walk("VEVENT"), after.walk("VEVENT")
    assert new["uid"] == old["uid"]
    assert new["sequence"] > old["sequence"]


def test_nobody_is_told_to_remove_what_was_never_in_a_calendar(signed_in, application):
    application.appointments.create(state="cancelled", booked_at=timezone.now())
    assert "calendar" not in text(signed_in.get(page("cancelled", application.pk)))
    assert signed_in.get(page("calendar", application.pk)).status_code == 404


@pytest.mark.parametrize("state", ["completed", "no_show"])
def test_visit_that_is_over_stays_in_the_calendar_as_it_is(signed_in, application, slot, state):
    make_appointment(slot, application=application, state=state)
    assert signed_in.get(page("calendar", application.pk)).status_code == 404


# --- Telling others ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("hi", ("दोपहर 12:15 बजे", "दोपहर 12:00 बजे तक पहुँचना है", "पीएसके भोपाल", "462011")),
        ("en", ("12:15 pm", "Be there by 12:00 noon", "PSK BPL", "462011")),
    ],
)
def test_words_to_share_say_when_and_where(slot, language, expected):
    with translation.override(language):
        words = share_text(slot)
    for part in expected:
        assert part in words


@pytest.mark.parametrize("name", ["slip", "done"])
def test_links_to_share_open_the_phones_own_programs_and_name_nobody(
    signed_in, application, appointment, slot, name
):
    answer = signed_in.get(page(name, application.pk)).text
    sms, mail = re.findall(r'href="((?:sms|mailto):[^"]+)"', answer)
    with translation.override("en"):
        words = share_text(slot)
    assert unquote(sms.replace("&amp;", "&")) == f"sms:?&body={words}"
    asked = parse_qs(urlsplit(mail.replace("&amp;", "&")).query)
    assert asked == {"subject": ["Passport appointment"], "body": [words]}
    assert "Sunita" not in words
    assert application.arn_tail not in words
    hosts = re.findall(r'(?:href|src|action)="(?:https?:)?//([^/"]+)', answer)
    assert set(hosts) == {"www.passportindia.gov.in"}
