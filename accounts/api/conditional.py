"""Reads that say whether anything has changed: ETag and If-None-Match."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.views.decorators.http import conditional_page

from accounts.api.problems import plain_problem

View = Callable[..., HttpResponseBase]


def conditional_read(view: View) -> View:
    """Django's conditional_page; a precondition that fails (If-Match) is told as a problem."""
    conditional = conditional_page(view)

    @wraps(view)
    def read(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = conditional(request, *args, **kwargs)
        if isinstance(answer, SimpleTemplateResponse):
            # DRF's answers are rendered later, and only then compared.
            answer.add_post_render_callback(_told)
            return answer
        return _told(answer)

    return read


def _told(answer: HttpResponseBase) -> HttpResponseBase:
    if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
        return plain_problem("precondition_failed")
    return answer
