"""What docs/screenshots/ shows, scene by scene. `make screenshots` plays them in this order.

A scene may change the site (declare an outage, send messages) by the same verbs that the pages
call; later scenes see it. To add a picture, add a Shot; to show another state, a Scene.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone

from accounts.models import User
from appointments import cuts, outages, plans
from appointments.models import Centre, Outage, Region
from notifications import delivery
from tests.browser import journeys
from tests.browser.harness import DESK_WIDTH
from tests.browser.shots import ARJUN, PATELS, SUNITA, Later, Shot, page_of
from tests.domain.builders import approve_as_seen

REGION_OFFICER = "region@demo.example"
APPROVER = "approver@demo.example"


@dataclass(frozen=True)
class Scene:
    prepare: Callable[[Later], None] | None = None
    shots: list[Shot] = field(default_factory=list)


def declare_outage(later: Later) -> None:
    """Friday's server fault: 600 of 2,200 seats on the next two working days."""
    centres = list(Centre.objects.all())
    today = timezone.localdate()
    days = cuts.working_dates(centres, today + dt.timedelta(days=1), 2)
    outages.declare(
        by=User.objects.get(email=REGION_OFFICER),
        request_key=uuid.uuid4(),
        scope="region",
        region=Region.objects.get(),
        since=timezone.now() - dt.timedelta(days=2),
        cause="server",
        text_en=(
            "A technical fault has interrupted services at the passport centres of Madhya Pradesh"
            " since Friday. Affected appointments will be rescheduled and you will be told by SMS."
            " Your fee and attempts are safe. We are sorry for the trouble."
        ),
        text_hi=(
            "तकनीकी खराबी के कारण मध्य प्रदेश के पासपोर्ट सेवा केंद्रों पर सेवाएँ शुक्रवार से बाधित हैं।"
            " प्रभावित अपॉइंटमेंट पुनर्निर्धारित किए जाएँगे और सूचना SMS से दी जाएगी।"
            " शुल्क एवं अवसर सुरक्षित रहेंगे। असुविधा के लिए खेद है।"
        ),
        cuts=cuts.spread_total(total_per_day=600, centres=centres, dates=days),
    )


def move_everybody(later: Later) -> None:
    """HOLD notices at once, a plan by two officers, its grace over, and what is due delivered."""
    officer = User.objects.get(email=REGION_OFFICER)
    outage = Outage.objects.get()
    outages.send_notices_now(outage_id=outage.pk, by=officer)
    deliver_messages()
    plan = plans.prepare(outage_id=outage.pk, region_id=Region.objects.get().pk, by=officer)
    approve_as_seen(plan, User.objects.get(email=APPROVER))
    plans.apply(plan_id=plan.pk, by=officer)
    later(dt.timedelta(minutes=11))
    plans.settle(now=timezone.now())
    deliver_messages()


def deliver_messages() -> None:
    """What the worker does, until nothing is due."""
    for channel in ("sms", "email"):
        while delivery.run(channel):
            continue


SCENES = [
    Scene(
        shots=[
            Shot("home-hi", "/"),
            Shot("demo-en", "/demo/", language="en", width=DESK_WIDTH),
        ]
    ),
    Scene(
        prepare=declare_outage,
        shots=[
            Shot("home-outage-hi", "/"),
            Shot("home-outage-dark-hi", "/", dark=True),
            Shot("home-outage-en", "/", language="en", width=DESK_WIDTH),
            Shot("centres-outage-en", "/centres/", language="en"),
        ],
    ),
    Scene(
        prepare=move_everybody,
        shots=[
            Shot("phones-hi", "/demo/phone/", width=DESK_WIDTH),
            Shot("mine-hi", "/my/", who=SUNITA, whole=True),
            Shot("mine-family-hi", "/my/", who=PATELS),
            Shot("offer-hi", page_of(SUNITA, "question/"), who=SUNITA, whole=True),
            Shot("offer-en", page_of(ARJUN, "question/"), "en", width=DESK_WIDTH, who=ARJUN),
            Shot("choose-en", page_of(ARJUN, "time/"), "en", who=ARJUN),
            Shot("choose-centre-hi", page_of(SUNITA, "centre/"), who=SUNITA),
            Shot("choose-day-hi", page_of(SUNITA, "centre/BPL/"), who=SUNITA),
            Shot("link-application-hi", "/my/add/", who=SUNITA),
        ],
    ),
    Scene(prepare=journeys.prepare, shots=list(journeys.shots())),
]
