"""The client in docs/examples does against a running site what docs/api.md says."""

import importlib.util
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from appointments.models import Slot
from notifications.models import Message
from tests.domain.builders import make_application, make_slot

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parents[2] / "docs/examples/portal_client.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("portal_client", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["portal_client"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["portal_client"]


@pytest.fixture
def portal(example, live_server):
    """A client that has signed in with the code of the SMS."""
    visitor = example.Portal(live_server.url, language="en")
    code_id = visitor.ask_for_code("98765 12345")
    code = Message.objects.latest("pk").values["otp"]
    return visitor.sign_in(code_id, code, name="example")


def test_client_signs_in_links_books_changes_and_cancels(portal):
    application = make_application()
    first, second = make_slot(), make_slot(hour=12)
    linked = portal.link(application.arn, str(application.date_of_birth))
    assert [slot.id for slot in portal.free_slots(linked)] == [first.pk, second.pk]
    booked = portal.book(linked, first.pk)
    assert (booked.state, booked.slot.id) == ("confirmed", first.pk)
    changed = portal.book(linked, second.pk)
    assert (changed.id, changed.slot.id) == (booked.id, second.pk)
    assert portal.open_offers() == []
    assert portal.cancel(booked.id).slot is None
    assert set(Slot.objects.values_list("taken", flat=True)) == {0}


def test_client_raises_the_refusal_with_its_code_and_words(portal, example):
    with pytest.raises(example.Problem) as refused:
        portal.link("99-9999999999", "1990-01-01")
    assert (refused.value.status, refused.value.code) == (404, "application_not_found")
    assert "no application" in refused.value.detail


def test_client_asks_once_more_with_the_same_key_when_the_answer_is_lost(example):
    """A server that reads the request, answers nothing the first time, and notes the keys."""
    keys = []

    class Lossy(BaseHTTPRequestHandler):
        def do_POST(self):
            keys.append(self.headers["Idempotency-Key"])
            self.rfile.read(int(self.headers["Content-Length"]))
            if len(keys) > 1:
                self.send_response(202)
                self.end_headers()
                self.wfile.write(b'{"code_id": "c1"}')

        def log_message(self, *_args):
            pass

    with HTTPServer(("127.0.0.1", 0), Lossy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        portal = example.Portal(f"http://127.0.0.1:{server.server_port}")
        assert portal.ask_for_code("98765 12345") == "c1"
        server.shutdown()
    assert len(keys) == 2
    assert len(set(keys)) == 1
