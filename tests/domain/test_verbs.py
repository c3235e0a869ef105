"""A lost race is tried again a bounded number of times, then refused in words."""

import pytest
from django.db import OperationalError

from appointments.errors import MESSAGES, Refusal
from appointments.models import Region
from appointments.verbs import TRIES, LostRace, verb

pytestmark = pytest.mark.django_db(transaction=True)


class Deadlock(Exception):
    sqlstate = "40P01"


def failing(times, error):
    """A verb which writes a row and then loses its race `times` times."""
    calls = []

    @verb
    def run():
        calls.append(1)
        Region.objects.create(code=f"R{len(calls)}", name_en="R", name_hi="R")
        if len(calls) <= times:
            raise error
        return "done"

    return run, calls


def deadlock():
    error = OperationalError("deadlock detected")
    error.__cause__ = Deadlock()
    return error


@pytest.mark.parametrize("error", [LostRace(), deadlock()])
def test_lost_race_starts_anew_and_leaves_nothing_of_the_first_try(error):
    run, calls = failing(1, error)
    assert run() == "done"
    assert len(calls) == 2
    assert list(Region.objects.values_list("code", flat=True)) == ["R2"]


def test_race_lost_too_often_is_refused_in_words():
    run, calls = failing(99, LostRace())
    with pytest.raises(Refusal, match=r"^busy$"):
        run()
    assert len(calls) == TRIES
    assert Region.objects.count() == 0


def test_other_database_errors_are_not_tried_again():
    run, calls = failing(1, OperationalError("disk full"))
    with pytest.raises(OperationalError):
        run()
    assert len(calls) == 1


def test_every_refusal_has_words_and_fills_them():
    for code, text in MESSAGES.items():
        known = ("minutes", "line", "problem", "at", "days", "megabytes", "pages")
        names = {name for name in known if f"{{{name}}}" in text}
        assert "{" not in Refusal(code, **dict.fromkeys(names, "x")).message
