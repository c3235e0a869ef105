"""The status for feed readers (Atom) and programs (JSON)."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from appointments.models import Outage
from tests.portal.conftest import Office

pytestmark = pytest.mark.django_db
Declare = Callable[..., Outage]
ATOM = "{http://www.w3.org/2005/Atom}"
FEED = {"hi": "/status/bpl-rpo/hi.atom", "en": "/status/bpl-rpo/en.atom"}
DATA = "/status/bpl-rpo.json"


def feed(client: Client, language: str) -> ElementTree.Element:
    response = client.get(FEED[language])
    assert response["Content-Type"].startswith("application/atom+xml")
    assert response["Content-Language"] == language
    return ElementTree.fromstring(response.content)  # our own answer


def titles(tree: ElementTree.Element) -> list[str]:
    return [entry.findtext(f"{ATOM}title", "") for entry in tree.iter(f"{ATOM}entry")]


# --- Atom --------------------------------------------------------------------------------------


def test_feed_of_a_quiet_region_is_empty_and_whole(client: Client, office: Office):
    tree = feed(client, "en")
    assert tree.findtext(f"{ATOM}title") == "Passport appointments, Bhopal: service status"
    assert titles(tree) == []


def test_feed_tells_in_its_language_whatever_the_cookie_says(client: Client, declare: Declare):
    outage = declare(restored_hours_ago=1)
    Outage.objects.filter(pk=outage.pk).update(declared_at=outage.since)
    client.cookies["django_language"] = "hi"
    assert titles(feed(client, "en"))[0] == "Service restored: All centres"
    assert "खराबी शुरू हुई: सभी केंद्र" in titles(feed(client, "hi"))


def test_entries_keep_their_ids(client: Client, declare: Declare):
    declare(left=0)

    def ids() -> list[str]:
        return [e.findtext(f"{ATOM}id", "") for e in feed(client, "en").iter(f"{ATOM}entry")]

    first = ids()
    assert len(set(first)) == len(first) == 2
    assert all(one.startswith("tag:") for one in first)
    declare(left=30)
    assert set(first) < set(ids())


def test_text_of_the_office_comes_escaped(client: Client, declare: Declare):
    declare(text_en="<script>alert(1)</script> & more")
    summaries = [entry.findtext(f"{ATOM}summary", "") for entry in feed(client, "en")]
    assert any("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in one for one in summaries)
    assert not any("<script" in one for one in summaries)


@pytest.mark.parametrize("path", [*FEED.values(), DATA])
def test_what_has_not_changed_is_not_sent_again(client: Client, declare: Declare, path: str):
    declare(left=0)
    first = client.get(path)
    assert first["Cache-Control"] == "public, max-age=0, s-maxage=15"
    again = client.get(path, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    declare(left=0)
    changed = client.get(path, headers={"if-none-match": first["ETag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize("path", [*FEED.values(), DATA])
def test_only_reads(client: Client, office: Office, path: str):
    assert client.post(path).status_code == 405


def test_pages_name_the_feeds(client: Client, office: Office):
    page = client.get("/status/").text
    for path in FEED.values():
        assert f'href="{path}"' in page
    assert f'href="{DATA}"' in page


# --- JSON --------------------------------------------------------------------------------------


def data(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(DATA).json()
    return answer


def test_shape_of_a_quiet_region(client: Client, office: Office, settings: Any):
    site = f"{settings.SITE_SCHEME}://{settings.SITE_HOST}"
    told = data(client)
    assert list(told) == [
        *("version", "region", "state", "updated_at", "outages", "centres", "days"),
        *("forecast", "history", "links"),
    ]
    assert told["version"] == 1
    assert told["region"] == {"code": "BPL-RPO", "name": {"hi": "भोपाल", "en": "Bhopal"}}
    assert (told["state"], told["updated_at"], told["outages"]) == ("running", None, [])
    assert told["days"] == [{"date": office.tomorrow.isoformat(), "seats": 300, "seats_left": 300}]
    assert told["forecast"]["outlook"] == "none"
    assert told["forecast"]["day"] is None
    assert told["centres"][0] == {
        "code": "SGR",
        "kind": "POPSK",
        "name": {"hi": "केंद्र सागर", "en": "POPSK Sagar"},
        "town": {"hi": "सागर", "en": "Sagar"},
        "state": "running",
        "next_day": None,
        "page": f"{site}/status/bpl-rpo/sgr/",
    }
    assert told["links"]["atom_hi"] == site + FEED["hi"]


def test_outage_in_json(client: Client, office: Office, declare: Declare):
    outage = declare(centres=[office.bhopal], left=30)
    told = data(client)
    (one,) = told["outages"]
    assert one["id"] == outage.pk
    assert one["state"] == "open"
    assert one["scope"] == {"hi": "भोपाल", "en": "Bhopal"}
    assert one["centres"] == ["BPL"]
    assert one["text"] == {"hi": "सर्वर बंद है।", "en": "The server is down."}
    assert one["expected_until"] is None
    assert one["since"].endswith("Z")
    assert told["state"] == "reduced"
    bhopal = next(centre for centre in told["centres"] if centre["code"] == "BPL")
    assert bhopal["next_day"] == {
        "date": office.tomorrow.isoformat(),
        "seats": 100,
        "seats_left": 30,
    }
    assert [entry["event"] for entry in told["history"]] == ["declared", "began"]
    assert told["history"][0]["text"]["en"] == "The office announced it"


def test_restored_outage_says_when(client: Client, declare: Declare):
    declare(restored_hours_ago=1)
    (one,) = data(client)["outages"]
    assert one["state"] == "restored"
    assert one["ended_at"] < timezone.now().isoformat()
