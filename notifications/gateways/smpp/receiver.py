"""The long-lived receiver of receipts: bound to the SMSC for as long as it is there."""

import logging
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from notifications import claims, health
from notifications.gateways.base import GatewayDown
from notifications.gateways.smpp import inbox
from notifications.gateways.smpp.wire import Broken, Command, Session
from notifications.models import Channel

logger = logging.getLogger(__name__)

# Waits before the first, second, ... new connection; the last goes on.
BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0)
# What a worker would bind for.
OURS = claims.Share(channel=Channel.SMS, gateway=inbox.GATEWAY, reports=True)
# How soon an order to end, or an SMS that needs the only bind, is noticed.
LOOK_UP_SECONDS = 0.5
# An SMSC that has not answered an enquire_link in this time is gone.
PATIENCE_SECONDS = 10
ANSWER_SECONDS = 10


class Receiver:
    """Takes receipts in until `stop` is called."""

    def __init__(self) -> None:
        self._stopping = False
        self.binds = 0  # connections so far

    def stop(self) -> None:
        """End soon. A bare flag, because signal handlers must not wait for a lock."""
        self._stopping = True

    def run(self) -> None:
        waits = _waits()
        while not self._stopping:
            if self._must_give_way():
                self._rest(LOOK_UP_SECONDS)
                continue
            began = time.monotonic()
            try:
                self._one_session()
            except (GatewayDown, Broken, inbox.NotKept) as error:
                if time.monotonic() - began > BACK_OFF[-1]:  # it worked for a while
                    waits = _waits()
                wait = next(waits)
                logger.warning("smpp receiver: %s; again in %s s", error, wait)
                self._rest(wait)

    def _rest(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while not self._stopping and (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_UP_SECONDS))

    def _one_session(self) -> None:
        """Until it must stop or give way; raises what ended it otherwise."""
        ends_at = time.monotonic() + settings.MESSAGE_CALL_SECONDS
        session = Session.bound(_role(), ends_at=ends_at)
        self.binds += 1
        logger.info("smpp receiver: bound")
        try:
            self._listen(session)
            session.unbind()
        finally:
            session.drop()  # what was not answered is repeated on the next connection

    def _listen(self, session: Session) -> None:
        asked = False
        while not self._stopping and not self._must_give_way():
            until = time.monotonic() + LOOK_UP_SECONDS
            for pdu in session.incoming(ends_at=until):
                asked = False
                ends_at = time.monotonic() + ANSWER_SECONDS
                if pdu.command == Command.DELIVER_SM:
                    inbox.take_in(session, pdu, ends_at=ends_at)
                else:
                    session.serve(pdu, ends_at=ends_at)
            silent = time.monotonic() - session.heard_at
            if asked and silent > settings.SMPP_ENQUIRE_SECONDS + PATIENCE_SECONDS:
                raise Broken("the SMSC does not answer")
            if not asked and silent > settings.SMPP_ENQUIRE_SECONDS:
                session.send("enquire_link", ends_at=time.monotonic() + ANSWER_SECONDS)
                asked = True

    def _must_give_way(self) -> bool:
        """The operator allows one bind, and somebody needs it to send."""
        if not settings.SMPP_ONLY_BIND:
            return False
        try:
            now = timezone.now()
            return not health.rests(inbox.GATEWAY, now) and claims.due(OURS, now).exists()
        except (OperationalError, InterfaceError) as error:
            connection.close_if_unusable_or_obsolete()
            logger.warning("smpp receiver: the database did not answer: %s", type(error).__name__)
            return False


def _role() -> str:
    """Where workers bind as transceivers, that is the kind of bind which the operator gives."""
    return "receiver" if settings.SMPP_BIND == "transmitter" else settings.SMPP_BIND


def _waits() -> Iterator[float]:
    yield from BACK_OFF
    while True:
        yield BACK_OFF[-1]
