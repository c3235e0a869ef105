"""The one message that signing in needs, in the words filed for it."""

from notifications.kinds import Kind, register

OTP = Kind(
    code="OTP",
    sms={
        "hi": "{otp} आपका OTP है, 10 मिनट तक मान्य। किसी को न बताएँ;"
        " पासपोर्ट कर्मचारी OTP नहीं माँगते। {brand}",
        "en": "{otp} is your OTP, valid for 10 minutes. Tell no one;"
        " passport staff never ask for it. {brand}",
    },
    email_template="messages/email/otp",
    repeat_unknown=True,
    secrets=frozenset({"otp"}),
)


def register_all() -> None:
    register(OTP)
