"""The task of messages_rivals.py."""

from uuid import uuid4

from celery.signals import worker_process_shutdown
from django.utils import timezone

from bench.messages_rivals import app
from bench.messages_sinks import MemoryGateway
from notifications.gateways.base import Outgoing
from notifications.models import Attempt, Message
from notifications.render import put_into_words

_gateways: list[MemoryGateway] = []  # the one of this process


@app.task
def send_one(pk: int) -> None:
    """Fetch a message, put it into words, hand it over, write down what became of it."""
    if not _gateways:
        _gateways.append(MemoryGateway().__enter__())
    message = Message.objects.get(pk=pk)
    if message.state != Message.State.QUEUED:
        return
    words = put_into_words(message)
    started = timezone.now()
    outgoing = Outgoing(
        public_id=message.public_id,
        kind=message.kind,
        channel=message.channel,
        address=message.address,
        language=message.language,
        text=words.text,
    )
    outcome = _gateways[0].send(outgoing, uuid4())
    now = timezone.now()
    Message.objects.filter(pk=pk, state=Message.State.QUEUED).update(
        state=Message.State.ACCEPTED, sent_at=now, body=message.body
    )
    Attempt.objects.create(
        message=message,
        number=1,
        lease_token=uuid4(),
        gateway="bench",
        claimed_at=started,
        started_at=started,
        ended_at=now,
        outcome=outcome.kind,
    )


@worker_process_shutdown.connect
def write_out(**_: object) -> None:
    for gateway in _gateways:
        gateway.flush()
