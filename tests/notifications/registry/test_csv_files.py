"""A list of templates as a file: there and back, every mistake by its line, all or nothing."""

import pytest
from django.core.management import CommandError, call_command

from notifications.registry import csv_files, verbs
from notifications.registry.csv_files import BadFile, decoded, read, write
from notifications.registry.entries import Entry
from notifications.registry.models import SmsTemplate
from tests.notifications.registry.builders import (
    DEMO_FILE,
    DEMO_FILE_MSG91,
    ENTRY,
    PANEL_ID,
    TODAY,
    days,
    entry,
    filed,
)

pytestmark = pytest.mark.usefixtures("_english")
HEADING = (
    "kind,language,gateway,entity_id,header,template_id,gateway_template_id,category,text,"
    "variables,valid_from,valid_until"
)
GOOD = (
    'CANCELLED,en,,1101,PSKMPB,1107123456789012345,,service_implicit,"ARN {#numeric#}, gone.",'
    "a4:numeric:4,2025-06-01,"
)
HINDI = GOOD.replace(",en,", ",hi,").replace("345,", "346,")


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadFile) as caught:
        read(text)
    assert str(caught.value)
    return [(mistake.line, mistake.column) for mistake in caught.value.mistakes]


class TestRoundTrip:
    def test_what_is_written_is_read_again(self):
        entries = [
            entry(),
            entry(language="hi", text='शेष "{#numeric#}", अवसर\n{#numeric#}\n', gateway="msg91"),
            entry(language="hi", valid_until=TODAY + days(90)),
        ]
        assert read(write(entries)) == entries

    @pytest.mark.parametrize("path", [DEMO_FILE, DEMO_FILE_MSG91])
    def test_demo_file_is_written_as_it_stands(self, path):
        text = path.read_text(encoding="utf-8")
        assert write(read(text)) == text

    @pytest.mark.django_db
    def test_registry_goes_out_and_in_without_a_change(self, demo):
        assert demo.new == SmsTemplate.objects.count()
        text = write(Entry.of(template) for template in SmsTemplate.objects.all())
        again = verbs.load(entries=read(decoded(("\ufeff" + text).encode())), by="officer 7")
        assert (again.new, again.changed, again.same) == (0, 0, demo.new)

    def test_columns_may_stand_in_another_order_beside_others(self):
        names, values = (
            HEADING.split(","),
            GOOD.replace('"ARN {#numeric#}, gone."', "ARN {#numeric#}"),
        )
        turned = ",".join(["note", *reversed(names)])
        assert read(f"{turned}\n" + ",".join(["x", *reversed(values.split(","))]))

    def test_windows_line_ends_and_blank_lines_do_no_harm(self):
        assert len(read(f"{HEADING}\r\n\r\n{GOOD}\r\n\r\n")) == 1


