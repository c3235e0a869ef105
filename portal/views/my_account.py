"""Pages of an account on which appointments depend: who is reached where, and closing it."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import consents, contact_pages, contacts, proofs
from accounts.account_forms import NO, YES, WishesForm
from accounts.pages import account_page, person_of
from appointments import leaving
from appointments.models import Application, Appointment
from portal import closing


class AddressCodeView(contact_pages.AddressCodeView):
    """What is queued for the old number or address goes to the new one."""

    def use_code(self, typed: str) -> None:
        super().use_code(typed)
        leaving.follow_contact(person=self.person)


@account_page
def remove_email(request: HttpRequest) -> HttpResponse:
    """Asks first: without an address a lost phone cannot be replaced by oneself."""
    person = person_of(request)
    if not person.email:
        return redirect("my_account")
    if request.method != "POST":
        return render(request, "account/remove_email.html", {"may": bool(person.phone)})
    if contacts.remove_email(person=person):
        leaving.follow_contact(person=person)
        messages.success(request, _("Your email address is removed."))
    return redirect("my_account")


@account_page
def wishes(request: HttpRequest) -> HttpResponse:
    """What comes in any case, and the two things that a person may agree to or withdraw."""
    person, now = person_of(request), timezone.now()
    switches = consents.SWITCHES.values()
    initial = {switch: YES if getattr(person, switch) else NO for switch in switches}
    posted = request.POST if request.method == "POST" else None
    form = WishesForm(posted, initial=initial, submit=gettext_lazy("Save"))
    if posted is not None and form.is_valid():
        for item, switch in consents.SWITCHES.items():
            consents.choose(person=person, item=item, wanted=form.wants(switch), now=now)
        leaving.follow_contact(person=person)
        messages.success(request, _("Saved. It holds from now on."))
        return redirect("my_account")
    given = consents.standing(person)
    return render(request, "account/messages.html", {"form": form, "given": given})


@account_page
def close(request: HttpRequest) -> HttpResponse:
    """What closing the account means, before anybody is asked whether they are sure."""
    return render(request, "account/close.html", _what_hangs_on(request))


@account_page
def close_for_sure(request: HttpRequest) -> HttpResponse:
    if not proofs.is_fresh(request):
        return contact_pages.to_proof(request)
    if request.method != "POST":
        return render(request, "account/close_for_sure.html", _what_hangs_on(request))
    closing.close_account(person=person_of(request), now=timezone.now())
    logout(request)
    messages.success(request, _("Your account is closed. Thank you."))
    return redirect("home")


def _what_hangs_on(request: HttpRequest) -> dict[str, int]:
    mine = Application.objects.filter(claimed_by=person_of(request))
    live = Appointment.objects.filter(application__in=mine, state__in=Appointment.LIVE_STATES)
    return {"applications": mine.count(), "appointments": live.count()}
