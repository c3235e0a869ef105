"""Applicants' pages: they show, ask, and call verbs. No rule lives here."""
