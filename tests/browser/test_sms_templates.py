"""The officers' pages of SMS templates in a real browser, wide and narrow, light and dark."""

import datetime as dt
from pathlib import Path

import pytest
from django.conf import settings as site
from django.utils import timezone

from accounts import demo
from accounts.models import User
from appointments.models import Posting, Region
from appointments.roles import post
from notifications.registry import csv_files, verbs
from notifications.registry.models import SmsTemplate
from tests.browser.harness import DESK_WIDTH, PHONE_WIDTH, Visitor, axe, overflow

pytestmark = pytest.mark.browser
BASE = "/officers/notifications/smstemplate/"
FILE = Path(site.BASE_DIR) / "data" / "dlt_templates.csv"


@pytest.fixture
def officer(office, settings) -> User:
    settings.DEMO_MODE = True
    person = demo.create_officer(
        email="meera@office.example",
        password="a long pass phrase",
        name="Meera",
        totp_secret="REGIONREGIONREGIONREGIONREGION22",
    )
    post(officer=person, role=Posting.Role.REGION, region=Region.objects.get())
    return person


@pytest.fixture
def templates(officer, settings) -> None:
    """All are filed; one has ended, one ends soon, one does not carry its longest value."""
    settings.DLT_URL_HOSTS = [settings.SITE_HOST]
    settings.MESSAGE_GATEWAYS = {
        "sms": ["tests.browser.test_sms_templates.Needy"],
        "email": ["file"],
    }
    verbs.load(entries=csv_files.read_file(FILE), by="demo")
    today = timezone.localdate()
    chosen = SmsTemplate.objects.filter(language="hi")
    chosen.filter(kind="HOLD").update(valid_until=today - dt.timedelta(days=1))
    chosen.filter(kind="VISIT").update(valid_until=today + dt.timedelta(days=9))
    chosen.filter(kind="OTP").update(variables="otp:numeric:5")


class Needy:
    name = "smpp"
    reports = False
    needs_template = True
    has_template_ids = False
    window = 1

    @classmethod
    def problems(cls) -> list[str]:
        return []


def sound(visitor: Visitor) -> None:
    axe(visitor.page)
    assert overflow(visitor.page) == 0


def press(visitor: Visitor, name: str) -> None:
    visitor.follow(visitor.page.get_by_role("button", name=name, exact=True).click)


@pytest.mark.parametrize(("width", "dark"), [(DESK_WIDTH, False), (PHONE_WIDTH, True)])
@pytest.mark.usefixtures("templates")
def test_every_page_of_templates_is_accessible_also_with_errors(visit, officer, width, dark):
    visitor = visit("en", width=width, dark=dark)
    visitor.sign_in(officer)
    template = SmsTemplate.objects.get(kind="OTP", language="hi")
    pages = ("", "add/", "import/", "proof/", *(f"{template.pk}/{step}/" for step in STEPS))
    for path in ("/officers/", *(f"{BASE}{page}" for page in pages)):
        visitor.go(path)
        sound(visitor)
    visitor.go(f"{BASE}{template.pk}/withdraw/")
    press(visitor, "Withdraw")
    sound(visitor)
    visitor.go(f"{BASE}add/")
    press(visitor, "File it")
    sound(visitor)


STEPS = ("change", "edit", "withdraw")


@pytest.mark.usefixtures("templates")
def test_proof_leads_from_what_is_wrong_to_the_text(visit, officer):
    visitor = visit("en", width=PHONE_WIDTH)
    visitor.sign_in(officer)
    page = visitor.go(f"{BASE}proof/")
    link = page.get_by_role("link", name="HOLD · hi · smpp: The template ended on")
    assert link.get_attribute("href") == "#HOLD-hi-smpp"
    assert page.locator("#HOLD-hi-smpp").count() == 1
    assert "takes 5 letters; the longest value has 6" in page.locator("#OTP-hi-smpp").inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_file_is_sent_mended_and_filed(visit, officer, tmp_path, scripts):
    lines = FILE.read_text(encoding="utf-8").splitlines()
    bad = tmp_path / "office.csv"
    bad.write_text("\n".join([lines[0], lines[1].replace("DEMOPS", "X1")]), encoding="utf-8")
    visitor = visit("en", width=PHONE_WIDTH, scripts=scripts)
    visitor.sign_in(officer)
    page = visitor.go(f"{BASE}import/")
    page.get_by_label("CSV file").set_input_files(bad)
    press(visitor, "File all of it")
    if scripts:
        sound(visitor)
    assert "Line 2, header: The header is six letters." in page.content()
    box = page.get_by_label("Or its text")
    box.fill(box.input_value().replace("X1", "PSKMPB"))
    press(visitor, "File all of it")
    assert "1 new, 0 changed, 0 as they were." in page.content()
    assert SmsTemplate.objects.get().header == "PSKMPB"
