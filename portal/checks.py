"""Refuse to start a public site on the conveniences of the demo.

Public is a site that answers to other names than this machine's own, or over https.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from notifications.gateways import classes
from portal.office import IN_BOTH_LANGUAGES

OWN_NAMES = {"localhost", "127.0.0.1", "[::1]", "::1", "testserver", ".localhost"}
SHORTEST_KEY = 50
FILE_GATEWAY = "notifications.gateways.file.FileGateway"
CACHE = "django.core.cache.backends."
# Each process has its own, or none has: limits of the API would hold per process.
UNSHARED_CACHES = {f"{CACHE}locmem.LocMemCache", f"{CACHE}dummy.DummyCache"}
FILE_CACHE = f"{CACHE}filebased.FileBasedCache"
SQLITE = "django.db.backends.sqlite3"


def is_public() -> bool:
    return settings.SITE_SCHEME == "https" or bool(set(settings.ALLOWED_HOSTS) - OWN_NAMES)


def check_public_site(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Everything that is fine on one's own machine and wrong where people come."""
    if not is_public():
        return []
    return [*_secrets(), *_names(), *_demo(), *_storage(), *_files()]


def check_proxies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without the number of proxies every visitor has the proxy's address, and its limits."""
    behind_proxy = bool(settings.SECURE_PROXY_SSL_HEADER)
    if behind_proxy == bool(settings.ALLAUTH_TRUSTED_PROXY_COUNT):
        return []
    if behind_proxy:
        problem = "Behind a proxy all visitors would share one limit of sign-in codes."
        hint = "Set TRUSTED_PROXY_COUNT to the number of proxies in front (mostly 1)."
    else:
        problem = "X-Forwarded-For would be believed, which anyone can send, without a proxy."
        hint = "Set BEHIND_PROXY=1 too, or leave TRUSTED_PROXY_COUNT at 0."
    return [Error(problem, hint=hint, id="portal.E010")]


def check_both_languages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What the office says of itself is said to readers of both languages."""
    return [
        Error(
            f"{name} is set in one language only.",
            hint=f"Set both {name}_HI and {name}_EN.",
            id="portal.E011",
        )
        for name in IN_BOTH_LANGUAGES
        if bool(getattr(settings, f"{name}_HI")) != bool(getattr(settings, f"{name}_EN"))
    ]


def check_contacts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A public site says whom people may complain to (GIGW, and the DPDP Act for their data)."""
    if not is_public():
        return []
    wanted = {
        "OFFICE_ADDRESS_EN": "where the office is",
        "GRIEVANCE_OFFICER_EN": "who the grievance officer is",
        "GRIEVANCE_EMAIL": "how to write to the grievance officer",
        "DATA_OFFICER_EMAIL": "whom to ask about their data",
    }
    missing = [name for name in wanted if not getattr(settings, name)]
    return [
        Warning(f"The pages do not say {wanted[name]}.", hint=f"Set {name}.", id="portal.W004")
        for name in missing
    ]


def _secrets() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    if key == settings.DEMO_SECRET_KEY or len(key) < SHORTEST_KEY:
        yield Error(
            "SECRET_KEY is the demo's, or too short: anyone could forge a session.",
            hint=f"Set SECRET_KEY to at least {SHORTEST_KEY} random characters.",
            id="portal.E001",
        )
    if settings.DEBUG:
        yield Error(
            "DEBUG shows the inside of the site to everyone.", hint="Set DEBUG=0.", id="portal.E002"
        )


def _names() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS takes every name.",
            hint="List the names under which this site is reached.",
            id="portal.E003",
        )
    host, _, _port = settings.SITE_HOST.rpartition(":")
    if (host or settings.SITE_HOST) in OWN_NAMES:
        yield Error(
            "Links in messages would lead to the recipient's own machine.",
            hint="Set SITE_HOST to the name of this site.",
            id="portal.E004",
        )
    if settings.SITE_SCHEME != "https":
        yield Error(
            "Codes and sessions would travel unencrypted.",
            hint="Serve the site over https and set SITE_SCHEME=https.",
            id="portal.E005",
        )


def _demo() -> Iterator[CheckMessage]:
    if settings.DEMO_MODE:
        yield Error(
            "DEMO_MODE shows one-time codes and second factors to everyone.",
            hint="Set DEMO_MODE=0; a demonstration stays on one's own machine.",
            id="portal.E006",
        )
    into_a_file = [
        channel for channel, named in settings.MESSAGE_GATEWAYS.items() if _writes_to_a_file(named)
    ]
    if into_a_file:
        channels = " and ".join(into_a_file)
        yield Error(
            f"Messages by {channels} would be written to a folder, and nobody would get them.",
            hint="Set SMS_GATEWAY and EMAIL_GATEWAY to gateways that send.",
            id="portal.E007",
        )


def _writes_to_a_file(named: str | list[str]) -> bool:
    """Also as the last of several: what the first cannot send would go there."""
    file_gateway = import_string(FILE_GATEWAY)
    try:
        return any(issubclass(each, file_gateway) for each in classes(named))
    except (ImportError, AttributeError):  # notifications.E001 says so
        return False


def _storage() -> Iterator[CheckMessage]:
    cache = settings.CACHES["default"]["BACKEND"]
    if cache in UNSHARED_CACHES:
        yield Error(
            "The cache is not shared: limits would hold for each process by itself.",
            hint="Set REDIS_URL.",
            id="portal.E008",
        )
    on_sqlite = settings.DATABASES["default"]["ENGINE"] == SQLITE
    if cache == FILE_CACHE and not on_sqlite:
        yield Warning(
            "PostgreSQL without Redis: the cache is a folder of one machine, and nudges poll.",
            hint="Set REDIS_URL.",
            id="portal.W001",
        )
    if settings.REDIS_URL and settings.CACHES["default"].get("LOCATION") == settings.REDIS_URL:
        yield Warning(
            "Cache and nudges share one Redis: it can neither evict the one nor keep the other.",
            hint="Set CACHE_REDIS_URL to a Redis of its own.",
            id="portal.W003",
        )
    if on_sqlite:
        yield Warning(
            "SQLite serves one machine and one writer at a time.",
            hint="Set DATABASE_URL to a PostgreSQL database.",
            id="portal.W002",
        )


def _files() -> Iterator[CheckMessage]:
    root = settings.STATIC_ROOT
    if root is None or (Path(root) / "staticfiles.json").exists():
        return
    yield Warning(
        "collectstatic has not run: pages come without their style sheet.",
        hint="Run manage.py collectstatic --no-input, after each upgrade too.",
        id="portal.W005",
    )
