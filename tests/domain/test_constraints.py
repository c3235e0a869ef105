"""The database is the judge: every named constraint of the domain, and a try to break it."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments.models import (
    Application,
    Appointment,
    CapacityCut,
    Closure,
    Hold,
    Holiday,
    Listed,
    Offer,
    OfferList,
    Outage,
    Plan,
    PlanLine,
    Posting,
    Slot,
    SlotTemplate,
)
from tests.domain.builders import (
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_region,
    make_slot,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MODELS = (
    *(Application, Appointment, CapacityCut, Closure, Hold, Holiday, Offer, Outage),
    *(Listed, OfferList, Plan, PlanLine, Posting, Slot, SlotTemplate),
)


def update(row, **fields):
    return lambda: type(row).objects.filter(pk=row.pk).update(**fields)


def make_template(**fields):
    defaults = {"centre": make_centre(), "quota": "normal", "start": dt.time(10), "seats": 3}
    return SlotTemplate.objects.create(**{**defaults, **fields})


def make_hold(**fields):
    defaults = {
        "application": make_application(),
        "slot": fields.get("slot") or make_slot(),
        "purpose": "booking",
        "created_at": NOW,
        "expires_at": NOW + dt.timedelta(minutes=10),
    }
    return Hold.objects.create(**{**defaults, **fields})


def make_outage(**fields):
    make_centre()
    return declare_for_test(make_officer(), [], **fields)


def make_cut(**fields):
    defaults = {
        "outage": make_outage(),
        "centre": make_centre(),
        "date": in_days(3),
        "quota": "normal",
        "seats_left": 3,
    }
    return CapacityCut.objects.create(**{**defaults, **fields})


def make_plan(**fields):
    defaults = {
        "outage": make_outage(),
        "region": make_region(),
        "prepared_by": make_officer(),
        "prepared_at": NOW,
    }
    return Plan.objects.create(**{**defaults, **fields})


def make_approved(**fields):
    """Approved now, to be applied by itself in an hour."""
    approval = {"state": "approved", "approved_by": make_officer(), "approved_at": NOW}
    return make_plan(**{**approval, "decide_by": NOW + dt.timedelta(hours=1), **fields})


def make_line(**fields):
    appointment = fields.get("appointment") or make_appointment()
    defaults = {
        "plan": fields.get("plan") or make_plan(),
        "appointment": appointment,
        "tier": "normal",
        "outcome": "keep",
        "from_slot": appointment.slot,
        "to_slot": appointment.slot,
    }
    return PlanLine.objects.create(**{**defaults, **fields})


def make_offer_list(**fields):
    defaults = {
        "kind": "MOVED_MANY_KEEP",
        "plan": make_plan(),
        "token_hash": "l" * 64,
        "live_at": NOW,
        "deadline": NOW + dt.timedelta(days=1),
        "created_at": NOW,
    }
    return OfferList.objects.create(**{**defaults, **fields})


def make_listed(**fields):
    defaults = {"offer_list": fields.get("offer_list") or make_offer_list()}
    defaults["appointment"] = fields.get("appointment") or make_appointment()
    return Listed.objects.create(**{**defaults, **fields})


def make_offer(**fields):
    appointment = fields.pop("appointment", None) or make_appointment()
    defaults = {
        "appointment": appointment,
        "kind": "moved",
        "new_slot": appointment.slot,
        "token_hash": f"{timezone.now().timestamp()}",
        "live_at": NOW,
        "deadline": NOW + dt.timedelta(days=1),
        "created_at": NOW,
    }
    return Offer.objects.create(**{**defaults, **fields})


def twice(make, *same):
    """Make one row, then another with the same values in these fields."""

    def run():
        first = make()
        make(**{field: getattr(first, field) for field in same})

    return run


BREAKERS = {
    "slot_unique": lambda: [make_slot(), make_slot()],
    "slot_taken_within_seats": lambda: update(make_slot(seats=2), taken=3)(),
    "slot_closed_within_seats": lambda: update(make_slot(seats=2), closed=3)(),
    "template_unique": lambda: [make_template(weekday=1), make_template(weekday=1)],
    "template_unique_every_weekday": lambda: [make_template(), make_template()],
    "template_weekday": lambda: make_template(weekday=7),
    "template_has_seats": lambda: make_template(seats=0),
    "holiday_unique": lambda: [
        Holiday.objects.create(region=make_region(), date=in_days(1)) for _ in range(2)
    ],
    "holiday_unique_everywhere": lambda: [
        Holiday.objects.create(date=in_days(1)) for _ in range(2)
    ],
    "application_arn_form": lambda: make_application(arn="26123"),
    "application_proof_has_travel_date": lambda: make_application(travel_proof_accepted=True),
    "posting_centre_exactly_for_centre_officer": lambda: make_officer("centre"),
    "posting_alert_phone_e164": lambda: Posting.objects.filter(officer=make_officer()).update(
        alert_phone="9876543210"
    ),
    "appointment_one_live_per_application": lambda: [
        make_appointment(application=make_application(arn="26-0000099999")),
        make_appointment(
            make_slot(hour=12), application=Application.objects.get(arn="26-0000099999")
        ),
    ],
    "appointment_slot_fits_state": lambda: update(make_appointment(), slot=None)(),
    "appointment_joined_only_while_waiting": lambda: update(
        make_appointment(), joined_waiting=True
    )(),
    "hold_one_per_purpose": twice(make_hold, "application", "slot"),
    "hold_ends_after_start": lambda: make_hold(expires_at=NOW),
    "outage_region_exactly_for_region_scope": lambda: update(make_outage(), region=None)(),
    "outage_ended_exactly_when_not_open": lambda: update(make_outage(), state="restored")(),
    "outage_expected_end_after_start": lambda: update(
        make_outage(), expected_until=NOW - dt.timedelta(days=9)
    )(),
    "cut_unique": twice(make_cut, "outage"),
    "closure_unique": lambda: [
        Closure.objects.create(cut=cut, slot=slot, seats=1)
        for cut, slot in [(make_cut(), make_slot())] * 2
    ],
    "plan_one_pending_per_outage_and_region": twice(make_plan, "outage"),
    "plan_approved_by_somebody": lambda: make_plan(state="approved"),
    "plan_second_officer_or_lone_reason": lambda: make_plan(
        prepared_by=(officer := make_officer()), approved_by=officer, approved_at=NOW
    ),
    "plan_applied_has_times": lambda: make_plan(
        state="applied", approved_by=make_officer(), approved_at=NOW
    ),
    "plan_hour_only_of_an_approval": lambda: update(make_approved(), state="prepared")(),
    "plan_hour_after_approval": lambda: make_approved(decide_by=NOW),
    "plan_hour_after_lone_wait": lambda: make_approved(
        prepared_by=(officer := make_officer()),
        approved_by=officer,
        lone_reason="nobody else",
        not_before=NOW + dt.timedelta(hours=2),
    ),
    "plan_applied_not_before_its_hour": lambda: update(
        make_approved(), state="applied", applied_at=NOW, live_at=NOW
    )(),
    "plan_held_back_reason_known": lambda: make_plan(held_back="mood"),
    "plan_held_back_has_no_hour": lambda: make_approved(held_back="late"),
    "planline_unique": twice(make_line, "plan", "appointment"),
    "planline_slot_fits_outcome": lambda: make_line(outcome="unplaced"),
    "offer_one_open_per_appointment": twice(make_offer, "appointment"),
    "offer_ended_exactly_when_not_open": lambda: make_offer(state="accepted"),
    "offer_deadline_after_live": lambda: make_offer(deadline=NOW),
    "offer_old_slot_fits_kind": lambda: make_offer(kind="earlier"),
    "offer_declined_only_a_held_seat": lambda: make_offer(state="declined", ended_at=NOW),
    "listed_once": twice(make_listed, "offer_list", "appointment"),
    "offerlist_deadline_exactly_of_a_plan": lambda: make_offer_list(plan=None),
    "offerlist_deadline_after_live": lambda: make_offer_list(deadline=NOW),
}
# Refused by the column type itself on PostgreSQL; the constraint says it on every database.
NEGATIVE = {
    "cut_not_negative": lambda: update(make_cut(), seats_left=-1)(),
    "closure_not_negative": lambda: Closure.objects.create(
        cut=make_cut(), slot=make_slot(), seats=-1
    ),
}


def names():
    return {c.name for model in MODELS for c in model._meta.constraints}


def test_every_named_constraint_has_a_test():
    assert names() == BREAKERS.keys() | NEGATIVE.keys()


@pytest.mark.parametrize("name", BREAKERS)
def test_constraint_refuses_what_it_names(name, on_postgresql):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        BREAKERS[name]()
    said = str(refusal.value)
    # SQLite names the columns of a unique constraint, not its name.
    assert name in said or (not on_postgresql and "UNIQUE" in said)


@pytest.mark.parametrize("name", NEGATIVE)
def test_negative_numbers_are_refused(name):
    with pytest.raises(IntegrityError), transaction.atomic():
        NEGATIVE[name]()
