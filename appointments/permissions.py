"""Which officer may do what. Checked in the verbs, so that no page or API forgets it."""

from collections.abc import Iterable

from accounts.models import User
from appointments.errors import Refusal
from appointments.models import Application, Centre, Posting, Region

DECLARING_ROLES = (Posting.Role.REGION, Posting.Role.APPROVER)


def posting_of(officer: User) -> Posting | None:
    return Posting.objects.filter(officer=officer).select_related("region", "centre").first()


def may_steer(officer: User, region: Region | int) -> bool:
    """Declare, prepare, approve, apply, undo, restore in this region."""
    if not officer.is_active or not officer.is_staff:
        return False
    if officer.is_superuser:
        return True
    posting = posting_of(officer)
    region_id = region.pk if isinstance(region, Region) else region
    return (
        posting is not None and posting.role in DECLARING_ROLES and posting.region_id == region_id
    )


def check_may_steer(officer: User, regions: Iterable[Region | int]) -> None:
    if not all(may_steer(officer, region) for region in regions):
        raise Refusal("not_permitted")


def regions_of(centres: Iterable[Centre]) -> set[int]:
    return {centre.region_id for centre in centres}


def may_mark_visits(officer: User, centre: Centre) -> bool:
    """Completed and no-show are marked at the centre itself, or by its region."""
    posting = posting_of(officer)
    if posting is not None and posting.centre_id == centre.pk and officer.is_active:
        return True
    return may_steer(officer, centre.region_id)


def may_review_travel(officer: User, application: Application) -> bool:
    """Proofs of travel are checked by the applicant's own centre, or by its region."""
    posting = posting_of(officer)
    at_centre = posting is not None and posting.centre_id == application.home_centre_id
    if at_centre and officer.is_active and officer.is_staff:
        return True
    return may_steer(officer, application.region_id)


def may_call(officer: User, centre: Centre) -> bool:
    """People of a centre's call list are called by the centre itself, or by its region."""
    posting = posting_of(officer)
    at_centre = posting is not None and posting.centre_id == centre.pk
    if at_centre and officer.is_active and officer.is_staff:
        return True
    return may_steer(officer, centre.region_id)
