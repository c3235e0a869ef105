"""Tokens of message links: 11 letters and digits, 65 bits, stored as a digest only."""

import hashlib
import secrets
import string

from django.utils.crypto import salted_hmac

ALPHABET = string.ascii_letters + string.digits
LENGTH = 11


def new_token() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def digest(token: str) -> str:
    """What is stored. The token is random and long, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def number_digest(phone: str) -> str:
    """A number under which nobody reads it, and by which it is known again."""
    return salted_hmac("appointments.calls.number", phone, algorithm="sha256").hexdigest()


class TokenConverter:
    """`<token:token>` in an address."""

    regex = rf"[0-9A-Za-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
