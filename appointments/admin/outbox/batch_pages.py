"""Batches: the list of those in hand, one with its progress live, and what may be done with it."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import parse_etags

from accounts import officers
from appointments import message_batches, reminders
from appointments.admin.asking import ask, page
from appointments.admin.base import attempt
from appointments.admin.outbox import gateways
from appointments.admin.outbox.causes import cause
from appointments.admin.outbox.gateways import Rest
from appointments.admin.outbox.life import names_of
from appointments.admin.outbox.scope import messages_seen
from appointments.admin.outbox.words import (
    CHANNEL_WORDS,
    DECISION_WORDS,
    STATE_WORDS,
    duration,
    until,
)
from appointments.admin.scope import posting, steerable_regions
from appointments.message_batches import Subject
from notifications import batches, quiet
from notifications.batches import Progress
from notifications.models import Batch, BatchDecision, Message

State = Message.State
SHOWN = 50


# --- The list -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BatchRow:
    subject: Subject
    progress: Progress


def seen_of(request: HttpRequest, names: Collection[str]) -> list[Subject]:
    """The batches of these names that somebody can say what they are about, of the officer's."""
    found = message_batches.subjects(names).values()
    return [subject for subject in found if _sees(request, subject)]


def shown_as(request: HttpRequest, text: str) -> Subject | None:
    """The batch in the officer's list that is called so there."""
    wanted = _plain(text)
    listed = seen_of(request, message_batches.in_hand(timezone.now()))
    return next((subject for subject in listed if _plain(str(subject.label)) == wanted), None)


def _plain(label: str) -> str:
    """Without what one does not type: quotation marks, capitals, doubled spaces."""
    return " ".join(label.translate(QUOTES).casefold().split())


QUOTES = str.maketrans("", "", "“”\"'‘’")


def list_view(request: HttpRequest, model_admin: admin.ModelAdmin) -> HttpResponse:
    now = timezone.now()
    names = message_batches.in_hand(now)
    subjects = message_batches.subjects(names)
    own = [name for name in names if _sees(request, subjects.get(name))]
    progress = batches.progress_of(own, now)
    rows = [
        BatchRow(subjects.get(name) or message_batches.unknown(name), progress[name])
        for name in own
        if sum(progress[name].counts.values()) or progress[name].is_paused
    ]
    context = {**page(request, model_admin, title="Batches of messages"), "rows": rows}
    return TemplateResponse(request, "admin/office/batches.html", context)


def _sees(request: HttpRequest, subject: Subject | None) -> bool:
    """Of the officer's region, and for those at a centre of no batch: it is about many people."""
    if officers.of(request).is_superuser:
        return True
    own = posting(request)
    if own is None or own.centre_id or subject is None:
        return False
    return own.region_id in subject.region_ids


# --- One batch ------------------------------------------------------------------------------------


def batch_view(request: HttpRequest, model_admin: admin.ModelAdmin, name: str) -> HttpResponse:
    subject = _subject(request, name)
    context = {
        **page(request, model_admin, title=str(subject.label)),
        **_facts(request, subject),
        "in_page": True,
    }
    return TemplateResponse(request, "admin/office/batch.html", context)


def news_view(request: HttpRequest, model_admin: admin.ModelAdmin, name: str) -> HttpResponse:
    """All of the page that changes, so that its parts agree; 304 for whoever has it."""
    facts = _facts(request, _subject(request, name))
    if facts["etag"] in parse_etags(request.headers.get("If-None-Match", "")):
        response: HttpResponse = HttpResponse(status=304)
    else:
        response = TemplateResponse(request, "admin/office/batch_news.html", facts)
    response.headers["ETag"] = facts["etag"]
    return response


def _subject(request: HttpRequest, name: str) -> Subject:
    """404: no such batch, or none of the officer's."""
    subject = message_batches.subjects([name]).get(name)
    if not _sees(request, subject):
        raise Http404
    if subject is None:
        if not Message.objects.filter(batch=name).exists():
            raise Http404
        return message_batches.unknown(name)
    return subject


def _facts(request: HttpRequest, subject: Subject) -> dict[str, Any]:
    now = timezone.now()
    progress = batches.progress(subject.name, now)
    may = _may_decide(request, subject)
    rests = _resting(progress, now)
    left = None if rests else progress.seconds_left
    still = _why_it_waits(progress, rests, now)
    troubled = _troubled(request, subject.name)
    decisions = _decisions(subject.name)
    paid = batches.paid_parts(subject.name)
    shown = [(message.pk, message.state, message.error) for message in troubled]
    takes_back = may and _may_take_back(progress, now)
    etag = _etag(progress, still, may, takes_back, paid, shown, decisions)
    return {
        "subject": subject,
        "progress": progress,
        "bar": _bar(progress),
        "time_left": "" if left is None else duration(left),
        "still": still,
        "paid": paid,
        "paces": [(CHANNEL_WORDS[pace.channel], pace.rate) for pace in progress.paces if pace.rate],
        "troubled": troubled,
        "may_resend": may and any(progress.counts[state] for state in Message.TROUBLED_STATES),
        "decisions": decisions,
        "may_decide": may,
        "may_take_back": takes_back,
        "read_at": now,
        "news_url": reverse("admin:notifications_message_batch_news", args=[subject.name]),
        "etag": etag,
        "have": json.dumps({"If-None-Match": etag}),
        "every": _every(progress),
    }


