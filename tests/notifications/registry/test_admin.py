"""The officers' pages of templates, and who may do what there."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import officers
from accounts.models import User
from appointments.models import Posting
from appointments.roles import post
from notifications.registry import csv_files, verbs
from notifications.registry.models import SmsTemplate, SmsTemplateEvent
from tests.domain.builders import make_centre, make_region
from tests.notifications.registry.builders import (
    DEMO_FILE,
    DEMO_FILE_MSG91,
    HINDI_ID,
    PANEL_ID,
    TODAY,
    days,
    entry,
    filed,
)
from tests.officers.pages import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
LIST, ADD, PROOF, IMPORT, EXPORT = (
    reverse(f"admin:notifications_smstemplate_{name}")
    for name in ("changelist", "add", "proof", "import", "export")
)
REGION, APPROVER, CENTRE = Posting.Role.REGION, Posting.Role.APPROVER, Posting.Role.CENTRE


def url(template, step="change"):
    return reverse(f"admin:notifications_smstemplate_{step}", args=[template.pk])


@pytest.fixture(autouse=True)
def _second_factor_is_proved(monkeypatch):
    """How officers sign in is tested elsewhere."""
    monkeypatch.setattr(officers, "has_second_factor", lambda request: True)


@pytest.fixture
def desk():
    """desk(), desk(CENTRE): an officer of that role at a browser."""

    def seat(role=REGION) -> Desk:
        officer = User.objects.create_user(email=f"{role}@office.example", is_staff=True)
        region = make_region()
        centre = make_centre() if role == CENTRE else None
        post(officer=officer, role=role, region=region, centre=centre)
        client = Client()
        client.force_login(officer)
        client.cookies["django_language"] = "en"
        return Desk(client, officer)

    return seat


class TestList:
    def test_newest_versions_are_shown_and_all_if_asked_for(self, desk):
        filed()
        filed(header="SECOND")
        at = desk().go(LIST)
        assert "SECOND" in at.text
        assert "PSKMPB" not in at.text
        every = at.go(f"{LIST}?versions=all").text
        assert "PSKMPB" in every
        assert "replaced" in every

    @pytest.mark.parametrize(
        ("changes", "state"),
        [
            ({}, "valid"),
            ({"valid_from": TODAY + days(1)}, "not yet valid"),
            ({"valid_until": TODAY - days(1)}, "ended"),
        ],
    )
    def test_state_is_in_words(self, desk, changes, state):
        filed(**changes)
        assert f" {state} " in desk().go(LIST).text

    def test_old_version_is_valid_until_the_new_ones_day_comes(self, desk):
        filed()
        filed(header="SECOND", valid_from=TODAY + days(2))
        every = desk().go(f"{LIST}?versions=all").text
        assert "replaced" not in every
        assert "not yet valid" in every

    def test_list_is_narrowed_to_a_gateway_or_to_what_is_for_all(self, desk):
        filed()
        filed(gateway="msg91", header="OWNMSG")
        at = desk()
        assert "PSKMPB" not in at.go(f"{LIST}?for=msg91").text
        assert "OWNMSG" not in at.go(f"{LIST}?for=every").text
        assert "PSKMPB" in at.text

    def test_kinds_are_called_what_officers_call_them(self, desk):
        filed()
        filed(kind="OTP", text="{#numeric#} -X", variables="otp:numeric:6", template_id="2" * 19)
        at = desk().go(LIST)
        assert "cancelled at their request" in at.text
        assert "CANCELLED" not in at.text
        at.go(f"{LIST}?kind=OTP")
        assert f"{'2' * 19}" in at.text
        assert entry().template_id not in at.text
        page = at.go(ADD).page.content.decode()
        assert '<option value="OTP">code to sign in</option>' in page

    def test_search_finds_ids_and_words(self, desk):
        filed()
        filed(language="hi", template_id="1107000000000000001", text="शेष {#numeric#}",
              variables="n:numeric")  # fmt: skip
        at = desk()
        for words, found in (
            ("शेष", 1),
            ("11071234", 1),
            ("CANCELLED", 2),
            ("at their request", 2),
            ("nothing", 0),
        ):
            text = at.go(f"{LIST}?q={words}").text
            assert text.count(" cancelled at their request ") >= found
            assert ("1107000000000000001" in text) == (
                words in ("शेष", "CANCELLED", "at their request")
            )

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_needs_the_same_queries_for_one_and_for_three(
        self, desk, count, django_assert_max_num_queries
    ):
        for gateway in ("", "msg91", "smpp")[:count]:
            filed(gateway=gateway)
        at = desk().go(LIST)
        with django_assert_max_num_queries(10):
            at.go(LIST)

    def test_nothing_is_deleted(self, desk):
        template = filed()
        at = desk()
        delete = reverse("admin:notifications_smstemplate_delete", args=[template.pk])
        assert at.client.post(delete, {"post": "yes"}).status_code == 403
        at.client.post(LIST, {"action": "delete_selected", "_selected_action": [template.pk]})
        assert SmsTemplate.objects.exists()


class TestFiling:
    def test_template_is_filed_with_the_officer_in_its_history(self, desk):
        at = desk().go(ADD)
        values = {**vars(entry()), "valid_until": "", "reason": "approved"}
        at.send(changes=values)
        template = SmsTemplate.objects.get()
        assert at.url == url(template)
        assert "Filed: CANCELLED en, version 1." in at.text
        event = SmsTemplateEvent.objects.get()
        assert (event.by, event.reason) == (f"officer {at.officer.pk}", "approved")

    def test_what_is_wrong_is_named_at_its_field_and_nothing_typed_is_lost(self, desk):
        at = desk().go(ADD)
        wrong = {"template_id": "1107", "header": "X", "text": "My text {#numeric#}"}
        at.send(changes={**vars(entry()), "valid_until": "", **wrong})
        assert "The template id is 19 digits" in at.text
        assert "The header is six letters" in at.text
        assert "Variables in the text: 1; named: 2" in at.text
        for name, value in wrong.items():
            assert at.fields[name] == [value]
        assert not SmsTemplate.objects.exists()

    def test_change_makes_a_new_version_and_the_page_shows_both(self, desk):
        template = filed()
        at = desk().go(url(template, "edit"))
        assert at.fields["text"] == [template.text]
        assert "Values of this kind: a4, n." in at.text
        at.send(changes={"text": "ARN ..{#numeric#}: gone, {#numeric#}.", "reason": "shorter"})
        new = SmsTemplate.objects.get(version=2)
        assert at.url == url(new)
        assert "ARN .. 0000 : gone, 99 ." in at.text
        assert "version 1" in at.text
        assert "shorter" in at.text
        old = at.go(url(template))
        assert "replaced" in old.text
        assert url(template, "edit") not in old.page.content.decode()

    def test_id_of_the_gateways_panel_is_asked_for_where_the_gateway_has_one(self, desk):
        at = desk().go(ADD)
        assert "From its own panel, for msg91. Empty for every other gateway." in at.text
        at.send(changes={**vars(entry()), "valid_until": "", "gateway": "msg91"})
        assert "msg91 takes the id of its own panel." in at.text
        at.send(changes={"gateway_template_id": entry().template_id})
        assert "19 digits are an id of the operators." in at.text
        at.send(changes={"gateway_template_id": PANEL_ID})
        template = SmsTemplate.objects.get()
        assert at.url == url(template)
        assert f"Template id of the gateway {PANEL_ID}" in at.text
        for page in (LIST, f"{LIST}?q={PANEL_ID}"):
            assert PANEL_ID in at.go(page).text
        assert at.go(url(template, "edit")).fields["gateway_template_id"] == [PANEL_ID]

    def test_id_of_another_text_is_refused_at_its_field_beside_other_mistakes(self, desk):
        filed(gateway="msg91")
        at = desk().go(ADD)
        values = vars(entry(gateway="msg91", language="hi"))
        wrong = {"gateway_template_id": PANEL_ID, "header": "X", "valid_from": "soon"}
        at.send(changes={**values, "valid_until": "", **wrong})
        said = "This is the id of another text: CANCELLED en msg91, version 1."
        assert f"Template id of the gateway: {said}" in at.text
        assert "The header is six letters" in at.text
        assert SmsTemplate.objects.count() == 1

    @pytest.mark.parametrize("is_withdrawn", [False, True])
    def test_adding_what_is_there_says_so_leads_to_it_and_hides_nothing(self, desk, is_withdrawn):
        there = filed()
        if is_withdrawn:
            verbs.withdraw(template=there, by="officer 7", reason="struck off")
        other = filed(language="hi")
        at = desk().go(ADD)
        wrong = {"template_id": other.template_id, "header": "X", "text": "My {#numeric#}"}
        at.send(changes={**vars(entry()), "valid_until": "", **wrong})
        live = "A text is filed for this kind, language and gateway already."
        gone = "The text for this kind, language and gateway was withdrawn."
        assert (gone if is_withdrawn else live) in at.text
        assert "Somebody has changed" not in at.text
        page = at.page.content.decode()
        assert url(there) in page
        assert url(there, "edit") in page
        for said in ("The header is six letters", "This is the id of another text", "named: 2"):
            assert said in at.text
        for name, value in wrong.items():
            assert at.fields[name] == [value]
        assert SmsTemplate.objects.count() == 2

    def test_who_adds_what_another_added_at_that_moment_is_led_to_it(self, desk, monkeypatch):
        there = filed()
        at = desk().go(ADD)
        real = verbs.newest_of
        answers = [None, there]
        monkeypatch.setattr(verbs, "newest_of", lambda one: answers.pop(0) or real(one))
        at.send(changes={**vars(entry(header="SECOND")), "valid_until": ""})
        assert url(there, "edit") in at.page.content.decode()
        assert at.fields["header"] == ["SECOND"]

    def test_line_ends_of_a_browser_are_those_of_the_text(self, desk):
        at = desk().go(ADD)
        text = "ARN {#numeric#}\r\nleft {#numeric#}"
        at.send(changes={**vars(entry()), "valid_until": "", "text": text})
        assert SmsTemplate.objects.get().text == "ARN {#numeric#}\nleft {#numeric#}"

    def test_saving_what_is_there_changes_nothing(self, desk):
        at = desk().go(url(filed(), "edit")).send()
        assert "as it was" in at.text
        assert SmsTemplate.objects.count() == 1

    def test_somebody_was_quicker(self, desk):
        template = filed()
        at = desk().go(url(template, "edit"))
        filed(header="QUICKR")
        at.send(changes={"header": "SLOWLY"})
        assert "Somebody has changed this template" in at.text
        assert SmsTemplate.objects.count() == 2

    def test_new_days_change_the_version_itself(self, desk):
        at = desk().go(url(filed(), "edit"))
        at.send(changes={"valid_until": f"{TODAY + days(60)}"})
        assert SmsTemplate.objects.get().valid_until == TODAY + days(60)
        assert f"valid_until: - -> {TODAY + days(60)}" in at.text


class TestOldVersion:
    def test_versions_have_their_year_and_the_withdrawn_are_marked(self, desk):
        old = filed()
        verbs.withdraw(template=old, by="officer 7", reason="struck off")
        text = desk().go(url(filed(header="SECOND"))).text
        assert "Fri 13/6/2025 version 2" in text
        assert "Fri 13/6/2025 version 1 withdrawn" in text
        assert "Mon 23/6/2025" in text  # what happened to it

    def test_it_is_not_offered_to_be_changed_and_leads_to_the_one_in_force(self, desk):
        old, new = filed(), filed(header="SECOND")
        at = desk().go(url(old, "edit"))
        assert "This is version 1, an old one." in at.text
        assert "In force today: version 2" in at.text
        assert "text" not in at.fields
        page = at.page.content.decode()
        assert url(new) in page
        assert url(new, "edit") in page

    def test_it_is_in_force_until_the_newest_begins(self, desk):
        old = filed()
        filed(header="SECOND", valid_from=TODAY + days(2))
        at = desk().go(url(old, "edit"))
        assert "Until the newest begins this one is in force: version 1" in at.text

    def test_that_none_is_in_force_is_said(self, desk):
        old = filed()
        filed(header="SECOND", valid_until=TODAY - days(1))
        assert "No version is in force today." in desk().go(url(old, "edit")).text

    def test_form_that_was_open_meanwhile_keeps_what_was_typed_and_leads_on(self, desk):
        old = filed()
        at = desk().go(url(old, "edit"))
        new = filed(header="QUICKR")
        at.send(changes={"header": "SLOWLY"})
        assert "Somebody has changed this template" in at.text
        assert "This is version 1, an old one." in at.text
        assert url(new, "edit") in at.page.content.decode()
        assert at.fields["header"] == ["SLOWLY"]
        assert SmsTemplate.objects.count() == 2

    def test_newest_has_no_such_words(self, desk):
        filed()
        assert "an old one" not in desk().go(url(filed(header="SECOND"), "edit")).text


FAIL = "Until another text is in force, SMS of this kind that come to"


class TestWithdrawing:
    @pytest.fixture(autouse=True)
    def _gateways(self, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["msg91", "smpp"], "email": ["file"]}

    def said(self, at, template):
        return at.go(url(template, "withdraw")).text

    def test_current_version_stops_the_kind(self, desk):
        filed()
        text = self.said(desk(), filed(header="SECOND"))
        assert "No older version comes back, and no other is filed to follow." in text
        assert f"{FAIL} smpp fail there: they do not wait, and no other gateway" in text
        assert "Within seconds no message leaves in these words" in text

    def test_old_version_changes_nothing_while_a_newer_one_is_in_force(self, desk):
        old = filed()
        filed(header="SECOND")
        text = self.said(desk(), old)
        assert "This is an old version: version 2 is in force." in text
        assert FAIL not in text
        assert "Within seconds" not in text

    def test_old_version_whose_newer_one_has_ended_changes_nothing_either(self, desk):
        old = filed()
        filed(header="SECOND", valid_until=TODAY - days(1))
        text = self.said(desk(), old)
        assert "version 2 took its place. No message leaves in these words" in text
        assert FAIL not in text

    def test_version_to_come_leaves_the_one_in_force(self, desk):
        current = filed()
        coming = filed(header="SECOND", valid_from=TODAY + days(2))
        at = desk()
        text = self.said(at, coming)
        assert "It was to begin on Wednesday, 25 June 2025 and then never will." in text
        assert "Messages go on leaving in version 1, which is in force." in text
        assert FAIL not in text
        text = self.said(at, current)
        assert "Version 2 begins on Wednesday, 25 June 2025." in text
        assert FAIL in text

    def test_version_to_come_beside_none_in_force(self, desk):
        text = self.said(desk(), filed(valid_from=TODAY + days(2)))
        assert "No other version is in force today." in text

    def test_version_that_was_withdrawn_before_its_day_took_no_place(self, desk):
        current = filed()
        never = filed(header="SECOND", valid_from=TODAY + days(2))
        at = desk()
        at.go(url(never, "withdraw")).send(changes={"reason": "not approved"})
        assert f"{FAIL} smpp" in self.said(at, current)
        assert "It is withdrawn already." in self.said(at, never)

    def test_version_that_has_ended(self, desk):
        text = self.said(desk(), filed(valid_until=TODAY - days(1)))
        assert "It has ended: no message leaves in these words" in text

    def test_text_of_one_gateway_gives_way_to_that_of_all(self, desk):
        general, own = filed(), filed(gateway="smpp")
        at = desk()
        text = self.said(at, own)
        assert "Messages then leave through smpp in what is filed for every gateway." in text
        assert FAIL not in text
        assert "Gateways with a text of their own go on: smpp." in self.said(at, general)
        SmsTemplate.objects.filter(pk=general.pk).update(valid_until=TODAY - days(1))
        assert FAIL in self.said(at, own)

    def test_text_of_a_gateway_with_ids_of_its_own_has_none_to_stand_in(self, desk):
        filed()
        text = self.said(desk(), filed(gateway="msg91"))
        assert f"{FAIL} msg91 fail there" in text
        assert "Messages then leave through msg91" not in text
        assert "Through smpp they leave as before." in text
        assert "the first gateway that does not rest: msg91, smpp." in text
        assert "In place of an SMS that failed an email leaves" in text
        assert "is listed as not reached" not in text  # they did it themselves

    def test_text_of_a_gateway_that_is_not_in_use(self, desk):
        text = self.said(desk(), filed(gateway="mobile_seva"))
        assert "mobile_seva is not in use: no message goes through it now." in text
        assert FAIL not in text

    def test_text_for_every_gateway_that_none_in_use_takes(self, desk, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["msg91"], "email": ["file"]}
        text = self.said(desk(), filed())
        assert "No gateway in use takes this text" in text
        assert FAIL not in text

    def test_code_to_sign_in_is_nothing_to_call_anybody_about(self, desk):
        code = filed(kind="OTP", text="{#numeric#} -X", variables="otp:numeric:6")
        text = self.said(desk(), code)
        assert f"{FAIL} smpp" in text
        assert "listed as not reached" not in text

    def test_people_whom_nothing_reaches_are_listed(self, desk):
        words = {"text": "{#numeric#} -X", "variables": "a4:numeric:4"}
        text = self.said(desk(), filed(kind="STANDS", **words))
        assert "Whom nothing else reaches is listed as not reached." in text

    def test_reason_is_needed_and_kept(self, desk):
        template = filed()
        at = desk().go(url(template, "withdraw"))
        at.send()
        assert "Write down the reason." in at.text
        template.refresh_from_db()
        assert template.withdrawn_at is None
        at.send(changes={"reason": "struck off by the operator"})
        assert at.url == url(template)
        template.refresh_from_db()
        assert template.withdrawn_why == "struck off by the operator"
        assert "struck off by the operator" in at.text
        assert url(template, "withdraw") not in at.page.content.decode()

    def test_looking_changes_nothing(self, desk):
        template = filed()
        at = desk().go(url(template, "withdraw"))
        assert at.client.post(url(template)).status_code == 403
        template.refresh_from_db()
        assert template.withdrawn_at is None


class TestFile:
    def upload(self, at, content, **more):
        if isinstance(content, str):
            content = content.encode()
        file = SimpleUploadedFile("office.csv", content, content_type="text/csv")
        return at._shown(at.client.post(IMPORT, {"file": file, **more}, follow=True), IMPORT, 200)

    def test_file_goes_in_and_comes_out_the_same(self, desk):
        at = desk()
        text = DEMO_FILE.read_text(encoding="utf-8")
        self.upload(at, text, reason="all approved")
        count = len(text.splitlines()) - 1
        assert f"{count} new, 0 changed, 0 as they were." in at.text
        assert SmsTemplateEvent.objects.filter(reason="all approved").count() == count
        answer = at.client.get(EXPORT)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer["Content-Disposition"]
        self.upload(at, answer.content)
        assert f"0 new, 0 changed, {count} as they were." in at.text

    def test_withdrawn_and_old_versions_are_not_in_the_file(self, desk):
        filed()
        filed(header="SECOND")
        SmsTemplate.objects.filter(pk=filed(language="hi").pk).update(
            withdrawn_at="2025-06-01T00:00Z", withdrawn_why="struck"
        )
        content = desk().client.get(EXPORT).content.decode("utf-8-sig")
        assert [row.header for row in csv_files.read(content)] == ["SECOND"]

    def test_bad_file_files_nothing_names_the_lines_and_comes_back_to_be_mended(self, desk):
        at = desk()
        good = csv_files.write([entry()])
        self.upload(at, good + good.splitlines()[1].replace("PSKMPB", "X1") + "\n")
        assert "Line 3, header: The header is six letters." in at.text
        assert "Line 3, kind: Line 2 names this kind, language and gateway already." in at.text
        assert not SmsTemplate.objects.exists()
        mended = (
            at.fields["text"][0]
            .replace("X1", "PSKMPC")
            .replace("\nCANCELLED,en", "\nCANCELLED,hi", 1)
            .replace(entry().template_id, HINDI_ID, 1)
        )
        assert "PSKMPC" in mended
        at.send(changes={"text": mended, "file": ""})
        assert "2 new" in at.text

    def test_file_that_is_no_text_is_refused_in_words(self, desk):
        at = self.upload(desk(), "शेष".encode("utf-16"))
        assert "is not UTF-8 text" in at.text
        assert not SmsTemplate.objects.exists()

    def test_control_character_is_named_by_its_line_in_a_file_and_in_pasted_text(self, desk):
        content = csv_files.write(
            [entry(), entry(language="hi", text="a\0{#numeric#} {#numeric#}")]
        )
        at = self.upload(desk(), content)
        assert "Line 3, text: It has a control character (U+0000)" in at.text
        at = desk(APPROVER).go(IMPORT).send(changes={"text": content})
        assert "Line 3, text: It has a control character (U+0000)" in at.text
        assert not SmsTemplate.objects.exists()

    def test_line_that_has_ended_is_filed_only_when_the_officer_says_so(self, desk):
        content = csv_files.write([entry(), entry(language="hi", valid_until=TODAY - days(1))])
        at = self.upload(desk(), content)
        assert "Line 3, valid_until: Its last day, 2025-06-22, has passed" in at.text
        assert not SmsTemplate.objects.exists()
        at.send(changes={"file": "", "file_ended": "on"})
        assert "2 new" in at.text

    def test_line_that_has_ended_and_is_filed_like_that_needs_no_word(self, desk):
        filed(valid_until=TODAY - days(1))
        at = desk()
        self.upload(at, at.client.get(EXPORT).content)
        assert "0 new, 0 changed, 1 as they were." in at.text

    def test_last_day_is_today(self, desk):
        at = self.upload(desk(), csv_files.write([entry(valid_until=TODAY)]))
        assert "1 new" in at.text

    def test_file_and_another_text_are_one_too_many(self, desk):
        file, text = csv_files.write([entry()]), csv_files.write([entry(header="PASTED")])
        at = self.upload(desk(), file, text=text)
        assert "You chose a file, and there is a text as well." in at.text
        assert "PASTED" in at.fields["text"][0]
        assert not SmsTemplate.objects.exists()

    def test_file_and_its_own_text_are_one(self, desk):
        file = csv_files.write([entry()])
        at = self.upload(desk(), file, text=file.replace("\n", "\r\n"))
        assert "1 new" in at.text

    def test_pasted_text_may_begin_with_the_mark_of_a_file(self, desk):
        at = desk().go(IMPORT)
        at.send(changes={"text": "\ufeff" + csv_files.write([entry()])})
        assert "1 new" in at.text

    def test_nothing_sent_is_asked_for(self, desk):
        assert "Choose a file, or paste its text." in desk().go(IMPORT).send().text


class TestProofPage:
    @pytest.mark.usefixtures("needy", "demo")
    def test_all_is_proved(self, desk):
        text = desk().go(PROOF).text
        count = len(csv_files.read_file(DEMO_FILE))
        assert f"{count} / {count}" in text
        assert "Does not leave" not in text
        assert "ARN .. 0000 : your appointment was cancelled at your request." in text

    @pytest.mark.usefixtures("needy")
    def test_what_is_wrong_is_said_in_plain_words(self, desk):
        filed(valid_until=TODAY - days(1))
        filed(language="hi", variables="a4:numeric:3; n:numeric:2")
        text = desk().go(PROOF).text
        assert "CANCELLED · en · scripted: The template ended on Sunday, 22 June 2025." in text
        assert "takes 3 letters; the longest value has 4" in text
        assert "HOLD · hi · scripted: No template is filed." in text

    @pytest.mark.usefixtures("gateway", "demo")
    def test_where_no_gateway_needs_it_the_general_templates_are_proved(self, desk):
        text = desk().go(PROOF).text
        assert "No SMS gateway in use needs filed texts" in text
        assert "do not leave 0" in text

    @pytest.mark.usefixtures("needy")
    def test_text_of_a_row_that_nobody_checked_is_only_text(self, desk):
        template = filed()
        SmsTemplate.objects.update(text="<script>{#numeric#}</script> {#numeric#}")
        at = desk()
        for page in (PROOF, url(template), url(template, "edit"), url(template, "withdraw")):
            content = at.go(page).page.content.decode()
            assert "&lt;script&gt;" in content
            assert "<script>{#" not in content
            assert "<script><mark>" not in content


class TestFirstPage:
    @pytest.mark.usefixtures("needy")
    def test_it_says_that_messages_do_not_leave_and_leads_to_the_proof(self, desk):
        at = desk().go(reverse("admin:index"))
        count = 2 * len({row.kind for row in csv_files.read_file(DEMO_FILE)})
        assert f"{count} SMS texts cannot leave" in at.text
        assert PROOF in at.page.content.decode()

    @pytest.mark.usefixtures("needy", "demo")
    def test_end_to_come_is_told_before_it_comes(self, desk):
        at = desk()
        assert "warnings" not in at.go(reverse("admin:index")).text
        SmsTemplate.objects.filter(kind="HOLD").update(valid_until=TODAY + days(9))
        assert "2 warnings" in at.go(reverse("admin:index")).text

    def test_wrong_ids_are_told_apart_from_texts_that_cannot_leave(self, desk, settings):
        settings.MESSAGE_GATEWAYS = {"sms": ["msg91"], "email": ["file"]}
        verbs.load(entries=csv_files.read_file(DEMO_FILE_MSG91), by="demo")
        hold, visit = SmsTemplate.objects.filter(kind__in=["HOLD", "VISIT"], language="hi")
        SmsTemplate.objects.filter(pk=hold.pk).update(unknown_at=timezone.now())
        at = desk().go(reverse("admin:index"))
        assert "1 SMS text has an id that the gateway does not know: messages wait, or" in at.text
        assert "cannot leave" not in at.text
        assert "the id of another text" not in at.text
        at.go(PROOF)
        assert "do not leave 0" in at.text
        assert "wrong ids 1" in at.text
        assert "Under a wrong id" in at.text
        assert "Does not leave" not in at.text
        SmsTemplate.objects.filter(pk=visit.pk).update(gateway_template_id=hold.gateway_template_id)
        SmsTemplate.objects.filter(kind="STANDS").update(valid_until=TODAY - days(1))
        at.go(reverse("admin:index"))
        assert "2 SMS texts have the id of another text: people may get the wrong words." in at.text
        assert "2 SMS texts cannot leave: what is filed is missing" in at.text
        at.go(PROOF)
        assert "do not leave 2" in at.text
        assert "wrong ids 3" in at.text

    def test_nothing_is_said_where_no_gateway_needs_templates(self, desk, gateway):
        assert PROOF not in desk().go(reverse("admin:index")).page.content.decode()


class TestWhoMay:
    @pytest.mark.parametrize("role", [REGION, APPROVER])
    def test_head_office_may_do_all_of_it(self, desk, role):
        template = filed()
        at = desk(role)
        for page in (LIST, ADD, PROOF, IMPORT, EXPORT, url(template), url(template, "edit")):
            assert at.client.get(page).status_code == 200, page
        listed = at.go(LIST).page.content.decode()
        assert IMPORT in listed
        assert ADD in listed

    def test_centre_may_look_and_change_nothing(self, desk):
        template = filed()
        at = desk(CENTRE)
        for page in (LIST, PROOF, EXPORT, url(template)):
            assert at.client.get(page).status_code == 200, page
        for page in (ADD, IMPORT, url(template, "edit"), url(template, "withdraw")):
            assert at.client.get(page).status_code == 403, page
            assert at.client.post(page, {"reason": "because"}).status_code == 403, page
        shown = at.go(url(template)).page.content.decode() + at.go(LIST).page.content.decode()
        for page in (ADD, IMPORT, url(template, "edit"), url(template, "withdraw")):
            assert page not in shown
        template.refresh_from_db()
        assert template.withdrawn_at is None

    def test_officer_without_a_posting_sees_nothing(self):
        officer = User.objects.create_user(email="new@office.example", is_staff=True)
        client = Client()
        client.force_login(officer)
        template = filed()
        for page in (LIST, ADD, PROOF, IMPORT, EXPORT, url(template), url(template, "withdraw")):
            assert client.get(page).status_code == 403, page

    def test_applicant_finds_nothing(self):
        client = Client()
        client.force_login(User.objects.create_user(phone="+919800000001"))
        for page in (LIST, PROOF, EXPORT):
            assert client.get(page).status_code == 404, page

    def test_unknown_template_is_not_found(self, desk):
        at = desk()
        for step in ("change", "edit", "withdraw"):
            missing = reverse(f"admin:notifications_smstemplate_{step}", args=[999])
            assert at.client.get(missing).status_code == 404
        assert at.client.get(f"{LIST}abc/change/").status_code == 404
