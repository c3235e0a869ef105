"""Settings that cannot work are named when the site starts."""

import pytest

from notifications import checks


def ids(found):
    return [message.id for message in found]


def test_settings_of_the_embedded_default_are_sound():
    assert checks.check_gateways(None) == []
    assert checks.check_times(None) == []


@pytest.mark.parametrize("path", ["no.such.Gateway", "nodots", "notifications.models.Message"])
def test_gateway_that_is_none_is_an_error(settings, path):
    settings.MESSAGE_GATEWAYS = {**settings.MESSAGE_GATEWAYS, "sms": path}
    [error] = checks.check_gateways(None)
    assert error.id == "notifications.E001"
    assert path in error.msg


def test_channel_without_a_gateway_is_an_error(settings):
    settings.MESSAGE_GATEWAYS = {"sms": settings.MESSAGE_GATEWAYS["sms"]}
    assert ids(checks.check_gateways(None)) == ["notifications.E001"]


def test_mail_gateway_without_a_mail_server_is_an_error(settings):
    settings.EMAIL_HOST = ""
    settings.MESSAGE_GATEWAYS = {
        **settings.MESSAGE_GATEWAYS,
        "email": "notifications.gateways.smtp.SmtpGateway",
    }
    assert ids(checks.check_gateways(None)) == ["notifications.E002"]


def test_lease_that_ends_during_a_call_is_an_error(settings):
    settings.MESSAGE_LEASE_SECONDS = 2 * settings.MESSAGE_CALL_SECONDS
    assert ids(checks.check_times(None)) == ["notifications.E003"]


def test_turn_that_celery_would_cut_short_is_an_error(settings):
    settings.MESSAGE_RUN_SECONDS = settings.CELERY_TASK_SOFT_TIME_LIMIT
    assert ids(checks.check_times(None)) == ["notifications.E004"]
