"""{{ entry.attempts_left|attempts_in_words }}: numbers in words on applicants' pages."""

from django import template

from appointments import words
from appointments.models import Centre

register = template.Library()


@register.filter
def attempts_in_words(count: int) -> str:
    return words.attempts(count)


@register.filter
def km_in_words(km: int) -> str:
    return words.distance(km)


@register.filter
def address(centre: Centre) -> str:
    return words.address(centre)
