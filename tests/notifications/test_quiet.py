import datetime as dt

import pytest

from notifications import quiet
from notifications.dates import INDIA
from notifications.models import Message
from tests.notifications.builders import queued


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("07:59", True),
        ("08:00", False),
        ("20:59", False),
        ("21:00", True),
        ("23:59", True),
        ("00:00", True),
    ],
)
def test_quiet_hours_are_from_nine_in_the_evening_to_eight_in_india(clock, expected):
    moment = dt.datetime.fromisoformat(f"2025-06-23T{clock}").replace(tzinfo=INDIA)
    assert quiet.is_quiet(moment) is expected
    assert quiet.is_quiet(moment.astimezone(dt.UTC)) is expected


@pytest.mark.django_db
def test_database_and_code_agree_about_who_may_leave():
    noon = dt.datetime(2025, 6, 23, 12, 0, tzinfo=INDIA)
    night = dt.datetime(2025, 6, 23, 22, 0, tzinfo=INDIA)
    hour = dt.timedelta(hours=1)
    mail = {"kind": "MAIL", "channel": "email", "address": "a@example.org"}
    messages = [
        queued(1),
        queued(2, quiet_ok_from=night),
        queued(3, quiet_ok_from=night + hour),
        queued(4, **mail),
    ]
    for now in (noon, night, night + hour):
        for message in messages:
            rule = quiet.allowed(message.channel, now)
            found = Message.objects.filter(rule, pk=message.pk).exists()
            assert found == quiet.may_leave(message, now), (now, message)
    assert [quiet.may_leave(message, night) for message in messages] == [False, True, False, True]
