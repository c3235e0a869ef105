"""Sending a proof of travel: what is asked, every error, and files that are not what they say."""

import datetime as dt
import io

import pytest
import time_machine
from django.utils import timezone
from PIL import Image

from appointments import travel, uploads
from appointments.errors import Refusal
from appointments.models import TravelProof
from tests.applicants.reading import page, text
from tests.domain import documents
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db
State = TravelProof.State


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PRIVATE_FILES_DIR = tmp_path / "private"
    return settings.PRIVATE_FILES_DIR


@pytest.fixture(autouse=True)
def appointment(application):
    return make_appointment(make_slot(), application=application)


def typed(day=None, content=None, name="ticket.pdf", kind="application/pdf"):
    day = day or in_days(20)
    data = {f"travel_date_{part}": str(getattr(day, part)) for part in ("day", "month", "year")}
    if content is not None:
        data["proof"] = documents.upload(content, name, kind)
    return data


def picture_of(path):
    return Image.open(io.BytesIO(path.read_bytes()))


def post(client, application, data):
    return client.post(page("travel_send", application.pk), data, follow=True)


# --- The way through ------------------------------------------------------------------------------


def test_mine_leads_to_the_question_and_shows_what_became_of_it(signed_in, application):
    mine = signed_in.get(page("mine"))
    assert "Urgent travel: send a ticket or visa" in text(mine)
    asked = signed_in.get(page("travel", application.pk), follow=True)
    assert "Do not send an Aadhaar card" in text(asked)
    assert "30 days after the answer" in text(asked)
    sent = post(signed_in, application, typed(content=documents.pdf()))
    assert "Your proof has been sent" in text(sent)
    assert "Proof is being checked" in text(sent)
    proof = TravelProof.objects.get()

    officer = make_officer()
    travel.refuse(proof_id=proof.pk, reason="no_date", by=officer)
    seen = text(signed_in.get(page("mine")))
    assert "Proof not accepted" in seen
    assert seen.count("It shows no date of travel") == 2  # beside the state, and what happened
    assert "It shows no date of travel" in text(signed_in.get(page("travel_send", application.pk)))

    post(signed_in, application, typed(content=documents.photo(), name="a.jpg"))
    travel.accept(proof_id=TravelProof.objects.latest("pk").pk, by=officer)
    seen = text(signed_in.get(page("mine")))
    assert "Urgent travel accepted" in seen
    assert "you come first" in seen


def test_page_is_in_hindi_for_who_reads_hindi(client):
    person = make_person(language="hi")
    application = make_application(claimed_by=person)
    client.force_login(person)
    asked = text(client.get(page("travel_send", application.pk)))
    assert "आधार कार्ड न भेजें" in asked
    wrong = text(post(client, application, typed(content=b"MZ")))
    assert "यह न PDF है" in wrong


def test_withdrawing_asks_once(signed_in, application):
    post(signed_in, application, typed(content=documents.pdf()))
    proof = TravelProof.objects.get()
    url = page("travel_withdraw", application.pk, proof.pk)
    assert "Withdraw this proof?" in text(signed_in.get(url))
    proof.refresh_from_db()
    assert proof.state == State.WAITING
    assert "The proof is withdrawn" in text(signed_in.post(url, follow=True))
    proof.refresh_from_db()
    assert proof.state == State.WITHDRAWN
    assert signed_in.get(url, follow=True).redirect_chain[-1][0] == page("mine")


def test_accepted_proof_can_be_replaced_or_withdrawn(signed_in, application, person):
    post(signed_in, application, typed(content=documents.pdf()))
    travel.accept(proof_id=TravelProof.objects.get().pk, by=make_officer())
    seen = text(signed_in.get(page("travel", application.pk)))
    assert "Send a proof for another date" in seen
    assert "Withdraw the accepted proof" in seen
    seen = text(post(signed_in, application, typed(in_days(30), documents.pdf())))
    assert "Proof is being checked" in seen
    assert "Urgent travel accepted" in seen


def test_proof_of_a_journey_that_is_over_is_not_shown(signed_in, application):
    post(signed_in, application, typed(in_days(2), documents.pdf()))
    with time_machine.travel(timezone.now() + dt.timedelta(days=3)):
        assert "being checked" not in text(signed_in.get(page("mine")))


def test_register_may_say_that_travel_is_urgent_without_a_proof(signed_in, application):
    application.travel_date, application.travel_proof_accepted = in_days(9), True
    application.save()
    assert "Urgent travel accepted" in text(signed_in.get(page("mine")))
    assert "Withdraw" not in text(signed_in.get(page("travel", application.pk)))


