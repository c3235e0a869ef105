"""Taking in what an SMSC delivers: first the database, then the answer.

The SMSC repeats what was not answered, so that a crash between the two loses no receipt; that the
repeat changes nothing is the business of receipts.take.
"""

import logging

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from smpplib import consts

from notifications import receipts
from notifications.gateways.smpp import deliver
from notifications.gateways.smpp.wire import Pdu, Session

GATEWAY = "smpp"
logger = logging.getLogger(__name__)


class NotKept(Exception):
    """The database did not take it; it was not answered."""


def take_in(session: Session, pdu: Pdu, *, ends_at: float) -> None:
    """A deliver_sm, into the database and then answered. NotKept, Broken."""
    try:
        status = _kept(pdu.body)
    except (OperationalError, InterfaceError) as error:
        connection.close_if_unusable_or_obsolete()
        raise NotKept(f"the database did not answer: {type(error).__name__}") from error
    except Exception as error:  # no receipt may stop those behind it
        logger.error("smpp: a receipt cannot be kept: %s", type(error).__name__)
        status = consts.SMPP_ESME_RX_T_APPN  # the SMSC tries again, until it gives up
    session.answer(pdu, "deliver_sm_resp", ends_at=ends_at, status=status)


def _kept(body: bytes) -> int:
    now = timezone.now()
    try:
        report = deliver.report(body)
    except deliver.Garbled as error:
        logger.warning("smpp: a garbled deliver_sm: %s", error)
        receipts.count(gateway=GATEWAY, verdict=receipts.Verdict.GARBLED, now=now)
    else:
        if report:  # else somebody answered an SMS of ours: nobody reads these
            receipts.take(gateway=GATEWAY, report=report, now=now)
    return int(consts.SMPP_ESME_ROK)
