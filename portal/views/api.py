"""Addresses under /api/ that no version has."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.api.problems import plain_problem


@csrf_exempt
def unknown_api(request: HttpRequest) -> JsonResponse:
    """Programs get problem details, not the page for people."""
    return plain_problem("not_found")
