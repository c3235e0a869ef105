"""Numbers as people type them."""

import pytest

from accounts.phones import NotAMobile, masked, parse_mobile, plain_digits, readable


@pytest.mark.parametrize(
    "typed",
    [
        "9876543210",
        "98765 43210",
        "098765-43210",
        "+91 98765 43210",
        "+91-98765-43210",
        "919876543210",
        "0091 98765 43210",
        "(+91) 98765.43210",
        "९८७६५ ४३२१०",
        "+९१ ९८७६५ ४३२१०",
        "\u200e+91\u00a098765\u00a043210\u202c",
        "  98765 43210\n",
    ],
)
def test_number_is_understood_however_it_is_typed(typed: str):
    assert parse_mobile(typed) == "+919876543210"


@pytest.mark.parametrize("first", "6789")
def test_number_of_every_mobile_series_is_taken(first: str):
    assert parse_mobile(f"{first}000000123") == f"+91{first}000000123"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "invalid"),
        ("98765", "invalid"),
        ("98765 43210 9", "invalid"),
        ("1111111111", "invalid"),
        ("98765HELLO", "invalid"),
        ("98765 43210 x12", "invalid"),
        ("98765 43210;ext=12", "invalid"),
        ("+", "invalid"),
        ("²²²²²²²²²²", "invalid"),
        ("9" * 300, "invalid"),
        ("+1 650 253 0000", "foreign"),
        ("+977 984 1234567", "foreign"),
        ("+44 7911 123456", "foreign"),
        ("0755-2551234", "landline"),
        ("1800 258 1800", "landline"),
    ],
)
def test_number_that_gets_no_sms_is_refused_with_the_reason(typed: str, code: str):
    with pytest.raises(NotAMobile) as refused:
        parse_mobile(typed)
    assert refused.value.code == code


def test_number_is_shown_in_two_groups_and_masked_to_its_end():
    assert readable("+919876543210") == "+91 98765 43210"
    assert masked("+919876543210") == "+91 ••••• ••210"
    assert masked("") == ""


def test_digits_of_every_script_become_western():
    assert plain_digits("१२३ ૪૫૬ 789") == "123 456 789"
