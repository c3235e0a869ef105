"""The list of messages: read in parts, by indexes, and the same rows in whatever way."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.admin.outbox import scope
from appointments.admin.outbox.admin import MessageAdmin
from appointments.admin.outbox.scope import ShortPaginator, messages_seen, parts_seen
from appointments.messages import scope_of
from notifications.models import Message
from tests.domain.builders import make_application, make_centre, make_person, make_region
from tests.officers.written import write

pytestmark = pytest.mark.django_db
LIST = "/officers/notifications/message/"


def asked_by(seat) -> Any:
    request = RequestFactory().get(LIST)
    request.user = seat.officer
    return request


def shown(seat, query: str = "") -> list[int]:
    """Keys of the messages in the list, in its order."""
    page = seat.client.get(LIST + query).context["cl"]
    return [message.pk for message in page.result_list]


@pytest.fixture(params=[1000, 0], ids=["by-name", "row-by-row"])
def few(request, monkeypatch) -> int:
    """Few matters are looked up by their names, many row by row."""
    monkeypatch.setattr(scope, "FEW", request.param)
    return request.param


@pytest.fixture
def mixed(office) -> list[Message]:
    """Of the region, newest first, every third one a code; between them what is not its own."""
    person, stranger = make_person(), make_person()
    make_application(claimed_by=person, centre=office.bhopal)
    elsewhere = make_centre("PNQ", region=make_region("PNQ"))
    make_application(claimed_by=stranger, centre=elsewhere)
    own = []
    for number in range(9):
        code = {"kind": "OTP", "reference": f"person:{person.pk}"}
        own.append(write(**code) if number % 3 == 2 else write(office.people[number]))
        write(kind="OTP", reference=f"person:{stranger.pk}")
        write(scope=scope_of(elsewhere.region_id))
        write(reference="appointment:0")
    return own[::-1]


# --- The same rows ------------------------------------------------------------------------------


def test_list_holds_the_regions_messages_and_codes_newest_first(desk, mixed, few):
    assert shown(desk()) == [message.pk for message in mixed]


@pytest.mark.parametrize("most", [9, 1000])
def test_pages_are_cut_out_of_one_list(desk, mixed, few, monkeypatch, most):
    monkeypatch.setattr(MessageAdmin, "list_per_page", 2)
    monkeypatch.setattr(ShortPaginator, "most", most)
    seat = desk()
    pages = [shown(seat, f"?p={number}") for number in range(1, 6)]
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
    assert [pk for page in pages for pk in page] == [message.pk for message in mixed]
    assert shown(seat, "?all=") == [message.pk for message in mixed]


def test_list_ends_where_counting_ends(desk, mixed, few, monkeypatch):
    monkeypatch.setattr(ShortPaginator, "most", 4)
    assert shown(desk()) == [message.pk for message in mixed[:4]]


def test_list_in_another_order_mixes_its_parts_too(desk, mixed, few, monkeypatch):
    monkeypatch.setattr(MessageAdmin, "list_per_page", 4)
    column = MessageAdmin.list_display.index("created") + 1
    oldest_first = sorted(mixed, key=lambda message: message.created_at)
    seat = desk()
    assert shown(seat, f"?o={column}") == [message.pk for message in oldest_first[:4]]
    assert shown(seat, f"?o={column}&p=3") == [message.pk for message in oldest_first[8:]]


def test_filters_and_search_hold_in_every_part(desk, mixed, few):
    codes = [message.pk for message in mixed if message.kind == "OTP"]
    seat = desk()
    assert shown(seat, "?kind=OTP") == codes
    assert shown(seat, "?kind=HOLD") == [m.pk for m in mixed if m.pk not in codes]
    assert shown(seat, f"?q={mixed[0].reference.upper()}") == codes
    assert shown(seat, f"?q={mixed[1].public_id}") == [mixed[1].pk]
    assert shown(seat, "?q=appointment:0") == []


def test_centre_is_shown_its_people_alone(desk, office, mixed, few):
    bhopal = [m.pk for m in mixed if m.kind != "OTP"]
    assert shown(desk("centre", centre=office.bhopal)) == bhopal
    assert shown(desk("centre", centre=office.sagar)) == []


def test_parts_are_all_that_is_seen_and_have_no_row_in_common(desk, office, mixed, few):
    for seat in (desk(), desk("centre", centre=office.bhopal)):
        request = asked_by(seat)
        seen = messages_seen(request, Message.objects.order_by("-id"))
        parts = [set(part.values_list("pk", flat=True)) for part in parts_seen(request, seen)]
        assert sum(map(len, parts)) == len(set().union(*parts)) == seen.count()


# --- How it is read -----------------------------------------------------------------------------


def test_list_takes_a_fixed_number_of_queries(desk, mixed):
    """Two counts, two lists of keys, one of rows."""
    seat = desk()
    with CaptureQueriesContext(connection) as queries:
        shown(seat)
    asked = [q["sql"] for q in queries if 'FROM "notifications_message"' in q["sql"]]
    assert len(asked) == 5
    assert all("LIMIT" in sql for sql in asked)


def test_full_part_is_all_that_is_counted(desk, mixed, monkeypatch):
    monkeypatch.setattr(ShortPaginator, "most", 4)
    seat = desk()
    with CaptureQueriesContext(connection) as queries:
        shown(seat)
    assert len([q for q in queries if "COUNT(" in q["sql"] and "_message" in q["sql"]]) == 1


@pytest.fixture
def crowd(desk):
    """Some thousand messages of another region, and codes of nobody: (seat, its request)."""
    if connection.vendor != "postgresql":
        pytest.skip("asks PostgreSQL how it would do it")
    now, nobody = timezone.now(), 10**12
    fields = {"channel": "sms", "address": "+919811111111", "language": "hi", "state": "failed"}
    moments = {"urgent_by": now, "next_attempt_at": now, "expires_at": now, "created_at": now}
    Message.objects.bulk_create(
        Message(
            dedupe_key=f"crowd:{number}",
            kind="HOLD" if number % 5 else "OTP",
            scope="region:0" if number % 5 else "",
            reference=f"appointment:{number}" if number % 5 else f"person:{nobody + number}",
            **fields,
            **moments,
        )
        for number in range(5000)
    )
    seat = desk()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")
    return seat, asked_by(seat)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def reads(rows) -> dict[str, set[str]]:
    """Of messages: kind of step of the plan -> indexes used."""
    [explained] = json.loads(rows.explain(format="json"))
    found: dict[str, set[str]] = {}
    for node in nodes(explained["Plan"]):
        if node.get("Relation Name", "notifications_message") == "notifications_message":
            found.setdefault(node["Node Type"], set()).add(node.get("Index Name", ""))
    return found


def indexes(rows) -> set[str]:
    return set().union(*reads(rows).values()) - {""}


@pytest.mark.parametrize("filters", [{}, {"state": "unconfirmed"}, {"kind": "VISIT"}])
@pytest.mark.parametrize("written", [0, 10], ids=["no-message", "ten"])
def test_list_of_a_small_region_is_read_by_its_index(crowd, office, filters, written):
    _seat, request = crowd
    for number in range(written):
        write(office.people[number])
    seen = messages_seen(request, Message.objects.filter(**filters).order_by("-id"))
    own, without = parts_seen(request, seen)
    for rows in (own[:50], own.order_by()[:1000]):
        assert indexes(rows) == {"message_by_scope"}
        assert "Seq Scan" not in reads(rows)
    assert not list(without)


def test_codes_of_few_people_are_read_by_reference(crowd, office):
    seat, request = crowd
    person = make_person()
    make_application(claimed_by=person, centre=office.bhopal)
    code = write(kind="OTP", reference=f"person:{person.pk}")
    _own, without = parts_seen(request, messages_seen(request, Message.objects.order_by("-id")))
    assert "message_by_reference" in indexes(without[:50])
    assert "Seq Scan" not in reads(without[:50])
    assert shown(seat) == [code.pk]


def test_codes_of_many_people_are_read_row_by_row(crowd, office, monkeypatch):
    """No table behind the messages is read whole, and nothing is compiled for a page."""
    monkeypatch.setattr(scope, "FEW", 0)
    _seat, request = crowd
    make_application(claimed_by=make_person(), centre=office.bhopal)
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
        cursor.execute("SET LOCAL enable_seqscan = off")  # what few rows would be read by
    seen = messages_seen(request, Message.objects.order_by("-id"))
    for part in parts_seen(request, seen):
        how = part[:50].explain()
        assert "message_by_scope" in how
        assert "Seq Scan" not in how
        assert "hashed SubPlan" not in how


@pytest.mark.parametrize("what", ["appointment:7", "plan:3", str(uuid.UUID(int=7))])
def test_search_is_by_index(crowd, what):
    seat, _request = crowd
    with CaptureQueriesContext(connection) as queries:
        shown(seat, f"?q={what}")
    asked = [q["sql"] for q in queries if 'FROM "notifications_message"' in q["sql"]]
    assert asked
    for sql in asked:
        assert "UPPER" not in sql
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            assert "Seq Scan on notifications_message" not in str(cursor.fetchall())
