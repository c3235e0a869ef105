"""What is missing of filed texts becomes an alert."""

import pytest

from notifications import trouble
from notifications.registry import alarm
from tests.notifications.builders import NOW

pytestmark = pytest.mark.django_db


def test_without_gateways_that_need_filed_texts_nothing_is_missing(settings):
    settings.MESSAGE_GATEWAYS = {"sms": ["file"], "email": ["file"]}
    assert alarm.text_problems(NOW) == []


def test_each_text_that_is_not_on_file_is_a_line_in_english(settings):
    settings.MESSAGE_GATEWAYS = {"sms": ["msg91"], "email": ["file"]}
    lines = alarm.text_problems(NOW)
    assert len([line for line in lines if line.startswith("HOLD · hi · msg91: ")]) == 1
    assert all(line.isascii() or "·" in line for line in lines)


def test_alerts_ask_it():
    assert alarm.text_problems in trouble._sources
