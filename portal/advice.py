"""What the office tells every applicant, in the order in which it matters on a bad day."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Advice:
    """`what` in a few words, `more` in a sentence; `page`: where to do it, as `link` says."""

    what: str
    more: str
    page: str = ""
    link: str = ""


def advice(site: str) -> list[Advice]:
    """Advice in the active language. `site` is the host whose links may be opened.

    The first item is for days on which something is down; the home page leaves it out on others.
    """
    return [
        Advice(
            _("Do not travel until a new SMS comes"),
            _("If your centre is affected, wait. The SMS will tell you the new day and time."),
        ),
        Advice(
            _("Keep your ARN, receipt and SMS"),
            _("You show them at the gate. The SMS counts as proof."),
        ),
        Advice(
            _("Have your documents ready"),
            _("Originals and self-attested copies of everything on your receipt."),
        ),
        Advice(
            _("Travelling soon?"),
            _("Choose “Urgent travel” and give your ticket or visa as proof."),
            page="appointments:mine",
            link=_("To my appointments and “Urgent travel”"),
        ),
        Advice(
            _("Rescheduling is free"),
            _("Your fee and attempts are safe. Pay no tout."),
        ),
        Advice(
            _("Tell nobody your OTP"),
            _("Passport staff never ask for it."),
        ),
        Advice(
            _("Open only links of %(site)s") % {"site": site},
            _("For applications and fees use www.passportindia.gov.in alone."),
        ),
        Advice(
            _("The new time does not suit you?"),
            _("Press “Choose another date”. It costs nothing."),
        ),
    ]
