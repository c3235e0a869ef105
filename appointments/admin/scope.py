"""Which rows an officer's pages show. What may be done is asked by the verbs."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import officers
from accounts.models import User
from appointments.models import Posting, Region
from appointments.permissions import DECLARING_ROLES, posting_of

Row = TypeVar("Row", bound=Model)
Made = TypeVar("Made")


def posting(request: HttpRequest) -> Posting | None:
    """The posting of the officer at work, read once per request."""
    return once(request, "posting", lambda: posting_of(officers.of(request)))


def once(request: HttpRequest, name: str, make: Callable[[], Made]) -> Made:
    """What `make` gives, made once per request."""
    made = request.__dict__.setdefault("_made_once", {})
    if name not in made:
        made[name] = make()
    found: Made = made[name]
    return found


def seen(
    request: HttpRequest, rows: QuerySet[Row], *, region: str = "", centre: str = ""
) -> QuerySet[Row]:
    """The rows of the officer's own region, or own centre. Superusers see all.

    `region` and `centre` are lookups from a row; without them the rows are everybody's.
    """
    officer = officers.of(request)
    if officer.is_superuser or not region:
        return rows
    post = posting(request)
    if post is None:
        return rows.none()
    if post.centre_id and centre:
        return rows.filter(**{centre: post.centre_id})
    return rows.filter(**{region: post.region_id})


def steerable_regions(officer: User) -> QuerySet[Region]:
    """Where this officer may declare, plan and restore (permissions.may_steer, as a query)."""
    if not officer.is_active or not officer.is_staff:
        return Region.objects.none()
    if officer.is_superuser:
        return Region.objects.order_by("name_en")
    return Region.objects.filter(
        postings__officer=officer, postings__role__in=DECLARING_ROLES
    ).order_by("name_en")


def steers_all(request: HttpRequest, region_ids: Iterable[int]) -> bool:
    """Whether the officer may steer every one of these regions."""
    own = set(steerable_regions(officers.of(request)).values_list("pk", flat=True))
    return set(region_ids) <= own and bool(own)


def sees_names(request: HttpRequest) -> bool:
    """Names and whole numbers in lists are for those who deal with the people of a region."""
    user: Any = request.user
    return bool(user.has_perm("appointments.change_application"))


def masked_name(name: str) -> str:
    """Initials only: "Sunita Verma" gives "S• V•"."""
    return " ".join(f"{word[0]}•" for word in name.split())


def masked_arn(arn: str) -> str:
    return f"••-••••••{arn[-4:]}"
