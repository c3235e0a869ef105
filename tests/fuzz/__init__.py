"""Thousands of made-up requests against what the API promises."""
