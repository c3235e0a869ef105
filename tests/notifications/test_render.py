"""From kinds and values to the words that leave. Kinds of the tests' own; the real ones: below."""

import datetime as dt
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import resolve

from accounts.message_kinds import OTP
from appointments import message_kinds
from notifications import kinds
from notifications.kinds import Kind
from notifications.models import Message
from notifications.render import RenderError, masked, render

# Those to applicants, who get the same by SMS.
EMAILS = [
    kind
    for kind in (*message_kinds.ALL, OTP)
    if kind.speaks("email") and kind not in message_kinds.ALERTS
]
VALUES: dict[str, Any] = {
    "a4": "4821",
    "otp": "604917",
    "url": "host/AbCdEfGhIjK",
    "n": 2,
    "old_at": "2025-06-23T04:45:00+00:00",
    "old_centre_hi": "पीएसके भोपाल",
    "old_centre_en": "PSK Bhopal",
    "new_at": "2025-06-26T06:45:00+00:00",
    "new_centre_hi": "पीओपीएसके विदिशा",
    "new_centre_en": "POPSK Vidisha",
    "deadline_at": "2025-06-25T12:30:00+00:00",
    "reason_hi": "कारण: <सर्वर> में खराबी",
    "reason_en": "Reason: a fault of the <server>",
    "ics": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
}
VALUES["listed"] = [{name: VALUES[name] for name in VALUES if name.startswith(("old_", "new_"))}]
TIMES = {
    "hi": ("सोमवार, 23 जून 2025, सुबह 10:15 बजे", "गुरुवार, 26 जून 2025, दोपहर 12:15 बजे"),
    "en": ("Monday, 23 June 2025, 10:15 am", "Thursday, 26 June 2025, 12:15 pm"),
}


def message(kind: str, language: str = "hi", channel: str = "email", **values: Any) -> Message:
    return Message(kind=kind, language=language, channel=channel, values=values)


class TestSms:
    def test_fields_and_brand_are_filled_in(self, settings):
        settings.SMS_BRAND = "-OFFICE"
        words = render(message("PLAIN", "en", "sms", word="hello"))
        assert words.text == "Note: hello -OFFICE"
        assert words.html == words.subject == words.ics == ""

    @pytest.mark.parametrize("values", [{}, {"word": None}, {"word": ""}])
    def test_missing_value_is_an_error_and_not_a_gap(self, values):
        with pytest.raises(RenderError, match="'word'"):
            render(message("PLAIN", "en", "sms", **values))

    def test_value_with_braces_is_only_text(self):
        assert "{url}" in render(message("PLAIN", "en", "sms", word="{url}")).text

    def test_kind_without_words_for_the_channel_is_an_error(self):
        with pytest.raises(RenderError, match="no words for email"):
            render(message("PLAIN"))


class TestMasking:
    def test_link_keeps_its_host(self):
        one = message("URGENT", "en", "sms", word="now", url="host:80/AbCdEfGhIjK")
        assert masked(render(one), one).text == "Urgent: now host:80/••• -PSKMP"

    def test_code_is_hidden_whole(self):
        one = message("OTP", "en", "sms", otp="604917")
        assert masked(render(one), one).text.startswith("••• is your OTP")

    @pytest.mark.parametrize("kind", EMAILS, ids=lambda kind: kind.code)
    def test_nothing_that_is_kept_of_an_email_lets_anyone_answer_or_sign_in(self, kind):
        one = message(kind.code, **VALUES)
        kept = masked(render(one), one)
        assert kept.ics == ""
        for part in (kept.subject, kept.text, kept.html):
            assert "AbCdEfGhIjK" not in part
            assert "604917" not in part


class Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.languages: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "a":
            self.links.append(found["href"])
        if tag == "td" and found.get("lang"):
            self.languages.append(found["lang"])


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("kind", EMAILS, ids=lambda kind: kind.code)
class TestEveryEmail:
    def test_both_languages_are_there_the_recipients_first(self, kind, language):
        html = render(message(kind.code, language, **VALUES)).html
        assert Links(html).languages == (["hi", "en"] if language == "hi" else ["en", "hi"])
        assert f'<html lang="{language}">' in html

    def test_subject_is_one_line(self, kind, language):
        subject = render(message(kind.code, language, **VALUES)).subject
        assert subject
        assert "\n" not in subject
        assert len(subject) < 80

    def test_text_and_html_name_each_time_in_both_languages(self, kind, language):
        words = render(message(kind.code, language, **VALUES))
        if kind.code == "OTP":
            assert words.text.count("604917") == words.html.count("604917") == 2
            return
        hindi = [time for time in TIMES["hi"] if time in words.text]
        english = [time for time in TIMES["en"] if time in words.text]
        assert len(hindi) == len(english) > 0
        assert ("पीएसके भोपाल" in words.text) == ("PSK Bhopal" in words.text)
        assert ("पीएसके भोपाल" in words.html) == ("PSK Bhopal" in words.html)

    def test_reason_is_escaped_in_html_only(self, kind, language):
        words = render(message(kind.code, language, **VALUES))
        assert "<server>" not in words.html
        assert "<सर्वर>" not in words.html
        assert ("&lt;server&gt;" in words.html) == ("<server>" in words.text)
        assert "&lt;" not in words.text

    def test_links_only_open_the_page_of_the_message(self, kind, language, settings):
        links = Links(render(message(kind.code, language, **VALUES)).html).links
        page = "http://host/AbCdEfGhIjK"
        pages = {page, f"{page}/another-time/", f"{page}/give-up/"}
        assert {link.partition("#")[0] for link in links} <= pages

    def test_email_copes_with_values_that_are_absent(self, kind, language):
        absent = dict.fromkeys(VALUES)
        words = render(message(kind.code, language, **{**absent, "otp": "604917"}))
        for part in (words.subject, words.text, words.html):
            assert "None" not in part
            assert "{{" not in part
        assert not words.subject.endswith(":")
        assert Links(words.html).links == []

    def test_email_without_any_value_is_still_words(self, kind, language):
        assert render(message(kind.code, language)).text


