"""The officers' side of the domain. Pages show rows and call verbs; they hold no rule."""

from appointments.admin import offers, outages, people, plans, reference, seats, travel

__all__ = ["offers", "outages", "people", "plans", "reference", "seats", "travel"]
