"""The language of the page that is being made."""

from django.conf import settings
from django.utils.translation import get_language


def reader_language() -> str:
    """Return "hi" or "en"."""
    return (get_language() or settings.LANGUAGE_CODE).split("-")[0]
