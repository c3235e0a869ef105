"""Why an officer's wish about a message is refused, and why a message cannot be put into words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """`code` is for programs and tests, `message` for the person (lazy, translated)."""

    def __init__(self, code: str, message: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


def require_reason(by: str, reason: str) -> None:
    """What an officer decides is kept with who and why. Refusal: reason_required."""
    if not by.strip() or not reason.strip():
        raise Refusal("reason_required", _("Write down the reason."))


class RenderError(Exception):
    """The message cannot be put into words; trying again would not help."""
