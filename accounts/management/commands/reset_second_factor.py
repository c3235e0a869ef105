"""Let an officer who lost phone and recovery codes set up a new second factor."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import second_factor
from accounts.models import User


class Command(BaseCommand):
    help = "Forget an officer's second factor; a new one is set up at the next sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="address that the officer signs in with")

    def handle(self, *args: Any, **options: Any) -> None:
        officer = User.objects.filter(email=options["email"].lower(), is_staff=True).first()
        if officer is None:
            raise CommandError("No officer signs in with this address.")
        if not second_factor.reset(officer=officer, by=None):
            raise CommandError("This officer has no second factor.")
        self.stdout.write("Forgotten. The officer sets up a new one at the next sign-in.")
