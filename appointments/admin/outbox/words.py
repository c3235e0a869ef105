"""What officers call the states of messages, outcomes of attempts, and verdicts on receipts."""

from datetime import datetime

from notifications import dates
from notifications.batches import Progress
from notifications.models import (
    Attempt,
    BatchDecision,
    Channel,
    Decision,
    Lane,
    Message,
    ReceiptCount,
)

State = Message.State
Outcome = Attempt.Outcome
Verdict = ReceiptCount.Verdict

# What is over in less is said in seconds.
SHORT = 120

# In the order of a message's life.
STATE_WORDS: dict[str, str] = {
    State.QUEUED: "waiting",
    State.SENDING: "leaving now",
    State.ACCEPTED: "sent",
    State.DELIVERED: "arrived",
    State.UNCONFIRMED: "sent, no receipt came",
    State.UNDELIVERED: "did not arrive",
    State.UNKNOWN: "unclear whether sent",
    State.FAILED: "could not be sent",
    State.EXPIRED: "too late to send",
    State.CANCELLED: "taken back",
}
# What each state means for the person, for the page of one message.
STATE_SENTENCES: dict[str, str] = {
    State.QUEUED: "It waits to leave.",
    State.SENDING: "A worker has it in hand: it leaves within seconds.",
    State.ACCEPTED: "The gateway took it. Whether it arrived is not known.",
    State.DELIVERED: "The gateway says that it arrived.",
    State.UNCONFIRMED: "The gateway took it and said nothing more for three days.",
    State.UNDELIVERED: "The gateway took it, but says that it did not arrive.",
    State.UNKNOWN: "It may have left: nobody recorded the gateway's answer.",
    State.FAILED: "It was refused for good, or could not be put into words.",
    State.EXPIRED: "Its end of life came before it could leave. It is never sent.",
    State.CANCELLED: "It was taken back before it left.",
}
NOTED_AS_SENT = "An officer noted that it was sent: nobody recorded the gateway's answer."
TONES: dict[str, str] = {
    State.DELIVERED: "go",
    State.ACCEPTED: "go",
    State.UNCONFIRMED: "act",
    State.UNKNOWN: "act",
    State.UNDELIVERED: "stop",
    State.FAILED: "stop",
    State.EXPIRED: "stop",
}
CHANNEL_WORDS: dict[str, str] = {Channel.SMS: "SMS", Channel.EMAIL: "email"}
LANGUAGE_WORDS: dict[str, str] = {"hi": "Hindi", "en": "English"}
# Every registered kind has its name here.
KIND_WORDS: dict[str, str] = {
    "OTP": "code to sign in",
    "HOLD": "do not travel yet",
    "STANDS": "the appointment stands",
    "MOVED_KEEP": "new time, kept unless changed",
    "MOVED_ANSWER": "new time, to be accepted",
    "MOVED_MANY_KEEP": "new times for several people, kept unless changed",
    "MOVED_MANY_ANSWER": "new times for several people, to be accepted",
    "MIXED_MANY": "several people: some stand, some wait",
    "MIXED_MANY_KEEP": "several people: some have new times, kept unless changed",
    "MIXED_MANY_ANSWER": "several people: some have new times, to be accepted",
    "HOLD_MANY": "do not travel yet, to several people",
    "STANDS_MANY": "the appointments of several people stand",
    "NO_SEAT_MANY": "no new time yet, to several people",
    "RELEASED_MANY": "no answer, the new times of several people are released",
    "REMIND_MANY_ANSWER": "reminder to accept several new times",
    "VISIT_MANY": "reminder of the visits of several people",
    "REMIND_ANSWER": "reminder to accept the new time",
    "RELEASED": "no answer, the new time is released",
    "NO_SEAT": "no new time yet",
    "REPLACED": "the last time is withdrawn, another one",
    "EARLIER": "an earlier time is free",
    "SEAT_FOUND": "a time is free",
    "CONFIRMED": "confirmation",
    "CANCELLED": "cancelled at their request",
    "VISIT": "reminder of the visit",
    "PLAN_WAITS": "to officers: a plan waits",
    "PLAN_ALONE": "to officers: a plan approved by one alone",
    "PLAN_BACK": "to officers: a plan was not applied",
    "DECIDE_BY_HELD": "to officers: a plan was held back at its hour",
    "DECIDE_BY_APPLIED": "to officers: a plan was applied at its hour",
    "OUTAGE_OVERDUE": "to officers: an outage is overdue",
    "MESSAGES_TROUBLED": "to officers: messages in trouble",
    "GATEWAY_DOWN": "to officers: a gateway is down",
    "TEXTS_MISSING": "to officers: SMS texts are missing",
    "PEOPLE_UNREACHED": "to officers: people not reached",
    "DAY_OFF_VISITS": "to officers: visits on a day off",
}
LANE_WORDS: dict[int, str] = {
    Lane.URGENT: "first of all: a code, or about the next 24 hours",
    Lane.OFFERS: "after the urgent ones: it asks for an answer",
    Lane.REST: "after the urgent ones and the offers",
}
OUTCOME_WORDS: dict[str, str] = {
    Outcome.ACCEPTED: "taken",
    Outcome.PERMANENT: "refused for good",
    Outcome.TRANSIENT: "not taken, try again",
    Outcome.UNKNOWN: "no answer",
    Outcome.NOT_STARTED: "given back before the call",
}
VERDICT_WORDS: dict[str, str] = {
    Verdict.APPLIED: "applied",
    Verdict.ON_ITS_WAY: "on its way",
    Verdict.PARKED: "too early, kept",
    Verdict.REPEATED: "repeated",
    Verdict.OVERTAKEN: "overtaken",
    Verdict.LATE: "late",
    Verdict.FOREIGN: "foreign",
    Verdict.FORGED: "forged",
    Verdict.GARBLED: "garbled",
}
# What somebody should look into: these come from no gateway of ours, or it changed its ways.
SUSPICIOUS = (Verdict.FOREIGN, Verdict.FORGED, Verdict.GARBLED)
DECISION_WORDS: dict[str, str] = {
    Decision.Verb.RESEND: "sent it again",
    Decision.Verb.TREAT_AS_SENT: "noted that it was sent",
    BatchDecision.Verb.PAUSE: "paused the batch",
    BatchDecision.Verb.RESUME: "let the batch go on",
    BatchDecision.Verb.CANCEL: "took back what had not left of the batch",
}


