"""A site that would be unsafe does not start."""

from datetime import timedelta

import pytest
from django.core.checks import CheckMessage

from accounts import checks as accounts_checks
from portal import checks as portal_checks

PUBLIC = {
    "STATIC_ROOT": None,
    "DEBUG": False,
    "DEMO_MODE": False,
    "SECRET_KEY": "s" * 64,
    "ALLOWED_HOSTS": ["appointments.example.in"],
    "SITE_HOST": "appointments.example.in",
    "SITE_SCHEME": "https",
    "MESSAGE_GATEWAYS": {"sms": "a.Gateway", "email": "b.Gateway"},
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}},
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "REDIS_URL": "redis://127.0.0.1/1",
}


class Settings:
    """Stands in for django.conf.settings: what a check reads, and nothing else."""

    def __init__(self, **values) -> None:
        self.__dict__ |= {"DEMO_SECRET_KEY": "demo-only-not-a-secret-" + "0" * 40, **values}


def ids(messages: list[CheckMessage]) -> list[str]:
    return sorted(message.id or "" for message in messages)


def found_on_public_site(monkeypatch, **changes) -> list[str]:
    monkeypatch.setattr(portal_checks, "settings", Settings(**{**PUBLIC, **changes}))
    return ids(portal_checks.check_public_site(None))


def test_public_site_as_it_should_be_passes(monkeypatch):
    assert found_on_public_site(monkeypatch) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"SECRET_KEY": "demo-only-not-a-secret-" + "0" * 40}, "portal.E001"),
        ({"SECRET_KEY": "short"}, "portal.E001"),
        ({"DEBUG": True}, "portal.E002"),
        ({"ALLOWED_HOSTS": ["*"]}, "portal.E003"),
        ({"SITE_HOST": "127.0.0.1:8000"}, "portal.E004"),
        ({"SITE_HOST": "localhost"}, "portal.E004"),
        ({"SITE_SCHEME": "http"}, "portal.E005"),
        ({"DEMO_MODE": True}, "portal.E006"),
        (
            {"MESSAGE_GATEWAYS": {"sms": "notifications.gateways.file.FileGateway"}},
            "portal.E007",
        ),
        ({"MESSAGE_GATEWAYS": {"sms": ["file"]}}, "portal.E007"),
        ({"MESSAGE_GATEWAYS": {"sms": ["smtp"], "email": ["smtp", "file"]}}, "portal.E007"),
        (
            {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}},
            "portal.E008",
        ),
        (
            {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}},
            "portal.E008",
        ),
        (
            {"CACHES": {"default": {"BACKEND": portal_checks.FILE_CACHE}}},
            "portal.W001",
        ),
        ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}, "portal.W002"),
        (
            {
                "REDIS_URL": "redis://127.0.0.1/0",
                "CACHES": {
                    "default": {
                        "BACKEND": "django.core.cache.backends.redis.RedisCache",
                        "LOCATION": "redis://127.0.0.1/0",
                    }
                },
            },
            "portal.W003",
        ),
        ({"STATIC_ROOT": "/nowhere/collected"}, "portal.W005"),
    ],
)
def test_public_site_with_a_convenience_of_the_demo_is_refused(monkeypatch, change, found):
    assert found_on_public_site(monkeypatch, **change) == [found]


def test_demo_on_ones_own_machine_passes(monkeypatch):
    demo = {
        "DEMO_MODE": True,
        "SECRET_KEY": "demo-only-not-a-secret-" + "0" * 40,
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]"],
        "SITE_HOST": "127.0.0.1:8000",
        "SITE_SCHEME": "http",
    }
    assert found_on_public_site(monkeypatch, **demo) == []


@pytest.mark.parametrize(
    ("header", "proxies", "found"),
    [
        (None, 0, []),
        (("HTTP_X_FORWARDED_PROTO", "https"), 1, []),
        (("HTTP_X_FORWARDED_PROTO", "https"), 0, ["portal.E010"]),
        (None, 1, ["portal.E010"]),
    ],
)
def test_number_of_proxies_must_fit(settings, header, proxies, found):
    settings.SECURE_PROXY_SSL_HEADER = header
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    assert ids(portal_checks.check_proxies(None)) == found


# --- Signing in ----------------------------------------------------------------------------------


def found_in_accounts() -> list[str]:
    return ids([message for check in accounts_checks.ALL for message in check(None)])


def test_settings_of_this_project_pass():
    assert found_in_accounts() == []


def test_site_without_the_guard_of_officers_pages_is_refused(settings):
    guard = accounts_checks.OFFICER_MIDDLEWARE
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != guard]
    assert found_in_accounts() == ["accounts.E001"]
    settings.MIDDLEWARE = [guard, *settings.MIDDLEWARE]
    assert found_in_accounts() == ["accounts.E001"]


def test_site_with_a_second_way_to_check_passwords_is_refused(settings):
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "django.contrib.auth.backends.ModelBackend",
    ]
    assert found_in_accounts() == ["accounts.E002"]


@pytest.mark.parametrize("name", sorted(accounts_checks.LIMITS))
@pytest.mark.parametrize("steps", [None, [], [(0, timedelta(days=1))], [(5, timedelta(0))]])
def test_site_without_a_limit_is_refused(settings, name, steps):
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, name: steps}
    assert found_in_accounts() == ["accounts.E003"]


def test_limits_that_are_checked_are_those_that_exist(settings):
    assert set(settings.SIGN_IN_LIMITS) == accounts_checks.LIMITS


def test_sessions_in_cookies_are_refused(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert found_in_accounts() == ["accounts.E004"]


@pytest.mark.parametrize(
    "change",
    [{"MFA_TOTP_INSECURE_BYPASS_CODE": "123456"}, {"MFA_SUPPORTED_TYPES": ["totp", "webauthn"]}],
)
def test_ways_around_the_second_factor_are_refused(settings, change):
    for name, value in change.items():
        setattr(settings, name, value)
    assert found_in_accounts() == ["accounts.E005"]
