"""Mobile numbers: from what people type to E.164, and back to what they can read."""

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumberType

INDIA = "IN"
INDIA_CODE = 91
# Series that the numbering plan gives to mobiles; new blocks open within them, so that the
# library's list of blocks, always a little old, does not have the last word.
MOBILE = re.compile(r"[6-9][0-9]{9}")
# One somewhere in a text, in groups or not, with or without the country's code.
IN_TEXT = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?91|0)?[ ().-]{0,2}[6-9](?:[ ().-]{0,2}[0-9]){9}(?![0-9])"
)
NOT_MOBILE = {PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE}


class NotAMobile(Exception):
    """`code`: "invalid" (no phone number), "foreign" or "landline"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def plain_digits(text: str) -> str:
    """Digits of any script (९८७६५) as Western ones; marks that nobody sees are dropped."""
    shown = (ch for ch in text if unicodedata.category(ch) not in {"Cf", "Cc"})
    return "".join(str(unicodedata.digit(ch)) if ch.isdecimal() else ch for ch in shown).strip()


def parse_mobile(text: str) -> str:
    """Return an Indian mobile as E.164: "098765-43210" gives "+919876543210".

    NotAMobile says what is wrong with it.
    """
    digits = plain_digits(text)
    # The library would read letters as keys of a telephone, and an extension cannot get an SMS.
    if any(ch.isalpha() for ch in digits):
        raise NotAMobile("invalid")
    try:
        number = phonenumbers.parse(digits, INDIA)
    except phonenumbers.NumberParseException as error:
        raise NotAMobile("invalid") from error
    if number.country_code != INDIA_CODE:
        raise NotAMobile("foreign")
    if phonenumbers.number_type(number) in NOT_MOBILE:
        raise NotAMobile("landline")
    if number.extension or not MOBILE.fullmatch(phonenumbers.national_significant_number(number)):
        raise NotAMobile("invalid")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def mentions_mobile(text: str) -> bool:
    """Whether a mobile number stands somewhere in it, in digits of any script."""
    return bool(IN_TEXT.search(plain_digits(text)))


def readable(phone: str) -> str:
    """Write "+91 98765 43210" for "+919876543210"."""
    number = phonenumbers.parse(phone, INDIA)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def masked(phone: str) -> str:
    """Write "+91 ••••• ••210": enough for the owner to recognise it."""
    return f"+{INDIA_CODE} ••••• ••{phone[-3:]}" if phone else ""