def half(html: str, language: str) -> str:
    """What an email says in one language."""
    parts = re.split(r'(?=<td lang=")', html)
    return next(part for part in parts if part.startswith(f'<td lang="{language}"'))


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("kind", ["MOVED_KEEP", "MOVED_ANSWER", "REPLACED", "REMIND_ANSWER"])
def test_three_answers_are_three_buttons_to_pages_that_there_are(kind, language):
    words = render(message(kind, "en", **VALUES))
    page = "http://host/AbCdEfGhIjK"
    answers = [f"{page}#accept", f"{page}/another-time/", f"{page}/give-up/"]
    assert Links(half(words.html, language)).links == [*answers, page]
    for answer in answers:
        assert words.text.count(f"{answer}\n") == 2
        path = answer.removeprefix("http://host").partition("#")[0]
        assert resolve(path).namespace == "appointments"


@pytest.mark.parametrize("kind", ["EARLIER", "SEAT_FOUND"])
def test_seat_on_offer_is_taken_or_not(kind):
    page = "http://host/AbCdEfGhIjK"
    english = half(render(message(kind, "en", **VALUES)).html, "en")
    assert Links(english).links == [f"{page}#answer", f"{page}#answer", page]


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("kind", EMAILS, ids=lambda kind: kind.code)
def test_every_email_says_how_to_reach_help(kind, language, settings):
    settings.HELPLINE, settings.SITE_HOST = "0755-000000", "portal.example"
    words = render(message(kind.code, language, **VALUES))
    for each in ("hi", "en"):
        assert "0755-000000" in half(words.html, each)
    assert words.text.count("0755-000000") == 2
    assert words.text.count("portal.example") >= 2


VISITED = [
    *("STANDS", "MOVED_KEEP", "MOVED_ANSWER", "MOVED_MANY_KEEP", "MOVED_MANY_ANSWER"),
    *("REMIND_ANSWER", "REPLACED", "SEAT_FOUND", "CONFIRMED", "VISIT"),
]
BRINGS = {"hi": "साथ क्या लाएँ", "en": "What to bring"}


@pytest.mark.parametrize("kind", EMAILS, ids=lambda kind: kind.code)
def test_emails_about_a_visit_to_come_say_what_to_bring_and_no_other(kind):
    words = render(message(kind.code, **VALUES))
    for language, bring in BRINGS.items():
        assert (bring in half(words.html, language)) == (kind.code in VISITED)
        assert (bring in words.text) == (kind.code in VISITED)


EXPLAINED = [
    *("HOLD", "STANDS", "MOVED_KEEP", "MOVED_ANSWER", "MOVED_MANY_KEEP", "MOVED_MANY_ANSWER"),
    *("REMIND_ANSWER", "RELEASED", "NO_SEAT", "REPLACED"),
]


@pytest.mark.parametrize("kind", EXPLAINED)
def test_reason_is_given_in_words(kind):
    words = render(message(kind, "en", **VALUES))
    for language in ("hi", "en"):
        assert VALUES[f"reason_{language}"] in words.text
    assert VALUES["reason_en"] not in half(words.html, "en")  # escaped there
    assert "a fault of the &lt;server&gt;" in half(words.html, "en")


SIDE_BY_SIDE = ["MOVED_KEEP", "MOVED_ANSWER", "REMIND_ANSWER", "REPLACED", "EARLIER", "CONFIRMED"]


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("kind", SIDE_BY_SIDE)
def test_old_and_new_stand_side_by_side(kind, language):
    """Two cells of one row: the old one first."""
    part = half(render(message(kind, "en", **VALUES)).html, language)
    row = next(row for row in part.split("<tr>") if row.count("<td") > 1)
    old, new = {"hi": ("23 जून", "26 जून"), "en": ("23 June", "26 June")}[language]
    first, second = row.split("<td")[1:]
    assert old in first
    assert new in second


