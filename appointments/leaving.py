"""When an account changes its number or address, or is closed: what hangs on it follows."""

from accounts.models import User
from appointments import messages
from appointments.models import Application, Appointment
from appointments.verbs import verb
from notifications import outbox


@verb
def follow_contact(*, person: User) -> int:
    """What is queued about this person's appointments goes to where they are reached now.

    Returns how many messages that changes. Reminders are queued days ahead, and the number that
    they were meant for may be somebody else's by then. Again: changes nothing.
    """
    live = Appointment.objects.filter(
        application__claimed_by=person, state__in=Appointment.LIVE_STATES
    )
    return _readdress(list(live.with_people().order_by("pk")))


@verb
def unlink_all(*, by: User) -> int:
    """Take all of a person's applications off their account; returns how many that were.

    Appointments stand, and messages about them go to the contacts that the register holds. Whoever
    signs in later can link the applications again. Again: changes nothing.
    """
    mine = Application.objects.filter(claimed_by=by).order_by("pk")
    ids = list(mine.select_for_update(no_key=True).values_list("pk", flat=True))
    Application.objects.filter(pk__in=ids).update(claimed_by=None, claimed_at=None)
    live = Appointment.objects.filter(application__in=ids, state__in=Appointment.LIVE_STATES)
    _readdress(list(live.with_people().order_by("pk")))
    return len(ids)


def _readdress(appointments: list[Appointment]) -> int:
    changed = 0
    for appointment in appointments:
        phone, email, _language = appointment.contact
        for channel, address in (("sms", phone), ("email", email)):
            changed += outbox.readdress(
                reference=messages.reference(appointment),
                channel=channel,
                address=address,
                reason="the person has no such address any more",
            )
    return changed
