"""How many SMS a text costs (3GPP TS 23.038 and 23.040).

A text made only of letters of the GSM alphabet is sent in septets: 160 in a single SMS, 153 in
each part of a longer one. One other letter (any Hindi letter, ₹) makes the whole text UCS-2: 70
UTF-16 units, or 67 in each part.
"""

from dataclasses import dataclass

from notifications import gsm

# Which letters there are is said once, where they are put into septets.
GSM_LETTERS = frozenset(gsm.BASIC) - {chr(gsm.ESCAPE)}
# Sent as an escape and a letter: two septets, which a part never cuts apart.
GSM_ESCAPED_LETTERS = frozenset(gsm.EXTENDED)


@dataclass(frozen=True)
class Size:
    """`units`: septets of GSM-7, or UTF-16 units of UCS-2. `parts`: SMS that are paid for."""

    encoding: str
    units: int
    parts: int


def measure(text: str) -> Size:
    """The size of a text as an SMS. An empty text is one empty SMS."""
    if all(letter in GSM_LETTERS or letter in GSM_ESCAPED_LETTERS for letter in text):
        widths = [2 if letter in GSM_ESCAPED_LETTERS else 1 for letter in text]
        return Size("GSM-7", sum(widths), _parts(widths, single=160, multi=153))
    widths = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return Size("UCS-2", sum(widths), _parts(widths, single=70, multi=67))


def _parts(widths: list[int], *, single: int, multi: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > multi:
            parts, used = parts + 1, 0
        used += width
    return parts
