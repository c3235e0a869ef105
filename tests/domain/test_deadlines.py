"""Until when an offer may be answered: three days, before the visit, six waking hours."""

import datetime as dt

import pytest

from appointments.deadlines import after_waking_time, answer_deadline
from tests.domain.builders import INDIA


def moment(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 6, day, hour, minute, tzinfo=INDIA)


@pytest.mark.parametrize(
    ("live", "visit", "deadline"),
    [
        pytest.param(moment(1, 12), moment(20, 10), moment(4, 12), id="three days"),
        pytest.param(moment(1, 12), moment(3, 10), moment(2, 10), id="a day before the visit"),
        pytest.param(moment(1, 12), moment(2, 12), moment(1, 18), id="at least six waking hours"),
        pytest.param(moment(1, 20), moment(2, 18), moment(2, 13), id="waking hours skip the night"),
        pytest.param(moment(1, 20), moment(2, 14), moment(2, 12), id="two hours before the visit"),
        pytest.param(moment(1, 12), moment(1, 13), moment(1, 12, 15), id="never none at all"),
    ],
)
def test_deadline_of_an_offer(live, visit, deadline):
    assert answer_deadline(live_at=live, visit_at=visit) == deadline


def test_waking_time_counts_from_eight_to_nine_at_night_only():
    six_hours = dt.timedelta(hours=6)
    assert after_waking_time(moment(1, 3), six_hours) == moment(1, 14)
    assert after_waking_time(moment(1, 22), six_hours) == moment(2, 14)
    assert after_waking_time(moment(1, 15), six_hours) == moment(1, 21)
    assert after_waking_time(moment(1, 16), six_hours) == moment(2, 9)
