"""manage.py load_templates FILE: file the SMS templates of a CSV file, all of them or none."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import override

from notifications.registry import csv_files, filling, verbs


class Command(BaseCommand):
    help = "File the SMS templates of a CSV file (docs/sms-templates.md). Again: changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file in UTF-8")
        parser.add_argument(
            "--ended-too", action="store_true", help="file lines whose last day has passed as well"
        )
        parser.add_argument("--by", default="manage.py", help="who files them, for the history")

    @override("en")
    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            lines = csv_files.read_lines(csv_files.decoded(path.read_bytes()), filling.by_key())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        except csv_files.BadFile as error:
            raise CommandError(f"{error}\nNothing was loaded.") from None
        entries = [entry for _line, entry in lines]
        news = [(line, entry) for line, entry in lines if verbs.would_change(entry)]
        ended = csv_files.ended(news, timezone.localdate())
        if ended and not options["ended_too"]:
            named = "\n".join(str(mistake) for mistake in ended)
            raise CommandError(f"{named}\nNothing was loaded. To file them: --ended-too.")
        loaded = verbs.load(entries=entries, by=options["by"], reason=path.name)
        self.stdout.write(
            f"{loaded.new} new, {loaded.changed} changed, {loaded.same} as they were."
        )
