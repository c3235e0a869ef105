"""Urgent travel: who may send, decide and withdraw, what it sets, and what becomes of the files."""

import datetime as dt
import os
from pathlib import Path

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments import plan_problem, private_files, proof_files, travel
from appointments.checks import check_private_files
from appointments.errors import Refusal
from appointments.models import Posting, ProofView, Region, TimelineEntry, TravelProof
from tests.domain import documents
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_person,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
State = TravelProof.State
DAY = dt.timedelta(days=1)


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}$")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PRIVATE_FILES_DIR = tmp_path / "private"
    return settings.PRIVATE_FILES_DIR


@pytest.fixture
def person():
    return make_person()


@pytest.fixture
def application(person):
    application = make_application(claimed_by=person)
    make_appointment(make_slot(), application=application)
    return application


@pytest.fixture
def officer():
    return make_officer()


def send(application, content=None, days=20, by=None):
    return travel.state_travel(
        application=application,
        travel_date=in_days(days),
        document=proof_files.judge(content or documents.pdf()),
        by=by or application.claimed_by,
    )


def files(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def events():
    return list(TimelineEntry.objects.values_list("event", "why"))


# --- Sending --------------------------------------------------------------------------------------


def test_proof_is_kept_with_what_is_known_of_it(application, person, folder):
    proof = send(application)
    assert (proof.state, proof.content_type, proof.uploaded_by) == (
        *(State.WAITING, "application/pdf"),
        person,
    )
    (kept,) = files(folder)
    assert kept.read_bytes() == documents.pdf()
    assert private_files.read(proof.stored_as, sha256=proof.sha256) == documents.pdf()
    assert events() == [("travel_sent", "")]
    application.refresh_from_db()
    assert not application.travel_proof_accepted
    assert application.travel_date is None


def test_file_is_for_this_account_alone_and_its_name_tells_nothing(application, folder):
    proof = send(application)
    (kept,) = files(folder)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {kept.parent.stat().st_mode & 0o777, folder.stat().st_mode & 0o777} == {0o700}
    assert application.arn[-4:] not in proof.stored_as
    assert len(Path(proof.stored_as).stem) == 32


def test_sending_the_same_again_makes_no_second_row_and_leaves_no_second_file(application, folder):
    assert send(application) == send(application)
    assert len(files(folder)) == 1
    assert len(events()) == 1


def test_another_one_while_one_is_checked_is_refused_and_its_file_is_gone(application, folder):
    send(application)
    with refused("proof_waiting"):
        send(application, documents.photo())
    assert len(files(folder)) == 1


def test_file_goes_when_the_transaction_fails(application, folder, monkeypatch):
    monkeypatch.setattr(travel, "_write", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(application)
    assert files(folder) == []
    assert not TravelProof.objects.exists()


@pytest.mark.parametrize(
    ("days", "code"),
    [(0, "travel_date_passed"), (-1, "travel_date_passed"), (181, "travel_date_far")],
)
def test_day_of_travel_is_to_come_and_not_far(application, days, code):
    with refused(code):
        send(application, days=days)


def test_only_the_owner_sends(application):
    with refused("not_yours"):
        send(application, by=make_person())


def test_nobody_sends_after_the_visit(person):
    seen = make_application(claimed_by=person)
    make_appointment(make_slot(), application=seen, state="completed")
    with refused("visit_done"):
        send(seen)


# --- Deciding -------------------------------------------------------------------------------------


def test_accepted_proof_puts_the_person_first_in_plans(application, officer):
    proof = send(application)
    travel.accept(proof_id=proof.pk, by=officer)
    application.refresh_from_db()
    assert (application.travel_date, application.travel_proof_accepted) == (in_days(20), True)
    assert plan_problem.own_tier(application, timezone.localdate()) == "urgent"
    proof.refresh_from_db()
    assert proof.reviewed_by == officer
    assert events()[-1] == ("travel_yes", "")


def test_refused_proof_says_why_and_counts_for_nothing(application, officer):
    proof = send(application)
    travel.refuse(proof_id=proof.pk, reason="other_name", by=officer)
    application.refresh_from_db()
    assert not application.travel_proof_accepted
    assert events()[-1] == ("travel_no", "other_name")


def test_deciding_again_changes_nothing(application, officer):
    proof = send(application)
    for _ in range(2):
        travel.accept(proof_id=proof.pk, by=officer)
    assert len(events()) == 2
    for reason in ("no_date", "other_name"):
        travel.refuse(proof_id=proof.pk, reason=reason, by=officer)
    proof.refresh_from_db()
    assert proof.reason == "no_date"
    assert len(events()) == 3


def test_refusing_an_accepted_one_unsets_what_it_set(application, officer):
    proof = send(application)
    travel.accept(proof_id=proof.pk, by=officer)
    travel.refuse(proof_id=proof.pk, reason="no_date", by=officer, seen="accepted")
    application.refresh_from_db()
    assert (application.travel_date, application.travel_proof_accepted) == (None, False)


def test_second_officer_does_not_overturn_what_they_have_not_seen(application, officer):
    proof = send(application)
    travel.accept(proof_id=proof.pk, by=officer, seen="waiting")
    with refused("proof_decided"):
        travel.refuse(proof_id=proof.pk, reason="no_date", by=make_officer(), seen="waiting")


def test_newer_accepted_proof_replaces_the_older_one(application, officer):
    first = send(application)
    travel.accept(proof_id=first.pk, by=officer)
    second = send(application, days=30)
    travel.accept(proof_id=second.pk, by=officer)
    first.refresh_from_db()
    application.refresh_from_db()
    assert first.state == State.WITHDRAWN
    assert application.travel_date == in_days(30)
    with refused("proof_ended"):
        travel.accept(proof_id=first.pk, by=officer)


def test_proof_of_a_journey_that_has_begun_is_not_accepted(application, officer):
    proof = send(application, days=2)
    with time_machine.travel(timezone.now() + 2 * DAY), refused("travel_date_passed"):
        travel.accept(proof_id=proof.pk, by=officer)


def test_without_an_appointment_there_is_no_timeline_to_write(person, officer):
    proof = send(make_application(claimed_by=person))
    travel.accept(proof_id=proof.pk, by=officer)
    assert events() == []


def posted(role, *, here=True, **fields):
    region = None
    if not here:
        region = Region.objects.create(code="X", name_en="X", name_hi="X")
    code = "BPL" if here else "XXX"
    centre = make_centre(code, region=region) if role == Posting.Role.CENTRE else None
    return make_officer(role, region=region or make_region(), centre=centre, **fields)


@pytest.mark.parametrize("role", Posting.Role.values)
@pytest.mark.parametrize("verb", ["accept", "refuse", "open"])
@pytest.mark.parametrize("where", ["here", "elsewhere", "closed"])
def test_officers_of_the_region_and_of_the_home_centre_decide_nobody_else(
    application, role, verb, where
):
    proof = send(application)
    officer = posted(role, here=where != "elsewhere", is_active=where != "closed")
    call = {
        "accept": lambda: travel.accept(proof_id=proof.pk, by=officer),
        "refuse": lambda: travel.refuse(proof_id=proof.pk, reason="no_date", by=officer),
        "open": lambda: travel.open_document(proof_id=proof.pk, by=officer),
    }[verb]
    if where == "here":
        call()
        return
    with refused("not_permitted"):
        call()
    proof.refresh_from_db()
    assert proof.state == State.WAITING
    assert not ProofView.objects.exists()


def test_another_centre_of_the_region_and_the_applicant_do_not_decide(application, person):
    proof = send(application)
    neighbour = make_officer(Posting.Role.CENTRE, centre=make_centre("IDR"))
    for somebody in (neighbour, person):
        with refused("not_permitted"):
            travel.accept(proof_id=proof.pk, by=somebody)


def test_opening_the_document_is_written_down(application, officer):
    proof = send(application)
    travel.open_document(proof_id=proof.pk, by=officer)
    assert ProofView.objects.get().officer == officer


# --- Withdrawing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [False, True])
def test_withdrawing_takes_back_what_it_set_and_makes_room_for_another(
    application, person, officer, accepted
):
    proof = send(application)
    if accepted:
        travel.accept(proof_id=proof.pk, by=officer)
    for _ in range(2):
        travel.withdraw(proof_id=proof.pk, by=person)
    application.refresh_from_db()
    assert (application.travel_date, application.travel_proof_accepted) == (None, False)
    assert [event for event, _why in events()].count("travel_back") == 1
    assert send(application).state == State.WAITING


def test_withdrawing_anothers_proof_tells_nothing(application):
    with refused("proof_not_found"):
        travel.withdraw(proof_id=send(application).pk, by=make_person())
    with refused("proof_not_found"):
        travel.withdraw(proof_id=10**9, by=make_person())


def test_refused_proof_cannot_be_withdrawn_nor_a_withdrawn_one_accepted(
    application, person, officer
):
    proof = send(application)
    travel.refuse(proof_id=proof.pk, reason="no_date", by=officer)
    with refused("proof_ended"):
        travel.withdraw(proof_id=proof.pk, by=person)
    second = send(application, days=30)
    travel.withdraw(proof_id=second.pk, by=person)
    with refused("proof_ended"):
        travel.accept(proof_id=second.pk, by=officer)


# --- Deleting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["accept", "refuse", "withdraw"])
def test_file_is_deleted_days_after_the_end(application, person, officer, folder, settings, end):
    settings.PROOF_KEPT_DAYS = 5
    proof = send(application)
    if end == "withdraw":
        travel.withdraw(proof_id=proof.pk, by=person)
    elif end == "accept":
        travel.accept(proof_id=proof.pk, by=officer)
    else:
        travel.refuse(proof_id=proof.pk, reason="no_date", by=officer)
    with time_machine.travel(timezone.now() + 4.9 * DAY):
        travel.forget(now=timezone.now())
        assert len(files(folder)) == 1
    with time_machine.travel(timezone.now() + 5.1 * DAY):
        assert travel.forget(now=timezone.now()) == 1
        assert travel.forget(now=timezone.now()) == 0
    proof.refresh_from_db()
    assert files(folder) == []
    assert (proof.stored_as, proof.file_deleted_at is not None) == ("", True)
    application.refresh_from_db()
    assert application.travel_proof_accepted == (end == "accept")


def test_unseen_proof_lapses_when_the_day_of_travel_is_over(application, officer, folder):
    proof = send(application, days=3)
    with time_machine.travel(timezone.now() + 5 * DAY):
        travel.forget(now=timezone.now())
        proof.refresh_from_db()
        assert proof.state == State.LAPSED
        assert files(folder) == []
        with refused("proof_ended"):
            travel.accept(proof_id=proof.pk, by=officer)


def test_file_that_no_row_names_is_deleted_after_an_hour(application, folder):
    proof = send(application)
    private_files.keep(b"left by a process that died", suffix=".pdf")
    assert travel.forget(now=timezone.now()) == 0
    for path in files(folder):
        hours_ago = path.stat().st_mtime - 3700
        os.utime(path, (hours_ago, hours_ago))
    assert travel.forget(now=timezone.now()) == 1
    assert private_files.read(proof.stored_as, sha256=proof.sha256)


def test_row_says_that_its_file_is_gone_before_it_goes(application, folder, monkeypatch):
    proof = send(application, days=3)

    def dies(name):
        raise OSError("pulled plug")

    monkeypatch.setattr(private_files, "delete", dies)
    with time_machine.travel(timezone.now() + 5 * DAY), pytest.raises(OSError, match="plug"):
        travel.forget(now=timezone.now())
    proof.refresh_from_db()
    assert proof.file_deleted_at
    assert len(files(folder)) == 1  # without a row: the next round's


def test_looks_are_kept_for_a_year(application, officer):
    travel.open_document(proof_id=send(application).pk, by=officer)
    for days, left in ((364, 1), (366, 0)):
        travel.forget(now=timezone.now() + days * DAY)
        assert ProofView.objects.count() == left


def test_changed_or_missing_file_is_not_handed_out(application, folder):
    proof = send(application)
    files(folder)[0].write_bytes(b"%PDF-something else")
    assert private_files.read(proof.stored_as, sha256=proof.sha256) is None
    files(folder)[0].unlink()
    assert private_files.read(proof.stored_as, sha256=proof.sha256) is None


# --- The folder -----------------------------------------------------------------------------------


def test_folder_that_others_read_or_that_is_served_is_refused(settings, folder, tmp_path):
    assert check_private_files(None) == []
    folder.mkdir(mode=0o700)
    assert check_private_files(None) == []
    folder.chmod(0o755)
    assert [found.id for found in check_private_files(None)] == ["appointments.E002"]
    settings.STATIC_ROOT = tmp_path
    assert [found.id for found in check_private_files(None)] == ["appointments.E001"]


# --- The database is the judge --------------------------------------------------------------------


def row(**fields):
    now = timezone.now()
    defaults = {
        "application": fields.get("application") or make_application(),
        "travel_date": in_days(9),
        "stored_as": "travel/x.pdf",
        "content_type": "application/pdf",
        "size": 9,
        "sha256": "a" * 64,
        "uploaded_at": now,
        "delete_after": now + DAY,
    }
    return TravelProof.objects.create(**{**defaults, **fields})


def decided(**fields):
    return {"reviewed_at": timezone.now(), "reviewed_by": make_officer(), **fields}


def twice(**fields):
    application = make_application()
    for _ in range(2):
        row(application=application, **fields)


GONE = {"stored_as": "", "file_deleted_at": timezone.now()}
BREAKERS = {
    "travelproof_one_waiting_per_application": lambda: twice(),
    "travelproof_one_accepted_per_application": lambda: twice(**decided(state="accepted")),
    "travelproof_reviewed_exactly_when_decided": lambda: row(**decided()),
    "travelproof_reason_exactly_when_refused": lambda: row(**decided(state="refused")),
    "travelproof_withdrawn_has_time": lambda: row(state="withdrawn"),
    "travelproof_file_gone_exactly_when_deleted": lambda: row(state="lapsed", stored_as=""),
    "travelproof_waiting_has_its_file": lambda: row(**GONE),
    "travelproof_file_not_empty": lambda: row(size=0),
    "travelproof_kind_of_file": lambda: row(content_type="text/html"),
    "travelproof_sha256_form": lambda: row(sha256="A" * 64),
    "travelproof_deleted_after_upload": lambda: row(delete_after=timezone.now() - DAY),
}
MORE_BREAKERS = {
    "travelproof_reviewed_exactly_when_decided": [
        lambda: row(state="accepted"),
        lambda: row(**{**decided(state="accepted"), "reviewed_by": None}),
        lambda: row(state="lapsed", **decided()),
    ],
    "travelproof_reason_exactly_when_refused": [lambda: row(reason="no_date")],
    "travelproof_withdrawn_has_time": [lambda: row(withdrawn_at=timezone.now())],
    "travelproof_file_gone_exactly_when_deleted": [
        lambda: row(state="lapsed", file_deleted_at=timezone.now())
    ],
}


def test_every_constraint_of_proofs_has_a_test():
    assert {constraint.name for constraint in TravelProof._meta.constraints} == set(BREAKERS)


@pytest.mark.parametrize("name", BREAKERS)
def test_constraint_refuses_what_it_names(name, on_postgresql):
    for broken in (BREAKERS[name], *MORE_BREAKERS.get(name, ())):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            broken()
        assert name in str(refusal.value) or (not on_postgresql and "UNIQUE" in str(refusal.value))
