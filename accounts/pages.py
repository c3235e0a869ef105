"""What several pages of an applicant's account need."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.errors import SignInRefusal
from accounts.models import User

P = ParamSpec("P")
AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def account_page(view: View[P]) -> View[P]:
    """For signed-in applicants, never kept by a cache. Officers have pages of their own."""

    @wraps(view)
    def for_applicants(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if person_of(request).is_staff:
            return HttpResponseRedirect(reverse("admin:index"))
        return view(request, *args, **kwargs)

    return login_required(never_cache(sensitive_post_parameters()(for_applicants)))


def person_of(request: HttpRequest) -> User:
    """Who is signed in, on a page for signed-in people only."""
    assert isinstance(request.user, User)
    return request.user


def with_limit(response: AnyResponse, refusal: SignInRefusal) -> AnyResponse:
    """429 and Retry-After if a limit said no; when to try again stands in the refusal's words."""
    if refusal.retry_at is not None:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(refusal.seconds_left(now=timezone.now()))
    return response
