"""Pages that are the same for everybody who is not signed in, and may be asked for in a rush."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import conditional_page, require_safe

View = Callable[..., HttpResponse]

# A browser asks each time whether its copy still holds; a proxy in front of the site may answer a
# rush from its own for this many seconds.
PUBLIC = "public, max-age=0, s-maxage=15"
KEPT = (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def public_page(view: View) -> View:
    """ETag and 304; and for whoever has no session, an answer that a proxy may keep.

    Such a page carries no secret of a form: it would be handed to somebody else.
    """
    conditional = require_safe(conditional_page(view))

    @wraps(view)
    def read(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = conditional(request, *args, **kwargs)
        personal = settings.SESSION_COOKIE_NAME in request.COOKIES or response.cookies
        if response.status_code in KEPT and not personal:
            response.headers.setdefault("Cache-Control", PUBLIC)
        return response

    return read
