"""Whatever makes a message says where it belongs, and older messages are told by the migration."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import timezone

from accounts import codes
from appointments import alerts, listing, messages
from appointments.alerts import Alert
from appointments.message_kinds import ALERTS, ALL
from appointments.messages import News, scope_of
from appointments.models import Application, Appointment, Centre, OfferList, Slot
from notifications import outbox
from notifications.models import Message
from tests.appointments.call_worlds import list_of
from tests.domain.builders import (
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

ONE_BY_ONE = [k.code for k in ALL if k not in ALERTS and k.code not in listing.SAYS]
APPS = ("portal", "appointments", "accounts", "notifications")
# These know no regions: a code belongs wherever its person has an application.
WITHOUT = {"accounts/codes.py"}


@pytest.fixture
def pune(db) -> Centre:
    """Of a region whose key is not its neighbours'."""
    make_region()
    return make_centre("PNQ", region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))


def listed(centre: Centre, *, phone: str = "") -> OfferList:
    """Three people of the centre behind one phone, on one list."""
    slots = [make_slot(centre=centre, day=in_days(2), hour=hour) for hour in (7, 8, 9)]
    offer_list, people = list_of(*slots, phone=phone)
    theirs = Application.objects.filter(appointments__in=people)
    theirs.update(region=centre.region, home_centre=centre)
    return offer_list


def at_one_phone(centre: Centre) -> Appointment:
    application = make_application(centre=centre, phone="+919876543210")
    slot = Slot.objects.filter(centre=centre).first() or make_slot(centre=centre, seats=20)
    return make_appointment(slot, application=application)


def scopes() -> set[str]:
    found = set(Message.objects.values_list("scope", flat=True))
    assert found
    return found


# --- Who enqueues -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ONE_BY_ONE)
def test_what_a_person_is_told_belongs_to_their_region(pune, kind):
    application = make_application(centre=pune, email="sunita@mail.example")
    appointment = make_appointment(make_slot(centre=pune), application=application)
    news = News(kind=kind, appointment=appointment, key="k", old=appointment.slot)
    assert messages.tell([news], now=timezone.now()) > 0
    assert scopes() == {scope_of(pune.region_id)}


@pytest.mark.parametrize("kind", sorted(listing.SAYS))
def test_what_many_behind_one_phone_are_told_belongs_to_their_region(pune, kind):
    says = sorted(listing.SAYS[kind])
    news = [
        News(kind=each, appointment=appointment, key=f"k{number}", old=appointment.slot)
        for number, each in enumerate(says * 3)
        for appointment in [at_one_phone(pune)]
    ]
    messages.tell(news, now=timezone.now())
    assert Message.objects.get().kind == kind
    assert scopes() == {scope_of(pune.region_id)}


def test_people_of_two_regions_behind_one_phone_share_no_message(pune):
    mumbai = make_centre("BOM", region=make_region("BOM", name_en="Mumbai", name_hi="मुंबई"))
    people = [at_one_phone(centre) for centre in (pune, mumbai) for _ in range(3)]
    news = [
        News(kind="HOLD", appointment=appointment, key=f"k{number}", old=appointment.slot)
        for number, appointment in enumerate(people)
    ]
    messages.tell(news, now=timezone.now())
    said = Message.objects.values_list("kind", "scope", "values__n")
    assert set(said) == {("HOLD_MANY", scope_of(each.region_id), 3) for each in (pune, mumbai)}


@pytest.mark.parametrize("kind", [kind.code for kind in ALERTS])
def test_alert_belongs_to_the_region_of_its_officers(pune, kind):
    officer = make_officer(region=pune.region)
    alerts.ask_for_sms(by=officer, phone="+919876543210")
    alert = Alert(kind=kind, region=pune.region, mark="m", page="/")
    assert alerts._send(alert, alerts._steering(pune.region), but=None, now=timezone.now()) == 2
    assert scopes() == {scope_of(pune.region_id)}


