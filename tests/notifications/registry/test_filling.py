"""Which template a message leaves in, and the words that come of it."""

import datetime as dt
import time

import pytest

from notifications import render
from notifications.dates import INDIA
from notifications.errors import RenderError
from notifications.registry import filling, verbs
from notifications.registry.errors import NotFiled, Problem
from notifications.registry.filling import fill, lookup
from notifications.registry.models import SmsTemplate
from tests.notifications.builders import NOW, Stopwatch
from tests.notifications.registry.builders import PANEL_ID, TODAY, VALUES, days, entry, filed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def refused(call, *args) -> NotFiled:
    with pytest.raises(NotFiled) as caught:
        call(*args)
    return caught.value


def look(gateway="msg91", now=NOW, language="en", **more):
    return lookup("CANCELLED", language, gateway, now, **more)


class TestLookup:
    def test_template_for_every_gateway_is_found_for_any(self):
        template = filed()
        assert look() == look("smpp") == template

    def test_template_of_the_gateway_itself_goes_first(self):
        filed()
        own = filed(gateway="msg91", template_id="1107000000000000001")
        assert look("msg91") == own
        assert look("smpp").gateway == ""

    def test_without_any_it_is_missing_and_says_for_what(self):
        filed(language="hi")
        refusal = refused(look)
        assert refusal.problem == Problem.MISSING
        assert (refusal.kind, refusal.language, refusal.gateway) == ("CANCELLED", "en", "msg91")
        assert isinstance(refusal, RenderError)
        assert isinstance(refusal, render.RenderError)

    def test_last_day_counts_until_midnight_in_india(self):
        filed(valid_until=TODAY)
        midnight = dt.datetime.combine(TODAY + days(1), dt.time(0), tzinfo=INDIA)
        assert look(now=midnight - dt.timedelta(seconds=1))
        assert refused(look, "msg91", midnight).problem == Problem.EXPIRED

    def test_first_day_begins_at_midnight_in_india(self):
        filed(valid_from=TODAY + days(1))
        midnight = dt.datetime.combine(TODAY + days(1), dt.time(0), tzinfo=INDIA)
        assert refused(look, "msg91", midnight - dt.timedelta(seconds=1)).problem == Problem.NOT_YET
        assert look(now=midnight)

    def test_withdrawn_template_is_not_used(self):
        verbs.withdraw(template=filed(), by="officer 7", reason="the operators struck it")
        filling.forget()
        assert refused(look).problem == Problem.WITHDRAWN

    def test_what_holds_for_every_gateway_stands_in_for_one_that_ended(self):
        general = filed()
        filed(gateway="msg91", valid_until=TODAY - days(1))
        assert look("msg91") == general

    def test_reason_is_that_of_the_gateways_own(self):
        filed(valid_from=TODAY + days(5))
        filed(gateway="msg91", valid_until=TODAY - days(1))
        assert refused(look, "msg91").problem == Problem.EXPIRED
        assert refused(look, "smpp").problem == Problem.NOT_YET


class TestGatewaysId:
    """A gateway with template ids of its own takes only what is filed with one."""

    def look(self):
        return look(by_gateways_id=True)

    def test_what_is_filed_for_it_carries_its_id(self):
        filed()
        own = filed(gateway="msg91")
        assert self.look() == own
        assert fill(own, VALUES)[1].gateway_template_id == PANEL_ID

    def test_what_is_filed_for_every_gateway_does_not_stand_in(self):
        filed()
        assert refused(self.look).problem == Problem.NO_GATEWAY_ID
        filed(gateway="msg91", valid_until=TODAY - days(1))
        assert refused(self.look).problem == Problem.EXPIRED

    def test_what_was_filed_before_there_were_such_ids_is_not_sent(self):
        filed(gateway="msg91")
        SmsTemplate.objects.update(gateway_template_id="")
        filling.forget()
        refusal = refused(self.look)
        assert str(refusal) == "CANCELLED en msg91: no_gateway_id"
        filed(gateway="msg91", gateway_template_id="f2")
        assert self.look().version == 2

    def test_without_any_it_is_missing(self):
        assert refused(self.look).problem == Problem.MISSING


class TestVersions:
    def test_newest_version_whose_day_has_come_speaks(self):
        old = filed()
        new = filed(text=entry().text + "!", valid_from=TODAY + days(3))
        assert look() == old
        assert look(now=NOW + days(3)) == new

    def test_older_version_never_comes_back(self):
        filed()
        new = filed(text=entry().text + "!", valid_from=TODAY)
        verbs.withdraw(template=new, by="officer 7", reason="wrong text")
        filling.forget()
        assert refused(look).problem == Problem.WITHDRAWN
        filed(text=entry().text + "?", valid_from=TODAY, valid_until=TODAY)
        assert refused(look, "msg91", NOW + days(1)).problem == Problem.EXPIRED

    def test_version_withdrawn_before_its_first_day_has_never_been(self):
        old = filed()
        new = filed(text=entry().text + "!", valid_from=TODAY + days(3))
        verbs.withdraw(template=new, by="officer 7", reason="not approved")
        filling.forget()
        assert look() == look(now=NOW + days(9)) == old


