"""The proof: what is shown, what is found wrong, and what the checks and the command say of it."""

from dataclasses import replace

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command

from accounts.message_kinds import longest_values as of_codes
from appointments.models import Centre
from appointments.samples import longest_values
from notifications import kinds
from notifications.kinds import Kind
from notifications.registry import alarm, filling, proof, verbs
from notifications.registry.entries import spoken_kinds
from notifications.registry.errors import Problem
from notifications.registry.models import SmsTemplate
from notifications.segments import measure
from tests.domain.builders import make_centre
from tests.notifications.builders import NOW
from tests.notifications.registry.builders import (
    DEMO_FILE_MSG91,
    ENTRY,
    PANEL_ID,
    TODAY,
    days,
    entry,
    filed,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "_english")]
FULL = "ARN ..{#numeric#}: your appointment is cancelled. Attempts left: {#numeric#}. -PSKMP"


@pytest.fixture
def only_one_kind(monkeypatch):
    """CANCELLED in English is the only thing that is said; `needy` the only gateway."""
    monkeypatch.setattr(kinds, "_kinds", {"CANCELLED": kinds.get("CANCELLED")})
    monkeypatch.setattr(kinds, "LANGUAGES", ("en",))


def found() -> list[Problem]:
    return [finding.problem for finding in proof.problems(NOW)]


class TestSamples:
    def test_every_value_of_every_sms_has_a_longest_one(self):
        for kind in spoken_kinds():
            assert kind.samples, kind.code
            for language in kinds.LANGUAGES:
                samples = kind.samples(language)
                assert all(samples.get(name) for name in kind.fields(language)), kind.code

    def test_town_is_the_longest_of_all_centres(self):
        make_centre("AAA", town_hi="भोपाल", town_en="Bhopal")
        make_centre("BBB", town_hi="सागर", town_en="Sagar on the long lake")
        assert longest_values("en")["psk"] == "Sagar on the long lake"
        assert longest_values("hi")["psk"] == "भोपाल"
        Centre.objects.all().delete()
        assert longest_values("hi")["psk"] == "नर्मदापुरम"

    def test_moments_are_as_long_as_moments_get(self):
        assert longest_values("hi")["dt"].startswith("शुक्र ")
        assert len(longest_values("en")["dt"]) == len("Wed 26/12 12:15")
        assert of_codes("hi") == {"otp": "000000"}

    def test_kinds_of_the_office_and_of_sign_in_keep_their_own_words(self):
        assert kinds.get("OTP").fields("hi") == ("otp",)
        assert kinds.get("CANCELLED").fields("en") == ("a4", "n")


