"""Gateways of the kill tests: slow ones, and ones that kill their own worker at a chosen step.

Loaded by real worker processes through SMS_GATEWAY. The file named by SABOTAGE says where to kill
("step scope"), and is taken away by the one process that does it, so that it happens once.
"""

import os
import signal
import time
from functools import wraps
from pathlib import Path
from uuid import UUID

from notifications import claims
from notifications.gateways.base import Outcome, Outgoing
from notifications.gateways.file import FileGateway
from notifications.gateways.msg91 import Msg91Gateway

SLOWLY = 0.003  # seconds before and after a message is taken


class ThrottledGateway(FileGateway):
    """Slow enough that a kill from outside often hits it in the middle of a call."""

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        time.sleep(SLOWLY)
        outcome = super().send(message, client_reference)
        time.sleep(SLOWLY)
        return outcome


class SuicidalGateway(FileGateway):
    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        die_at("mid_call")
        outcome = super().send(message, client_reference)
        die_at("after_accept")
        return outcome


class SuicidalMsg91(Msg91Gateway):
    """Over HTTP, for `make faults`."""

    def send(self, message: Outgoing, client_reference: UUID) -> Outcome:
        die_at("mid_call")
        outcome = super().send(message, client_reference)
        die_at("after_accept")
        return outcome


def die_at(step: str) -> None:
    """Kill this process or its group, or stop it, if this is the step and nobody has yet."""
    order = Path(os.environ.get("SABOTAGE", "/nonexistent"))
    try:
        wanted, scope = order.read_text().split()
        if wanted != step:
            return
        order.unlink()
    except (OSError, ValueError):
        return
    if scope == "group":
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGSTOP if scope == "sleep" else signal.SIGKILL)


def _deadly(function):
    @wraps(function)
    def wrapper(*positional, **named):
        die_at("before_claim")
        held = function(*positional, **named)
        die_at("after_claim")
        return held

    return wrapper


if "SABOTAGE" in os.environ:
    claims.claim = _deadly(claims.claim)
