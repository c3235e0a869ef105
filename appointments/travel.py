"""Urgent travel: somebody states a day of travel with a proof, and an officer decides about it.

An accepted proof sets the application's `travel_date` and `travel_proof_accepted`, by which a plan
puts them first (plan_problem.own_tier). Locks: application, appointment, proof.
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from accounts.models import User
from appointments import private_files
from appointments.booking import check_owner, visit_is_done
from appointments.errors import Refusal
from appointments.models import Application, Appointment, ProofView, TimelineEntry, TravelProof
from appointments.permissions import may_review_travel
from appointments.proof_files import Document
from appointments.slots import local_moment
from appointments.timeline import entry, role_of
from appointments.verbs import verb

State = TravelProof.State
Event = TimelineEntry.Event
# A file without a row may belong to a transaction that has not ended yet.
ORPHAN_SECONDS = 3600
VIEWS_KEPT = timedelta(days=365)
BATCH = 200


# --- The applicant ------------------------------------------------------------------------------


def state_travel(
    *, application: Application, travel_date: date, document: Document, by: User
) -> TravelProof:
    """Send a proof for a day of travel. The same again returns what the first one made.

    `document`: a file that was judged (proof_files.read), before any lock, as that takes a while.
    Refusals: not_yours, visit_done, travel_date_passed, travel_date_far, proof_waiting.
    """
    check_owner(application, by)
    check_date(travel_date, timezone.localdate())
    name = private_files.keep(document.content, suffix=document.suffix)
    try:
        proof = _send(application.pk, travel_date, document, name, by)
    except OperationalError:
        # Nobody knows whether it was committed; `forget` deletes the file if no row names it.
        raise
    except BaseException:
        private_files.delete(name)
        raise
    if proof.stored_as != name:
        private_files.delete(name)
    return proof


def check_date(travel_date: date, today: date) -> None:
    """A day to come, and not so far away that nothing is urgent about it."""
    if travel_date <= today:
        raise Refusal("travel_date_passed")
    if travel_date > today + timedelta(days=settings.TRAVEL_DAYS_AHEAD):
        raise Refusal("travel_date_far", days=settings.TRAVEL_DAYS_AHEAD)


@verb
def _send(
    application_id: int, travel_date: date, document: Document, name: str, by: User
) -> TravelProof:
    now = timezone.now()
    application, appointment = _lock(application_id)
    check_owner(application, by)
    if visit_is_done(application):
        raise Refusal("visit_done")
    waiting = application.travel_proofs.filter(state=State.WAITING).first()
    if waiting is not None:
        if (waiting.travel_date, waiting.sha256) == (travel_date, document.sha256):
            return waiting
        raise Refusal("proof_waiting")
    proof = TravelProof.objects.create(
        application=application,
        travel_date=travel_date,
        stored_as=name,
        content_type=document.content_type,
        size=len(document.content),
        sha256=document.sha256,
        uploaded_at=now,
        uploaded_by=by,
        delete_after=after_travel(travel_date),
    )
    _write(appointment, Event.TRAVEL_SENT, now, by)
    return proof


@verb
def withdraw(*, proof_id: int, by: User) -> TravelProof:
    """The person takes a proof back, also an accepted one. Again: changes nothing.

    Refusals: proof_not_found (or another's), proof_ended (not accepted, or its date has passed).
    """
    now = timezone.now()
    application, appointment, proof = _lock_proof(proof_id)
    if application.claimed_by_id != by.pk:
        raise Refusal("proof_not_found")
    if proof.state == State.WITHDRAWN:
        return proof
    if not proof.is_open:
        raise Refusal("proof_ended")
    _take_back(proof, now)
    _write(appointment, Event.TRAVEL_BACK, now, by)
    return proof


def _take_back(proof: TravelProof, now: datetime) -> None:
    if proof.state == State.ACCEPTED:
        _unset(proof.application)
    proof.state = State.WITHDRAWN
    proof.withdrawn_at = now
    proof.delete_after = _after_decision(proof, now)
    proof.save(update_fields=["state", "withdrawn_at", "delete_after"])


# --- The officer --------------------------------------------------------------------------------


@verb
def accept(*, proof_id: int, by: User, seen: str = "") -> TravelProof:
    """The proof fits: from now on plans put the application first. Again: changes nothing.

    An earlier proof that was accepted is replaced. `seen`: the state that the officer was shown.
    Refusals: proof_not_found, not_permitted, proof_ended, proof_decided, travel_date_passed.
    """
    now = timezone.now()
    application, appointment, proof = _lock_proof(proof_id)
    _check_may_decide(application, proof, by)
    if proof.state == State.ACCEPTED:
        return proof
    _check_seen(proof, seen)
    if proof.travel_date <= timezone.localdate(now):
        raise Refusal("travel_date_passed")
    other = application.travel_proofs.filter(state=State.ACCEPTED).first()
    if other is not None and other.pk > proof.pk:
        raise Refusal("proof_ended")
    if other is not None:
        _take_back(other, now)
    _decide(proof, State.ACCEPTED, "", now, by)
    application.travel_date = proof.travel_date
    application.travel_proof_accepted = True
    application.save(update_fields=["travel_date", "travel_proof_accepted"])
    _write(appointment, Event.TRAVEL_YES, now, by)
    return proof


@verb
def refuse(*, proof_id: int, reason: str, by: User, seen: str = "") -> TravelProof:
    """The proof does not fit, for a TravelProof.Reason; an accepted one no longer counts.

    Again, for whatever reason: changes nothing. Refusals: as `accept`, but for the date.
    """
    now = timezone.now()
    application, appointment, proof = _lock_proof(proof_id)
    _check_may_decide(application, proof, by)
    if proof.state == State.REFUSED:
        return proof
    _check_seen(proof, seen)
    if proof.state == State.ACCEPTED:
        _unset(application)
    _decide(proof, State.REFUSED, TravelProof.Reason(reason), now, by)
    _write(appointment, Event.TRAVEL_NO, now, by, why=reason)
    return proof


def _check_may_decide(application: Application, proof: TravelProof, by: User) -> None:
    if not may_review_travel(by, application):
        raise Refusal("not_permitted")
    if proof.state in TravelProof.ENDED or proof.file_deleted_at is not None:
        raise Refusal("proof_ended")


def _check_seen(proof: TravelProof, seen: str) -> None:
    """Two officers looked at once: the second decides about what the first one left."""
    if seen and seen != proof.state:
        raise Refusal("proof_decided")


def _decide(proof: TravelProof, state: State, reason: str, now: datetime, by: User) -> None:
    proof.state = state
    proof.reason = reason
    proof.reviewed_at = now
    proof.reviewed_by = by
    proof.delete_after = _after_decision(proof, now)
    proof.save(update_fields=["state", "reason", "reviewed_at", "reviewed_by", "delete_after"])


def _unset(application: Application) -> None:
    application.travel_date = None
    application.travel_proof_accepted = False
    application.save(update_fields=["travel_date", "travel_proof_accepted"])


@verb
def open_document(*, proof_id: int, by: User) -> tuple[TravelProof, str]:
    """Note that this officer looks at the document, and return its name in the private folder.

    Refusals: proof_not_found, not_permitted, proof_ended (the file is deleted).
    """
    proof = TravelProof.objects.select_related("application").filter(pk=proof_id).first()
    if proof is None:
        raise Refusal("proof_not_found")
    if not may_review_travel(by, proof.application):
        raise Refusal("not_permitted")
    if not proof.stored_as:
        raise Refusal("proof_ended")
    ProofView.objects.create(proof=proof, officer=by, at=timezone.now())
    return proof, proof.stored_as


# --- The clock ----------------------------------------------------------------------------------


def forget(*, now: datetime) -> int:
    """Delete files whose time has come and files without a row; end unseen proofs of past travel.

    Returns how many files were deleted (beat, each hour). A row first says that its file is gone,
    then the file goes: a process that dies between leaves a file without a row, for the next time.
    """
    due = TravelProof.objects.filter(file_deleted_at__isnull=True, delete_after__lte=now)
    deleted = 0
    for proof_id in due.order_by("pk").values_list("pk", flat=True)[:BATCH]:
        name = _forget_file(proof_id, now)
        if name:
            private_files.delete(name)
            deleted += 1
    ProofView.objects.filter(at__lte=now - VIEWS_KEPT).delete()
    return deleted + _delete_orphans()


@verb
def _forget_file(proof_id: int, now: datetime) -> str:
    _application, _appointment, proof = _lock_proof(proof_id)
    name = proof.stored_as
    if proof.delete_after > now or not name:
        return ""
    if proof.state == State.WAITING:
        proof.state = State.LAPSED
    proof.stored_as = ""
    proof.file_deleted_at = now
    proof.save(update_fields=["state", "stored_as", "file_deleted_at"])
    return name


def _delete_orphans() -> int:
    names = list(private_files.older_than(ORPHAN_SECONDS))
    known = set(TravelProof.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    orphans = [name for name in names if name not in known]
    for name in orphans:
        private_files.delete(name)
    return len(orphans)


def after_travel(travel_date: date) -> datetime:
    """The first moment of the day after, by the Indian clock."""
    return local_moment(travel_date + timedelta(days=1), datetime.min.time())


def _after_decision(proof: TravelProof, now: datetime) -> datetime:
    return min(after_travel(proof.travel_date), now + timedelta(days=settings.PROOF_KEPT_DAYS))


# --- Both ---------------------------------------------------------------------------------------


def _lock(application_id: int) -> tuple[Application, Appointment | None]:
    """The application and its live appointment, whose timeline is written."""
    application = Application.objects.select_for_update(no_key=True).get(pk=application_id)
    live = application.appointments.filter(state__in=Appointment.LIVE_STATES)
    return application, live.select_for_update(no_key=True).first()


def _lock_proof(proof_id: int) -> tuple[Application, Appointment | None, TravelProof]:
    found = TravelProof.objects.filter(pk=proof_id).values_list("application_id", flat=True).first()
    if found is None:
        raise Refusal("proof_not_found")
    application, appointment = _lock(found)
    proof = TravelProof.objects.select_for_update(no_key=True).get(pk=proof_id)
    proof.application = application
    return application, appointment, proof


def _write(
    appointment: Appointment | None, event: Event, now: datetime, by: User, why: str = ""
) -> None:
    if appointment is not None:
        entry(
            appointment=appointment, event=event, at=now, actor=by, by=role_of(by), why=why
        ).save()