def state_words(state: str) -> str:
    return STATE_WORDS[state]


def kind_words(code: str) -> str:
    """What a message is; the code of a kind that this version no longer knows."""
    return KIND_WORDS.get(code, code)


def lines_of(progress: Progress) -> list[tuple[str, int]]:
    """(words, count) of every state that a batch's messages are in, then of people not reached."""
    counts = progress.counts
    lines = [(words, counts[state]) for state, words in STATE_WORDS.items() if counts[state]]
    missed = [("not reached on any channel", progress.not_reached)] if progress.not_reached else []
    return lines + missed


def short_duration(seconds: float) -> str:
    """As `duration`, of what is over within two minutes: "about 30 seconds"."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} seconds"
    return "about a minute" if seconds < 90 else "about 2 minutes"


def until(moment: datetime, now: datetime, *, day: bool = False) -> str:
    """How long something lasts: "for about 30 seconds", "until 1:14 pm".

    A clock without seconds says nothing of what ends within two minutes. `day`: name it too.
    """
    seconds = (moment - now).total_seconds()
    if seconds < SHORT:
        return f"for {short_duration(seconds)}"
    return f"until {dates.short_moment(moment, 'en') if day else dates.clock(moment, 'en')}"


def duration(seconds: float) -> str:
    """How long, as one says it: "under a minute", "about 12 minutes", "about 3 hours"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {round(minutes / 60)} hours"
