"""manage.py check_seats: recompute both counters of every slot; exit 1 on a difference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from appointments import seats
from appointments.models import Slot


class Command(BaseCommand):
    help = "Compare each slot's taken and closed seats with its appointments, holds and closures."

    def handle(self, *args: Any, **options: Any) -> None:
        differences = seats.check()
        for d in differences:
            self.stderr.write(
                f"slot {d.slot_id}: taken {d.taken}, rows say {d.taken_rows}; "
                f"closed {d.closed}, rows say {d.closed_rows}"
            )
        if differences:
            raise CommandError(f"{len(differences)} slots differ", returncode=1)
        self.stdout.write(f"{Slot.objects.count()} slots: counters agree")