class TestMistakes:
    def test_all_are_named_at_once_in_the_order_of_the_lines(self):
        bad_id = GOOD.replace("1107123456789012345", "1.10712E+18").replace(",en,", ",hi,")
        bad_day = GOOD.replace("2025-06-01", "1/6/2025").replace("CANCELLED", "VISIT")
        bad_kind = GOOD.replace("CANCELLED", "CANCELED").replace("345,", "347,")
        text = "\n".join([HEADING, GOOD, bad_id, bad_day, bad_kind])
        assert mistakes(text) == [(3, "template_id"), (4, "valid_from"), (5, "kind")]

    def test_id_of_the_gateways_panel_is_missing_wrong_or_out_of_place(self):
        msg91 = GOOD.replace(",en,,", ",en,msg91,")
        operators = HINDI.replace(",hi,,", ",hi,msg91,").replace(
            "346,,", "346,1107123456789012345,"
        )
        general = GOOD.replace("345,,", f"345,{PANEL_ID},")
        text = "\n".join([HEADING, msg91, operators, general])
        assert mistakes(text) == [(line, "gateway_template_id") for line in (2, 3, 4)]
        with pytest.raises(BadFile) as caught:
            read(text)
        assert [str(mistake.sentence) for mistake in caught.value.mistakes] == [
            "msg91 takes the id of its own panel. Enter it beside the operators'.",
            "19 digits are an id of the operators. msg91 shows its own in its panel.",
            "Only what is filed for one of these has one: msg91.",
        ]

    def test_id_of_the_gateways_panel_stands_twice(self):
        """The gateway writes the text itself: one of the two would say the other's."""
        one = GOOD.replace(",en,,", ",en,msg91,").replace("345,,", f"345,{PANEL_ID},")
        other = HINDI.replace(",hi,,", ",hi,msg91,").replace("346,,", f"346,{PANEL_ID},")
        assert mistakes("\n".join([HEADING, one, other])) == [(3, "gateway_template_id")]

    def test_id_of_the_operators_stands_twice(self):
        """It is one text's, through whichever gateway: another kind or language has its own."""
        same = GOOD.replace(",en,,", ",en,smpp,")
        other = HINDI.replace(",hi,,", ",hi,smpp,").replace("346,", "345,")
        assert mistakes("\n".join([HEADING, GOOD, same, other])) == [(4, "template_id")]
        assert read("\n".join([HEADING, GOOD, same]))

    def test_file_from_before_there_were_ids_of_gateways_is_read(self):
        heading = HEADING.replace("gateway_template_id,", "")
        [read_again] = read(f"{heading}\n{GOOD.replace('345,,', '345,')}")
        assert read_again.gateway_template_id == ""

    def test_line_after_a_text_of_several_lines_is_counted_right(self):
        long = GOOD.replace(", gone.", ",\ngone\nfor good.")
        text = "\n".join([HEADING, long, "", HINDI.replace("PSKMPB", "X")])
        assert mistakes(text) == [(6, "header")]

    def test_template_that_stands_twice(self):
        assert mistakes("\n".join([HEADING, GOOD, GOOD])) == [(3, "kind")]

    def test_column_that_is_missing_or_stands_twice(self):
        assert mistakes(HEADING.replace("header,", "") + "\n" + GOOD) == [(1, "header")]
        assert mistakes(HEADING.replace("category", "text") + "\n") == [
            (1, "category"),
            (1, "text"),
        ]

    def test_line_with_too_many_or_too_few_values(self):
        assert mistakes(f"{HEADING}\n{GOOD},,\n{GOOD[:-2]}") == [(2, ""), (3, "")]

    @pytest.mark.parametrize("text", ["", HEADING, f"{HEADING}\n\n"])
    def test_file_without_templates(self, text):
        assert mistakes(text)[0][0] == 1

    def test_quotation_mark_that_does_not_close(self):
        assert mistakes(f'{HEADING}\n{GOOD}\nCANCELLED,"hi,') == [(3, "")]

    def test_file_that_is_no_text_or_too_large(self):
        with pytest.raises(BadFile, match="not UTF-8"):
            decoded("शेष".encode("utf-16"))
        with pytest.raises(BadFile, match="larger than"):
            decoded(b" " * (csv_files.LARGEST + 1))

    @pytest.mark.parametrize("letter", ["\0", "\t", "\x1b", "\x7f", "\x85"])
    def test_control_character_in_a_text(self, letter):
        assert mistakes(f"{HEADING}\n{GOOD.replace('gone', f'go{letter}ne')}") == [(2, "text")]

    @pytest.mark.parametrize(("column", "value"), [("variables", "a4"), ("header", "PSKMPB")])
    def test_control_character_elsewhere_is_one_mistake(self, column, value):
        assert mistakes(f"{HEADING}\n{GOOD.replace(value, value + chr(0))}") == [(2, column)]

    def test_joiners_of_hindi_letters_are_no_control_characters(self):
        assert read(f"{HEADING}\n{GOOD.replace('gone', 'क्‍ष')}")

    def test_lines_that_have_ended(self):
        past = GOOD.removesuffix(",") + f",{TODAY - days(1)}"
        lines = csv_files.read_lines("\n".join([HEADING, HINDI, past]))
        (ended,) = csv_files.ended(lines, TODAY)
        assert (ended.line, ended.column) == (3, "valid_until")
        assert csv_files.ended(lines, TODAY - days(1)) == []

    def test_sentence_names_line_and_column(self):
        with pytest.raises(BadFile, match="Line 2, header: The header is six letters"):
            read(f"{HEADING}\n" + GOOD.replace("PSKMPB", "PSK1"))