def _may_decide(request: HttpRequest, subject: Subject) -> bool:
    officer = officers.of(request)
    steered = steerable_regions(officer).values_list("pk", flat=True)
    return message_batches.may_decide(subject, officer, list(steered))


def _may_take_back(progress: Progress, now: datetime) -> bool:
    """There is something to, or more of these reminders would be written this evening."""
    if progress.to_leave:
        return True
    return bool(progress.written) and reminders.may_be_written(progress.batch, now)


def _every(progress: Progress) -> int:
    """Seconds between two looks: less often when only receipts are to come; 0: nothing is."""
    if progress.to_leave:
        return settings.BATCH_POLL_SECONDS
    return 6 * settings.BATCH_POLL_SECONDS if progress.counts[State.ACCEPTED] else 0


def _troubled(request: HttpRequest, name: str) -> list[Message]:
    seen = messages_seen(request, Message.objects.filter(batch=name))
    # Those that were never sent cannot be sent again, but an officer has to know of them too.
    return list(seen.filter(state__in=Message.MISSED_STATES).order_by("pk")[:SHOWN])


def _etag(*shown: object) -> str:
    said = repr(shown)
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:20]}"'


@dataclass(frozen=True)
class Piece:
    """A piece of the bar, in thousandths of it."""

    look: str
    words: str
    count: int
    at: int
    width: int


LOOKS = (
    ("arrived", "arrived", (State.DELIVERED,)),
    ("sent", "sent", (State.ACCEPTED, State.UNCONFIRMED)),
    ("trouble", "in trouble", Message.MISSED_STATES),
    ("leaving", "leaving now", (State.SENDING,)),
    ("waiting", "waiting", (State.QUEUED,)),
    ("back", "taken back", (State.CANCELLED,)),
)


def _bar(progress: Progress) -> list[Piece]:
    pieces, at = [], 0
    for look, words, states in LOOKS:
        count = sum(progress.counts[state] for state in states)
        width = round(1000 * count / progress.written) if progress.written else 0
        if count:
            pieces.append(Piece(look, words, count, at, width))
        at += width
    return pieces


def _resting(progress: Progress, now: datetime) -> list[Rest]:
    """Channels that rest while something of the batch waits for them."""
    rests = gateways.resting_channels(now)
    if not rests or not progress.counts[State.QUEUED]:
        return []
    waits = Message.objects.filter(batch=progress.batch, state=State.QUEUED)
    wanted = set(waits.values_list("channel", flat=True).distinct())
    return [rest for rest in rests if rest.channel in wanted]


@dataclass(frozen=True)
class Sentence:
    """`said`: what a program said of it, for small print."""

    words: str
    said: str = ""


def _why_it_waits(progress: Progress, rests: Iterable[Rest], now: datetime) -> list[Sentence]:
    """Why what is queued does not leave, a sentence each."""
    if not progress.counts[State.QUEUED]:
        return []
    says = []
    if progress.is_paused:
        says.append(Sentence("It is paused: nothing leaves until somebody lets it go on."))
    if progress.later and progress.next_at:
        first = until(progress.next_at, now, day=True)
        says.append(Sentence(f"{progress.later:,} wait for their moment, the first {first}."))
    if quiet.is_quiet(now):
        held = f"Quiet hours: until {quiet.QUIET_UNTIL:%H:%M} only SMS leave that cannot wait."
        says.append(Sentence(f"{held} Emails leave."))
    return says + [_of_rest(rest, now) for rest in rests]


def _of_rest(rest: Rest, now: datetime) -> Sentence:
    why = cause(rest.why)
    words = f"No {CHANNEL_WORDS[rest.channel]} leaves {until(rest.until, now)}: {why.words}"
    return Sentence(words, f"{rest.gateway}: {why.said}" if why.said else rest.gateway)


@dataclass(frozen=True)
class Decided:
    at: datetime
    who: str
    words: str
    reason: str


def _decisions(name: str) -> list[Decided]:
    made = list(BatchDecision.objects.filter(batch__name=name).order_by("-pk")[:SHOWN])
    names = names_of(made)
    return [Decided(d.at, names.get(d.by, d.by), DECISION_WORDS[d.verb], d.reason) for d in made]


# --- What may be done -----------------------------------------------------------------------------


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        help_text="Kept with your name; others read it.",
        max_length=200,
        error_messages={"required": "Write down the reason."},
        widget=forms.TextInput(attrs={"size": 60, "autocomplete": "off"}),
    )


