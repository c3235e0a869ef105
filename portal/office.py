"""The office that runs the site, as its pages name it in the reader's language."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

# Settings that the pages show in the reader's language: both are set, or neither.
IN_BOTH_LANGUAGES = (
    *("OFFICE_NAME", "OFFICE_ADDRESS", "OFFICE_HOURS"),
    *("GRIEVANCE_OFFICER", "DATA_OFFICER", "SITE_NOTICE"),
)


@dataclass(frozen=True)
class Office:
    """Texts are empty where the office has not set them; the pages leave these out."""

    name: str
    notice: str
    is_official: bool
    address: str
    hours: str
    email: str
    grievance_officer: str
    grievance_email: str
    grievance_phone: str
    data_officer: str
    data_email: str

    @property
    def grievance_dial(self) -> str:
        return dial(self.grievance_phone)

    @property
    def has_grievance_contact(self) -> bool:
        return bool(self.grievance_officer or self.grievance_email or self.grievance_phone)

    @property
    def has_data_contact(self) -> bool:
        return bool(self.data_officer or self.data_email)


def office_in(language: str) -> Office:
    return Office(
        name=_set("OFFICE_NAME", language),
        notice=_set("SITE_NOTICE", language) or _notice(language),
        is_official=settings.SITE_IS_OFFICIAL,
        address=_set("OFFICE_ADDRESS", language),
        hours=_set("OFFICE_HOURS", language),
        email=settings.OFFICE_EMAIL,
        grievance_officer=_set("GRIEVANCE_OFFICER", language),
        grievance_email=settings.GRIEVANCE_EMAIL,
        grievance_phone=settings.GRIEVANCE_PHONE,
        data_officer=_set("DATA_OFFICER", language),
        data_email=settings.DATA_OFFICER_EMAIL,
    )


def dial(number: str) -> str:
    """What a link of a phone number dials."""
    return "".join(ch for ch in number if ch.isdigit() or ch == "+")


def _set(name: str, language: str) -> str:
    value: str = getattr(settings, f"{name}_{'EN' if language == 'en' else 'HI'}")
    return value


def _notice(language: str) -> str:
    if settings.SITE_IS_OFFICIAL:
        return _("This site is run by %(office)s.") % {"office": _set("OFFICE_NAME", language)}
    return _("This site runs on open-source software. It is not the official Passport Seva site.")
