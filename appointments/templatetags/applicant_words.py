"""{{ entry.attempts_left|attempts_in_words }}: numbers in words on applicants' pages."""

from django import template
from django.utils import timezone

from appointments import travel_standing, words
from appointments.models import Application, Centre
from appointments.travel_standing import TravelStanding

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


@register.filter
def travel_standing_of(application: Application) -> TravelStanding:
    return travel_standing.of(application, timezone.localdate())
