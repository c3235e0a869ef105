"""Refuse to start where signing in would be unsafe."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

ALLAUTH_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ACCOUNT_MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"
OFFICER_MIDDLEWARE = "accounts.middleware.OfficerSecondFactorMiddleware"
LIMITS = {
    *("wait_for_next_code", "address_here", "address", "address_by_account"),
    *("network", "new_numbers", "all_sms"),
    *("officer_here", "officer", "officer_network", "second_factor"),
    *("claim_by_account", "claim_by_arn", "claim_by_network"),
    *("unknown_link", "link_hold", "files_by_account"),
    *("affected_by_network", "affected_by_arn"),
}


def check_officer_middleware(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The guard of /officers/ must run, and after what it asks."""
    needed = [ACCOUNT_MIDDLEWARE, OFFICER_MIDDLEWARE]
    if [path for path in settings.MIDDLEWARE if path in needed] == needed:
        return []
    return [
        Error(
            "Nothing guards /officers/ with a second factor.",
            hint=f"Put {OFFICER_MIDDLEWARE} into MIDDLEWARE, after {ACCOUNT_MIDDLEWARE}.",
            id="accounts.E001",
        )
    ]


def check_backends(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if list(settings.AUTHENTICATION_BACKENDS) == [ALLAUTH_BACKEND]:
        return []
    return [
        Error(
            "AUTHENTICATION_BACKENDS opens a way in that has no second factor.",
            hint=f"Leave only {ALLAUTH_BACKEND}.",
            id="accounts.E002",
        )
    ]


def check_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    limits = getattr(settings, "SIGN_IN_LIMITS", {})
    unlimited = sorted(name for name in LIMITS if not _says_something(limits.get(name)))
    if not unlimited:
        return []
    return [
        Error(
            f"SIGN_IN_LIMITS does not limit: {', '.join(unlimited)}.",
            hint="Give each at least one step of (how many, within what time).",
            id="accounts.E003",
        )
    ]


def _says_something(steps: list[tuple[int, timedelta]] | None) -> bool:
    return bool(steps) and all(amount >= 1 and period for amount, period in steps or ())


def check_sessions(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Sessions in cookies cannot be ended, and say what they hold to whoever has them."""
    if not settings.SESSION_ENGINE.endswith("signed_cookies"):
        return []
    return [
        Error(
            "Sessions in cookies cannot be ended by the site.",
            hint="Keep the default SESSION_ENGINE, the database.",
            id="accounts.E004",
        )
    ]


def check_no_bypass(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    bypass = getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None)
    if not bypass and "webauthn" not in settings.MFA_SUPPORTED_TYPES:
        return []
    return [
        Error(
            "MFA_TOTP_INSECURE_BYPASS_CODE opens every second factor"
            if bypass
            else "Security keys have no pages here: officers could be locked out.",
            hint="Remove it." if bypass else "Take webauthn out of MFA_SUPPORTED_TYPES.",
            id="accounts.E005",
        )
    ]


ALL: Sequence[Callable[..., list[CheckMessage]]] = (
    check_officer_middleware,
    check_backends,
    check_limits,
    check_sessions,
    check_no_bypass,
)
