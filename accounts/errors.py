"""Why a sign-in goes no further: one code and one sentence each, in the reader's language."""

import math
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from notifications import dates

# A wait up to this long is counted in seconds, a longer one is told by the clock.
SHORT_WAIT = timedelta(seconds=120)

MESSAGES: dict[str, Any] = {
    # The code
    "wrong_code": ngettext_lazy(
        "This code is not right. You have %(tries_left)d try left.",
        "This code is not right. You have %(tries_left)d tries left.",
        "tries_left",
    ),
    "no_tries_left": _("This code was typed wrong too often and has ended. Ask for a new code."),
    "code_expired": _("This code is older than 10 minutes and has ended. Ask for a new code."),
    "code_ended": _("This code has been used or replaced by a newer one. Ask for a new code."),
    # The account's numbers and addresses
    "address_taken": _(
        "Another account has this number or address. If it is yours too: sign in there, close that "
        "account, then add it here."
    ),
    "no_such_address": _("No code can be sent this way. Choose another one."),
    # Officers
    "wrong_password": _("Email address or password is not right."),
    "wrong_second_factor": _("This code is not right. Use the newest one that your app shows."),
    "second_factor_used": _("This code has been used. Wait until your app shows the next one."),
    # Limits; "try again ..." follows
    "wait_for_next_code": _("A code was sent a moment ago."),
    "address_here": _("Too many codes were asked for with this number or address."),
    "address": _("Too many codes were asked for with this number or address."),
    "address_by_account": _("Too many codes were asked for in your account."),
    "network": _("Too many codes were asked for from your network."),
    "new_numbers": _("The portal has sent all the codes to new numbers that it may send for now."),
    "all_sms": _("The portal has sent all the codes that it may send for now."),
    "officer_here": _("Too many wrong passwords."),
    "officer": _("Too many wrong passwords."),
    "officer_network": _("Too many wrong passwords from your network."),
    "second_factor": _("Too many wrong codes."),
    "claim_by_account": _("Too many wrong numbers or dates of birth."),
    "claim_by_arn": _("Too many wrong dates of birth for this number."),
    "claim_by_network": _("Too many wrong numbers or dates of birth from your network."),
    "unknown_link": _("Too many wrong links were opened from your network."),
    "files_by_account": _("Too many files were sent."),
    "link_hold": _("Too many times were chosen by this link."),
    "affected_by_arn": _("This application number has been asked about too often."),
    "affected_by_network": _("Too many people are asking from your network at this moment."),
}


class SignInRefusal(Exception):
    """A rule of signing in says no. `code` is stable; `message` is for people.

    `retry_at`: from when on the same is allowed again (limits only).
    """

    def __init__(
        self, code: str, *, tries_left: int | None = None, retry_at: datetime | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.tries_left = tries_left
        self.retry_at = retry_at

    @property
    def is_limit(self) -> bool:
        return self.retry_at is not None

    def seconds_left(self, *, now: datetime) -> int:
        """What Retry-After says of a limit: whole seconds, rounded up, one at least."""
        assert self.retry_at is not None
        return max(1, math.ceil((self.retry_at - now).total_seconds()))

    @property
    def message(self) -> str:
        message = MESSAGES[self.code]
        if self.tries_left is not None:
            return str(message % {"tries_left": self.tries_left})
        if self.retry_at is not None:
            return f"{message} {try_again(self.retry_at, now=timezone.now())}"
        return str(message)


def try_again(retry_at: datetime, *, now: datetime) -> str:
    """Write "Try again in 25 seconds." or "Try again after 10:46 am.", with the day if later."""
    wait = retry_at - now
    if wait <= SHORT_WAIT:
        seconds = max(1, math.ceil(wait.total_seconds()))
        text = ngettext(
            "Try again in %(seconds)d second.", "Try again in %(seconds)d seconds.", seconds
        )
        return text % {"seconds": seconds}
    # Rounded up: at the minute that is told, it is allowed.
    at = retry_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    language = get_language() or "hi"
    same_day = timezone.localdate(at) == timezone.localdate(now)
    when = dates.clock(at, language) if same_day else dates.long_moment(at, language)
    return gettext("Try again after %(when)s.") % {"when": when}