class ResendForm(ReasonForm):
    states = forms.MultipleChoiceField(
        label="Which messages?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one kind of message."},
    )
    field_order = ("states", "reason")

    def __init__(self, progress: Progress, data: Any = None) -> None:
        super().__init__(data, initial={"states": [State.FAILED, State.UNDELIVERED]})
        counts = progress.counts
        states: Any = self.fields["states"]
        states.choices = [
            (state.value, f"{counts[state]:,} {STATE_WORDS[state]}{WARNINGS.get(state, '')}")
            for state in (State.FAILED, State.UNDELIVERED, State.UNKNOWN)
            if counts[state]
        ]


WARNINGS = {State.UNKNOWN: ": these people may get it twice"}


@dataclass(frozen=True)
class Step:
    verb: Callable[..., Any]
    title: str
    button: str
    says: Callable[[Progress], list[str]]
    done: Callable[[Any], str]
    stop: bool = False


def _pause_says(progress: Progress) -> list[str]:
    return [
        f"{progress.to_leave:,} messages have not left. They wait until somebody lets the batch "
        "go on, and so does whatever is written for it meanwhile.",
        "What a worker has in its hands at this moment, about two seconds' worth, still leaves.",
        "A message whose end of life comes meanwhile is never sent.",
    ]


def _resume_says(progress: Progress) -> list[str]:
    return [
        f"{progress.to_leave:,} messages leave, the soonest visit first.",
        "Messages whose end of life came during the pause are not sent.",
    ]


def _cancel_says(progress: Progress) -> list[str]:
    goes_on = reminders.may_be_written(progress.batch, timezone.now())
    says = [
        f"{progress.to_leave:,} messages are taken back, for good: these people are not told.",
        "What has left cannot be called back, nor what a worker has in its hands at this moment, "
        "about two seconds' worth.",
        "Nobody else is reminded of these visits this evening."
        if goes_on
        else "What is written for this batch later is not taken back.",
    ]
    if progress.is_paused:
        says.append("The batch stays paused: what is written for it later waits too.")
    return says


STEPS = {
    "pause": Step(
        message_batches.pause,
        "pause",
        "Pause",
        _pause_says,
        lambda _done: "The batch is paused.",
    ),
    "resume": Step(
        message_batches.resume,
        "go on",
        "Let it go on",
        _resume_says,
        lambda _done: "The batch goes on.",
    ),
    "cancel": Step(
        message_batches.cancel,
        "take back what has not left",
        "Take the messages back",
        _cancel_says,
        lambda cancelled: f"{cancelled:,} messages are taken back.",
        stop=True,
    ),
}


def step_view(
    request: HttpRequest, model_admin: admin.ModelAdmin, name: str, step: str
) -> HttpResponse:
    """GET says what will happen and asks why; POST does it."""
    subject, doing = _steered(request, name), STEPS[step]
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by, reason = officers.of(request), form.cleaned_data["reason"]
        done = attempt(request, lambda: doing.verb(name=name, by=by, reason=reason))
        if done is not None:
            messages.success(request, doing.done(done))
        return HttpResponseRedirect(page_of(name))
    return ask(
        request,
        model_admin,
        title=f"{subject.label}: {doing.title}",
        says=doing.says(batches.progress(name, timezone.now())),
        button=doing.button,
        back=page_of(name),
        form=form,
        stop=doing.stop,
    )


def resend_view(request: HttpRequest, model_admin: admin.ModelAdmin, name: str) -> HttpResponse:
    """All troubled messages of a batch again, each with a decision of its own."""
    subject = _steered(request, name)
    form = ResendForm(batches.progress(name, timezone.now()), request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, by = form.cleaned_data, officers.of(request)
        resent = attempt(
            request,
            lambda: message_batches.resend(
                name=name, by=by, reason=given["reason"], states=given["states"]
            ),
        )
        if resent is not None:
            why = "out of date, taken back, or reached otherwise"
            kept = f" {resent.kept:,} stay as they are: {why}."
            left = f" {resent.left:,} are left: do it again."
            messages.success(
                request,
                f"{resent.queued:,} messages are queued again."
                f"{kept if resent.kept else ''}{left if resent.left else ''}",
            )
        return HttpResponseRedirect(page_of(name))
    return ask(
        request,
        model_admin,
        title=f"{subject.label}: send again",
        says=[
            "The messages go back into the queue and leave like new ones. Their progress is on "
            "the page of the batch.",
            "Not sent again: what is out of date by now or was taken back, and what arrived on "
            "another channel.",
            "Correct the cause first: a number that does not exist refuses again.",
        ],
        button="Send again",
        back=page_of(name),
        form=form,
    )


def _steered(request: HttpRequest, name: str) -> Subject:
    subject = _subject(request, name)
    if not _may_decide(request, subject):
        raise PermissionDenied
    return subject


def page_of(name: str) -> str:
    return reverse("admin:notifications_message_batch", args=[name])


def is_paused(name: str) -> bool:
    return bool(name) and Batch.objects.filter(name=name, is_paused=True).exists()
