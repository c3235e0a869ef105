"""People in doubt whose notice was taken back: who is counted, and how they are told after all."""

import uuid

import pytest
from django.utils import timezone

from appointments import outages, untold
from appointments.cuts import Cut
from appointments.errors import Refusal
from appointments.models import Appointment, Call
from notifications import batches
from notifications.models import Message
from tests.domain.builders import (
    declare_for_test,
    make_application,
    make_appointment,
    make_officer,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
State = Message.State
PHONE = "+919812345678"


@pytest.fixture
def officer():
    return make_officer()


@pytest.fixture
def slot():
    return make_slot(seats=4)


def nothing_stays(slot):
    return [Cut(slot.centre_id, slot.date, slot.quota, 0)]


def declared(officer, slot):
    return declare_for_test(officer, nothing_stays(slot))


def take_back(outage):
    batches.cancel(batch=f"hold:{outage.pk}", by="officer 1", reason="Wrong words")


def untold_of(outage):
    return set(untold.people([outage.pk]).values_list("pk", flat=True))


def holds(**which):
    return Message.objects.filter(kind__in=["HOLD", "HOLD_MANY"], **which)


def left(notices):
    notices.update(state=State.ACCEPTED, sent_at=timezone.now())


def with_email(slot, **fields):
    application = make_application(centre=slot.centre, email="a@example.org", **fields)
    return make_appointment(slot, application=application)


def test_nobody_is_untold_while_notices_wait_or_have_left(officer, slot):
    make_appointment(slot)
    outage = declared(officer, slot)
    assert untold_of(outage) == set()
    left(holds())
    assert untold_of(outage) == set()
    take_back(outage)
    assert untold_of(outage) == set()


def test_notice_taken_back_leaves_people_untold_until_the_doubt_ends(officer, slot):
    people = {make_appointment(slot).pk, with_email(slot).pk}
    outage = declared(officer, slot)
    take_back(outage)
    assert untold_of(outage) == people
    outages.restore(outage_id=outage.pk, by=officer)
    assert untold_of(outage) == set()


def test_one_channel_that_left_is_enough(officer, slot):
    with_email(slot)
    outage = declared(officer, slot)
    left(holds(channel="email"))
    take_back(outage)
    assert holds(state=State.CANCELLED).count() == 1
    assert untold_of(outage) == set()


def test_family_whose_one_sms_was_taken_back(officer, slot):
    people = {
        make_appointment(slot, application=make_application(phone=PHONE, centre=slot.centre)).pk
        for _ in range(3)
    }
    outage = declared(officer, slot)
    assert set(holds().values_list("kind", flat=True)) == {"HOLD_MANY"}
    assert untold_of(outage) == set()
    take_back(outage)
    assert untold_of(outage) == people
    assert untold.tell_again(outage_id=outage.pk, by=officer) == 3
    assert untold_of(outage) == set()


def test_told_by_phone_is_told(officer, slot):
    person = make_appointment(slot)
    outage = declared(officer, slot)
    take_back(outage)
    Call.objects.create(
        key=uuid.uuid4(),
        appointment=person,
        centre=slot.centre,
        officer=officer,
        at=timezone.now(),
        outcome=Call.Outcome.REACHED,
        told=Call.Subject.IN_DOUBT,
    )
    assert untold_of(outage) == set()


def test_notice_of_an_earlier_doubt_does_not_count(officer, slot):
    person = make_appointment(slot)
    earlier = declared(officer, slot)
    left(holds())
    outages.restore(outage_id=earlier.pk, by=officer)
    later = declared(officer, slot)
    take_back(later)
    assert untold_of(later) == {person.pk}
    assert untold_of(earlier) == set()


def test_tell_again_writes_anew_once_and_after_the_grace(officer, slot):
    person = make_appointment(slot)
    told = make_appointment(slot)
    outage = declared(officer, slot)
    left(holds(reference=f"appointment:{told.pk}"))
    take_back(outage)
    assert untold.tell_again(outage_id=outage.pk, by=officer) == 1
    anew = holds(state=State.QUEUED).get()
    assert anew.reference == f"appointment:{person.pk}"
    assert anew.batch == f"hold:{outage.pk}"
    assert anew.next_attempt_at == outage.grace_until
    assert untold_of(outage) == set()
    assert untold.tell_again(outage_id=outage.pk, by=officer) == 0
    written = outage.log.get(event="notices_sent")
    assert (written.actor, written.facts) == (officer, {"people": 1})


def test_tell_again_leaves_at_once_after_the_grace_and_may_be_sent_now_within_it(officer, slot):
    make_appointment(slot)
    outage = declared(officer, slot)
    take_back(outage)
    untold.tell_again(outage_id=outage.pk, by=officer)
    outages.send_notices_now(outage_id=outage.pk, by=officer)
    take_back(outage)
    untold.tell_again(outage_id=outage.pk, by=officer)
    assert holds(state=State.QUEUED, next_attempt_at__lte=timezone.now()).count() == 1


def test_outage_taken_back_takes_the_new_notices_back_too(officer, slot):
    make_appointment(slot)
    outage = declared(officer, slot)
    take_back(outage)
    untold.tell_again(outage_id=outage.pk, by=officer)
    outages.take_back(outage_id=outage.pk, by=officer)
    assert not holds(state=State.QUEUED).exists()
    assert Appointment.objects.get().state == Appointment.State.CONFIRMED
    with pytest.raises(Refusal, match="outage_not_open"):
        untold.tell_again(outage_id=outage.pk, by=officer)


def test_officer_of_another_region_tells_nobody(officer, slot):
    make_appointment(slot)
    outage = declared(officer, slot)
    take_back(outage)
    with pytest.raises(Refusal, match="not_permitted"):
        untold.tell_again(outage_id=outage.pk, by=make_officer(region=make_region("PNQ")))


def test_people_are_found_in_one_query(officer, slot, django_assert_num_queries):
    for _ in range(4):
        make_appointment(slot)
    outage = declared(officer, slot)
    take_back(outage)
    with django_assert_num_queries(1):
        assert untold.people([outage.pk])[:1001].count() == 4
