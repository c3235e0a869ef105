"""When an account changes its number or address, or is closed: what hangs on it follows."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from appointments import listing, messages
from appointments.models import Application, Appointment, Listed, Offer
from appointments.verbs import verb
from notifications import outbox, redirect
from notifications.models import Channel, Message

NO_ADDRESS = "the person has no such address any more"


@verb
def follow_contact(*, person: User) -> int:
    """What is queued about this person's appointments goes to where they are reached now.

    Returns how many messages that changes. Reminders are queued days ahead, and the number that
    they were meant for may be somebody else's by then. Again: changes nothing.
    """
    live = Appointment.objects.filter(
        application__claimed_by=person, state__in=Appointment.LIVE_STATES
    )
    return _readdress(list(live.with_people().order_by("pk")), timezone.now())


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
    _readdress(list(live.with_people().order_by("pk")), timezone.now())
    return len(ids)


def _readdress(appointments: list[Appointment], now: datetime) -> int:
    # Lists first, as where messages are taken back (appointments/messages.py).
    changed = _follow_lists(appointments, now) + _redirect_lists(appointments)
    for appointment in appointments:
        phone, email, _language = appointment.contact
        for channel, address in (("sms", phone), ("email", email)):
            changed += outbox.readdress(
                reference=messages.reference(appointment),
                channel=channel,
                address=address,
                reason=NO_ADDRESS,
            )
        changed += redirect.redirect_other(
            reference=messages.reference(appointment), channel="sms", address=email
        )
    return changed


def _follow_lists(appointments: list[Appointment], now: datetime) -> int:
    """The one SMS of several people goes where all of them are reached now, if that is one phone.

    If it is not, it stays with those who are still reached at its number.
    """
    names = listing.references_of([appointment.pk for appointment in appointments])
    found = outbox.may_be_said(references={name for each in names.values() for name in each})
    return sum(
        _follow_list(message, now)
        for message in found
        if message.channel == Channel.SMS and message.state in FOLLOWS
    )


# One that may be at the old number, with its link, does not: the link would open at the new one for
# whoever has the old one.
FOLLOWS = (Message.State.QUEUED, Message.State.FAILED, Message.State.UNDELIVERED)


def _follow_list(message: Message, now: datetime) -> int:
    people = messages.people_of(message)
    phones = {row.appointment.contact[0] for row in people}
    if len(phones) == 1 and all(phones):
        (phone,) = phones
        listing.show_to(phone, list_id=listing.number_of(message.reference))
        return outbox.readdress(
            reference=message.reference, channel="sms", address=phone, reason=NO_ADDRESS
        )
    if message.state != Message.State.QUEUED:
        return 0  # an officer who sends it again still reaches those of its number
    elsewhere = [row for row in people if row.appointment.contact[0] != message.address]
    listing.leave(
        [row.appointment_id for row in elsewhere],
        of=Q(offer_list=listing.number_of(message.reference)),
        reason=NO_ADDRESS,
    )
    return messages.say_elsewhere(elsewhere, message, now=now)


def _redirect_lists(appointments: list[Appointment]) -> int:
    """The one SMS of several people falls back to an address only while all of them share it."""
    listed = Listed.objects.filter(appointment__in=appointments, left=False)
    asked = listed.filter(offer__state=Offer.State.OPEN).values_list("offer_list", flat=True)
    changed = 0
    for list_id in sorted(set(asked)):
        people = Appointment.objects.with_people().filter(
            listed__offer_list=list_id, listed__left=False
        )
        changed += redirect.redirect_other(
            reference=listing.reference(list_id),
            channel="sms",
            address=messages.email_of_list(people),
        )
    return changed
