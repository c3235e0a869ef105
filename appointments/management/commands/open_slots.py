"""manage.py open_slots: what beat does each night at 00:05."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.slots import open_slots


class Command(BaseCommand):
    help = "Open the slots of the weekly templates up to the booking horizon."

    def handle(self, *args: Any, **options: Any) -> None:
        opened = open_slots(now=timezone.now())
        self.stdout.write(f"{opened} slots opened")
