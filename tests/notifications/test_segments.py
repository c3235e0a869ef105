"""The segment counter, held against smsutil."""

import random

import hypothesis
import pytest
import smsutil
from hypothesis import strategies as st

from notifications import segments
from notifications.segments import Size

# Letters, signs that combine with them, digits, danda.
HINDI = "".join(map(chr, range(0x0900, 0x0980))) + "₹"
ENGLISH = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;!?@/-_'\"()&%£$"
ESCAPED = "^{}\\[~]|€\f"
GSM = "".join(sorted(segments.GSM_LETTERS)) + ESCAPED
ASTRAL = "😀🛂𝒜👍🏽🇮🇳"
JOINED = "\u0301\u0308\u200c\u200d\ufe0f"  # accents, joiners, the picture form of a sign
LINES = "\n\r\t\u2028"
NEARLY_GSM = "çÁ`\x00\x7f\xa0‘’–…₨"  # look or sound like GSM letters, and are none
ALPHABETS = {
    "English": ENGLISH,
    "English with escapes": ENGLISH + ESCAPED,
    "escapes": ESCAPED,
    "the whole GSM alphabet": GSM,
    "Hindi": HINDI,
    "Hindi and English": HINDI + ENGLISH + "\n",
    "Hindi, English, escapes, emoji": HINDI + ENGLISH + ESCAPED + ASTRAL,
    "emoji": ASTRAL,
    "emoji in families": ASTRAL + JOINED,
    "Hindi with joiners and lines": HINDI + JOINED + LINES,
    "English with accents and lines": ENGLISH + JOINED + LINES,
    "nearly GSM": GSM + NEARLY_GSM,
}
# Lengths at which a text becomes one part longer, in both encodings and for pairs.
EDGES = (33, 35, 67, 70, 80, 134, 153, 160, 201, 306, 459)
TEXTS_OF_EACH_ALPHABET = 2000


def by_smsutil(text: str) -> Size:
    oracle = smsutil.split(text)
    # It gives bytes; a septet counts as one.
    encoding, width = ("GSM-7", 1) if oracle.encoding == "gsm0338" else ("UCS-2", 2)
    return Size(encoding, oracle.total_bytes // width, len(oracle.parts))


@pytest.mark.parametrize("name", ALPHABETS)
def test_random_texts_are_counted_as_smsutil_counts_them(name):
    chance = random.Random(f"26 {name}")
    for _ in range(TEXTS_OF_EACH_ALPHABET):
        near_an_edge = chance.choice(EDGES) + chance.randint(-2, 2)
        length = chance.choice([chance.randint(1, 480), near_an_edge])
        text = "".join(chance.choices(ALPHABETS[name], k=length))
        assert segments.measure(text) == by_smsutil(text), text


@pytest.mark.parametrize("filler", ["a", "क", "\n", "₹"])
@pytest.mark.parametrize("wide", ["€", "😀", "{", "क्षि", "é", "e\u0301"])
def test_wide_letter_at_every_place_near_an_edge(filler, wide):
    for edge in EDGES:
        for before in range(max(edge - 3, 0), edge + 3):
            for after in (0, 1, 66, 67, 152, 153):
                text = filler * before + wide + filler * after
                assert segments.measure(text) == by_smsutil(text), (before, after)


# What a person or an office may write; surrogates alone are no text, ESC is below.
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1b"), min_size=1)
mixed = st.lists(
    st.one_of(
        st.text(HINDI, min_size=1, max_size=80),
        st.text(GSM, min_size=1, max_size=170),
        st.text(ASTRAL + JOINED, min_size=1, max_size=40),
        st.sampled_from(["₹", "\n", "€", "क्ष", "🇮🇳", "]"]),
    ),
    min_size=1,
    max_size=8,
).map("".join)


@hypothesis.settings(max_examples=1000, deadline=None)
@hypothesis.given(st.one_of(anything, mixed, st.text(GSM, min_size=1)))
def test_whatever_is_written_is_counted_as_smsutil_counts_it(text):
    assert segments.measure(text) == by_smsutil(text)


def test_the_two_differ_on_no_letter_but_escape():
    every_letter = [*range(0xD800), *range(0xE000, 0x10000)]
    some_of_the_rest = range(0x10000, 0x110000, 101)
    differ = [
        code
        for code in (*every_letter, *some_of_the_rest)
        if segments.measure(chr(code)) != by_smsutil(chr(code))
    ]
    assert differ == [0x1B]


def test_escape_is_no_letter():
    """3GPP TS 23.038, 6.2.1: code 1/11 is the escape to the extension table, not a character.

    smsutil passes a U+001B on as that bare code: a phone would read the next letter as another,
    so that the text which arrives is not the one that was sent. It goes as UCS-2 instead.
    """
    text = "\x1be"  # the codes of these two are those of the euro sign
    assert smsutil.decode(smsutil.encode(text)) == "€"
    assert segments.measure(text) == Size("UCS-2", 2, 1)


def test_empty_text_needs_no_hindi_letters():
    """smsutil calls it UCS-2. Nothing in it lies outside of the GSM alphabet; it costs the same."""
    assert by_smsutil("") == Size("UCS-2", 0, 1)
    assert segments.measure("") == Size("GSM-7", 0, 1)


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
