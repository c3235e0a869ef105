"""What `make check` finds wrong with a catalogue."""

import polib
import pytest

from tools.check_translations import find_problems, key


def problems(*entries: polib.POEntry, wanted: set[tuple[str | None, str, str | None]]) -> list[str]:
    catalogue = polib.POFile()
    catalogue.extend(entries)
    return [line.partition(":")[0] for line in find_problems(catalogue, wanted)]


def entry(msgid: str, msgstr: str = "अनुवाद", **more: object) -> polib.POEntry:
    return polib.POEntry(msgid=msgid, msgstr=msgstr, **more)


def test_whole_catalogue_has_no_problem() -> None:
    good = entry("Your seat on %(date)s", "%(date)s को आपकी सीट")
    assert problems(good, wanted={key(good)}) == []


def test_text_of_the_code_which_is_missing_is_found() -> None:
    assert problems(wanted={(None, "Book", None)}) == ["not in the catalogue"]


def test_same_word_in_another_context_is_another_text() -> None:
    known = entry("Book", msgctxt="verb")
    assert problems(known, wanted={key(known), ("noun", "Book", None)}) == ["not in the catalogue"]


def test_text_which_left_the_code_is_found() -> None:
    assert problems(entry("Old"), wanted=set()) == ["no longer in the code"]


def test_obsolete_entry_is_found() -> None:
    assert problems(entry("Old", obsolete=True), wanted=set()) == ["obsolete"]


def test_empty_translation_is_found() -> None:
    empty = entry("Book", "")
    assert problems(empty, wanted={key(empty)}) == ["not translated"]


def test_fuzzy_translation_is_found() -> None:
    guessed = entry("Book", flags=["fuzzy"])
    assert problems(guessed, wanted={key(guessed)}) == ["fuzzy, so it is not shown"]


@pytest.mark.parametrize("text", ["%s seats", "%d seats", "{} seats", "{0} seats"])
def test_placeholder_without_a_name_is_found(text: str) -> None:
    nameless = entry(text, text)
    assert problems(nameless, wanted={key(nameless)}) == ["placeholder without a name"]


@pytest.mark.parametrize("text", ["50% of the seats", "100%", "50%% of %(all)s"])
def test_per_cent_sign_is_no_placeholder(text: str) -> None:
    fine = entry(text, text)
    assert problems(fine, wanted={key(fine)}) == []


@pytest.mark.parametrize(
    ("original", "translation"),
    [
        ("Seat on %(date)s", "सीट"),
        ("Seat on %(date)s", "%(day)s को सीट"),
        ("From {at}", "{when} से"),
    ],
)
def test_placeholders_which_differ_are_found(original: str, translation: str) -> None:
    wrong = entry(original, translation)
    assert problems(wrong, wanted={key(wrong)}) == ["placeholders differ"]


def test_singular_may_leave_out_the_number() -> None:
    plural = polib.POEntry(
        msgid="One seat at %(centre)s",
        msgid_plural="%(count)s seats at %(centre)s",
        msgstr_plural={0: "%(centre)s में एक सीट", 1: "%(centre)s में %(count)s सीटें"},
    )
    assert problems(plural, wanted={key(plural)}) == []
