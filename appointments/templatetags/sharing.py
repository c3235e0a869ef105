"""{% load sharing %}{% share slot %}: links that tell others when and where the visit is."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from appointments.models import Slot
from appointments.sharing import mail_link, share_text, sms_link

register = template.Library()


@register.inclusion_tag("appointments/share.html")
def share(slot: Slot) -> dict[str, Any]:
    text = share_text(slot)
    return {
        "text": text,
        "sms": sms_link(text),
        "mail": mail_link(_("Passport appointment"), text),
    }
