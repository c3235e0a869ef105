"""Addresses under /api/ that no version has."""

from django.http import HttpRequest, JsonResponse

from accounts.api.problems import MEDIA_TYPE


def unknown_api(request: HttpRequest, _rest: str) -> JsonResponse:
    """Programs get problem details, not the page for people."""
    body = {"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found"}
    return JsonResponse(body, status=404, content_type=MEDIA_TYPE)
