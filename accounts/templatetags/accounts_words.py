"""{% load accounts_words %}: how an account's number is written for its owner."""

from django import template

from accounts import phones

register = template.Library()


@register.filter
def readable_phone(phone: str | None) -> str:
    """{{ user.phone|readable_phone }}: "+91 98765 43210"."""
    return phones.readable(phone) if phone else ""
