"""Addresses under /api/ that no version has."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.api.problems import MEDIA_TYPE, OWN


@csrf_exempt
def unknown_api(request: HttpRequest) -> JsonResponse:
    """Programs get problem details, not the page for people."""
    body = {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": str(OWN["not_found"][1]),
    }
    return JsonResponse(body, status=404, content_type=MEDIA_TYPE)
