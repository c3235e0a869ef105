"""The page of an outage and its steps: what they say, and that they call the verbs."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from appointments import message_batches, plans, seats
from appointments.models import Appointment, Outage, Plan
from appointments.outages import declare
from notifications import batches
from notifications.models import Message
from tests.domain.builders import at, in_days, make_centre, make_person, make_region, make_slot
from tests.officers import steps

pytestmark = pytest.mark.django_db
State = Appointment.State
LATER = dt.timedelta(minutes=11)


@pytest.fixture
def officer(desk):
    return desk()


@pytest.fixture
def outage(officer, office):
    """6 of 16 seats stay on each of two days."""
    return steps.declare(office, officer.officer, seats=6)


def page(outage, step="change"):
    return f"/officers/appointments/outage/{outage.pk}/{step}/"


def test_page_shows_where_it_stands(officer, outage):
    text = officer.go(page(outage)).text
    assert "in doubt 32" in text
    assert "Notices leave after the grace" in text
    assert "Grace until" in text
    assert "0 of 32 sent · 32 waiting" in text
    assert "6 of 16" in text
    assert outage.text_hi.split("\n")[0] in text
    assert f"Declared by {officer.officer.name}" in text


@pytest.mark.parametrize("step", ["send", "take-back", "tell", "restore", "cut", "prepare"])
def test_opening_a_step_changes_nothing(officer, outage, step):
    before = Outage.objects.values().get()
    officer.go(page(outage, step))
    assert Outage.objects.values().get() == before
    assert not Plan.objects.exists()
    assert outage.log.count() == 1


def test_send_now_lets_the_notices_leave(officer, outage):
    officer.go(page(outage, "send"))
    assert "32 messages" in officer.text
    officer.send()
    assert "The notices are leaving." in officer.text
    assert Message.objects.filter(kind="HOLD", next_attempt_at__lte=timezone.now()).count() == 32
    assert "Take back" not in officer.text


def test_send_now_says_that_a_pause_holds_the_notices_and_changes_nothing(officer, outage):
    officer.go(page(outage, "send"))
    by = message_batches.label_of(officer.officer)
    batches.pause(batch=f"hold:{outage.pk}", by=by, reason="Wait")
    officer.send()
    assert "The notices are paused: none would leave." in officer.text
    assert "The notices are leaving." not in officer.text
    assert "The notices are paused: let their batch go on" in officer.text
    assert page(outage, "take-back") in officer.page.content.decode()
    officer.go(page(outage, "send"))
    assert "32 messages are held back by a pause" in officer.text
    assert f"/batches/hold:{outage.pk}/" in officer.page.content.decode()
    assert "Send the notices now" not in officer.text
    assert Message.objects.filter(kind="HOLD", next_attempt_at__lte=timezone.now()).count() == 0
    assert outage.log.count() == 1


def test_send_now_says_that_the_notices_were_taken_back_and_changes_nothing(officer, outage):
    officer.go(page(outage, "send"))
    by = message_batches.label_of(officer.officer)
    batches.cancel(batch=f"hold:{outage.pk}", by=by, reason="Wrong")
    officer.send()
    assert "The notices were taken back: none would leave." in officer.text
    assert "The notices are leaving." not in officer.text
    assert page(outage, "take-back") in officer.page.content.decode()
    officer.go(page(outage, "send"))
    assert "32 messages were taken back and will not leave." in officer.text
    outage.refresh_from_db()
    assert outage.grace_until > timezone.now()


def test_send_now_counts_what_was_taken_back_beside_what_leaves(officer, outage):
    one = Message.objects.filter(kind="HOLD").first()
    Message.objects.filter(pk=one.pk).update(state=Message.State.CANCELLED)
    officer.go(page(outage, "send"))
    assert "31 messages" in officer.text
    assert "1 message was taken back and will not leave." in officer.text
    officer.send()
    assert "The notices are leaving. 1 message was taken back" in officer.text


def test_people_whose_notice_was_taken_back_are_named_until_it_is_sent_again(
    desk, officer, outage, office
):
    first = "/officers/"
    assert "not told" not in officer.go(page(outage)).text
    by = message_batches.label_of(officer.officer)
    batches.cancel(batch=f"hold:{outage.pk}", by=by, reason="Wrong")
    clerk = desk("centre", centre=office.sagar)
    assert "8 people in doubt are not told." in clerk.go(first).text
    assert page(outage, "tell") not in clerk.go(page(outage)).page.content.decode()
    assert "32 people in doubt are not told." in officer.go(first).text
    assert "32 people in doubt are not told." in officer.go(page(outage)).text
    assert "The notices were taken back: send them again" in officer.text
    assert page(outage, "tell") in officer.page.content.decode()
    officer.go(page(outage, "tell"))
    assert "No message tells 32 people in doubt" in officer.text
    officer.send()
    assert "The notice is written anew to 32 people." in officer.text
    assert "not told" not in officer.text
    assert "not told" not in officer.go(first).text
    assert "Nobody in doubt is left" in officer.go(page(outage, "tell")).text


def test_take_back_puts_everything_back(officer, outage):
    officer.go(page(outage, "take-back")).send()
    assert "is taken back. Nobody was told of it." in officer.text
    assert Appointment.objects.filter(state=State.CONFIRMED).count() == 32
    assert seats.check() == []


def test_take_back_after_the_grace_is_refused_in_words(officer, outage):
    officer.go(page(outage, "take-back"))
    with time_machine.travel(timezone.now() + LATER):
        officer.send()
        assert "have passed" in officer.text
        officer.go(page(outage, "take-back"))
        assert officer.url == page(outage)
    outage.refresh_from_db()
    assert outage.is_open


def test_change_of_the_cut_starts_with_what_is_in_force(officer, outage, office):
    officer.go(page(outage, "cut"))
    assert officer.fields["days"] == [day.isoformat() for day in office.days]
    officer.send("preview")
    assert sorted(officer.cells.values()) == ["1", "1", "2", "2", "3", "3"]


def test_cut_is_extended_by_a_day_cut_like_the_last_one(officer, outage, office):
    days = [*(day.isoformat() for day in office.days), in_days(3).isoformat()]
    officer.go(page(outage, "cut")).send("preview", {"days": days}).send("do")
    assert "The cut is changed." in officer.text
    assert sum(outage.cuts.filter(date=in_days(3)).values_list("seats_left", flat=True)) == 6
    assert seats.check() == []


def test_day_that_is_not_ticked_is_lifted(officer, outage, office):
    officer.go(page(outage, "cut")).send("preview", {"days": [in_days(1).isoformat()]})
    assert "Lifted:" in officer.text
    officer.send("do")
    assert Appointment.objects.filter(state=State.IN_DOUBT, slot__date=in_days(2)).count() == 0
    assert seats.check() == []


def test_wrong_number_in_the_changed_cut_loses_nothing(officer, outage, office):
    officer.go(page(outage, "cut")).send("preview", {"seats": "total", "total": "8"})
    name = next(iter(officer.cells))
    before = officer.cells
    officer.send("do", {name: "999"})
    assert "A whole number from 0 to" in officer.text
    assert officer.cells == {**before, name: "999"}
    assert outage.cuts.filter(seats_left__gt=8).count() == 0


def test_restore_tells_people_and_lifts_the_cut(officer, outage):
    left = {"state": Message.State.ACCEPTED, "sent_at": timezone.now()}
    Message.objects.filter(kind="HOLD").update(**left)
    with time_machine.travel(timezone.now() + LATER):
        officer.go(page(outage, "restore"))
        assert "In doubt now: 32." in officer.text
        assert "told that their appointment stands" in officer.text
        officer.send()
    assert Appointment.objects.filter(state=State.CONFIRMED).count() == 32
    assert Message.objects.filter(kind="STANDS").count() == 32
    assert "Prepare a plan" not in officer.text
    assert seats.check() == []


def test_steps_of_an_ended_outage_lead_back_to_its_page(officer, outage):
    officer.go(page(outage, "restore")).send()
    for step in ("send", "take-back", "tell", "restore", "cut", "prepare"):
        officer.go(page(outage, step))
        assert officer.url == page(outage)
        assert "This outage has ended." in officer.text


def test_prepare_stores_a_plan_with_the_policy_and_moves_nobody(officer, outage):
    officer.go(page(outage, "prepare"))
    officer.send(
        changes={"silence": "requeue", "max_km": "100", "reserve": "0", "horizon_days": "30"}
    )
    plan = Plan.objects.get()
    assert officer.url == f"/officers/appointments/plan/{plan.pk}/change/"
    assert plan.silence == Plan.Silence.REQUEUE
    assert (plan.policy["max_km"], plan.policy["reserve_share"]) == (100, 0)
    assert plan.policy["horizon_days"] == 30
    assert Appointment.objects.filter(state=State.IN_DOUBT).count() == 32


@pytest.mark.parametrize(
    "changes", [{"reserve": "101"}, {"horizon_days": "x"}, {"max_km": "7"}, {"silence": "shout"}]
)
def test_wrong_policy_is_an_error_at_its_field(officer, outage, changes):
    officer.go(page(outage, "prepare")).send(changes={"lead_hours": "24", **changes})
    assert officer.fields["lead_hours"] == ["24"]
    assert "Something has to be mended" in officer.text
    assert not Plan.objects.exists()


def test_refusal_of_the_verb_stands_in_the_form(officer, outage):
    officer.go(page(outage, "prepare"))
    Appointment.objects.update(state=State.CANCELLED)
    seats.recount()
    officer.send()
    assert "there is nobody to move" in officer.text


# --- Who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["send", "take-back", "tell", "restore", "cut", "prepare"])
def test_centre_officer_sees_the_page_but_no_step(desk, outage, office, step):
    clerk = desk("centre", centre=office.bhopal)
    clerk.go(page(outage))
    assert "Prepare a plan" not in clerk.fields
    assert page(outage, step) not in clerk.page.content.decode()
    clerk.go(page(outage, step), status=403)
    clerk.url = page(outage, step)
    clerk.send("do", status=403)
    assert outage.log.count() == 1


def test_officer_of_another_region_does_not_see_it(desk, outage):
    abroad = desk(region=make_region("PNQ", name_en="Pune", name_hi="पुणे"))
    for step in ("change", "send", "restore"):
        abroad.go(page(outage, step), status=404)
    abroad.go("/officers/appointments/outage/")
    assert str(outage) not in abroad.text


def test_officer_plans_the_own_region_of_a_wider_outage_but_does_not_restore_it(desk, office):
    pune = make_region("PNQ", name_en="Pune", name_hi="पुणे")
    make_slot(centre=make_centre("PUN", region=pune), day=in_days(1))
    chief = desk().officer
    chief.is_superuser = True
    chief.save()
    wide = declare(
        by=chief,
        request_key="6d2b0fbc-0000-4000-8000-000000000000",  # type: ignore[arg-type]
        scope=Outage.Scope.ALL,
        since=timezone.now(),
        cause="server",
        text_en="Down",
        text_hi="बंद",
        cuts=[],
    )
    local = desk()
    local.go(page(wide))
    assert page(wide, "prepare") in local.page.content.decode()
    assert page(wide, "restore") not in local.page.content.decode()
    local.go(page(wide, "restore"), status=403)
    local.go(page(wide, "prepare"))
    assert "Pune" not in local.text


def test_applicant_sees_nothing_of_it(client, outage):
    client.force_login(make_person())
    for step in ("change", "restore", "take-back"):
        assert client.post(page(outage, step)).status_code == 404
    outage.refresh_from_db()
    assert outage.is_open


def test_page_itself_takes_no_post(officer, outage):
    officer.go(page(outage))
    officer.send("do", {"state": "restored"}, status=403)


def test_page_takes_a_fixed_number_of_queries(
    officer, outage, office, django_assert_max_num_queries
):
    plans.prepare(outage_id=outage.pk, region_id=office.region.pk, by=officer.officer)
    with django_assert_max_num_queries(40):
        officer.go(page(outage))


def test_unknown_outage_is_not_found(officer):
    officer.go("/officers/appointments/outage/99/change/", status=404)
    officer.go("/officers/appointments/outage/nonsense/change/", status=404)


def test_hours_are_indian(officer, outage):
    Outage.objects.update(since=at(in_days(0), 9, 5))
    assert f"since {_short(in_days(0))} 09:05" in officer.go(page(outage)).text


def _short(day):
    return f"{day:%a} {day.day}/{day.month}"
