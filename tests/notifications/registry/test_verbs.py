"""Filing, changing, withdrawing: versions, history, and what is refused."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from notifications.errors import Refusal
from notifications.registry import verbs
from notifications.registry.models import SmsTemplate, SmsTemplateEvent
from notifications.registry.verbs import Unfit
from tests.notifications.builders import NOW
from tests.notifications.registry.builders import ENTRY, PANEL_ID, TODAY, days, entry, filed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def history() -> list[tuple[int, str, str, str]]:
    events = SmsTemplateEvent.objects.order_by("id")
    return [(e.template.version, e.verb, e.by, e.reason) for e in events]


def code_of(call) -> str:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.code


def test_first_version_is_filed_and_noted():
    template = filed(reason="approved on Monday")
    assert template.version == 1
    assert history() == [(1, "filed", "officer 7", "approved on Monday")]
    assert SmsTemplateEvent.objects.get().at == NOW


def test_same_again_changes_nothing():
    first = filed()
    again, changed = verbs.file(entry=entry(), by="officer 8")
    assert (again, changed) == (first, False)
    assert len(history()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "ARN ..{#numeric#}: gone. Left: {#numeric#}. -OFFICE"},
        {"template_id": "1107000000000000009"},
        {"entity_id": "1109"},
        {"header": "OTHERX"},
        {"category": "transactional"},
        {"variables": "a4:numeric:4; n:numeric:3"},
    ],
)
def test_other_words_or_ids_are_a_new_version_and_the_old_is_kept(changes):
    old = filed()
    new = filed(by="officer 8", **changes)
    assert (old.version, new.version) == (1, 2)
    old.refresh_from_db()
    assert (old.text, old.template_id) == (entry().text, entry().template_id)
    assert history()[1][:3] == (2, "changed", "officer 8")
    assert next(iter(changes)) in new.events.get().changes


def test_other_days_change_the_version_itself_and_the_history_says_from_what_to_what():
    template = filed()
    same = filed(valid_until=TODAY + days(90), reason="renewed")
    assert (same.pk, same.version) == (template.pk, 1)
    event = SmsTemplateEvent.objects.last()
    assert (event.verb, event.reason) == ("changed", "renewed")
    assert event.changes == f"valid_until: - -> {TODAY + days(90)}"


def test_withdrawal_is_kept_with_its_reason_and_made_once():
    template = filed()
    verbs.withdraw(template=template, by="officer 8", reason=" struck off ")
    verbs.withdraw(template=template, by="officer 9", reason="again")
    template.refresh_from_db()
    assert (template.withdrawn_at, template.withdrawn_why) == (NOW, "struck off")
    assert history()[1:] == [(1, "withdrawn", "officer 8", "struck off")]


@pytest.mark.parametrize(("by", "reason"), [("officer 7", " "), ("", "because")])
def test_withdrawal_needs_an_actor_and_a_reason(by, reason):
    template = filed()
    refused = code_of(lambda: verbs.withdraw(template=template, by=by, reason=reason))
    assert refused == "reason_required"
    template.refresh_from_db()
    assert template.withdrawn_at is None


def test_after_a_withdrawal_the_same_words_are_a_new_version():
    verbs.withdraw(template=filed(), by="officer 7", reason="struck off")
    again = filed()
    assert (again.version, again.withdrawn_at) == (2, None)


def test_filing_needs_an_actor():
    assert code_of(lambda: verbs.file(entry=entry(), by=" ")) == "no_actor"
    assert not SmsTemplate.objects.exists()


def test_two_officers_at_once_do_not_overturn_each_other():
    filed()
    verbs.file(entry=entry(header="FIRSTX"), by="officer 7", based_on=1)
    late = code_of(lambda: verbs.file(entry=entry(header="SECOND"), by="officer 8", based_on=1))
    assert late == "changed_meanwhile"
    assert code_of(lambda: verbs.file(entry=entry(), by="x", based_on=0)) == "changed_meanwhile"
    assert SmsTemplate.objects.order_by("-version").first().header == "FIRSTX"


def test_who_files_the_same_version_at_the_same_moment_is_told(monkeypatch):
    filed()
    monkeypatch.setattr(verbs, "_newest", lambda entry: None)  # as it was a moment before
    late = code_of(lambda: verbs.file(entry=entry(header="SECOND"), by="officer 8"))
    assert late == "changed_meanwhile"
    assert SmsTemplate.objects.get().header == entry().header


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("kind", {"kind": "NO_SUCH"}),
        ("kind", {"kind": "MAIL"}),  # by email only
        ("language", {"language": "ur"}),
        ("gateway", {"gateway": "pigeon"}),
        ("entity_id", {"entity_id": "11-01"}),
        ("header", {"header": "AB1234"}),
        ("template_id", {"template_id": "11071234567890"}),
        ("template_id", {"template_id": "११०७१२३४५६७८९०१२३४५"}),
        ("gateway_template_id", {"gateway": "msg91", "gateway_template_id": ""}),
        ("gateway_template_id", {"gateway": "msg91", "gateway_template_id": "6808 ca80"}),
        ("gateway_template_id", {"gateway": "msg91", "gateway_template_id": "f" * 41}),
        # Where the operators' id is taken for it.
        ("gateway_template_id", {"gateway": "msg91", "gateway_template_id": ENTRY.template_id}),
        ("gateway_template_id", {"gateway_template_id": PANEL_ID}),
        ("gateway_template_id", {"gateway": "smpp", "gateway_template_id": PANEL_ID}),
        ("category", {"category": "urgent"}),
        ("text", {"text": "  "}),
        ("text", {"text": "x" * 2001}),
        ("text", {"text": "{#numeric#} {#numeric#}"}),
        ("variables", {"variables": "a4:money:4; n:numeric:2"}),
        ("variables", {"variables": "a4:numeric:4; psk:numeric:2"}),  # no such value there
        ("valid_until", {"valid_until": TODAY - days(11)}),
    ],
)
def test_unfit_entry_is_refused_by_field(field, changes):
    with pytest.raises(Unfit) as caught:
        verbs.file(entry=entry(**changes), by="officer 7")
    assert field in [fault.field for fault in caught.value.faults]
    assert not SmsTemplate.objects.exists()


@pytest.mark.usefixtures("_english")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("साँचा१२३", "Use only A-Z, a-z, 0-9, - and _, 40 at most; “साँ” is none of them."),
        ("<script>", "Use only A-Z, a-z, 0-9, - and _, 40 at most; “<” is none of them."),
        ("6808 ca80", "Use only A-Z, a-z, 0-9, - and _, 40 at most; “ ” is none of them."),
        ("f" * 41, "It has 41 characters; 40 are the most."),
    ],
)
def test_id_of_the_gateways_panel_says_what_is_wrong_and_what_is_allowed(given, said):
    with pytest.raises(Unfit) as caught:
        verbs.file(entry=entry(gateway="msg91", gateway_template_id=given), by="officer 7")
    assert [str(fault.sentence) for fault in caught.value.faults] == [said]


def test_another_id_of_the_gateway_is_a_new_version():
    old = filed(gateway="msg91")
    new, changed = verbs.file(
        entry=entry(gateway="msg91", gateway_template_id="f2"), by="officer 7", reason="new panel"
    )
    assert (new.version, changed) == (2, True)
    assert f"gateway_template_id: {PANEL_ID} -> f2" in new.events.get().changes
    old.refresh_from_db()
    assert old.gateway_template_id == PANEL_ID


def test_what_a_gateway_does_not_know_is_noted_of_that_id_alone_once_a_minute():
    one, other = filed(gateway="msg91"), filed(gateway="msg91", gateway_template_id="f2")
    general = filed()

    def note(after: int) -> None:
        now = NOW + dt.timedelta(seconds=after)
        place = {"kind": "CANCELLED", "language": "en", "gateway": "msg91"}
        verbs.not_known(**place, gateway_template_id="f2", now=now)

    for after, seen in ((0, 0), (59, 0), (61, 61), (-100, -100)):  # a clock may be set back
        note(after)
        other.refresh_from_db()
        assert other.unknown_at == NOW + dt.timedelta(seconds=seen)
    for untouched in (one, general):
        untouched.refresh_from_db()
        assert untouched.unknown_at is None


def test_list_is_filed_whole_or_not_at_all():
    good, bad = entry(), entry(language="hi", header="X")
    assert code_of(lambda: verbs.load(entries=[good, bad], by="officer 7")) == "unfit"
    assert not SmsTemplate.objects.exists()
    assert not SmsTemplateEvent.objects.exists()


def test_list_says_what_it_did():
    filed()
    filed(language="hi")
    entries = [entry(), entry(language="hi", header="OTHERX"), entry(gateway="msg91")]
    loaded = verbs.load(entries=entries, by="officer 7", reason="file")
    assert (loaded.new, loaded.changed, loaded.same) == (1, 1, 1)


def refused_fields(call) -> list[str]:
    with pytest.raises(Unfit) as caught:
        call()
    return [fault.field for fault in caught.value.faults]


class TestOneIdOneText:
    """Under another text's id a gateway or an operator would let the other text be read."""

    def test_id_of_the_operators_belongs_to_one_text_at_whatever_gateway(self):
        filed(gateway="smpp")
        hindi = entry(language="hi", template_id=ENTRY.template_id)
        assert refused_fields(lambda: verbs.file(entry=hindi, by="x")) == ["template_id"]
        other_kind = entry(kind="OTP", text="{#numeric#}", variables="otp:numeric:6")
        assert refused_fields(lambda: verbs.load(entries=[other_kind], by="x")) == ["template_id"]
        assert filed().version == filed(gateway="msg91").version == 1  # the same text

    def test_id_of_a_gateways_panel_belongs_to_one_text_there(self):
        taken = filed(gateway="msg91")
        hindi = entry(gateway="msg91", language="hi", gateway_template_id=PANEL_ID)
        with pytest.raises(Unfit) as caught:
            verbs.file(entry=hindi, by="x")
        assert [fault.field for fault in caught.value.faults] == ["gateway_template_id"]
        assert str(taken) in str(caught.value.faults[0].sentence)

    def test_change_is_held_to_it_and_an_old_versions_id_is_free(self):
        filed(gateway="msg91")
        filed(gateway="msg91", gateway_template_id="f2")
        hindi = filed(gateway="msg91", language="hi", gateway_template_id=PANEL_ID)
        to_f2 = entry(gateway="msg91", language="hi", gateway_template_id="f2")
        fields = refused_fields(lambda: verbs.file(entry=to_f2, by="x", based_on=hindi.version))
        assert fields == ["gateway_template_id"]

    @pytest.mark.parametrize("how", ["withdrawn", "ended"])
    def test_id_of_what_no_longer_speaks_is_free(self, how):
        old = filed(valid_until=TODAY - days(1) if how == "ended" else None)
        if how == "withdrawn":
            verbs.withdraw(template=old, by="x", reason="struck off")
        assert filed(language="hi", template_id=ENTRY.template_id).version == 1
        # Then it is taken, and the old text does not come back with it.
        again = entry(valid_until=TODAY + days(9))
        assert refused_fields(lambda: verbs.file(entry=again, by="x")) == ["template_id"]

    def test_id_of_what_speaks_until_the_newest_begins_or_is_yet_to_begin_is_taken(self):
        filed()
        filed(template_id="1107000000000000009", valid_from=TODAY + days(2))
        for number in (ENTRY.template_id, "1107000000000000009"):
            hindi = entry(language="hi", template_id=number)
            assert refused_fields(lambda one=hindi: verbs.file(entry=one, by="x")) == [
                "template_id"
            ]

    def test_later_first_day_does_not_bring_back_a_version_whose_id_is_anothers(self):
        filed()
        new = {"template_id": "1107000000000000009"}
        filed(**new)
        filed(language="hi", template_id=ENTRY.template_id)
        later = entry(**new, valid_from=TODAY + days(3))
        assert refused_fields(lambda: verbs.file(entry=later, by="x")) == ["valid_from"]

    def test_list_may_exchange_ids(self):
        english, hindi = filed(), filed(language="hi")
        swapped = [
            entry(template_id=hindi.template_id),
            entry(language="hi", template_id=english.template_id),
        ]
        assert verbs.load(entries=swapped, by="x").changed == 2
        twice = [entry(template_id="1" * 19), entry(language="hi", template_id="1" * 19)]
        assert refused_fields(lambda: verbs.load(entries=twice, by="x")) == ["template_id"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_officers_do_not_file_one_id_at_the_same_moment():
    texts = [entry(), entry(language="hi", template_id=ENTRY.template_id)]
    both = Barrier(2)

    def file(one):
        both.wait(10)
        try:
            verbs.file(entry=one, by="officer 7")
            return "filed"
        except Unfit:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(file, texts))
    assert said == ["filed", "refused"]
    assert SmsTemplate.objects.count() == 1