def test_code_belongs_nowhere(db):
    person = make_person()
    codes.issue(
        purpose="sign_in", person=person, channel="sms", address=person.phone, now=timezone.now()
    )
    assert scopes() == {""}


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Where in the apps something of this name is called: (file, call)."""
    root = Path(settings.BASE_DIR)
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and name in (
                    getattr(node.func, "id", ""),
                    getattr(node.func, "attr", ""),
                ):
                    yield str(path.relative_to(root)), node


def test_every_draft_says_where_it_belongs():
    drafts = list(calls("Draft"))
    assert {where for where, _call in drafts} >= {
        *("appointments/messages.py", "appointments/alerts.py", "notifications/fallback.py"),
        *WITHOUT,
    }
    for where, call in drafts:
        given = {keyword.arg for keyword in call.keywords}
        assert ("scope" in given) != (where in WITHOUT), f"{where}:{call.lineno}"


def test_messages_are_made_of_drafts_alone():
    assert {where for where, _call in calls("Message")} == {"notifications/outbox.py"}


@pytest.mark.parametrize("length", [24, 25])
def test_scope_is_short(db, length):
    now = timezone.now()

    def draft():
        return outbox.Draft(
            kind="OTP",
            channel="sms",
            address="+919876543210",
            language="en",
            values={"otp": "123456"},
            dedupe_key="k",
            scope="x" * length,
            urgent_by=now,
            expires_at=now,
        )

    if length > 24:
        with pytest.raises(ValueError, match="scope too long"):
            draft()
    else:
        assert outbox.enqueue([draft()], now=now) == 1
        assert scopes() == {"x" * length}


# --- Messages from before -----------------------------------------------------------------------


@pytest.fixture
def migration():
    return importlib.import_module("appointments.migrations.0010_message_scopes")


def from_before(*references: str) -> None:
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            dedupe_key=f"k{number}",
            kind="HOLD",
            channel="sms",
            address="+919876543210",
            language="hi",
            reference=reference,
            urgent_by=now,
            next_attempt_at=now,
            expires_at=now,
            created_at=now,
        )
        for number, reference in enumerate(references)
    )


@pytest.mark.parametrize("batch", [2, 2000])
def test_older_messages_get_the_region_of_what_they_are_about(pune, migration, monkeypatch, batch):
    monkeypatch.setattr(migration, "BATCH", batch)
    here = make_appointment(make_slot(centre=pune))
    there = make_appointment(make_slot(centre=make_centre()))
    offer_list = listed(pune)
    plan = offer_list.plan
    region, home = scope_of(pune.region_id), scope_of(there.application.region_id)
    expected = {
        f"appointment:{here.pk}": region,
        f"appointment:{there.pk}": home,
        f"offer-list:{offer_list.pk}": region,
        f"plan:{plan.pk}": scope_of(plan.region_id),
        **{
            f"{kind}:{pune.region_id}": region
            for kind, (model, *_) in migration.MATTERS.items()
            if model == "Region"
        },
        **dict.fromkeys(("", "appointment:0", "appointment:x", "plan_waits:0", "list:1"), ""),
        f"person:{make_person().pk}": "",
        f"x{ALERTS[0].code.lower()}:{pune.region_id}": "",
    }
    Message.objects.all().delete()  # those of the outages and plans
    from_before(*expected)
    migration.give_scopes(apps, None)
    assert dict(Message.objects.values_list("reference", "scope")) == expected


def test_outage_of_several_regions_is_of_no_scope(pune, migration):
    outage = declare_for_test(make_officer(region=pune.region), [], region=pune.region)
    Message.objects.all().delete()
    from_before(f"outage:{outage.pk}")
    migration.give_scopes(apps, None)
    assert scopes() == {""}


def test_filling_again_changes_nothing(pune, migration, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(migration, "BATCH", 10**9)  # one batch, whatever the keys are
    from_before(f"appointment:{make_appointment(make_slot(centre=pune)).pk}")
    migration.give_scopes(apps, None)
    with django_assert_num_queries(2):
        migration.give_scopes(apps, None)
    assert scopes() == {scope_of(pune.region_id)}
