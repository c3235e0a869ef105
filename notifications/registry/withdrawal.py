"""What withdrawing a version does to messages, said before an officer does it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notifications.dates import INDIA, long_day
from notifications.gateways import has_template_ids
from notifications.registry import filling
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
        yield _(
            "No older version comes back. Messages of this kind are not sent until version"
            " %(version)d begins on %(day)s; officers are told of each."
        ) % {"version": soonest.version, "day": _day(soonest.valid_from)}
    else:
        yield _(
            "No older version comes back. Messages of this kind are not sent until another text is"
            " filed; officers are told of each."
        )
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


def _day(day: date) -> str:
    return long_day(day, "hi" if get_language() == "hi" else "en")
