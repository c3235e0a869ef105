"""Addresses as everybody may see them."""

from notifications.models import Channel, Message


def masked_address(message: Message) -> str:
    """Of a number the last four digits stay, of an email address the domain."""
    if message.channel == Channel.EMAIL:
        return "••••@" + message.address.rpartition("@")[2]
    return "••••••" + message.address[-4:]
