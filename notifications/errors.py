"""Why an officer's wish about a message is refused, and why a message cannot be put into words."""

from django.utils.functional import Promise


class Refusal(Exception):
    """`code` is for programs and tests, `message` for the person (lazy, translated)."""

    def __init__(self, code: str, message: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class RenderError(Exception):
    """The message cannot be put into words; trying again would not help."""