class TestWhatIsKnown:
    def test_turn_of_ten_thousand_asks_the_database_once(self, django_assert_num_queries):
        template = filed()
        with django_assert_num_queries(1):
            for _ in range(10_000):
                fill(look(), VALUES)
        assert look() == template

    def test_withdrawal_elsewhere_is_known_within_seconds(self, monkeypatch):
        watch = Stopwatch()
        monkeypatch.setattr(filling, "time", watch)
        filling.forget()
        template = filed()
        assert look() == template
        # By another process: nobody tells this one.
        SmsTemplate.objects.update(withdrawn_at=NOW, withdrawn_why="struck")
        assert look() == template
        watch.sleep(filling.KNOWN_FOR_SECONDS + 0.1)
        assert refused(look).problem == Problem.WITHDRAWN
        assert filling.KNOWN_FOR_SECONDS <= 5

    def test_change_in_this_process_is_known_at_once(self, django_capture_on_commit_callbacks):
        template = filed()
        assert look() == template
        with django_capture_on_commit_callbacks(execute=True):
            verbs.withdraw(template=template, by="officer 7", reason="struck")
        assert refused(look).problem == Problem.WITHDRAWN


class TestFill:
    def test_words_are_the_registrys_own_with_the_values(self):
        text, known_by = fill(filed(), VALUES)
        assert text == "ARN ..4821: cancelled. Left: 2. -OFFICE"
        assert known_by.variables == ("4821", "2")
        assert known_by.entity_id == "1101234567890123456"
        assert known_by.header == "PSKMPB"
        assert known_by.template_id == "1107123456789012345"

    def test_value_may_stand_twice_and_in_another_order(self):
        text = "Left {#numeric#}, of {#numeric#} ({#numeric#})"
        variables = "n:numeric:2; a4:numeric:4; n:numeric:2"
        assert fill(filed(text=text, variables=variables), VALUES)[0] == "Left 2, of 4821 (2)"

    @pytest.mark.parametrize(
        ("values", "problem", "variable"),
        [
            ({"n": 2}, Problem.NO_VALUE, "a4"),
            ({"a4": "", "n": 2}, Problem.NO_VALUE, "a4"),
            ({"a4": None, "n": 2}, Problem.NO_VALUE, "a4"),
            ({"a4": "48211", "n": 2}, Problem.TOO_LONG, "a4"),
            ({"a4": "48x1", "n": 2}, Problem.WRONG_TAG, "a4"),
            ({"a4": "4821", "n": -1}, Problem.WRONG_TAG, "n"),
        ],
    )
    def test_value_that_does_not_go_in_is_refused_by_name_without_the_value(
        self, values, problem, variable
    ):
        refusal = refused(fill, filed(), values)
        assert (refusal.problem, refusal.variable) == (problem, variable)
        assert "48" not in str(refusal)

    def test_link_to_a_site_that_is_not_whitelisted_is_refused(self, settings):
        settings.DLT_URL_HOSTS = ["site.example.in"]
        template = filed(
            kind="RELEASED",
            text="ARN ..{#numeric#}: {#url#} -X",
            variables="a4:numeric:4; url:url:40",
        )
        assert fill(template, {"a4": "1234", "url": "site.example.in/abc"})
        refusal = refused(fill, template, {"a4": "1234", "url": "other.example.in/abc"})
        assert refusal.problem == Problem.FOREIGN_HOST
        assert "other" not in str(refusal)

    def test_row_with_variables_side_by_side_is_refused(self):
        template = filed()
        SmsTemplate.objects.update(text="{#numeric#} {#numeric#}")  # past all rules
        template = SmsTemplate.objects.get(pk=template.pk)
        assert refused(fill, template, VALUES).problem == Problem.UNREADABLE

    def test_row_with_broken_variables_is_refused(self):
        template = SmsTemplate.objects.get(pk=filed().pk)
        template.variables = "a4:money"
        assert refused(fill, template, VALUES).problem == Problem.UNREADABLE


def test_one_hand_over_costs_microseconds():
    """Generous, so that no slow machine fails it: a turn has some 100 µs for each message."""
    template = filed()
    look()
    begins = time.perf_counter()
    for _ in range(2_000):
        fill(look(), VALUES)
    assert template
    assert (time.perf_counter() - begins) / 2_000 < 0.001
