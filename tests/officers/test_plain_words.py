"""What programs say, in words that officers can use."""

import datetime as dt

import pytest

from appointments import leaving
from appointments.admin.outbox import causes, words
from appointments.models import Offer
from notifications import fallback, kinds
from notifications.dates import INDIA
from notifications.models import Message

NOW = dt.datetime(2025, 6, 23, 13, 14, 37, tzinfo=INDIA)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (4, "for a few seconds"),
        (28, "for about 30 seconds"),
        (60, "for about a minute"),
        (119, "for about 2 minutes"),
        (120, "until 1:16 pm"),
    ],
)
def test_how_long_something_lasts(seconds, said):
    assert words.until(NOW + dt.timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        (fallback.LATE, "It waited for half an hour, and no gateway took it."),
        ("2 failed", causes.LOST),
        ("UNDELIV err:001", causes.LOST),
        ("ReadTimeout", causes.NO_ANSWER),
        ("gateway down: TimeoutError: the call took too long", causes.NO_ANSWER),
        ("ReadError", causes.BROKE_OFF),
        ("RemoteProtocolError", causes.BROKE_OFF),
        ("SMTPServerDisconnected: Connection unexpectedly closed", causes.BROKE_OFF),
        ("gateway down: ConnectError: [Errno 111] Connection refused", causes.UNREACHABLE),
        ("202 no such number", causes.DOES_NOT_EXIST),
        ("550 5.1.1 [recipient]: user unknown", causes.DOES_NOT_EXIST),
        ("550 5.7.1 rejected as spam", causes.BARRED),
        ("gateway down: 301 no balance left", causes.USED_UP),
        ("gateway down: 201 authkey not known", causes.ACCOUNT),
        ("631 text is not as its template was registered", causes.NOT_AS_FILED),
        ("400 template id not known to its panel", causes.NOT_IN_PANEL),
        ("211 template not as its panel has it", causes.NOT_IN_PANEL),
        ("template not known, without a code", causes.NOT_IN_PANEL),
        ("HTTP 429", causes.BUSY),
        ("HTTP 502", causes.TROUBLE),
        ("HTTP 400", causes.REFUSED),
        ("gateway down: it does not want us, without a code", causes.DOWN),
        ("UnboundLocalError: x", causes.BROKE),
        (
            "MOVED_KEEP hi: foreign_host (url)",
            "A link leads to a site that is not whitelisted."
            " SMS “new time, kept unless changed” in Hindi.",
        ),
        (
            "HOLD en msg91: no_gateway_id",
            "What is filed lacks the gateway's own template id."
            " SMS “do not travel yet” in English.",
        ),
        ("HOLD en msg91: missing", "No template is filed. SMS “do not travel yet” in English."),
    ],
)
def test_what_a_program_said_is_put_into_plain_words(said, plain):
    assert causes.cause(said) == causes.Cause(plain, said)


@pytest.mark.parametrize(
    "reason",
    [
        *("the person has chosen since", "cancelled by the person", "in doubt again"),
        *("no longer in doubt about this visit", "offer withdrawn", "the visit has changed"),
        *("plan undone", "account closed", leaving.NO_ADDRESS, "visit completed", "visit no_show"),
        *(f"offer {state}" for state in Offer.State if state != Offer.State.OPEN),
    ],
)
def test_every_reason_to_take_back_is_a_sentence(reason):
    said = causes.cause_of(Message(state="cancelled", error=reason))
    assert said.said == reason
    assert said.words[0].isupper()
    assert said.words.endswith(".")


def test_reason_that_an_officer_wrote_is_left_as_it_is():
    said = causes.cause_of(Message(state="cancelled", error="not an outage"))
    assert said == causes.Cause("not an outage")


def test_what_nobody_knows_is_shown_as_it_is():
    assert causes.cause("0x45C of the operator") == causes.Cause("0x45C of the operator")
    assert causes.cause("HOLD hi: something_else").words == "HOLD hi: something_else"


def test_every_kind_has_a_name_of_its_own():
    codes = {kind.code for kind in kinds.all_kinds()}
    assert codes == set(words.KIND_WORDS)
    assert len(set(words.KIND_WORDS.values())) == len(words.KIND_WORDS)
    assert words.kind_words("GONE") == "GONE"
