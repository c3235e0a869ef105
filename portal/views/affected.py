"""Is my appointment affected? Asked without signing in; the answer is one of a few sentences."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.pages import with_limit
from appointments.affected import Answer, ask
from appointments.forms import AffectedForm

# An answer -> the state (portal_ui.LOOKS) whose colour and icon go with it.
LOOKS = {
    Answer.STANDS: "confirmed",
    Answer.IN_DOUBT: "in_doubt",
    Answer.NEW_TIME: "open",
    Answer.WAITING: "waiting",
    Answer.NO_APPOINTMENT: "none",
    Answer.NOTHING_FOUND: "none",
}


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def affected(request: HttpRequest) -> HttpResponse:
    """Only a POST gives an answer: nothing about a person stands in an address."""
    form = AffectedForm(request.POST if request.method == "POST" else None)
    response = _answer(request, form) if form.is_valid() else _question(request, form)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _question(request: HttpRequest, form: AffectedForm) -> HttpResponse:
    return render(request, "portal/affected.html", {"form": form})


def _answer(request: HttpRequest, form: AffectedForm) -> HttpResponse:
    try:
        answer = ask(
            arn=form.cleaned_data["arn"],
            date_of_birth=form.cleaned_data["date_of_birth"],
            network=limits.network_of(request),
            now=timezone.now(),
        )
    except SignInRefusal as refusal:
        form.add_error(None, refusal.message)
        return with_limit(_question(request, form), refusal)
    context = {"answer": answer.value, "look": LOOKS[answer]}
    return render(request, "portal/affected_answer.html", context)
