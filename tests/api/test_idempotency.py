"""The same POST again gets the same answer and does nothing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.api import idempotency
from accounts.models import IdempotentRequest
from appointments import booking
from appointments.models import Hold, Slot
from tests.domain.builders import make_application, make_person, make_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def asking(app_of):
    person = make_person()
    application = make_application(claimed_by=person)
    return app_of(person), f"applications/{application.pk}/holds/", {"slot": make_slot(seats=1).pk}


def test_answer_is_replayed(asking):
    app, path, body = asking
    first, again = (app.post(path, body, key="one") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Slot.objects.get().taken == 1


def test_refusal_is_replayed_too(asking):
    app, path, _body = asking
    first, again = (app.post(path, {"slot": 999999}, key="one") for _ in range(2))
    assert (first.status_code, first.json()["code"]) == (404, "slot_not_found")
    assert (again.json(), again.headers["Content-Type"]) == (
        first.json(),
        "application/problem+json",
    )


def test_post_without_a_key_is_refused(asking):
    app, path, body = asking
    answer = app.client.post(
        f"/api/v1/{path}", body, content_type="application/json", headers=app.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert not Hold.objects.exists()


def test_key_of_another_request_is_refused(asking):
    app, path, body = asking
    app.post(path, body, key="one")
    answer = app.post(path, {"slot": make_slot(hour=12).pk}, key="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_two_people_may_use_the_same_key(asking, app_of):
    app, path, body = asking
    app.post(path, body, key="one")
    person = make_person()
    application = make_application(claimed_by=person)
    answer = app_of(person).post(f"applications/{application.pk}/holds/", body, key="one")
    assert answer.status_code == 409  # that the seat is taken, not the first one's answer
    assert answer.json()["code"] == "slot_full"


def test_conflict_is_not_kept_so_that_a_later_try_may_succeed(asking):
    app, path, body = asking
    slot = Slot.objects.get(pk=body["slot"])
    other = make_person()
    hold = booking.hold_seat(
        application=make_application(claimed_by=other), slot_id=slot.pk, by=other
    )
    assert app.post(path, body, key="one").status_code == 409
    booking.release_hold(hold_id=hold.pk, by=other)
    assert app.post(path, body, key="one").status_code == 201


def test_request_whose_process_died_is_answered_anew(asking, monkeypatch):
    app, path, body = asking
    monkeypatch.setattr(idempotency.Idempotent, "_keep", lambda *_: None)
    app.post(path, body, key="one")
    monkeypatch.undo()
    waiting = app.post(path, body, key="one")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_in_progress")
    row = IdempotentRequest.objects.get()
    IdempotentRequest.objects.update(claimed_until=row.created_at)
    again = app.post(path, body, key="one")
    assert again.status_code == 201
    assert Slot.objects.get(pk=body["slot"]).taken == 1


def test_fault_of_ours_leaves_no_claim(asking, monkeypatch):
    app, path, body = asking

    def break_down(**_kwargs):
        raise RuntimeError("planted")

    monkeypatch.setattr(booking, "hold_seat", break_down)
    assert app.post(path, body, key="one").status_code == 500
    monkeypatch.undo()
    assert app.post(path, body, key="one").status_code == 201


def test_answers_are_forgotten_after_a_day(asking):
    app, path, body = asking
    app.post(path, body)
    now = timezone.now()
    assert idempotency.delete_old(now=now) == 0
    assert idempotency.delete_old(now=now + idempotency.KEPT_FOR) == 1


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("idempotent_key_hashed", {"key_hash": "one"}),
        ("idempotent_answer_is_no_failure", {"status": 500}),
        ("idempotent_claim_lives", {"claimed_until": timezone.now() - idempotency.KEPT_FOR}),
    ],
)
def test_database_refuses_a_row_that_cannot_be(asking, name, fields):
    app, path, body = asking
    app.post(path, body)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        IdempotentRequest.objects.update(**fields)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_one_key_are_one_request(asking):
    app, path, body = asking
    gun = threading.Barrier(8)

    def ask(_number):
        try:
            gun.wait(timeout=120)
            return app.post(path, body, key="one").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(8)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Hold.objects.count() == 1
    assert Slot.objects.get(pk=body["slot"]).taken == 1
