"""The slip that an applicant prints and shows at the gate, and how the gate checks it.

Its QR code holds an address of this site with a signed reference: the rows of the appointment and
of the time that was printed, nothing about the person. Only an officer who opens it learns more;
the time is in it so that a slip printed before a change is found out.
"""

from dataclasses import dataclass

import segno
from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from appointments.models import Appointment

# Signed, so that nobody can make a slip for a row they guess.
SALT = "appointments.slip"
# Quiet zone in modules (ISO/IEC 18004), which scanners need.
QUIET_ZONE = 4


@dataclass(frozen=True)
class Reference:
    """What a slip was printed for."""

    appointment_id: int
    slot_id: int


def reference(appointment: Appointment) -> str:
    """Sign what the slip of a seated appointment says."""
    return _signer().sign(f"{appointment.pk}-{appointment.slot_id}")


def read(text: str) -> Reference | None:
    """The reference behind a code; None for one that this site has not made."""
    try:
        appointment_id, _dash, slot_id = _signer().unsign(text).partition("-")
    except signing.BadSignature:
        return None
    return Reference(int(appointment_id), int(slot_id))


def holds(printed: Reference, appointment: Appointment) -> bool:
    """Whether the slip's time is the one that stands."""
    confirmed = appointment.state == Appointment.State.CONFIRMED
    return confirmed and appointment.slot_id == printed.slot_id


def check_url(appointment: Appointment) -> str:
    """What the QR code holds."""
    path = reverse("appointments:check_slip", args=[reference(appointment)])
    return f"{settings.SITE_SCHEME}://{settings.SITE_HOST}{path}"


def qr_code(text: str) -> SafeString:
    """The text as an SVG drawing, dark on light in every theme, without inline style or script."""
    drawing = segno.make(text, error="m", micro=False).svg_inline(
        omitsize=True, border=QUIET_ZONE, light="#fff", svgclass="qr", lineclass=None
    )
    return mark_safe(drawing)  # drawn by segno; holds no text of ours


def _signer() -> signing.Signer:
    return signing.Signer(salt=SALT, sep=".")
