"""The one message that signing in needs, in the words filed for it."""

from notifications.kinds import URGENT, Kind, register


def longest_values(language: str) -> dict[str, str]:
    """A code is six digits in any language."""
    return {"otp": "000000"}


OTP = Kind(
    code="OTP",
    lane=URGENT,
    must_reach=False,  # it is of no use ten minutes later
    sms={
        "hi": "{otp} आपका OTP है, 10 मिनट तक मान्य। किसी को न बताएँ;"
        " पासपोर्ट कर्मचारी OTP नहीं माँगते। {brand}",
        "en": "{otp} is your OTP, valid for 10 minutes. Tell no one;"
        " passport staff never ask for it. {brand}",
    },
    email_template="messages/email/otp",
    repeat_unknown=True,
    secrets=frozenset({"otp"}),
    samples=longest_values,
)


def register_all() -> None:
    register(OTP)