# --- Whose ----------------------------------------------------------------------------------------


def test_other_peoples_pages_are_not_there(client, application, signed_in):
    post(signed_in, application, typed(content=documents.pdf()))
    proof = TravelProof.objects.get()
    client.force_login(make_person())
    for url in (
        page("travel", application.pk),
        page("travel_send", application.pk),
        page("travel_withdraw", application.pk, proof.pk),
    ):
        assert client.get(url).status_code == 404
        assert client.post(url).status_code in (404, 405)
    client.logout()
    assert client.get(page("travel", application.pk)).status_code == 302


def test_document_has_no_address(signed_in, application, folder):
    post(signed_in, application, typed(content=documents.pdf()))
    name = TravelProof.objects.get().stored_as
    for url in (f"/{name}", f"/static/{name}", f"/media/{name}", f"/private/{name}"):
        assert signed_in.get(url).status_code == 404
    office = f"/officers/appointments/travelproof/{TravelProof.objects.get().pk}/document/"
    assert signed_in.get(office).status_code == 404


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "The travel date must be after today."),
        (-400, "The travel date must be after today."),
        (181, "within 180 days"),
    ],
)
def test_wrong_day_is_said_kept_and_the_file_asked_for_again(signed_in, application, days, said):
    day = in_days(days)
    answer = post(signed_in, application, typed(day, documents.pdf()))
    seen = text(answer)
    assert said in seen
    assert "Choose the file again" in seen
    assert f'value="{day.year}"' in answer.content.decode()
    assert not TravelProof.objects.exists()


def test_nothing_filled_in_names_both(signed_in, application):
    seen = text(post(signed_in, application, {}))
    assert "Enter the date" in seen
    assert "Choose the file with your ticket or visa." in seen


HOSTILE = {
    "renamed program": (lambda: b"MZ\x90" + bytes(500), "not a PDF and not a photo"),
    "web page": (lambda: b"<html><script>alert(1)</script>", "not a PDF and not a photo"),
    "drawing with scripts": (lambda: b"<svg xmlns='x'/>", "not a PDF and not a photo"),
    "gif": (lambda: documents.photo("GIF"), "not a PDF and not a photo"),
    "bomb": (documents.bomb, "too many pixels"),
    "broken photo": (lambda: documents.photo()[:900], "damaged"),
    "broken pdf": (lambda: documents.pdf()[:-200], "damaged"),
    "no pdf at all": (lambda: b"%PDF-1.7 nothing %%EOF", "damaged"),
    "pdf without pages": (lambda: documents.pdf(0), "damaged"),
    "locked pdf": (documents.encrypted_pdf, "locked"),
    "long pdf": (lambda: documents.pdf(11), "more than 10 pages"),
    "script": (documents.pdf_with_script, "programs, forms or attachments"),
    "hidden script": (documents.pdf_with_hidden_script, "programs, forms or attachments"),
    "starts a program": (
        lambda: documents.pdf_with_action("/Launch", F="cmd.exe"),
        "programs, forms or attachments",
    ),
    "opens an address": (
        lambda: documents.pdf_with_action("/URI", URI="https://spy.example"),
        "programs, forms or attachments",
    ),
    "carries a file": (documents.pdf_with_attachment, "programs, forms or attachments"),
    "pdf and archive": (lambda: documents.pdf() + documents.archive(), "another file in it"),
    "pdf and page": (lambda: documents.pdf() + b"<script>", "another file in it"),
    "photo and pdf": (lambda: documents.photo() + documents.pdf(), "another file in it"),
    "photo and archive": (lambda: documents.photo() + documents.archive(), "another file in it"),
    "empty": (lambda: b"", "damaged"),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["ticket.pdf", "../../ticket.jpg"])
def test_file_that_is_not_a_plain_ticket_is_refused_in_words(
    signed_in, application, kind, name, folder
):
    make, said = HOSTILE[kind]
    answer = post(signed_in, application, typed(content=make(), name=name, kind="image/jpeg"))
    assert said in text(answer)
    assert f'value="{in_days(20).year}"' in answer.content.decode()
    assert not TravelProof.objects.exists()
    assert not list(folder.rglob("*.*"))


