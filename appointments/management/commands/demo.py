"""manage.py demo: an invented office, relative to today. In demo mode only."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from appointments.csv_rows import BadFile
from appointments.demo.build import SEED, Built, CannotBuild, build
from appointments.demo.reset import reset
from appointments.demo.show import show


class Command(BaseCommand):
    help = "Fill the site with an invented region (demo mode only). Again: changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seed", type=int, default=SEED, help="another crowd (default %(default)s)"
        )
        parser.add_argument("--working-days", type=int, help="how many to fill (default: horizon)")
        parser.add_argument("--reset", action="store_true", help="take all away first, then fill")
        parser.add_argument("--yes", action="store_true", help="do not ask before --reset")
        parser.add_argument(
            "--show", action="store_true", help="only say who can sign in, and where"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["show"]:
                self._fill(options)
        except (CannotBuild, BadFile) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(show())

    def _fill(self, options: dict[str, Any]) -> None:
        if options["reset"]:
            self._ask(options["yes"])
            reset()
        built = build(
            now=timezone.now(),
            seed=options["seed"],
            working_days=options["working_days"],
            bar=lambda days: tqdm(days, desc="Filling days", unit="day", disable=None),
        )
        self.stdout.write(self._sentence(built) + "\n")

    def _ask(self, yes: bool) -> None:
        if yes:
            return
        answer = input("This deletes all bookings, outages, messages and accounts. Type yes: ")
        if answer.strip().lower() != "yes":
            raise CommandError("Nothing was changed.")

    def _sentence(self, built: Built) -> str:
        counts = f"{built.applications:,} applications, {built.appointments:,} appointments"
        if built.made:
            return f"Filled: {counts}, {built.slots:,} slots."
        return (
            f"The demo is there already, made on {built.since}: {counts}. Nothing was changed. "
            "Days have moved on since? Use --reset."
        )
