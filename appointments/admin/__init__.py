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
