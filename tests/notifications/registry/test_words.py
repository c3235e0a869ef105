"""Words of messages through gateways that need filed texts, and through those that do not."""

import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from notifications import kinds, render
from notifications.dates import INDIA, short_day, short_moment
from notifications.gateways.msg91 import Msg91Gateway
from notifications.models import Message
from notifications.registry import csv_files
from notifications.registry.drafts import INVENTED_ENTITY, INVENTED_HEADER, invented
from notifications.registry.entries import spoken_kinds
from notifications.registry.errors import NotFiled, Problem
from notifications.registry.notation import parsed, read
from notifications.segments import measure
from tests.notifications.registry.builders import (
    DEMO_FILE,
    DEMO_FILE_MSG91,
    PANEL_ID,
    VALUES,
    filed,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
CODES = sorted({line.kind for line in csv_files.read_file(DEMO_FILE)})
URL = "127.0.0.1:8000/AbCdEfGhIjK"


class Needy:
    """A gateway, as far as words are concerned."""

    name = "smpp"
    needs_template = True
    has_template_ids = False


def message(kind="CANCELLED", language="en", **values) -> Message:
    return Message(kind=kind, channel="sms", language=language, values=values or VALUES)


def usual_values(language: str, moment: dt.datetime, town: str = "") -> dict[str, object]:
    return {
        "a4": "4821",
        "otp": "604917",
        "d": short_day(moment, language),
        "dt": short_moment(moment, language),
        "by": short_moment(moment - dt.timedelta(days=1), language),
        "psk": town or {"hi": "नर्मदापुरम", "en": "Narmadapuram"}[language],
        "url": URL,
        # What officers are told.
        "day": short_day(moment, language),
        **dict.fromkeys(("at", "since", "first"), short_moment(moment, language)),
        **dict.fromkeys(("plan", "outage", "people", "moved", "waiting"), 12),
        "gateway": "mobile seva",
        "today": "127.0.0.1:8000/officers/",
        "n": 3,
    }


@pytest.fixture(autouse=True)
def _whitelisted(settings):
    settings.DLT_URL_HOSTS = ["127.0.0.1:8000"]


class TestGateways:
    @pytest.mark.parametrize("gateway", [Needy, Needy()])
    def test_gateway_that_needs_it_gets_the_filed_text(self, gateway):
        template = filed()
        one = message()
        words = render.put_into_words(one, gateway)
        assert words.text == one.body == "ARN ..4821: cancelled. Left: 2. -OFFICE"
        assert words.filed is not None
        assert words.filed.template_id == template.template_id
        assert words.size == measure(words.text)

    def test_gateway_that_does_not_need_it_gets_the_kinds_own_text(self, gateway):
        filed()
        for words in (render.render(message()), render.render(message(), gateway)):
            assert words.text.startswith("ARN ..4821: your appointment was cancelled")
            assert words.filed is None
            assert words.size == measure(words.text)

    def test_without_a_template_nothing_is_put_into_words(self):
        one = message()
        with pytest.raises(NotFiled) as caught:
            render.put_into_words(one, Needy)
        assert caught.value.problem == Problem.MISSING
        assert one.body == ""
        assert render.put_into_words(one).text  # another gateway may still take it

    def test_gateway_with_template_ids_of_its_own_gets_its_id(self):
        filed()
        with pytest.raises(NotFiled) as caught:
            render.put_into_words(message(), Msg91Gateway)
        assert caught.value.problem == Problem.NO_GATEWAY_ID
        filed(gateway="msg91")
        words = render.put_into_words(message(), Msg91Gateway)
        assert words.filed is not None
        assert words.filed.gateway_template_id == PANEL_ID
        assert words.filed.template_id != PANEL_ID

    def test_secrets_are_masked_in_what_is_kept(self):
        filed(
            kind="RELEASED",
            text="ARN ..{#numeric#}: see {#url#} -X",
            variables="a4:numeric:4; url:url:40",
        )
        one = message("RELEASED", a4="1234", url=URL)
        words = render.put_into_words(one, Needy)
        assert URL in words.text
        assert "AbCdEfGhIjK" not in one.body
        assert "AbCdEfGhIjK" not in repr(words.filed)

    def test_email_is_not_asked_for_a_template(self):
        one = message("CONFIRMED")
        one.channel = "email"
        words = render.render(one, Needy)
        assert words.subject
        assert words.size is None


class TestDemoRows:
    def test_they_are_the_kinds_own_texts_today(self):
        """If a kind's text has changed: manage.py draft_templates, see docs/sms-templates.md."""
        rows = csv_files.read_file(DEMO_FILE)
        assert rows == invented(rows[0].valid_from)
        assert csv_files.read_file(DEMO_FILE_MSG91) == invented(rows[0].valid_from, "msg91")

    def test_they_are_all_kinds_in_both_languages(self):
        rows = {(row.kind, row.language) for row in csv_files.read_file(DEMO_FILE)}
        assert rows == {(kind.code, code) for kind in spoken_kinds() for code in kinds.LANGUAGES}

    def test_their_ids_cannot_be_taken_for_real_ones(self):
        for row in csv_files.read_file(DEMO_FILE):
            assert row.entity_id == INVENTED_ENTITY == "0" * 19
            assert row.header == INVENTED_HEADER
            assert row.template_id.startswith("0" * 16)

    @pytest.mark.parametrize("language", kinds.LANGUAGES)
    @pytest.mark.parametrize("code", CODES)
    @pytest.mark.usefixtures("demo")
    def test_registry_text_is_the_kinds_text(self, code, language):
        first = dt.datetime(2026, 1, 1, 9, 45, tzinfo=INDIA)
        for day in range(0, 365, 13):
            values = usual_values(language, first + dt.timedelta(days=day, hours=day % 7))
            one = message(code, language, **values)
            assert render.render(one, Needy).text == render.render(one).text


def random_values(language: str) -> st.SearchStrategy[dict[str, object]]:
    """Values as messages have them, and towns of any letters of the language."""
    letters = "कखगघचछजटडणतदनपबमयरलवशसहािीुूेैोौ्ंँ" if language == "hi" else "abcxyzABCXYZ"
    towns = st.text(letters + " .-'", min_size=1, max_size=40).filter(lambda town: town.strip())
    moments = st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2030, 1, 1))
    numbers = {
        "a4": st.from_regex(r"[0-9]{4}", fullmatch=True),
        "otp": st.from_regex(r"[0-9]{6}", fullmatch=True),
        "n": st.integers(0, 99),
        "url": st.from_regex(r"127\.0\.0\.1:8000/[0-9A-Za-z]{11}", fullmatch=True),
    }
    usual = st.builds(
        lambda moment, town: usual_values(language, moment.replace(tzinfo=INDIA), town),
        moments,
        towns,
    )
    return st.builds(lambda one, two: {**one, **two}, usual, st.fixed_dictionaries(numbers))


