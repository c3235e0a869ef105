"""The GSM 7 bit default alphabet (3GPP TS 23.038), one septet to an octet as SMPP carries it."""

ESCAPE = 0x1B
# The position of a letter is its septet; the escape's own place holds none.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_encoded = {letter: bytes([septet]) for septet, letter in enumerate(BASIC) if septet != ESCAPE} | {
    letter: bytes([ESCAPE, septet]) for letter, septet in EXTENDED.items()
}
_escaped = {septet: letter for letter, septet in EXTENDED.items()}


def encode(text: str) -> bytes:
    """The septets of a text. ValueError: a letter is not in the alphabet."""
    try:
        return b"".join(_encoded[letter] for letter in text)
    except KeyError:  # which letter it is says something of the text, so it is not named
        raise ValueError("a letter is not in the GSM alphabet") from None


def decode(septets: bytes) -> str:
    """The text of septets; as a phone does, an unknown escape is shown as the letter after it.

    ValueError: an octet above 127, which is no septet.
    """
    letters, escaped = [], False
    for septet in septets:
        if septet > 0x7F:
            raise ValueError("an octet is no septet")
        if escaped:
            letters.append(_escaped.get(septet, BASIC[septet]))
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            letters.append(BASIC[septet])
    return "".join(letters)