def test_mail_of_several_people_shows_each_with_old_and_new():
    listed = [{**VALUES["listed"][0], "a4": tail} for tail in ("4821", "7710")]
    words = render(message("MOVED_MANY_ANSWER", "en", **{**VALUES, "listed": listed}))
    for language, moment in (("hi", "26 जून"), ("en", "26 June")):
        part = half(words.html, language)
        assert part.count(moment) == 2
        assert "4821" in part
        assert "7710" in part
    assert words.text.count(TIMES["en"][1]) == 2
    assert words.text.count("पीओपीएसके विदिशा") == 2


ALERT_VALUES: dict[str, Any] = {
    **dict.fromkeys(("plan", "n", "moved", "kept", "unplaced", "moved_at_most"), 3),
    **dict.fromkeys(("unplaced_at_most", "outage", "people", "waiting", "others"), 4),
    **dict.fromkeys(("unknown", "failed", "more"), 5),
    **{f"{name}_at": VALUES["new_at"] for name in ("at", "by", "since", "first", "day")},
    **dict.fromkeys(("at", "by", "since", "first", "day"), "Thu 26/6 12:15"),
    "gateway": "msg91",
    "by_whom": "R. Sharma",
    "batches": [{"name_hi": "योजना 3", "name_en": "Plan 3", "unknown": 1, "failed": 4}],
    "problems": ["HOLD hi: nothing on file"],
    "region_hi": "आरपीओ भोपाल",
    "region_en": "RPO Bhopal",
    "url": "host/officers/plan/3/",
    "today": "host/officers/",
}


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("kind", message_kinds.ALERTS, ids=lambda kind: kind.code)
class TestEveryAlert:
    def test_says_where_and_leads_to_the_page_in_both_languages(self, kind, language):
        words = render(message(kind.code, language, **ALERT_VALUES))
        assert words.subject
        for each, region in (("hi", "आरपीओ भोपाल"), ("en", "RPO Bhopal")):
            part = half(words.html, each)
            assert region in part
            assert Links(part).links == ["http://host/officers/plan/3/"]
            assert "None" not in part
        assert words.text.count("http://host/officers/plan/3/") == 2

    def test_copes_with_values_that_are_absent(self, kind, language):
        words = render(message(kind.code, language))
        assert "None" not in words.text + words.html
        assert Links(words.html).links == []


def test_deadline_is_spelled_out():
    words = render(message("MOVED_ANSWER", "en", **VALUES))
    assert "by Wednesday, 25 June 2025, 6:00 pm" in words.text
    assert "बुधवार, 25 जून 2025, शाम 6:00 बजे" in words.text


def test_subject_names_the_new_time():
    assert render(message("MOVED_KEEP", "en", **VALUES)).subject == "New time: Thu 26/6 12:15"


def test_subject_falls_back_to_the_time_as_the_sms_writes_it():
    words = render(message("MOVED_KEEP", "en", dt="Thu 26/6 12:15"))
    assert words.subject == "New time: Thu 26/6 12:15"


def test_calendar_entry_travels_with_the_email():
    assert render(message("CONFIRMED", **VALUES)).ics == VALUES["ics"]


@pytest.mark.parametrize("value", ["2025-06-26T06:45:00", "soon", 17])
def test_moment_that_is_none_is_an_error(value):
    with pytest.raises(RenderError):
        render(message("CONFIRMED", new_at=value))


class TestRegistry:
    def test_same_kind_twice_is_one(self):
        kinds.register(OTP)
        assert kinds.get("OTP") is OTP

    def test_two_kinds_cannot_share_a_code(self):
        with pytest.raises(ValueError, match="another kind"):
            kinds.register(Kind(code="OTP", sms={"hi": "क", "en": "a"}))

    def test_sms_in_one_language_is_refused(self):
        with pytest.raises(ValueError, match="written in"):
            kinds.register(Kind(code="HALF", sms={"hi": "क"}))

    def test_kind_that_says_nothing_is_refused(self):
        with pytest.raises(ValueError, match="nothing"):
            kinds.register(Kind(code="MUTE"))

    def test_every_kind_of_the_office_is_registered(self):
        assert {"OTP", "HOLD", "STANDS", "MOVED_KEEP", "MOVED_ANSWER", "REMIND_ANSWER"} | {
            *("RELEASED", "NO_SEAT", "REPLACED", "EARLIER", "SEAT_FOUND"),
            *("CONFIRMED", "CANCELLED", "VISIT"),
        } <= {kind.code for kind in kinds.all_kinds()}

    def test_codes_and_links_are_secrets(self):
        for kind in kinds.all_kinds():
            words = " ".join(kind.sms.values())
            for secret in ("otp", "url"):
                assert (f"{{{secret}}}" in words) <= (secret in kind.secrets)


def test_moments_reach_templates_as_moments():
    moment = dt.datetime(2025, 6, 26, 12, 15, tzinfo=dt.UTC)
    assert "5:45 pm" in render(message("CONFIRMED", "en", new_at=moment.isoformat())).text