@pytest.mark.parametrize("language", kinds.LANGUAGES)
@pytest.mark.usefixtures("demo")
def test_what_leaves_is_what_an_operator_would_let_pass(language):
    """An operator holds the text against the filed one: fixed words, and each tag's letters."""
    patterns = {
        row.kind: read(row.text, parsed(row.variables)).pattern()
        for row in csv_files.read_file(DEMO_FILE)
        if row.language == language
    }

    @effort(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(code=st.sampled_from(CODES), values=random_values(language))
    def holds(code, values):
        words = render.render(message(code, language, **values), Needy)
        assert patterns[code].fullmatch(words.text)
        assert words.filed is not None
        assert all(value in words.text for value in words.filed.variables)

    holds()


@pytest.mark.usefixtures("demo")
def test_whatever_comes_in_either_fits_the_filed_text_or_does_not_leave():
    """Any text at all as a value: no message leaves that an operator would stop."""
    row = next(
        r for r in csv_files.read_file(DEMO_FILE) if (r.kind, r.language) == ("EARLIER", "en")
    )
    pattern = read(row.text, parsed(row.variables)).pattern()
    left: list[str] = []

    @effort(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values=st.fixed_dictionaries(dict.fromkeys(("a4", "dt", "psk", "by"), st.text())))
    def holds(values):
        try:
            words = render.render(message("EARLIER", "en", **values, url=URL), Needy)
        except NotFiled:
            return
        left.append(words.text)
        assert pattern.fullmatch(words.text)
        assert not re.search(r"https?:", words.text)

    holds()
    # And the good ones do leave.
    good = usual_values("en", dt.datetime(2026, 1, 1, 10, tzinfo=INDIA))
    assert pattern.fullmatch(render.render(message("EARLIER", "en", **good), Needy).text)