@pytest.mark.django_db
class TestCommand:
    def test_file_is_filed_and_again_changes_nothing(self, capsys):
        call_command("load_templates", DEMO_FILE)
        count = SmsTemplate.objects.count()
        assert capsys.readouterr().out.startswith(f"{count} new, 0 changed, 0 as")
        call_command("load_templates", DEMO_FILE)
        assert capsys.readouterr().out.startswith(f"0 new, 0 changed, {count} as")

    def test_id_of_a_text_that_is_filed_is_named_by_its_line(self, tmp_path):
        filed(gateway="msg91")
        path = tmp_path / "office.csv"
        path.write_text(
            write([entry(gateway="msg91", language="hi", gateway_template_id=PANEL_ID, header="X")])
        )
        with pytest.raises(CommandError) as caught:
            call_command("load_templates", path)
        said = str(caught.value)
        assert "Line 2, header: The header is six letters" in said
        assert (
            "Line 2, gateway_template_id: This is the id of another text: CANCELLED en msg91,"
            " version 1." in said
        )

    def test_export_goes_in_though_two_of_its_texts_share_an_id(self, tmp_path, capsys):
        filed(gateway="msg91")
        filed(gateway="msg91", language="hi")
        SmsTemplate.objects.update(gateway_template_id=PANEL_ID, template_id=ENTRY.template_id)
        path = tmp_path / "office.csv"
        text = write(Entry.of(template) for template in SmsTemplate.objects.all())
        path.write_text(text)
        call_command("load_templates", path)
        assert capsys.readouterr().out.startswith("0 new, 0 changed, 2 as")
        path.write_text(text.replace("PSKMPB", "PSKMPC", 1))  # but no more may be filed like that
        with pytest.raises(CommandError, match="Line 2, template_id: This is the id of"):
            call_command("load_templates", path)

    def test_bad_file_files_nothing(self, tmp_path):
        path = tmp_path / "office.csv"
        path.write_text("\n".join([HEADING, GOOD, GOOD.replace("PSKMPB", "X")]))
        with pytest.raises(CommandError, match=r"Line 3(?s:.*)Nothing was loaded"):
            call_command("load_templates", path)
        assert not SmsTemplate.objects.exists()

    def test_line_that_has_ended_has_to_be_meant(self, tmp_path, capsys):
        path = tmp_path / "office.csv"
        path.write_text(f"{HEADING}\n{GOOD.removesuffix(',')},2025-06-02")
        with pytest.raises(CommandError, match=r"Line 2, valid_until(?s:.*)--ended-too"):
            call_command("load_templates", path)
        assert not SmsTemplate.objects.exists()
        for said in ("1 new", "0 new, 0 changed, 1 as"):
            call_command("load_templates", path, "--ended-too")
            assert capsys.readouterr().out.startswith(said)
        call_command("load_templates", path)

    def test_file_that_is_not_there(self, tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("load_templates", tmp_path / "none.csv")

    def test_drafts_are_a_file_that_can_be_loaded(self, capsys):
        call_command("draft_templates", "--valid-from", "2025-01-01")
        assert capsys.readouterr().out == DEMO_FILE.read_text(encoding="utf-8")

    def test_drafts_for_a_gateway_have_the_ids_that_it_takes(self, capsys):
        call_command("draft_templates", "--valid-from", "2025-01-01", "--gateway", "msg91")
        assert capsys.readouterr().out == DEMO_FILE_MSG91.read_text(encoding="utf-8")
        call_command("draft_templates", "--gateway", "smpp")
        assert {row.gateway_template_id for row in read(capsys.readouterr().out)} == {""}
        with pytest.raises(CommandError, match="no gateway pigeon"):
            call_command("draft_templates", "--gateway", "pigeon")
