"""A text as the parts that SMPP carries: segments.py counts them, this makes them."""

from dataclasses import dataclass

from notifications import gsm, segments

GSM_7, UCS_2 = 0, 8  # data_coding
# Octets of one SMS alone, and of a part beside its header of six octets. A septet of GSM-7 takes
# an octet on this side of the operator's network.
ROOM = {GSM_7: (160, 153), UCS_2: (140, 134)}
MOST_PARTS = 255


@dataclass(frozen=True)
class Part:
    """`has_header`: a user data header stands before the text and says which part it is."""

    data_coding: int
    short_message: bytes
    has_header: bool


def cut(text: str, *, reference: int) -> list[Part]:
    """The parts of a text; neither an escape nor a surrogate pair is cut in two.

    `reference`: 0 to 255, the same in all parts; the phone joins parts by it. One octet, because
    two would leave room for one letter less than the texts were counted with. ValueError: the text
    holds half a surrogate pair, or is too long.
    """
    if segments.measure(text).encoding == "GSM-7":
        coding, letters = GSM_7, [gsm.encode(letter) for letter in text]
    else:
        coding, letters = UCS_2, [_utf_16(letter) for letter in text]
    alone, beside_header = ROOM[coding]
    if sum(map(len, letters)) <= alone:
        return [Part(coding, b"".join(letters), has_header=False)]
    pieces = _filled(letters, beside_header)
    if len(pieces) > MOST_PARTS:
        raise ValueError("the text is too long for an SMS")
    return [
        Part(coding, _header(reference, len(pieces), number) + piece, has_header=True)
        for number, piece in enumerate(pieces, start=1)
    ]


def _utf_16(letter: str) -> bytes:
    try:
        return letter.encode("utf-16-be")
    except UnicodeEncodeError:
        raise ValueError("the text holds half a letter") from None


def _filled(letters: list[bytes], room: int) -> list[bytes]:
    pieces = [bytearray()]
    for letter in letters:
        if len(pieces[-1]) + len(letter) > room:
            pieces.append(bytearray())
        pieces[-1] += letter
    return [bytes(piece) for piece in pieces]


def _header(reference: int, parts: int, number: int) -> bytes:
    """3GPP TS 23.040, 9.2.3.24.1: concatenated short messages, reference of 8 bits."""
    return bytes([5, 0, 3, reference, parts, number])
