"""How a filed text is written, and what each tag takes."""

import time

import pytest

from notifications.registry import notation
from notifications.registry.errors import Problem
from notifications.registry.notation import LONGEST, Tag, Unreadable, Variable, parsed, read

HOSTS = ["site.example.in"]


def fault(tag: str, text: str, longest: int = 40):
    return Variable("x", Tag(tag), min(longest, LONGEST[Tag(tag)])).fault(text, HOSTS)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("numeric", "4821"),
        ("alphanumeric", "शुक्र 26/12 12:15"),
        ("alphanumeric", "Fri 26/12 12:15"),
        ("alphanumeric", "नर्मदापुरम"),
        ("alphanumeric", "St. Mary's (new)"),
        ("url", "site.example.in/AbCdEfGhIjK"),
        ("url", "https://Site.Example.in/my"),
        ("cbn", "1800-258-1800"),
        ("cbn", "+917552550000"),
        ("email", "help@site.example.in"),
        ("var", "anything: * # %"),
    ],
)
def test_tag_takes_what_it_is_for(tag, text):
    assert fault(tag, text) is None


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("numeric", "482a"),
        ("numeric", "४८२१"),  # digits, but not those that operators count as such
        ("numeric", "4 821"),
        ("alphanumeric", "50% off"),
        ("alphanumeric", "https://site.example.in"),
        ("alphanumeric", "other.example.com/win"),
        ("alphanumeric", "www.example.com"),
        ("alphanumeric", "two\nlines"),
        ("url", "no link at all"),
        ("cbn", "call me"),
        ("email", "help at site"),
        ("var", "two\nlines"),
    ],
)
def test_tag_does_not_take_what_it_is_not_for(tag, text):
    assert fault(tag, text) == Problem.WRONG_TAG


@pytest.mark.parametrize(
    "link",
    [
        "other.example.in/x",
        "site.example.in.evil.com/x",
        "site.example.in:8000/x",
        "https://evil.com/site.example.in",
        "evil.com#site.example.in",
    ],
)
def test_link_to_another_site_is_told_apart(link):
    assert fault("url", link) in (Problem.FOREIGN_HOST, Problem.WRONG_TAG)


def test_foreign_host_is_named_as_that():
    assert fault("url", "other.example.in/x") == Problem.FOREIGN_HOST


def test_link_with_a_name_before_the_site_is_no_link_of_ours():
    assert fault("url", "site.example.in@evil.com/x") == Problem.WRONG_TAG


def test_value_of_the_greatest_length_fits_and_one_letter_more_does_not():
    assert fault("alphanumeric", "न" * 40) is None
    assert fault("alphanumeric", "न" * 41) == Problem.TOO_LONG
    assert fault("numeric", "1234", longest=4) is None
    assert fault("numeric", "12345", longest=4) == Problem.TOO_LONG


def test_long_value_that_does_not_match_is_told_in_no_time():
    begins = time.perf_counter()
    for _ in range(100):
        assert fault("alphanumeric", "नर्मदापुरम" * 3 + "%") == Problem.WRONG_TAG
        assert fault("url", "a.a." * 9 + "%") == Problem.WRONG_TAG
        assert fault("cbn", "1 2 3 4 5 6 7 x") == Problem.WRONG_TAG
    assert time.perf_counter() - begins < 5


def test_empty_value_is_none():
    assert fault("var", "") == Problem.NO_VALUE


class TestReading:
    def test_text_is_read_in_pieces(self):
        reading = read("A {#numeric#} b {#url#} c", parsed("n:numeric:4; url:url:40"))
        assert reading.fixed == ("A ", " b ", " c")
        assert reading.with_values(["1", "h/x"]) == "A 1 b h/x c"

    def test_text_without_variables_is_only_itself(self):
        assert read("Office closed.", ()).with_values([]) == "Office closed."

    def test_tag_on_a_page_of_its_own_is_var_in_the_text(self):
        assert read("Code {#var#}.", parsed("otp:numeric:6")).with_values(["123456"])

    def test_one_operators_name_for_digits_is_understood(self):
        assert read("Code {#number#}.", parsed("otp:number:6")).variables[0].tag == Tag.NUMERIC

    @pytest.mark.parametrize(
        ("text", "variables", "why"),
        [
            ("{#numeric#}{#url#}", "n:numeric:4; url:url:40", "side by side"),
            ("{#numeric#}  {#url#}", "n:numeric:4; url:url:40", "side by side"),
            ("{#numeric#} x", "", "text: 1; named: 0"),
            ("x", "n:numeric:4", "text: 0; named: 1"),
            ("{#numeric#}", "n:url:4", "{#numeric#} in the text, and url"),
            ("{#money#}", "n:numeric:4", "{#money#} is no tag"),
            ("{#numeric# }", "n:numeric:4", "not written as"),
        ],
    )
    @pytest.mark.usefixtures("_english")
    def test_text_and_variables_that_do_not_fit_are_named(self, text, variables, why):
        with pytest.raises(Unreadable, match=why.replace("{", r"\{")):
            read(text, parsed(variables))

    @pytest.mark.parametrize(
        "line", ["a4", "a4:money:4", "A4:numeric:4", "a4:numeric:0", "a4:numeric:31", "a4:url:x"]
    )
    def test_variable_that_is_not_written_right_is_refused(self, line):
        with pytest.raises(Unreadable):
            parsed(line)

    def test_variables_are_written_as_they_were_read(self):
        line = "a4:numeric:4; dt:alphanumeric:16"
        assert notation.written(parsed(line)) == line
        assert notation.written(parsed(" a4 : numeric ;dt:Alphanumeric:16;")) == (
            "a4:numeric:30; dt:alphanumeric:16"
        )