@pytest.mark.parametrize("make", [documents.pdf, documents.pdf_with_link])
def test_pdf_as_airlines_send_it_is_taken_whatever_it_is_called(signed_in, application, make):
    post(signed_in, application, typed(content=make(), name="x.exe", kind="text/plain"))
    assert TravelProof.objects.get().content_type == "application/pdf"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_photo_is_kept_as_jpeg_whatever_it_was(signed_in, application, folder, kind):
    post(signed_in, application, typed(content=documents.photo(kind), name="ticket"))
    assert TravelProof.objects.get().content_type == "image/jpeg"
    (kept,) = folder.rglob("*.jpg")
    assert picture_of(kept).format == "JPEG"


def test_place_and_camera_of_a_photo_are_not_kept_and_it_stands_upright(
    signed_in, application, folder
):
    sent = documents.photo_with_place()
    assert b"SECRET-PHONE" in sent
    assert b"SECRET-COMMENT" in sent
    post(signed_in, application, typed(content=sent, name="ticket.jpg"))
    (kept,) = folder.rglob("*.jpg")
    assert b"SECRET" not in kept.read_bytes()
    picture = picture_of(kept)
    assert not picture.getexif()
    assert picture.size == (480, 640)  # it was 640 wide, and turned
    assert picture.getpixel((470, 100))[0] < 60  # the dark half is on the right now


def test_large_photo_is_made_smaller(signed_in, application, folder):
    post(signed_in, application, typed(content=documents.photo(size=(4000, 3000)), name="a.jpg"))
    (kept,) = folder.rglob("*.jpg")
    assert max(picture_of(kept).size) == 2400


def test_photo_of_more_pixels_than_phones_take_is_refused(signed_in, application):
    answer = post(signed_in, application, typed(content=documents.photo("PNG", size=(6000, 5000))))
    assert "too many pixels" in text(answer)


def test_too_large_file_is_said_in_words_and_the_date_is_kept(signed_in, application, settings):
    settings.FILE_MEGABYTES = 1
    content = documents.photo() + bytes(1_500_000)
    answer = post(signed_in, application, typed(content=content))
    assert answer.status_code == 200
    assert "larger than 1 MB" in text(answer)
    assert f'value="{in_days(20).day}"' in answer.content.decode()


def test_too_large_file_is_dropped_while_it_comes_in(rf, settings):
    settings.FILE_MEGABYTES = 1
    request = rf.post("/", typed(content=bytes(4_000_000)))
    assert list(request.FILES) == []
    assert uploads.was_too_large(request)
    assert request.POST["travel_date_day"]


def test_hopelessly_large_request_is_not_read_to_its_end(rf, settings, monkeypatch):
    settings.FILE_MEGABYTES = 1
    monkeypatch.setattr(uploads, "MOST_READ", 2 * uploads.MEGABYTE)
    request = rf.post("/", typed(content=bytes(6_000_000)))
    stream: io.BytesIO = request.META["wsgi.input"]
    assert list(request.FILES) == []
    assert request.POST["travel_date_day"]
    assert uploads.was_too_large(request)
    assert stream.read(1)


def test_nobody_may_keep_the_site_busy_with_judging(signed_in, application, settings):
    limit = {"files_by_account": [(2, dt.timedelta(hours=1))]}
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, **limit}
    for _ in range(2):
        assert "not a PDF" in text(post(signed_in, application, typed(content=b"MZ")))
    seen = text(post(signed_in, application, typed(content=documents.pdf())))
    assert "Too many files were sent. Try again after" in seen


def test_second_window_cannot_send_another_one(signed_in, application):
    post(signed_in, application, typed(content=documents.pdf()))
    seen = text(post(signed_in, application, typed(content=documents.photo(), name="b.jpg")))
    assert "A proof of yours is being checked" in seen
    assert TravelProof.objects.count() == 1


def test_after_the_visit_nothing_is_asked(signed_in, application, appointment):
    appointment.state = "completed"
    appointment.save()
    assert "Urgent travel" not in text(signed_in.get(page("mine")))
    seen = text(signed_in.get(page("travel_send", application.pk), follow=True))
    assert "Your visit is completed" in seen


def test_refusal_of_the_verb_is_said_on_the_next_page(signed_in, application, monkeypatch):
    def busy(**values):
        raise Refusal("busy")

    monkeypatch.setattr(travel, "state_travel", busy)
    assert "Too many people" in text(post(signed_in, application, typed(content=documents.pdf())))


def test_advice_and_privacy_say_where_and_for_how_long(client):
    client.cookies["django_language"] = "en"
    advice = client.get("/advice/")
    assert f'href="{page("mine")}"' in advice.content.decode().partition("<main")[2]
    assert "deleted 30 days after it was checked" in text(client.get("/privacy/"))
