"""The segment counter, held against smsutil."""

import random

import pytest
import smsutil

from notifications import segments
from notifications.segments import Size

HINDI = "".join(map(chr, range(0x0905, 0x094E))) + "।₹"
ENGLISH = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;!?@/-_'\"()&%£$"
ESCAPED = "^{}\\[~]|€\f"
ASTRAL = "😀🛂𝒜"
ALPHABETS = [
    ENGLISH,
    ENGLISH + ESCAPED,
    ESCAPED,
    HINDI,
    HINDI + ENGLISH,
    HINDI + ENGLISH + ESCAPED + ASTRAL,
    ASTRAL,
    "".join(sorted(segments.GSM_LETTERS)) + ESCAPED,
]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_texts_are_counted_as_smsutil_counts_them(alphabet):
    chance = random.Random(26)
    for _ in range(1000):
        text = "".join(chance.choices(alphabet, k=chance.randint(1, 480)))
        oracle = smsutil.split(text)
        encoding, width = (
            ("GSM-7", 1) if oracle.encoding == "gsm0338" else ("UCS-2", 2)  # bytes per unit
        )
        assert segments.measure(text) == Size(
            encoding, oracle.total_bytes // width, len(oracle.parts)
        ), text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", Size("GSM-7", 0, 1)),
        ("a" * 160, Size("GSM-7", 160, 1)),
        ("a" * 161, Size("GSM-7", 161, 2)),
        ("a" * 306, Size("GSM-7", 306, 2)),
        ("a" * 307, Size("GSM-7", 307, 3)),
        ("€" * 80, Size("GSM-7", 160, 1)),
        # 152 septets are used, an escaped letter needs two, and the part ends one short.
        ("a" * 152 + "€" + "a" * 152, Size("GSM-7", 306, 3)),
        ("क" * 70, Size("UCS-2", 70, 1)),
        ("क" * 71, Size("UCS-2", 71, 2)),
        ("क" * 134, Size("UCS-2", 134, 2)),
        ("क" * 135, Size("UCS-2", 135, 3)),
        ("😀" * 35, Size("UCS-2", 70, 1)),
        ("😀" * 67, Size("UCS-2", 134, 3)),  # 33 pairs fill a part of 67: none is cut
        ("Rs 100", Size("GSM-7", 6, 1)),
        ("₹100", Size("UCS-2", 4, 1)),
        ("ç", Size("UCS-2", 1, 1)),  # the alphabet has the capital only
    ],
)
def test_text_at_the_edge_of_a_part(text, size):
    assert segments.measure(text) == size
