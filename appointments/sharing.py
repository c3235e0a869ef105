"""Telling the family when and where the visit is: by the phone's own means.

The words name neither the person nor the application. The links open the phone's SMS and mail
programs, which send nothing before the person says so. There is no link to wa.me or the like: it
would carry the words in an address to another company's server before the person has chosen to
whom they go. With scripts the phone's own share sheet offers every app on it instead.
"""

from urllib.parse import quote

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from appointments.models import Slot
from appointments.words import address
from notifications import dates


def share_text(slot: Slot) -> str:
    """When to be where, in the reader's language."""
    language = get_language() or "hi"
    return _(
        "Passport appointment: %(moment)s. Be there by %(report)s. Place: %(place)s. "
        "Bring the original documents."
    ) % {
        "moment": dates.long_moment(slot.starts_at, language),
        "report": dates.clock(slot.reports_at, language),
        "place": address(slot.centre),
    }


def sms_link(text: str) -> str:
    """Opens a new SMS. "?&" because Android reads what follows "?" and iOS what follows "&"."""
    return f"sms:?&body={quote(text, safe='')}"


def mail_link(subject: str, text: str) -> str:
    """Opens a new mail without an addressee (RFC 6068)."""
    return f"mailto:?subject={quote(subject, safe='')}&body={quote(text, safe='')}"
