"""manage.py check_seats proves the counters, and says where they differ."""

import pytest
from django.core.management import CommandError, call_command

from appointments.models import Slot
from tests.domain.builders import make_appointment, make_slot

pytestmark = pytest.mark.django_db


def test_check_seats_on_sound_counters_says_so(capsys):
    make_appointment(make_slot())
    call_command("check_seats")
    assert "1 slots: counters agree" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"taken": 2}, {"closed": 1}])
def test_check_seats_on_a_difference_names_the_slot_and_fails(capsys, wrong):
    slot = make_slot()
    make_appointment(slot)
    Slot.objects.filter(pk=slot.pk).update(**wrong)
    with pytest.raises(CommandError) as failure:
        call_command("check_seats")
    assert failure.value.returncode == 1
    assert f"slot {slot.pk}:" in capsys.readouterr().err
