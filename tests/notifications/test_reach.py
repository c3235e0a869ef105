"""What reached nobody: asked for by reference, cleared once."""

import datetime as dt

import pytest
from django.utils import timezone

from notifications import missed, reach
from notifications.models import Message, NotReached
from tests.notifications.builders import NOW, minutes, queued

pytestmark = pytest.mark.django_db


def lost(reference="appointment:1", *, notice="", urgent=60, **fields):
    return NotReached.objects.create(
        notice=notice or f"notice:{NotReached.objects.count()}",
        reference=reference,
        kind="PLAIN",
        urgent_by=NOW + minutes(urgent),
        why="no receipt",
        **{"since": NOW, **fields},
    )


def test_open_ones_come_by_urgency_without_those_that_are_cleared():
    later, sooner = lost(urgent=90), lost(urgent=30)
    lost(urgent=10, cleared_at=NOW)
    assert list(reach.open_ones()) == [sooner, later]


def test_numbers_are_those_of_the_prefix_alone():
    for reference in ("appointment:7", "appointment:12", "appointments:3", "offer-list:4", "x", ""):
        lost(reference)
    lost("appointment:9", cleared_at=NOW)
    lost("appointment:nine")
    assert set(reach.numbers("appointment")) == {7, 12}
    assert set(reach.numbers("offer-list")) == {4}


def test_numbers_are_a_subquery():
    row = lost(f"appointment:{lost().pk}")
    assert NotReached.objects.filter(pk__in=reach.numbers("appointment")).exclude(pk=row.pk)


def test_about_names_only_references_with_open_notices():
    later, sooner = lost("appointment:1", urgent=90), lost("appointment:1", urgent=30)
    lost("appointment:2", cleared_at=NOW)
    lost("appointment:3")
    found = reach.about(["appointment:1", "appointment:2", "appointment:4"])
    assert found == {"appointment:1": [sooner, later]}


def test_arrived_tells_when_the_newest_delivered_message_was_written():
    for number, state in ((1, "delivered"), (2, "delivered"), (3, "accepted")):
        message = queued(number, now=NOW + minutes(number), reference="appointment:1")
        gone = {"sent_at": NOW + minutes(9)}
        if state == "delivered":
            gone["delivered_at"] = NOW + minutes(10)
        Message.objects.filter(pk=message.pk).update(state=state, **gone)
    queued(4, reference="appointment:2")
    found = reach.arrived(["appointment:1", "appointment:2"])
    assert found == {"appointment:1": NOW + minutes(2)}


def test_clear_by_reference_takes_every_notice_about_it_and_no_other():
    rows = [lost("appointment:1"), lost("appointment:1"), lost("appointment:11")]
    assert reach.clear(now=NOW, references=["appointment:1"]) == 2
    assert list(reach.open_ones()) == [rows[2]]


def test_clear_by_notice_leaves_the_other_notices_of_the_matter():
    row, other = lost("appointment:1", notice="a"), lost("appointment:1", notice="b")
    missed.clear(["a"], at=NOW)
    row.refresh_from_db()
    assert row.cleared_at == NOW
    assert list(reach.open_ones()) == [other]


def test_clear_again_changes_nothing():
    row = lost("appointment:1", notice="a")
    reach.clear(now=NOW, references=["appointment:1"])
    later = NOW + dt.timedelta(hours=1)
    missed.clear(["a"], at=later)
    assert reach.clear(now=later, references=["appointment:1"]) == 0
    row.refresh_from_db()
    assert row.cleared_at == NOW


def test_nothing_named_clears_nothing():
    lost("")
    missed.clear([""], at=timezone.now())
    assert reach.clear(now=timezone.now(), references=[]) == 0
    assert reach.clear(now=timezone.now(), references=[""]) == 0
    assert reach.open_ones().count() == 1


def test_many_references_are_cleared_in_a_few_statements(django_assert_max_num_queries):
    count = reach.CHUNK + 500
    NotReached.objects.bulk_create(
        NotReached(
            notice=f"many:{n}",
            reference=f"appointment:{n}",
            kind="PLAIN",
            urgent_by=NOW,
            why="no receipt",
            since=NOW,
        )
        for n in range(count)
    )
    with django_assert_max_num_queries(8):
        cleared = reach.clear(now=NOW, references=[f"appointment:{n}" for n in range(count)])
    assert cleared == count
