"""Link an application of the register to one's account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts import limits
from accounts.errors import SignInRefusal
from accounts.pages import person_of, with_limit
from appointments import claiming
from appointments.errors import Refusal
from appointments.forms import ClaimForm
from appointments.views.common import applicant_page, posted


@applicant_page
def claim(request: HttpRequest) -> HttpResponse:
    form = ClaimForm(posted(request))
    limit: SignInRefusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            claiming.claim(
                arn=form.cleaned_data["arn"],
                date_of_birth=form.cleaned_data["date_of_birth"],
                network=limits.network_of(request),
                by=person_of(request),
            )
        except SignInRefusal as refusal:
            form.add_error(None, refusal.message)
            limit = refusal
        except Refusal as refusal:
            form.add_error("arn", refusal.message)
        else:
            messages.success(request, _("The application is linked to your account."))
            return redirect("appointments:mine")
    page = render(request, "appointments/claim.html", {"form": form})
    return with_limit(page, limit) if limit else page
