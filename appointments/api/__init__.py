"""The public, read-only API: centres, free seats, outages. Version 1."""
