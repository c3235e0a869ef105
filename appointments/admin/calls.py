"""The call list: who has to be called, one person at a time, and how it went."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import officers
from accounts.phones import masked, mentions_mobile, readable
from appointments import call_list, call_scripts, calls
from appointments.admin.asking import page
from appointments.admin.base import ReadOnlyAdmin, attempt
from appointments.admin.fields import clock_field, day_field, moment_of
from appointments.admin.outbox.find import mentions_arn
from appointments.admin.scope import masked_name, once, posting, seen
from appointments.call_list import Entry, Why
from appointments.errors import MESSAGES, Refusal
from appointments.kept import keep, kept
from appointments.models import Call, Centre
from appointments.models.calls import NOTE_LENGTH
from appointments.permissions import may_call

Outcome = Call.Outcome
ON_A_PAGE = 25
LEFT_SECONDS = 30
SHOWN_CALLS = 20
WHY_WORDS = {
    Why.NOT_REACHED: "No message got through",
    Why.NO_SEAT: "No seat was found",
    Why.NO_ADDRESS: "No phone and no email known",
}


def waiting(request: HttpRequest) -> list[Entry]:
    """The call list of this officer: of their centre, or of their region; once per request."""
    return once(request, "calls", lambda: _waiting(request))


def _waiting(request: HttpRequest) -> list[Entry]:
    now = timezone.now()
    if officers.of(request).is_superuser:
        return call_list.entries(now=now)
    own = posting(request)
    if own is None:
        return []
    found = call_list.entries(region_ids=[own.region_id], now=now)
    return [e for e in found if own.centre_id in (None, e.centre_id)]


@dataclass(frozen=True)
class Left:
    """How many people are on the officer's list, and how many of them have a visit soon."""

    people: int
    soon: int


def left(request: HttpRequest) -> Left:
    """For the pages that lead to the list: at most half a minute old."""
    return kept(_key(request), lambda: _count(waiting(request)), kind=Left, seconds=LEFT_SECONDS)


def _key(request: HttpRequest) -> str:
    own = None if officers.of(request).is_superuser else posting(request)
    return f"calls-left:{own.region_id}:{own.centre_id}" if own else "calls-left:all"


def _count(found: Sequence[Entry]) -> Left:
    return Left(
        people=sum(len(entry.people) for entry in found),
        soon=sum(len(entry.people) for entry in found if entry.is_soon),
    )


@dataclass(frozen=True)
class Asked:
    """What the list shows, read from the page's address; nonsense shows everything."""

    why: str = ""
    centre: str = ""

    @classmethod
    def read(cls, given: QueryDict) -> "Asked":
        why, centre = given.get("why", ""), given.get("centre", "")
        plain = centre.isascii() and centre.isdecimal() and len(centre) <= 18
        return cls(why=why if why in list(Why) else "", centre=centre if plain else "")

    def of(self, found: Sequence[Entry]) -> list[Entry]:
        return [
            entry
            for entry in found
            if (not self.why or self.why in entry.why)
            and (not self.centre or str(entry.centre_id) == self.centre)
        ]

    def address(self) -> str:
        """The query string, without the page."""
        query = QueryDict(mutable=True)
        for name in ("why", "centre"):
            if value := getattr(self, name):
                query[name] = value
        return query.urlencode()


