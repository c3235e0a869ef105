"""A plan as officers read it: figures in tables, and the people behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from appointments.admin.scope import masked_arn, masked_name
from appointments.models import Centre, Plan, PlanLine, Quota
from appointments.planning.reasons import SENTENCES, Reason
from notifications import dates

TIER_WORDS = {
    "urgent": "Urgent travel",
    "tatkaal": "Tatkaal",
    "vulnerable": "Vulnerable",
    "normal": "The rest",
}
# People in the short lists (no seat, not reachable), and on a page of the long one.
NAMED = 10
ON_A_PAGE = 25


@dataclass(frozen=True)
class FigureRow:
    name: str
    people: int
    keep: int
    move: int
    unplaced: int
    mean_days: str = ""
    worst_days: str = ""


def tier_rows(summary: Mapping[str, Any]) -> list[FigureRow]:
    return [
        FigureRow(
            TIER_WORDS.get(tier, tier),
            **counts,
            mean_days=_or_dash(summary["mean_delay_days"].get(tier)),
            worst_days=_or_dash(summary["worst_delay_days"].get(tier)),
        )
        for tier, counts in summary["by_tier"].items()
    ]


def quota_rows(summary: Mapping[str, Any]) -> list[FigureRow]:
    return [FigureRow(str(Quota(q).label), **counts) for q, counts in summary["by_quota"].items()]


def centre_rows(summary: Mapping[str, Any]) -> list[FigureRow]:
    codes = summary["by_centre"]
    names = dict(Centre.objects.filter(code__in=list(codes)).values_list("code", "name_en"))
    rows = [FigureRow(names.get(code, code), **counts) for code, counts in codes.items()]
    return sorted(rows, key=lambda row: row.name)


def _or_dash(value: Any) -> str:
    return "-" if value is None else str(value)


def clear_day(summary: Mapping[str, Any]) -> str:
    day = summary.get("clear_date")
    return dates.long_day(date.fromisoformat(day), "en") if day else ""


def policy_words(policy: Mapping[str, Any]) -> list[str]:
    """The policy in sentences."""
    km = policy["max_km"]
    return [
        f"Another centre up to {km} km away." if km else "Everyone stays at their own centre.",
        f"{policy['reserve_share']:.0%} of the seats of untouched days stay with the public.",
        f"New times up to {policy['horizon_days']} days from now, "
        f"at least {policy['lead_hours']} hours ahead.",
    ]


# --- People -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonRow:
    appointment_id: int
    arn: str
    name: str
    tier: str
    outcome: str
    reason: str
    old: str
    old_centre: str
    new: str
    new_centre: str
    days: str
    km: int


def unreachable(lines: QuerySet[PlanLine]) -> QuerySet[PlanLine]:
    """Whom no SMS and no email reaches, as `Appointment.contact` sees it."""
    account = "appointment__application__claimed_by"
    has_phone = Q(**{f"{account}__phone_verified": True}) & ~Q(**{f"{account}__phone": None})
    has_email = ~Q(**{f"{account}__email": None}) & ~Q(**{f"{account}__email": ""})
    return lines.filter(
        appointment__application__phone="", appointment__application__email=""
    ).exclude(Q(**{f"{account}__isnull": False}) & (has_phone | has_email))


SHOWN = {
    "move": "Moved",
    "unplaced": "No seat yet",
    "keep": "Keep their seat",
    "unreachable": "Not reachable",
}


@dataclass(frozen=True)
class PeopleQuery:
    """What the list of people shows, read from the page's address; nonsense shows the default."""

    show: str = "move"
    tier: str = ""
    centre: str = ""
    number: str = ""

    @classmethod
    def read(cls, given: QueryDict) -> "PeopleQuery":
        show, tier = given.get("show", ""), given.get("tier", "")
        return cls(
            show=show if show in SHOWN else "move",
            tier=tier if tier in TIER_WORDS else "",
            centre=_digits(given.get("centre", "")),
            number=_digits(given.get("number", "")),
        )

    def lines(self, plan: Plan) -> QuerySet[PlanLine]:
        lines = people_of(plan)
        if self.show == "unreachable":
            lines = unreachable(lines)
        else:
            lines = lines.filter(outcome=self.show)
        if self.tier:
            lines = lines.filter(tier=self.tier)
        if self.centre:
            lines = lines.filter(from_slot__centre=int(self.centre))
        if self.number:
            lines = lines.filter(appointment=int(self.number))
        return lines

    def address(self) -> str:
        """The query string, without the page."""
        query = QueryDict(mutable=True)
        for name in ("show", "tier", "centre", "number"):
            if value := getattr(self, name):
                query[name] = value
        return query.urlencode()


def _digits(text: str) -> str:
    text = text.strip()
    return text if text.isascii() and text.isdecimal() and len(text) <= 18 else ""


def people_of(plan: Plan) -> QuerySet[PlanLine]:
    return plan.lines.select_related(
        "appointment__application", "from_slot__centre", "to_slot__centre"
    ).order_by("from_slot__starts_at", "from_slot__centre__name_en", "pk")


def page_of(lines: QuerySet[PlanLine], number: Any) -> Page[PlanLine]:
    return Paginator(lines, ON_A_PAGE).get_page(number)


def rows_of(lines: Iterable[PlanLine], *, named: bool) -> list[PersonRow]:
    return [_row(line, named) for line in lines]


def _row(line: PlanLine, named: bool) -> PersonRow:
    application = line.appointment.application
    new = line.to_slot
    return PersonRow(
        appointment_id=line.appointment_id,
        arn=application.arn if named else masked_arn(application.arn),
        name=application.name if named else masked_name(application.name),
        tier=TIER_WORDS.get(line.tier, line.tier),
        outcome=line.get_outcome_display(),
        reason=SENTENCES[Reason(line.reason)] if line.reason else "",
        old=dates.short_moment(line.from_slot.starts_at, "en"),
        old_centre=line.from_slot.centre.name_en,
        new=dates.short_moment(new.starts_at, "en") if new else "-",
        new_centre=new.centre.name_en if new else "",
        days=_or_dash(line.delay_days),
        km=line.km,
    )


def is_alone(plan: Plan, officer: User) -> bool:
    """Whether this officer's approval would be of their own plan."""
    return plan.prepared_by_id == officer.pk
