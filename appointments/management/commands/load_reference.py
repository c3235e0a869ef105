"""manage.py load_reference: regions, centres, slot templates and holidays from data/."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from appointments import reference
from appointments.csv_rows import BadFile
from appointments.reference_files import VERIFY_REASONS


class Command(BaseCommand):
    help = "Load regions, centres, slot templates and holidays. Again: changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--folder", type=Path, default=reference.FOLDER, help="where the CSV files are"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate(timezone.now())
        try:
            loaded = reference.load(folder=options["folder"], today=today)
        except BadFile as error:
            raise CommandError(f"{error}. Nothing was loaded.") from None
        self.stdout.write(
            f"{loaded.regions} regions, {loaded.centres} centres, {loaded.templates} slot "
            f"templates, {loaded.holidays} holidays; {loaded.changed} rows written"
        )
        for line in loaded.to_verify:
            self.stdout.write(
                f"to be verified: {line.day} {line.name_en} ({VERIFY_REASONS[line.verify]})"
            )