class OutcomeForm(forms.Form):
    outcome = forms.ChoiceField(
        label="How did it go?",
        choices=Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the call went."},
    )
    call_back_date = day_field("Day", required=False)
    call_back_time = clock_field("Time", required=False)
    note = forms.CharField(
        label="Note, if there is something the next officer must know",
        help_text="No ARN, no number, no OTP. At most 200 letters.",
        max_length=NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"max_length": "Write at most 200 letters."},
    )
    # What was read from the page, and which sending of the form this is.
    seen = forms.CharField(widget=forms.HiddenInput)
    key = forms.UUIDField(widget=forms.HiddenInput)

    def clean_note(self) -> str:
        """The next officer reads it beside the person: it must not spread what is masked there."""
        note: str = self.cleaned_data["note"]
        if mentions_arn(note):
            raise ValidationError("Leave out the ARN: the page knows whom the note is about.")
        if mentions_mobile(note):
            raise ValidationError("Leave out the phone number: the page shows it when asked.")
        return note

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("outcome") == Outcome.CALL_BACK:
            for name, missing in (("call_back_date", "the day"), ("call_back_time", "the time")):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, f"Give {missing} at which they want to be called.")
        return given

    @property
    def back_at(self) -> Any:
        given = self.cleaned_data
        return moment_of(given.get("call_back_date"), given.get("call_back_time"))


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """The list is not of calls but of those who have to be called; rows are seen on their pages."""

    region_path = "centre__region"
    centre_path = "centre"

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        steps: dict[str, Callable[..., HttpResponse]] = {
            "person": self.person_view,
            "take": require_POST(self.take_view),
            "number": require_POST(self.number_view),
            "give-back": require_POST(self.give_back_view),
        }
        return [
            path("", wrap(require_GET(self.list_view)), name="appointments_call_changelist"),
            path("next/", wrap(require_POST(self.next_view)), name="appointments_call_next"),
            *(
                path(f"<int:appointment_id>/{name}/", wrap(view), name=f"appointments_call_{name}")
                for name, view in steps.items()
            ),
        ]

    # --- The list ---

    def list_view(self, request: HttpRequest) -> HttpResponse:
        self._check(request)
        now = timezone.now()
        asked = Asked.read(request.GET)
        keep(_key(request), _count(waiting(request)), seconds=LEFT_SECONDS)
        found = asked.of(waiting(request))
        shown = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
        centres = list(seen(request, Centre.objects.all(), region="region", centre="pk"))
        progress = calls.progress(waiting(request), centres=centres, now=now)
        context = {
            **page(request, self, title="Call list"),
            "asked": asked,
            "found": shown,
            "centres": centres,
            "rows": _rows(shown, officers.of(request).pk),
            "reasons": WHY_WORDS,
            "progress": progress,
            "totals": [
                ("to be called", sum(row.left for row in progress), False),
                ("visit within 24 hours", sum(row.soon for row in progress), True),
                ("called today", sum(row.called for row in progress), False),
                ("reached today", sum(row.reached for row in progress), False),
            ],
            "anybody": any(_is_free(entry, officers.of(request).pk) for entry in found),
        }
        return TemplateResponse(request, "admin/office/calls.html", context)

    def next_view(self, request: HttpRequest) -> HttpResponse:
        self._check(request)
        return self._next(request, Asked.read(request.POST))

    def _next(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        """Take whoever comes first and is free, and open their page."""
        by, found = officers.of(request), asked.of(waiting(request))
        taken = attempt(request, lambda: calls.claim_next(waiting=found, by=by))
        if taken is not None:
            return _to_person(taken.pk, asked)
        messages.success(request, "Nobody else can be called at this moment.")
        return _to_list(asked)

    # --- One person ---

    def person_view(self, request: HttpRequest, appointment_id: int) -> HttpResponse:
        """What to say and whom to; answers to POST say how the call went."""
        entry = self._entry(request, appointment_id)
        asked = Asked.read(request.GET)
        if entry is None:
            messages.info(request, str(MESSAGES["call_not_needed"]))
            return _to_list(asked)
        if request.method == "POST":
            return self._record(request, entry, asked)
        return self._show(request, entry, asked, _fresh(entry))

    def _record(self, request: HttpRequest, entry: Entry, asked: Asked) -> HttpResponse:
        form = OutcomeForm(request.POST)
        if form.is_valid():
            try:
                self._recorded(request, entry.pk, form)
            except Refusal as refusal:
                form.add_error(None, refusal.message)
                if refusal.code == "call_changed":
                    form = _again(request.POST, entry, refusal)
            else:
                words = str(Outcome(form.cleaned_data["outcome"]).label).lower()
                messages.success(request, f"Saved: {words}.")
                if "stop" in request.POST:
                    return _to_list(asked)
                return self._next(request, asked)
        return self._show(request, entry, asked, form)

    def _recorded(self, request: HttpRequest, appointment_id: int, form: OutcomeForm) -> None:
        given = form.cleaned_data
        calls.record_call(
            appointment_id=appointment_id,
            key=given["key"],
            outcome=given["outcome"],
            by=officers.of(request),
            note=given["note"],
            call_back_at=form.back_at,
            seen=_read_seen(given["seen"]),
        )

    def take_view(self, request: HttpRequest, appointment_id: int) -> HttpResponse:
        self._entry(request, appointment_id)
        by, asked = officers.of(request), Asked.read(request.POST)
        taken = attempt(request, lambda: calls.claim_call(appointment_id=appointment_id, by=by))
        return _to_list(asked) if taken is None else _to_person(taken.pk, asked)

    def number_view(self, request: HttpRequest, appointment_id: int) -> HttpResponse:
        """The number stands on the page that follows, in no address; who saw it is written down."""
        self._entry(request, appointment_id)
        by = officers.of(request)
        attempt(request, lambda: calls.show_number(appointment_id=appointment_id, by=by))
        return _to_person(appointment_id, Asked.read(request.POST))

    def give_back_view(self, request: HttpRequest, appointment_id: int) -> HttpResponse:
        self._check(request)
        by = officers.of(request)
        calls.release_call(appointment_id=appointment_id, by=by)
        messages.success(request, "Given back: another officer can call.")
        return _to_list(Asked.read(request.POST))

    def _show(
        self, request: HttpRequest, entry: Entry, asked: Asked, form: OutcomeForm
    ) -> HttpResponse:
        by = officers.of(request)
        claim = entry.claim
        mine = claim is not None and claim.officer_id == by.pk
        centre = Centre.objects.get(pk=entry.centre_id)
        known = mine and claim and calls.has_seen_number(entry, by=by, since=claim.claimed_at)
        numbers = calls.numbers_of(entry) if known else []
        context = {
            **page(request, self, title="A call"),
            "entry": entry,
            "row": _row(entry, by.pk, centre.name_en),
            "centre": centre,
            "mine": mine,
            "people": entry.people,
            "masked": masked(entry.phone),
            "numbers": [(number, readable(number)) for number in numbers],
            "scripts": call_scripts.scripts_of(entry, centre=centre) if mine else [],
            "reasons": [WHY_WORDS[why] for why in Why if why in entry.why],
            "calls": _without_repeats(entry.calls)[:SHOWN_CALLS],
            "asked": asked,
            "form": form,
        }
        return TemplateResponse(request, "admin/office/call.html", context)

    # --- Who ---

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _entry(self, request: HttpRequest, appointment_id: int) -> Entry | None:
        """Of the officer's own list; whoever is on no list, or on another's, is None."""
        self._check(request)
        entry = call_list.entry_of(appointment_id=appointment_id, now=timezone.now())
        if entry is None:
            return None
        centre = Centre.objects.get(pk=entry.centre_id)
        return entry if may_call(officers.of(request), centre) else None


@dataclass(frozen=True)
class Row:
    """An entry as the list shows it."""

    entry: Entry
    names: list[str]
    number: str
    centre: str
    subject: str
    others: int
    # Somebody else is calling; the officer at work has taken it.
    is_taken: bool
    is_mine: bool

    @property
    def is_later(self) -> bool:
        """Others come first, and nothing is lost by it today."""
        return self.entry.rank > 1 and not self.entry.is_soon


def _rows(shown: Iterable[Entry], officer_id: int) -> list[Row]:
    entries = list(shown)
    centres = Centre.objects.in_bulk({entry.centre_id for entry in entries})
    return [_row(entry, officer_id, centres[entry.centre_id].name_en) for entry in entries]


def _row(entry: Entry, officer_id: int, centre: str) -> Row:
    holder = entry.claim.officer_id if entry.claim else None
    names = [masked_name(person.appointment.application.name) for person in entry.people]
    return Row(
        entry=entry,
        names=names,
        number=masked(entry.phone),
        centre=centre,
        subject=str(entry.lead.subject.label),
        others=len(entry.people) - 1,
        is_taken=holder is not None and holder != officer_id,
        is_mine=holder == officer_id,
    )


def _is_free(entry: Entry, officer_id: int) -> bool:
    taken = entry.claim is not None and entry.claim.officer_id != officer_id
    return not taken and entry.call_again_at is None and entry.can_be_called


def _fresh(entry: Entry) -> OutcomeForm:
    return OutcomeForm(initial={"seen": _write_seen(entry), "key": uuid.uuid4()})


def _again(sent: QueryDict, entry: Entry, refusal: Refusal) -> OutcomeForm:
    """What was typed, over what has to be said now."""
    data = sent.copy()
    data["seen"] = _write_seen(entry)
    again = OutcomeForm(data)
    again.is_valid()
    again.add_error(None, refusal.message)
    return again


def _write_seen(entry: Entry) -> str:
    return " ".join(f"{pk}:{shown}" for pk, shown in sorted(entry.seen.items()))


def _read_seen(text: str) -> dict[int, str]:
    pairs = (word.partition(":") for word in text.split())
    return {int(pk): shown for pk, _, shown in pairs if pk.isascii() and pk.isdecimal()}


def _without_repeats(made: Sequence[Call]) -> list[Call]:
    """One of each call, however many people it was about."""
    return list({call.key: call for call in made}.values())


def _to_list(asked: Asked) -> HttpResponse:
    return _to(reverse("admin:appointments_call_changelist"), asked)


def _to_person(appointment_id: int, asked: Asked) -> HttpResponse:
    return _to(reverse("admin:appointments_call_person", args=[appointment_id]), asked)


def _to(url: str, asked: Asked) -> HttpResponse:
    query = asked.address()
    return HttpResponseRedirect(f"{url}?{query}" if query else url)
