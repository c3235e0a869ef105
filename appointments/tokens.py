"""Tokens of message links: 11 letters and digits, 65 bits, stored as a digest only."""

import hashlib
import secrets
import string

ALPHABET = string.ascii_letters + string.digits
LENGTH = 11


def new_token() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def digest(token: str) -> str:
    """What is stored. The token is random and long, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenConverter:
    """`<token:token>` in an address."""

    regex = rf"[0-9A-Za-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
