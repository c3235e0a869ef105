"""Checking proofs of travel: the work list, the document, the decision, and who may do what."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from appointments import proof_files, travel
from appointments.models import Posting, ProofView, Region, TravelProof
from tests.domain import documents
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_person,
    make_slot,
)

pytestmark = pytest.mark.django_db
LIST = reverse("admin:appointments_travelproof_changelist")
State = TravelProof.State


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PRIVATE_FILES_DIR = tmp_path / "private"
    return settings.PRIVATE_FILES_DIR


def url(proof, step="change"):
    return reverse(f"admin:appointments_travelproof_{step}", args=[proof.pk])


def send(centre, *, name="Sunita Verma", content=None):
    person = make_person()
    application = make_application(centre=centre, claimed_by=person, name=name)
    minute = TravelProof.objects.count()
    slot = make_slot(centre=centre, day=in_days(5), hour=16, minute=minute)
    make_appointment(slot, application=application)
    return travel.state_travel(
        application=application,
        travel_date=in_days(20),
        document=proof_files.judge(content or documents.photo()),
        by=person,
    )


@pytest.fixture
def proof(office):
    return send(office.bhopal)


def test_first_page_counts_what_waits_and_leads_there(desk, proof):
    at = desk().go(reverse("admin:index"))
    assert "1 to check" in at.text
    assert LIST in at.page.content.decode()


def test_list_shows_those_who_wait_the_oldest_first(desk, office, proof):
    later = send(office.sagar, name="Later Verma")
    done = send(office.sagar, name="Done Verma")
    at = desk()
    travel.accept(proof_id=done.pk, by=at.officer)
    seen = at.go(LIST).text
    assert seen.index("Sunita Verma") < seen.index("Later Verma")
    assert "Done Verma" not in seen
    assert "Done Verma" in at.go(f"{LIST}?state=all").text
    assert f"Proof {later.pk}" in seen


def test_list_costs_the_same_queries_for_one_and_three(desk, office, proof):
    at = desk()
    at.go(LIST)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            at.go(LIST)
        counts.append(len(queries))
        for _ in range(2):
            send(office.bhopal)
    assert counts[0] == counts[1]


def test_page_shows_what_to_compare(desk, proof):
    seen = desk().go(url(proof)).text
    for words in ("Sunita Verma", "Open the photo", "Accept: urgent travel", "Nobody yet"):
        assert words in seen


def test_accepting_leads_back_to_the_list(desk, proof):
    at = desk().go(url(proof))
    answer = at.client.post(url(proof, "accept"), {"seen": "waiting"}, follow=True)
    assert answer.redirect_chain[-1][0] == LIST
    proof.refresh_from_db()
    assert (proof.state, proof.reviewed_by) == (State.ACCEPTED, at.officer)
    assert proof.application.travel_proof_accepted


def test_not_accepting_needs_a_reason(desk, proof):
    at = desk()
    answer = at.client.post(url(proof, "refuse"), {"seen": "waiting"})
    assert "Choose a reason" in answer.content.decode()
    proof.refresh_from_db()
    assert proof.state == State.WAITING
    at.client.post(url(proof, "refuse"), {"seen": "waiting", "reason": "no_date"})
    proof.refresh_from_db()
    assert (proof.state, proof.reason) == (State.REFUSED, "no_date")
    assert "Why not It shows no date of travel." in at.go(url(proof)).text


def test_two_officers_at_once_do_not_overturn_each_other(desk, proof):
    travel.accept(proof_id=proof.pk, by=desk("approver").officer)
    answer = desk().client.post(
        url(proof, "refuse"), {"seen": "waiting", "reason": "no_date"}, follow=True
    )
    assert "Somebody has decided" in answer.content.decode()
    proof.refresh_from_db()
    assert proof.state == State.ACCEPTED


def test_decision_is_not_made_by_looking(desk, proof):
    at = desk()
    for step in ("accept", "refuse"):
        assert at.client.get(url(proof, step)).status_code == 405
    assert at.client.post(url(proof)).status_code == 403
    proof.refresh_from_db()
    assert proof.state == State.WAITING


# --- The document ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind", "way"),
    [
        (documents.photo(), "image/jpeg", "inline"),
        (documents.pdf(), "application/pdf", "attachment"),
    ],
)
def test_document_comes_in_a_cage_and_each_look_is_written_down(desk, office, content, kind, way):
    proof = send(office.bhopal, content=content)
    at = desk()
    answer = at.client.get(url(proof, "document"))
    assert answer.status_code == 200
    assert answer["Content-Type"] == kind
    assert answer["Content-Disposition"].startswith(f'{way}; filename="travel-proof-')
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    assert answer["X-Frame-Options"] == "DENY"
    assert len(answer.content) == proof.size
    view = ProofView.objects.get()
    assert (view.proof, view.officer) == (proof, at.officer)
    assert at.officer.name in at.go(url(proof)).text


def test_document_that_is_gone_or_changed_is_said_not_shown(desk, proof, folder):
    (kept,) = folder.rglob("*.jpg")
    kept.write_bytes(b"<script>alert(1)</script>")
    answer = desk().client.get(url(proof, "document"), follow=True)
    assert "The file cannot be read" in answer.content.decode()
    TravelProof.objects.update(state=State.LAPSED, stored_as="", file_deleted_at=proof.uploaded_at)
    answer = desk().client.get(url(proof, "document"), follow=True)
    assert "has passed" in answer.content.decode()


# --- Who ------------------------------------------------------------------------------------------


def statuses(client, proof):
    return {
        "change": client.get(url(proof)).status_code,
        "document": client.get(url(proof, "document")).status_code,
        "refuse": client.post(url(proof, "refuse"), {"reason": "no_date"}).status_code,
        "accept": client.post(url(proof, "accept")).status_code,
    }


@pytest.mark.parametrize("role", ["region", "approver", "centre"])
def test_officers_of_the_region_and_the_home_centre_may(desk, office, proof, role):
    centre = office.bhopal if role == Posting.Role.CENTRE else None
    seen = statuses(desk(role, centre=centre).client, proof)
    assert seen == {"change": 200, "document": 200, "refuse": 302, "accept": 302}


@pytest.mark.parametrize("who", ["another centre", "another region", "another region's centre"])
def test_others_do_not_even_learn_that_it_is_there(desk, office, proof, who):
    abroad = Region.objects.create(code="ABC", name_en="RPO Elsewhere", name_hi="अन्य")
    other = make_centre("ELS", region=abroad)
    at = {
        "another centre": lambda: desk("centre", centre=office.sagar),
        "another region": lambda: desk("region", region=abroad),
        "another region's centre": lambda: desk("centre", region=abroad, centre=other),
    }[who]()
    assert set(statuses(at.client, proof).values()) == {404}
    assert "Sunita" not in at.go(f"{LIST}?state=all").text
    assert "to check" not in at.go(reverse("admin:index")).text
    assert not ProofView.objects.exists()
    proof.refresh_from_db()
    assert proof.state == State.WAITING


def test_strangers_and_applicants_see_nothing(client, proof):
    assert set(statuses(client, proof).values()) == {302}
    client.force_login(proof.uploaded_by)
    assert set(statuses(client, proof).values()) == {404}


def test_centre_officer_sees_masked_names_in_the_list_only(desk, office, proof):
    at = desk("centre", centre=office.bhopal)
    assert "Sunita" not in at.go(LIST).text
    assert "Sunita Verma" in at.go(url(proof)).text