class TestProofs:
    @pytest.mark.usefixtures("needy", "demo")
    def test_demo_rows_prove_all_kinds_in_both_languages(self):
        proofs = proof.prove(NOW)
        assert len(proofs) == 2 * len(spoken_kinds())
        assert found() == []
        for one in proofs:
            assert one.gateway == "scripted"
            assert one.size == measure(one.text)
            assert one.size.parts <= (2 if one.language == "hi" else 1)
            assert "".join(piece for piece, _ in one.pieces) == one.text
            assert [piece for piece, is_value in one.pieces if is_value] == [
                filled.sample for filled in one.variables
            ]

    def test_gateway_that_needs_no_templates_has_nothing_to_prove(self, gateway):
        assert proof.prove(NOW) == proof.problems(NOW) == []

    @pytest.mark.usefixtures("needy", "demo")
    def test_proof_costs_the_same_queries_for_any_number_of_kinds(
        self, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(3):  # templates, and the towns of each language
            proof.prove(NOW)


@pytest.mark.usefixtures("only_one_kind")
class TestGatewaysId:
    """A gateway with template ids of its own."""

    def found(self, now=NOW):
        [proved] = proof.prove(now, ["msg91"])
        return [finding.problem for finding in proved.findings]

    def test_id_is_missing(self):
        filed(text=FULL)
        assert self.found() == [Problem.NO_GATEWAY_ID]
        filed(text=FULL, gateway="msg91")
        assert self.found() == []

    def test_id_that_the_gateway_said_it_does_not_know(self, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["msg91"], "email": ["file"]}
        template = filed(text=FULL, gateway="msg91")
        SmsTemplate.objects.update(unknown_at=NOW)
        assert self.found() == [Problem.UNKNOWN]
        # Alerts to officers say it in the same words each time, or each would be another alert.
        [line] = alarm.text_problems(NOW + days(1))
        assert line == (
            "CANCELLED · en · msg91: The gateway answers that it knows no template by the id"
            f" {PANEL_ID}. Messages wait, or leave through another gateway, until the id or its"
            " panel is mended."
        )
        assert self.found(NOW + days(2)) == []  # it has not said so again
        assert proof.prove_one(SmsTemplate.objects.get(pk=template.pk), NOW).fails
        filed(text=FULL, gateway="msg91", gateway_template_id="f2")
        assert self.found() == []


def test_texts_that_share_an_id_are_found_on_both_sides(monkeypatch, capsys):
    """However they came there: from before ids were compared, or by hand."""
    monkeypatch.setattr(kinds, "_kinds", {"CANCELLED": kinds.get("CANCELLED")})
    english, hindi = filed(gateway="msg91"), filed(gateway="msg91", language="hi")
    first = proof.prove(NOW, ["msg91"])
    assert not any(one.has(Problem.SHARED_ID) for one in first)
    SmsTemplate.objects.filter(pk=hindi.pk).update(gateway_template_id=PANEL_ID)
    proofs = proof.prove(NOW, ["msg91"])
    assert all(one.has(Problem.SHARED_ID) and one.fails for one in proofs)
    assert not any(one.stops for one in proofs)  # they do leave
    with pytest.raises(SystemExit):
        call_command("check_templates", "--gateway", "msg91")
    said = capsys.readouterr().out
    assert f"msg91: The id {PANEL_ID} is that of another text as well: {hindi}." in said
    assert f"msg91: The id {PANEL_ID} is that of another text as well: {english}." in said
    assert proof.prove_one(hindi, NOW).has(Problem.SHARED_ID)
    # The operators' id, at another gateway.
    SmsTemplate.objects.filter(pk=hindi.pk).update(
        gateway_template_id="f2", template_id=ENTRY.template_id, gateway="smpp"
    )
    shared = [one for one in proof.prove(NOW, ["msg91"]) if one.has(Problem.SHARED_ID)]
    assert [one.language for one in shared] == ["en"]


@pytest.mark.usefixtures("needy", "only_one_kind")
class TestFindings:
    def test_missing(self):
        assert found() == [Problem.MISSING]
        finding = proof.problems(NOW)[0]
        assert finding.is_error
        assert (finding.kind, finding.language, finding.gateway) == ("CANCELLED", "en", "scripted")
        assert str(finding) == "CANCELLED · en · scripted: No template is filed."

    def test_sound(self):
        filed(text=FULL)
        assert found() == []

    def test_not_yet_valid_says_when(self):
        filed(valid_from=TODAY + days(1))
        assert found() == [Problem.NOT_YET]
        assert "only from Tuesday, 24 June 2025" in str(proof.problems(NOW)[0])

    def test_ended_says_when(self):
        filed(valid_until=TODAY - days(1))
        assert found() == [Problem.EXPIRED]
        assert "ended on Sunday, 22 June 2025" in str(proof.problems(NOW)[0])

    def test_withdrawn_says_why(self):
        verbs.withdraw(template=filed(), by="officer 7", reason="struck off")
        assert found() == [Problem.WITHDRAWN]
        assert "struck off" in str(proof.problems(NOW)[0])

    @pytest.mark.parametrize(("left", "warns"), [(0, True), (30, True), (31, False)])
    def test_end_within_thirty_days_is_a_warning(self, left, warns):
        filed(text=FULL, valid_until=TODAY + days(left))
        assert found() == ([Problem.ENDS_SOON] if warns else [])
        assert not any(finding.is_error for finding in proof.problems(NOW))

    def test_longest_value_that_does_not_go_in(self):
        filed(text=FULL, variables="a4:numeric:3; n:numeric:2")
        assert found() == [Problem.TOO_LONG]
        assert "(a4) takes 3 letters; the longest value has 4" in str(proof.problems(NOW)[0])

    def test_tag_that_does_not_fit_the_values(self):
        filed(text=FULL.replace("{#numeric#}", "{#email#}", 1), variables="a4:email; n:numeric")
        assert found() == [Problem.WRONG_TAG]

    def test_text_and_variables_that_no_longer_fit(self):
        filed()
        SmsTemplate.objects.update(variables="a4:numeric:4")
        assert found() == [Problem.UNREADABLE]

    def test_text_that_costs_more_and_one_that_says_less_are_warnings(self):
        filed(text=FULL + " Thank you." * 20)
        assert found() == [Problem.COSTS_MORE]
        filed(text="ARN ..{#numeric#}: cancelled. -PSKMP", variables="a4:numeric:4")
        assert found() == [Problem.SAYS_LESS]
        assert "does not say: n." in str(proof.problems(NOW)[0])

    def test_variable_without_a_tag_is_a_warning(self):
        filed(text=FULL.replace("{#numeric#}", "{#var#}"), variables="a4:var:4; n:var:2")
        assert found() == [Problem.UNTAGGED, Problem.UNTAGGED]

    def test_value_that_the_kind_no_longer_has(self, monkeypatch):
        filed()
        changed = replace(kinds.get("CANCELLED"), sms=dict.fromkeys(("hi", "en"), "ARN {a4}"))
        monkeypatch.setattr(kinds, "_kinds", {"CANCELLED": changed})
        assert found() == [Problem.NO_VALUE]

    def test_general_template_stands_in_for_the_gateways_own(self):
        filed(text=FULL)
        filed(gateway="scripted", valid_until=TODAY - days(1))
        assert found() == []

    def test_proof_and_worker_agree(self):
        """What the proof finds wrong is what a worker refuses, and the other way round."""
        filed(valid_from=TODAY + days(1))
        for day in (NOW, NOW + days(1)):
            errors = [finding.problem for finding in proof.problems(day) if finding.is_error]
            try:
                filling.lookup("CANCELLED", "en", "scripted", day)
                refused = []
            except filling.NotFiled as refusal:
                refused = [refusal.problem]
            assert errors == refused


@pytest.mark.usefixtures("needy", "demo")
def test_link_that_is_not_whitelisted_is_found_for_every_kind_with_a_link(settings):
    settings.DLT_URL_HOSTS = ["other.example.in"]
    linked = [kind for kind in spoken_kinds() if {"url", "today"} & set(kind.fields("en"))]
    assert found() == [Problem.FOREIGN_HOST] * 2 * len(linked)
    assert settings.SITE_HOST in str(proof.problems(NOW)[0])


@pytest.mark.usefixtures("needy")
def test_errors_come_before_warnings(monkeypatch):
    one = Kind(code="CANCELLED", sms={"hi": "{a4}", "en": "{a4}"}, samples=lambda _: {"a4": "1234"})
    monkeypatch.setattr(kinds, "_kinds", {"CANCELLED": one})
    # Hindi is proved first, and only ends soon.
    filed(language="hi", text="{#numeric#}", variables="a4:numeric", valid_until=TODAY)
    assert found() == [Problem.MISSING, Problem.ENDS_SOON]


class TestChecks:
    def run(self, *, databases=("default",), deploy=True):
        found = run_checks(
            tags=[Tags.database], databases=databases, include_deployment_checks=deploy
        )
        return [(message.id, message.level) for message in found]

    @pytest.mark.usefixtures("needy", "only_one_kind")
    def test_deploy_check_asks_the_database_only_where_it_may(self, django_assert_num_queries):
        assert self.run() == [("notifications.E021", 40)]
        with django_assert_num_queries(0):
            assert self.run(databases=None) == []
        assert self.run(deploy=False) == []  # `migrate` runs these before the table is there
        filed(text=FULL, valid_until=TODAY + days(3))
        assert self.run() == [("notifications.W021", 30)]

    def test_nothing_is_wrong_where_no_gateway_needs_templates(self, gateway):
        assert self.run() == []

    def test_own_site_must_be_whitelisted(self, needy, settings):
        def ids():
            return [m.id for m in run_checks() if m.id == "notifications.E020"]

        settings.DLT_URL_HOSTS = ["elsewhere.example.in"]
        assert ids() == ["notifications.E020"]
        settings.DLT_URL_HOSTS = [settings.SITE_HOST]
        assert ids() == []
        settings.DLT_URL_HOSTS = []
        needy.needs_template = False
        assert ids() == []


class TestCommand:
    @pytest.mark.usefixtures("needy", "demo")
    def test_all_proved_is_quiet_and_ends_well(self, capsys):
        call_command("check_templates")
        count = 2 * len(spoken_kinds())
        assert capsys.readouterr().out == f"{count} of {count} are proved.\n"

    @pytest.mark.usefixtures("needy", "only_one_kind")
    def test_error_ends_with_one_and_a_warning_does_not(self, capsys):
        with pytest.raises(SystemExit) as ended:
            call_command("check_templates")
        assert ended.value.code == 1
        assert "ERROR: CANCELLED · en · scripted: No template is filed." in capsys.readouterr().out
        filed(text=FULL, valid_until=TODAY)
        call_command("check_templates")
        assert "warning: CANCELLED" in capsys.readouterr().out

    @pytest.mark.usefixtures("demo")
    def test_gateway_may_be_proved_before_it_is_used(self, capsys):
        call_command("check_templates", "--gateway", "smpp")
        assert "are proved" in capsys.readouterr().out
        with pytest.raises(SystemExit):
            call_command("check_templates", "--gateway", "msg91")
        said = capsys.readouterr().out
        assert "HOLD · hi · msg91: What is filed lacks the gateway's own template id." in said
        assert "\n0 of " in said
        call_command("load_templates", DEMO_FILE_MSG91)
        call_command("check_templates", "--gateway", "msg91")
        with pytest.raises(CommandError, match="no gateway pigeon"):
            call_command("check_templates", "--gateway", "pigeon")

    def test_without_a_gateway_that_needs_them_it_says_so(self, capsys, gateway):
        call_command("check_templates")
        assert "No SMS gateway in use needs filed texts" in capsys.readouterr().out


def test_entry_of_the_tests_is_fit_to_be_filed():
    assert verbs.faults(entry()) == []
