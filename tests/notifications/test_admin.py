"""What officers see of the outbox, and the two things they may do there."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts import officers
from accounts.models import User
from appointments.messages import scope_of
from appointments.models import Posting
from notifications import delivery, outbox
from notifications.models import Decision, Gate, Message
from tests.domain.builders import make_region
from tests.notifications.builders import NOW, PERMANENT, UNKNOWN, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
LIST = reverse("admin:notifications_message_changelist")


@pytest.fixture(autouse=True)
def _second_factor_is_proved(monkeypatch) -> None:
    """How officers sign in is tested elsewhere."""
    monkeypatch.setattr(officers, "has_second_factor", lambda request: True)


def officer(*permissions: str) -> tuple[User, Client]:
    person = User.objects.create_user(email="officer@office.example", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    Posting.objects.create(officer=person, role=Posting.Role.REGION, region=make_region())
    client = Client()
    client.force_login(person)
    client.cookies["django_language"] = "en"
    return person, client


def matter() -> str:
    """A reference to the region in which the officer is posted."""
    return f"gateway_down:{make_region().pk}"


def scope() -> str:
    return scope_of(make_region().pk)


@pytest.fixture
def unknown(gateway) -> Message:
    gateway.script = [UNKNOWN]
    values = {"word": "now", "url": "h/secret"}
    queued(1, kind="URGENT", reference=matter(), scope=scope(), values=values)
    delivery.run("sms")
    return Message.objects.get()


def decide(client: Client, action: str, *chosen: Message, reason: str = "person came"):
    data = {"action": action, "reason": reason, "_selected_action": [one.pk for one in chosen]}
    return client.post(LIST, data, follow=True)


def test_list_shows_what_became_of_messages_with_addresses_masked(unknown):
    _, client = officer("view_message")
    page = client.get(LIST).content.decode()
    assert "URGENT" in page
    assert "unknown" in page.lower()
    assert "••••••0001" in page
    assert unknown.address not in page


def test_reference_is_found_and_a_phone_number_is_not_a_way_to_search(unknown):
    queued(2, reference=f"people_unreached:{make_region().pk}", scope=scope())
    _, client = officer("view_message")
    found = client.get(LIST, {"q": matter()}).content.decode()
    assert "••••••0001" in found
    assert "••••••0002" not in found
    assert "••••••0001" not in client.get(LIST, {"q": unknown.address}).content.decode()


def test_one_message_shows_its_life_without_its_secrets(unknown):
    _, client = officer("view_message", "view_attempt", "view_decision")
    page = client.get(reverse("admin:notifications_message_change", args=[unknown.pk]))
    text = page.content.decode()
    assert "read timed out" in text  # the attempt
    assert "Urgent: now h/•••" in text
    assert "h/secret" not in text
    assert unknown.address not in text
    assert 'name="_save"' not in text


def test_message_cannot_be_edited_added_or_deleted(unknown):
    _, client = officer("view_message", "change_message", "add_message", "delete_message")
    url = reverse("admin:notifications_message_change", args=[unknown.pk])
    assert client.post(url, {"state": "accepted"}).status_code == 403
    assert client.get(reverse("admin:notifications_message_add")).status_code == 403
    assert (
        client.post(reverse("admin:notifications_message_delete", args=[unknown.pk])).status_code
        == 403
    )
    unknown.refresh_from_db()
    assert unknown.state == Message.State.UNKNOWN


def test_officer_sends_an_unknown_message_again_with_a_reason(unknown, gateway):
    person, client = officer("view_message", "change_message")
    page = decide(client, "send_again", unknown, reason="not on the phone")
    assert "Done for 1 message" in page.content.decode()
    decision = Decision.objects.get()
    assert (decision.by, decision.reason) == (f"officer {person.pk}", "not on the phone")
    delivery.run("sms")
    unknown.refresh_from_db()
    assert unknown.state == Message.State.ACCEPTED


def test_officer_treats_an_unknown_message_as_sent(unknown):
    _, client = officer("view_message", "change_message")
    decide(client, "treat_as_sent", unknown)
    unknown.refresh_from_db()
    assert unknown.state == Message.State.ACCEPTED


def test_decision_without_a_reason_changes_nothing_and_says_so(unknown):
    _, client = officer("view_message", "change_message")
    page = decide(client, "send_again", unknown, reason=" ")
    assert "Write down the reason." in page.content.decode()
    unknown.refresh_from_db()
    assert unknown.state == Message.State.UNKNOWN


def test_one_refusal_stops_none_of_the_others(unknown, gateway):
    gateway.script = [PERMANENT]
    failed = queued(2, reference=matter(), scope=scope())
    delivery.run("sms")
    _, client = officer("view_message", "change_message")
    page = decide(client, "treat_as_sent", unknown, failed).content.decode()
    assert "It is known what became of this message." in page
    assert "Done for 1 message" in page
    unknown.refresh_from_db()
    assert unknown.state == Message.State.ACCEPTED


def test_selected_ones_that_were_taken_back_are_not_sent_again(unknown, gateway):
    """The service is back; somebody selects all "do not travel" that could not be sent."""
    gateway.script = [PERMANENT, PERMANENT]
    back, other = (queued(n, reference=f"a:{n}", scope=scope()) for n in (2, 3))
    delivery.run("sms")
    outbox.cancel(reference="a:2", reason="no longer in doubt")
    _, client = officer("view_message", "change_message")
    page = decide(client, "send_again", back, other).content.decode()
    assert "It was taken back: open it, if it has to be sent all the same." in page
    assert "Done for 1 message" in page
    assert ", and was taken back" in page
    assert "an unclear one may arrive twice" in page
    back.refresh_from_db()
    other.refresh_from_db()
    assert (back.state, back.cancel_requested) == (Message.State.FAILED, True)
    assert other.state == Message.State.QUEUED


def test_who_may_only_look_decides_nothing(unknown):
    _, client = officer("view_message")
    decide(client, "send_again", unknown)
    unknown.refresh_from_db()
    assert unknown.state == Message.State.UNKNOWN
    assert not Decision.objects.exists()


def test_officer_sees_why_a_channel_rests(gateway):
    gateway.down = "connection refused"
    queued()
    delivery.run("sms")
    _, client = officer("view_gate")
    page = client.get(reverse("admin:notifications_gate_changelist")).content.decode()
    assert "gateway down: connection refused" in page


def test_gates_that_only_keep_a_turn_are_not_shown(gateway):
    for name in ("sweep", "alert:GATEWAY_DOWN:1", "scripted", "smpp"):
        Gate.objects.create(name=name, shut_until=NOW)
    _, client = officer("view_gate")
    page = client.get(reverse("admin:notifications_gate_changelist")).content.decode()
    assert "scripted" in page
    assert "smpp" in page
    assert "alert:" not in page
    assert "sweep" not in page
    inside = Gate.objects.get(name="sweep")
    change = reverse("admin:notifications_gate_change", args=[inside.pk])
    assert client.get(change, follow=True).redirect_chain


def test_applicant_sees_nothing(unknown):
    person = User.objects.create_user(phone="+919800000001")
    client = Client()
    client.force_login(person)
    assert client.get(LIST).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_list_needs_the_same_queries_for_one_and_for_three(count, django_assert_max_num_queries):
    for number in range(count):
        queued(number, reference=matter())
    _, client = officer("view_message", "change_message")
    client.get(LIST)
    with django_assert_max_num_queries(9):
        client.get(LIST)
