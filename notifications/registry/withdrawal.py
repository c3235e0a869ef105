"""What withdrawing a version does to messages, said before an officer does it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notifications import kinds
from notifications.dates import INDIA, long_day
from notifications.gateways import gateway_classes, has_template_ids
from notifications.models import Channel
from notifications.registry import filling, proof
from notifications.registry.models import SmsTemplate


def effects(template: SmsTemplate, now: datetime) -> list[str]:
    """True sentences about this version, in the reader's language; today is a day in India."""
    today = now.astimezone(INDIA).date()
    templates = filling.by_key()
    versions = templates[template.kind, template.language, template.gateway]
    newer = [one for one in versions if one.version > template.version]
    begun = next((one for one in newer if _has_begun(one, today)), None)
    if template.withdrawn_at is not None:
        return [_("It is withdrawn already.")]
    if begun is not None:
        return [_of_old(begun, versions, today)]
    if template.valid_from > today:
        return [_of_coming(template, versions, today)]
    if template.valid_until and template.valid_until < today:
        return [_("It has ended: no message leaves in these words, withdrawn or not.")]
    return list(_of_current(template, newer, templates, today))


def _has_begun(template: SmsTemplate, today: date) -> bool:
    """Whether it speaks, or has spoken: then no older version ever comes back."""
    return template.valid_from <= today and not filling.never_was(template)


def _of_old(begun: SmsTemplate, versions: Sequence[SmsTemplate], today: date) -> str:
    """`begun`: the version that took its place."""
    number = {"version": begun.version}
    if isinstance(filling.standing(versions, today), SmsTemplate):
        return (
            _("This is an old version: version %(version)d is in force.") % number
            + " "
            + _("Messages go on leaving in that; withdrawing this one changes nothing for them.")
        )
    return (
        _("This is an old version: version %(version)d took its place.") % number
        + " "
        + _("No message leaves in these words, withdrawn or not.")
    )


def _of_coming(template: SmsTemplate, versions: Sequence[SmsTemplate], today: date) -> str:
    first = _("It was to begin on %(day)s and then never will.") % {
        "day": _day(template.valid_from)
    }
    speaks = filling.standing(versions, today)
    if isinstance(speaks, SmsTemplate):
        goes_on = _("Messages go on leaving in version %(version)d, which is in force.")
        return f"{first} {goes_on % {'version': speaks.version}}"
    return first + " " + _("No other version is in force today.")


def _of_current(
    template: SmsTemplate,
    newer: Sequence[SmsTemplate],
    templates: dict[filling.Key, list[SmsTemplate]],
    today: date,
) -> Iterator[str]:
    yield _(
        "Within seconds no message leaves in these words through a gateway that needs filed texts."
    )
    instead = templates.get((template.kind, template.language, ""), [])
    stands_in = not has_template_ids(template.gateway)  # by the operators' id alone
    if template.gateway and stands_in and isinstance(filling.standing(instead, today), SmsTemplate):
        words = _("Messages then leave through %(gateway)s in what is filed for every gateway.")
        yield words % {"gateway": template.gateway}
        return
    coming = [one for one in newer if one.withdrawn_at is None]
    if coming:
        soonest = min(coming, key=lambda one: (one.valid_from, -one.version))
        words = _("No older version comes back. Version %(version)d begins on %(day)s.")
        yield words % {"version": soonest.version, "day": _day(soonest.valid_from)}
    else:
        yield _("No older version comes back, and no other is filed to follow.")
    yield from _of_messages(template, templates, today)
    if template.gateway:
        return
    own = sorted(
        gateway
        for (kind, language, gateway), versions in templates.items()
        if gateway
        and (kind, language) == (template.kind, template.language)
        and isinstance(filling.standing(versions, today), SmsTemplate)
    )
    if own:
        yield _("Gateways with a text of their own go on: %(gateways)s.") % {
            "gateways": ", ".join(own)
        }


def _of_messages(
    template: SmsTemplate, templates: dict[filling.Key, list[SmsTemplate]], today: date
) -> Iterator[str]:
    """What becomes of them is delivery.py's: one without words fails, and is not given to another
    gateway; fallback.py then brings the notice by the other channel."""
    sms = [gateway.name for gateway in gateway_classes(Channel.SMS)]
    failing = [
        gateway
        for gateway in proof.gateways_in_use()
        if _speaker(template, templates, gateway, today) == template
    ]
    if not failing:
        yield (
            _("%(gateway)s is not in use: no message goes through it now.")
            % {"gateway": template.gateway}
            if template.gateway
            else _("No gateway in use takes this text: for messages nothing changes now.")
        )
        yield _("Where it is needed, SMS of this kind fail until another text is in force.")
        return
    yield _(
        "Until another text is in force, SMS of this kind that come to %(gateways)s fail there:"
        " they do not wait, and no other gateway gets them. Officers are told."
    ) % {"gateways": ", ".join(failing)}
    others = [name for name in sms if name not in failing]
    if others:
        yield _(
            "Through %(others)s they leave as before. Messages come to the first gateway that does"
            " not rest: %(order)s."
        ) % {"others": ", ".join(others), "order": ", ".join(sms)}
    kind = next((one for one in kinds.all_kinds() if one.code == template.kind), None)
    if kind and kind.speaks(Channel.EMAIL):
        yield _("In place of an SMS that failed an email leaves, where an address is known.")
    if kind and kind.must_reach:
        yield _("Whom nothing else reaches is listed as not reached.")
    yield _("An SMS that failed leaves later only if an officer sends it again.")


def _speaker(
    template: SmsTemplate,
    templates: dict[filling.Key, list[SmsTemplate]],
    gateway: str,
    today: date,
) -> SmsTemplate | None:
    """The version in which this kind leaves through this gateway today."""
    said = (template.kind, template.language)
    places = [templates.get((*said, place), []) for place in dict.fromkeys((gateway, ""))]
    found = filling.first_standing(places, today, by_gateways_id=has_template_ids(gateway))
    return found if isinstance(found, SmsTemplate) else None


def _day(day: date) -> str:
    return long_day(day, "hi" if get_language() == "hi" else "en")
