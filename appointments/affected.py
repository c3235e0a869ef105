"""Is my appointment affected? The answer for whoever knows its number and the date of birth.

It is asked without signing in, so it says no more than which of a few sentences is true: no name,
no day and no centre. What a plan has done is told only after its grace.
"""

from datetime import date, datetime
from enum import StrEnum

from django.db.models import Exists, Min, OuterRef
from django.utils import timezone

from accounts import limits
from appointments.models import (
    Application,
    Appointment,
    CapacityCut,
    Offer,
    Plan,
    PlanLine,
    Slot,
)
from appointments.outages import open_outages_at


class Answer(StrEnum):
    STANDS = "stands"
    # Whether it stands is not known: wait, do not travel.
    IN_DOUBT = "in_doubt"
    # The day and time are not the ones first promised; the SMS tells which.
    NEW_TIME = "new_time"
    WAITING = "waiting"
    # The application is known, and no visit is to come.
    NO_APPOINTMENT = "no_appointment"
    # No application has this number and date of birth together.
    NOTHING_FOUND = "nothing_found"


def ask(*, arn: str, date_of_birth: date, network: str, now: datetime) -> Answer:
    """The answer, counted per network and number, also when it is right: nobody polls others'.

    SignInRefusal: a limit is reached.
    """
    limits.take("affected_by_network", network, now=now)
    limits.take("affected_by_arn", arn, now=now)
    return answer(arn=arn, date_of_birth=date_of_birth, now=now)


def answer(*, arn: str, date_of_birth: date, now: datetime) -> Answer:
    """What is true of the application at this moment.

    A number that does not exist and a wrong date of birth are found out by one and the same
    query, so that they cannot be told apart.
    """
    application = Application.objects.filter(arn=arn, date_of_birth=date_of_birth).first()
    if application is None:
        return Answer.NOTHING_FOUND
    appointments = Appointment.objects.filter(application=application).select_related("slot")
    live = appointments.filter(state__in=Appointment.LIVE_STATES).first()
    return _of(live, now) if live else Answer.NO_APPOINTMENT


def _of(live: Appointment, now: datetime) -> Answer:
    if live.state == Appointment.State.IN_DOUBT or _in_grace(live, now):
        return Answer.IN_DOUBT
    if live.slot is None:
        return Answer.NEW_TIME if _seat_is_offered(live, now) else Answer.WAITING
    if live.slot.starts_at <= now:
        return Answer.NO_APPOINTMENT
    if live.slot.oversubscribed or _is_left_open(live.slot, now):
        return Answer.IN_DOUBT
    # Moved by an outage, whatever was answered since: "stands" would be read as the old day.
    return Answer.STANDS if live.original_date is None else Answer.NEW_TIME


def _in_grace(live: Appointment, now: datetime) -> bool:
    """A plan put it where it is, and may still be taken back without anybody hearing of it."""
    lines = PlanLine.objects.filter(
        appointment=live, plan__state=Plan.State.APPLIED, plan__live_at__gt=now
    )
    # Whoever has chosen a seat since then stands where they chose.
    return lines.filter(to_slot=live.slot_id).exists()


def _seat_is_offered(live: Appointment, now: datetime) -> bool:
    """A seat is kept for somebody on the waiting list until they answer."""
    return live.offers.filter(state=Offer.State.OPEN, live_at__lte=now).exists()


def _is_left_open(slot: Slot, now: datetime) -> bool:
    """An open outage at the centre has not said what it leaves of the days to come.

    Then nobody can say yet that a seat stands until its expected end, nor, where that is not known
    or has passed, on this and the centre's next day. Later days are as they were.
    """
    today = timezone.localdate(now)
    here = CapacityCut.objects.filter(outage=OuterRef("pk"), centre=slot.centre_id, date__gte=today)
    silent = list(open_outages_at([slot.centre_id]).filter(~Exists(here)))
    if not silent:
        return False
    days = Slot.objects.filter(centre=slot.centre_id, date__gt=today)
    next_day = days.aggregate(first=Min("date"))["first"] or today
    ends = [outage.expected_until for outage in silent if outage.expected_until]
    return slot.date <= next_day or any(slot.starts_at < end for end in ends)
