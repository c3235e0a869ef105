"""manage.py draft_templates: the kinds' own texts, written as they are filed with the operators."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.registry import csv_files, drafts
from notifications.registry.entries import known_gateways


class Command(BaseCommand):
    help = (
        "Write a CSV file of all SMS texts with their variables tagged, under invented ids, to be"
        " filed with the operators; load_templates takes it once their ids stand in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--valid-from", type=date.fromisoformat, help="first day (default: today)"
        )

        parser.add_argument("--gateway", default="", help="for this gateway (default: every one)")

    def handle(self, *args: Any, **options: Any) -> None:
        first = options["valid_from"] or timezone.localdate()
        gateway = options["gateway"]
        if gateway and gateway not in known_gateways():
            raise CommandError(f"There is no gateway {gateway}.")
        self.stdout.write(csv_files.write(drafts.invented(first, gateway)), ending="")
