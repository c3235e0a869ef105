"""The demo in words for the console: where to go, what to do, and who can sign in."""

from collections.abc import Iterator

from django.conf import settings
from django.utils import translation

from appointments.demo.accounts import ApplicantAccount, DemoApplication, demo_accounts
from notifications.dates import long_moment

STEPS = (
    "Sign in as the region officer, add an outage: the next two working days, 600 of 2,200 seats.",
    "Send the notices now, prepare a plan, look at it.",
    "Sign in as the approving officer in another browser; approve and apply the plan.",
    "Open the phone page: every message that left, with live links.",
    "Sunita accepts in Hindi, Arjun chooses another time in English, Ramesh stays silent.",
    "Restore the service.",
)


def show() -> str:
    """Plain text in English. The codes change every 30 seconds."""
    with translation.override("en"):
        return "\n".join(_lines())


def _lines() -> Iterator[str]:
    site = f"{settings.SITE_SCHEME}://{settings.SITE_HOST}"
    yield f"Site       {site}/"
    yield f"Officers   {site}/officers/"
    yield f"Phone      {site}/demo/phone/"
    yield f"Accounts   {site}/demo/"
    yield ""
    for number, step in enumerate(STEPS, start=1):
        yield f"{number}. {step}"
    for account in demo_accounts():
        yield ""
        if isinstance(account, ApplicantAccount):
            yield f"{account.phone_shown}  {account.name} ({account.language}): {account.about}"
            yield from (f"  {_application(item)}" for item in account.applications)
        else:
            place = f", {account.centre}" if account.centre else ""
            yield f"{account.role}{place}: {account.name}"
            yield f"  {account.email}  password {account.password}  code now {account.code}"


def _application(item: DemoApplication) -> str:
    who = f"{item.name}, {item.service}, ARN {item.arn}, born {item.date_of_birth:%d-%m-%Y}"
    link = "" if item.claimed else ", not linked yet"
    return f"{who}{link}: {_place(item)}"


def _place(item: DemoApplication) -> str:
    if item.appointment is None:
        return "no appointment"
    if item.slot is None:
        return "waiting list"
    return f"{item.slot.centre.name}, {long_moment(item.slot.starts_at, 'en')}"
