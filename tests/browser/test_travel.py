"""Urgent travel in a real browser: both languages, with and without scripts, every state."""

import pytest
from django.utils import timezone

from accounts import demo
from appointments import proof_files, travel
from appointments.models import Centre, Posting, Region, TravelProof
from appointments.roles import post
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, axe, overflow
from tests.domain import documents
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = {
    "hi": {
        "way": "अत्यावश्यक यात्रा: टिकट या वीज़ा भेजें",
        "send": "प्रमाण भेजें",
        "checked": "प्रमाण की जाँच चल रही है",
        "not_pdf": "यह न PDF है",
        "large": "1 MB से बड़ी है",
        "look": "अत्यावश्यक यात्रा: देखें या वापस लें",
        "again": "अत्यावश्यक यात्रा: दूसरा प्रमाण भेजें",
        "withdraw": "प्रमाण वापस लें",
        "withdrawn": "प्रमाण वापस ले लिया गया है",
        "accepted": "अत्यावश्यक यात्रा स्वीकृत",
    },
    "en": {
        "way": "Urgent travel: send a ticket or visa",
        "send": "Send the proof",
        "checked": "Proof is being checked",
        "not_pdf": "This is not a PDF",
        "large": "larger than 1 MB",
        "look": "Urgent travel: look at it or withdraw it",
        "again": "Urgent travel: send another proof",
        "withdraw": "Withdraw the proof",
        "withdrawn": "The proof is withdrawn",
        "accepted": "Urgent travel accepted",
    },
}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PRIVATE_FILES_DIR = tmp_path / "private"
    settings.FILE_MEGABYTES = 1
    return tmp_path


def officer_of(region):
    person = demo.create_officer(
        email="meera@office.example",
        password="a long pass phrase",
        name="Meera",
        totp_secret="REGIONREGIONREGIONREGIONREGION22",
    )
    post(officer=person, role=Posting.Role.REGION, region=region)
    return person


@pytest.fixture
def officer(office, settings):
    settings.DEMO_MODE = True
    return officer_of(Region.objects.get())


def applicant(language, name="Sunita Verma", hour=10):
    centre = Centre.objects.get(code="BPL")
    person = make_person(language=language)
    application = make_application(claimed_by=person, centre=centre, name=name)
    make_appointment(make_slot(centre=centre, day=in_days(4), hour=hour), application=application)
    return person, application


def fill(page, day, content, name="ticket.pdf"):
    for part in ("day", "month", "year"):
        page.locator(f"input[name=travel_date_{part}]").fill(str(getattr(day, part)))
    file = {"name": name, "mimeType": "application/pdf", "buffer": content}
    page.locator("input[name=proof]").set_input_files(file)


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [PHONE_WIDTH, DESK_WIDTH])
def test_send_be_refused_send_again_and_withdraw(
    visit, officer, language, scripts, width, folder, request
):
    words = WORDS[language]
    person, application = applicant(language)
    visitor = visit(language, scripts=scripts, width=width, dark=width == DESK_WIDTH)
    visitor.sign_in(person)
    shots = iter(range(20))

    def sound():
        shot = f"/tmp/travel-shots/{language}-{width}-{next(shots):02}.png"
        if scripts and request.config.getoption("--tb") == "native":
            visitor.page.screenshot(path=shot, full_page=True)
        if scripts:  # axe is a script itself
            axe(visitor.page)
        assert overflow(visitor.page) == 0

    page = visitor.go("/my/")
    sound()
    visitor.follow(page.get_by_role("link", name=words["way"]).click)
    sound()
    send = page.get_by_role("button", name=words["send"])
    visitor.follow(send.click)
    assert page.locator(".error-summary li").count() == 2
    sound()
    fill(page, in_days(20), b"MZ" + bytes(99))
    visitor.follow(send.click)
    assert words["not_pdf"] in page.locator(".error-summary").inner_text()
    sound()
    fill(page, in_days(20), documents.pdf() + bytes(2_000_000))
    visitor.follow(send.click)
    assert words["large"] in page.locator(".error-summary").inner_text()
    assert page.locator("input[name=travel_date_day]").input_value() == str(in_days(20).day)
    sound()
    fill(page, in_days(-3), documents.pdf())
    visitor.follow(send.click)
    assert page.locator(".error-summary li").count() == 2
    sound()
    fill(page, in_days(20), documents.pdf())
    visitor.follow(send.click)
    assert words["checked"] in page.locator("main").inner_text()
    sound()

    proof = TravelProof.objects.get()
    travel.refuse(proof_id=proof.pk, reason="other_name", by=officer)
    page = visitor.go("/my/")
    sound()
    visitor.follow(page.get_by_role("link", name=words["again"]).click)
    sound()
    fill(page, in_days(21), documents.photo())
    visitor.follow(send.click)
    travel.accept(proof_id=TravelProof.objects.latest("pk").pk, by=officer)
    page = visitor.go("/my/")
    assert words["accepted"] in page.locator("main").inner_text()
    sound()
    visitor.follow(page.get_by_role("link", name=words["look"]).click)
    sound()
    visitor.follow(page.locator(".card a").last.click)
    sound()
    visitor.follow(page.get_by_role("button", name=words["withdraw"]).click)
    assert words["withdrawn"] in page.locator("main").inner_text()
    application.refresh_from_db()
    assert not application.travel_proof_accepted


@pytest.mark.parametrize("width", [DESK_WIDTH, PHONE_WIDTH])
def test_officer_checks_a_proof(visit, officer, width, request):
    for number in range(2):
        person, application = applicant("en", name=f"Sunita Verma {number}", hour=10 + number)
        travel.state_travel(
            application=application,
            travel_date=in_days(20),
            document=proof_files.judge(documents.photo()),
            by=person,
        )
    visitor = visit(width=width)
    visitor.sign_in(officer)
    shots = iter(range(20))

    def sound():
        if request.config.getoption("--tb") == "native":
            shot = f"/tmp/travel-shots/officer-{width}-{next(shots):02}.png"
            visitor.page.screenshot(path=shot, full_page=True)
        axe(visitor.page)
        assert overflow(visitor.page) == 0

    page = visitor.go("/officers/")
    sound()
    visitor.follow(page.get_by_role("link", name="2 to check").click)
    sound()
    visitor.follow(page.locator("#result_list tbody th a").first.click)
    sound()
    visitor.follow(page.get_by_role("button", name="Do not accept").click)
    assert page.locator(".problems").is_visible()
    sound()
    page.get_by_label("It shows no date of travel").check()
    visitor.follow(page.get_by_role("button", name="Do not accept").click)
    visitor.follow(page.locator("#result_list tbody th a").first.click)
    visitor.follow(page.get_by_role("button", name="Accept: urgent travel").click)
    sound()
    states = set(TravelProof.objects.values_list("state", flat=True))
    assert states == {"refused", "accepted"}
    assert TravelProof.objects.filter(reviewed_at__lte=timezone.now()).count() == 2
