"""The officers' side of the domain. Pages show rows and call verbs; they hold no rule."""

from appointments.admin import (
    calls,
    offers,
    outages,
    outbox,
    people,
    plans,
    reference,
    seats,
    travel,
)
from appointments.admin.outbox.words import KIND_WORDS
from notifications import kinds

__all__ = [
    "calls",
    "offers",
    "outages",
    "outbox",
    "people",
    "plans",
    "reference",
    "seats",
    "travel",
]

kinds.call_them(KIND_WORDS)
