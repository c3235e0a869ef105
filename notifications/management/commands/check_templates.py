"""manage.py check_templates: prove that every SMS fits its filed text; ends with 1 if not."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import override

from notifications.registry import proof
from notifications.registry.entries import known_gateways


class Command(BaseCommand):
    help = "Prove that every kind of SMS, in every language, fits its filed text."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--gateway", action="append", help="prove for this gateway instead of those in use"
        )

    @override("en")
    def handle(self, *args: Any, **options: Any) -> None:
        named = options["gateway"]
        for name in named or []:
            if name not in known_gateways():
                raise CommandError(f"There is no gateway {name}.")
        proofs = proof.prove(timezone.now(), named)
        if not proofs:
            self.stdout.write("No SMS gateway in use needs filed texts.")
            return
        findings = [finding for one in proofs for finding in one.findings]
        for finding in findings:
            self.stdout.write(f"{'ERROR' if finding.is_error else 'warning'}: {finding}")
        failed = sum(one.fails for one in proofs)
        self.stdout.write(f"{len(proofs) - failed} of {len(proofs)} are proved.")
        if failed:
            sys.exit(1)
