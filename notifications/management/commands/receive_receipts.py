"""manage.py receive_receipts: stay bound to the SMSC and take its receipts in; ends on SIGTERM."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications import gateways
from notifications.gateways.smpp import SmppGateway
from notifications.gateways.smpp.receiver import Receiver


class Command(BaseCommand):
    help = "Take in the receipts of an SMSC (SMPP) for as long as this process runs."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            gateways.gateway_class(SmppGateway.name)
        except KeyError:
            raise CommandError("No channel in MESSAGE_GATEWAYS goes over SMPP.") from None
        if problems := SmppGateway.problems():
            raise CommandError(" ".join(problems))
        receiver = Receiver()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: receiver.stop())
        receiver.run()
        self.stdout.write("ended: unbound, every receipt answered or left to be repeated")
