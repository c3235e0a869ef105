"""The demo's own pages: there in demo mode, with live links, and nowhere else."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client, override_settings

from notifications.gateways.base import Outgoing
from notifications.gateways.file import FileGateway
from portal.demo_phones import SHOWN_PER_PHONE, Piece, phones, pieces

pytestmark = pytest.mark.django_db
PAGES = ["/demo/", "/demo/phone/"]
NOW = dt.datetime(2025, 6, 22, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def demo_site(settings: Any, tmp_path: Path) -> Any:
    settings.DEMO_MODE = True
    settings.SITE_HOST = "pp.example"
    settings.MESSAGE_FILE_SINK = tmp_path / "phone.jsonl"
    return settings


def send(to: str, text: str, *, channel: str = "sms", subject: str = "", html: str = "") -> None:
    with FileGateway() as gateway:
        gateway.send(
            Outgoing(uuid4(), "OTP", channel, to, "hi", text, subject=subject, html=html), uuid4()
        )


@pytest.mark.parametrize("address", PAGES)
def test_page_does_not_exist_on_a_real_site(client: Client, address: str):
    with override_settings(DEMO_MODE=False):
        assert client.get(address).status_code == 404
        assert "/demo/" not in client.get("/").text


@pytest.mark.parametrize("address", PAGES)
def test_page_exists_in_demo_mode_and_every_page_leads_there(
    client: Client, demo_site: Any, address: str
):
    assert client.get(address).status_code == 200
    assert f'href="{address}"' in client.get("/").text


@pytest.mark.parametrize("address", PAGES)
def test_page_with_codes_is_never_kept(client: Client, demo_site: Any, address: str):
    assert "no-store" in client.get(address)["Cache-Control"]


def test_phone_page_shows_what_was_sent_with_live_links(client: Client, demo_site: Any):
    send("+919999900001", "नया समय: pp.example/Ab3dEf6hIjK -PSKMP")
    page = client.get("/demo/phone/").text
    assert "+919999900001" in page
    assert '<a href="/Ab3dEf6hIjK">pp.example/Ab3dEf6hIjK</a> -PSKMP' in page


def test_phone_page_shows_the_demos_people_behind_many_strangers(
    client: Client, demo_site: Any, monkeypatch: Any
):
    monkeypatch.setattr("portal.views.demo.MESSAGES_READ", 5)
    send("+919876543210", "for Sunita: pp.example/Ab3dEf6hIjK")
    for number in range(10):
        send(f"+9199999{number:05d}", "for a stranger")
    assert "for Sunita" in client.get("/demo/phone/").text


def test_phone_page_shows_emails_with_their_subject(client: Client, demo_site: Any):
    send("a@example.org", "Line one\nhttps://pp.example/my", channel="email", subject="New time")
    page = client.get("/demo/phone/").text
    assert "<h3>New time</h3>" in page
    assert '<a href="/my">https://pp.example/my</a>' in page


def test_text_of_a_message_is_escaped(client: Client, demo_site: Any):
    send("+919999900001", "<script>alert(1)</script>")
    assert "<script>" not in client.get("/demo/phone/").text


def test_people_of_the_demo_have_a_phone_before_anything_came(client: Client, demo_site: Any):
    page = client.get("/demo/phone/").text
    assert "Sunita Verma" in page
    assert "+919876543210" in page


def test_links_of_other_sites_are_left_as_text(demo_site: Any):
    assert pieces("see www.passportindia.gov.in/x") == [Piece("see www.passportindia.gov.in/x")]


def test_text_is_cut_at_each_link(demo_site: Any):
    assert pieces("a pp.example/x, b http://pp.example/y.") == [
        Piece("a "),
        Piece("pp.example/x", "/x"),
        Piece(", b "),
        Piece("http://pp.example/y", "/y"),
        Piece("."),
    ]


def entry(to: str, number: int = 0) -> dict[str, Any]:
    return {
        "at": NOW,
        "channel": "sms",
        "to": to,
        "kind": "OTP",
        "language": "en",
        "subject": "",
        "text": str(number),
    }


def test_known_people_come_first_then_who_got_something_last():
    shown = phones([entry("+2"), entry("+1"), entry("+3")], {"+1": "Sunita", "+9": "Arjun"})
    assert [(phone.address, phone.owner) for phone in shown] == [
        ("+1", "Sunita"),
        ("+9", "Arjun"),
        ("+2", ""),
        ("+3", ""),
    ]


def test_phone_shows_its_newest_messages_and_counts_the_rest():
    entries = [entry("+1", number) for number in range(SHOWN_PER_PHONE + 3)]
    [phone] = phones(entries, {})
    assert [message.lines[0][0].text for message in phone.messages][:2] == ["0", "1"]
    assert len(phone.messages) == SHOWN_PER_PHONE
    assert phone.hidden == 3
