"""People whom an outage has moved, by the officers' own verbs."""

from typing import Any

from accounts.models import User
from appointments import plans
from appointments.cuts import Cut
from appointments.models import Application, Centre, Offer, OfferList, Outage, Plan, Region, Slot
from appointments.planning.problem import Policy
from notifications.models import Message
from tests.domain.builders import (
    approve_as_seen,
    declare_for_test,
    in_days,
    make_application,
    make_appointment,
    make_centre,
    make_officer,
    make_slot,
)


def ask(
    person: User,
    *,
    centre: Centre | None = None,
    to_centre: Centre | None = None,
    silence: str = Plan.Silence.KEEP,
    **fields: Any,
) -> tuple[Application, Offer, str]:
    """Somebody moved by a plan whose grace is over: application, open offer, token of the link."""
    plan, application = _applied(person, centre, to_centre, silence, fields)
    offer = Offer.objects.get(plan=plan)
    go_live(plan)
    offer.refresh_from_db()
    return application, offer, token_of(offer)


def ask_family(
    person: User,
    count: int = 3,
    *,
    centre: Centre | None = None,
    silence: str = Plan.Silence.KEEP,
    **fields: Any,
) -> tuple[Plan, list[Offer]]:
    """So many people behind one phone, moved by one plan whose grace is over: plan and offers."""
    centre = centre or make_centre()
    full: Slot = make_slot(centre=centre, seats=count)
    for _ in range(count):
        defaults = {"phone": person.phone, "language": person.language, "centre": centre}
        make_appointment(full, application=make_application(**{**defaults, **fields}))
    make_slot(centre=centre, day=in_days(6), seats=9)
    officer = make_officer(region=centre.region)
    cuts = [Cut(centre.pk, full.date, "normal", 0)]
    outage = declare_for_test(officer, cuts, region=centre.region)
    plan = plan_again(outage, centre.region, silence=silence)
    go_live(plan)
    return plan, list(plan.offers.order_by("pk"))


def go_live(plan: Plan) -> None:
    """End the plan's grace now: its links are open."""
    Plan.objects.filter(pk=plan.pk).update(live_at=plan.applied_at)
    Offer.objects.filter(plan=plan).update(live_at=plan.applied_at)
    OfferList.objects.filter(plan=plan).update(live_at=plan.applied_at)


def token_of_list(plan: Plan) -> str:
    """The token of the plan's list, which stands in the one SMS alone."""
    message = Message.objects.filter(kind__startswith="MOVED_MANY", batch=f"plan:{plan.pk}").latest(
        "pk"
    )
    return str(message.values["url"].rpartition("/")[2])


def token_of(offer: Offer, *, channel: str = "sms") -> str:
    """The token, which stands in the message alone."""
    message = Message.objects.filter(
        kind__in=["MOVED_KEEP", "MOVED_ANSWER", "REPLACED"],
        channel=channel,
        reference=f"appointment:{offer.appointment_id}",
    ).latest("pk")
    return str(message.values["url"].rpartition("/")[2])


def plan_again(outage: Outage, region: Region, *, silence: str = Plan.Silence.KEEP) -> Plan:
    """Prepare, approve and apply a plan for an open outage; other centres within 300 km count."""
    first, second = make_officer(region=region), make_officer("approver", region=region)
    policy = Policy(max_km=300)
    plan = plans.prepare(
        outage_id=outage.pk, region_id=region.pk, by=first, silence=silence, policy=policy
    )
    approve_as_seen(plan, second)
    return plans.apply(plan_id=plan.pk, by=second)


def _applied(
    person: User,
    centre: Centre | None,
    to_centre: Centre | None,
    silence: str,
    fields: dict[str, Any],
) -> tuple[Plan, Application]:
    centre = centre or make_centre()
    full: Slot = make_slot(centre=centre, seats=1)
    defaults = {"name": "Sunita Verma", "phone": person.phone, "language": person.language}
    application = make_application(centre=centre, **{**defaults, **fields})
    make_appointment(full, application=application)
    make_slot(centre=to_centre or centre, day=in_days(6), seats=9)
    officer = make_officer(region=centre.region)
    cuts = [Cut(centre.pk, full.date, "normal", 0)]
    outage = declare_for_test(officer, cuts, region=centre.region)
    return plan_again(outage, centre.region, silence=silence), application
