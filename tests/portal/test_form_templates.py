"""The "office" form templates: every input is named, hinted and corrected for every reader."""

import re

import pytest
from crispy_forms.bootstrap import FormActions, StrictButton, UneditableField
from crispy_forms.layout import (
    Button,
    ButtonHolder,
    Column,
    Div,
    Field,
    Fieldset,
    Hidden,
    Layout,
    MultiField,
    Row,
    Submit,
)
from crispy_forms.utils import render_crispy_form
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from accounts.fields import DayMonthYearField, HintedLabel, form_helper


class Everything(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the receipt")
    born = DayMonthYearField(label="Born", help_text="For example 23 6 1985")
    centre = forms.ChoiceField(
        label="Centre",
        widget=forms.RadioSelect,
        choices=[("b", HintedLabel("Bhopal", hint="12 km")), ("i", "Indore")],
    )
    days = forms.MultipleChoiceField(
        label="Days", widget=forms.CheckboxSelectMultiple, choices=[("1", "Monday")]
    )
    month = forms.ChoiceField(label="Month", choices=[("1", "January")])
    why = forms.CharField(label="Why", widget=forms.Textarea, required=False)
    agree = forms.BooleanField(label="I agree")
    key = forms.CharField(widget=forms.HiddenInput, initial="secret")


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def rendered(form: forms.Form, *layout: object, **helper_options: object) -> str:
    helper = form_helper(submit="Send it", **helper_options)
    if layout:
        helper.layout = Layout(*layout)
    return re.sub(r"\s*\n\s*", "", render_crispy_form(form, helper))


def tag_with(html: str, needle: str) -> str:
    """The one opening tag which contains the needle."""
    tags = [tag for tag in re.findall(r"<[^>]+>", html) if needle in tag]
    assert len(tags) == 1, tags
    return tags[0]


def test_label_leads_to_its_input():
    html = rendered(Everything())
    for field in ("name", "month", "why", "agree"):
        tag_with(html, f'for="id_{field}"')
        tag_with(html, f' id="id_{field}"')


def test_hint_is_read_with_its_input():
    html = rendered(Everything())
    assert 'aria-describedby="id_name_helptext"' in tag_with(html, ' id="id_name"')
    assert '<p class="field-hint" id="id_name_helptext">As on the receipt</p>' in html


def test_error_is_read_with_its_input_and_marks_it_wrong():
    html = rendered(Everything(data={}))
    tag = tag_with(html, ' id="id_name"')
    assert 'aria-describedby="id_name_helptext id_name_error"' in tag
    assert 'aria-invalid="true"' in tag
    assert tag_with(html, 'id="id_name_error"').startswith("<ul")


def test_several_inputs_of_one_question_have_a_legend():
    html = rendered(Everything(data={}))
    for field, legend in (("born", "Born"), ("centre", "Centre"), ("days", "Days")):
        fieldset = html[html.index(f'id="div_id_{field}"') :]
        assert f">{legend}</legend>" in fieldset.split("</fieldset>")[0]
        assert f"id_{field}_error" in tag_with(html, f'id="div_id_{field}"')


def test_choice_shows_its_hint_on_a_second_line():
    html = rendered(Everything())
    assert 'Bhopal<span class="choice-more">12 km</span>' in html
    assert '<label class="choice" for="id_centre_1">' in html


def test_optional_question_says_so_and_required_ones_do_not():
    html = rendered(Everything())
    assert html.count("(optional)") == 1
    assert "Why" in html.split("(optional)")[0][-60:]


def test_hidden_input_has_neither_label_nor_frame():
    html = rendered(Everything())
    assert '<input type="hidden" name="key" value="secret" id="id_key">' in html
    assert "div_id_key" not in html


def test_three_boxes_of_a_date_have_their_own_labels():
    html = rendered(Everything())
    for index, word in enumerate(("Day", "Month", "Year")):
        assert f'<label for="id_born_{index}">{word}</label>' in html
        assert 'inputmode="numeric"' in tag_with(html, f' id="id_born_{index}"')


def test_browser_does_not_check_in_its_own_language():
    assert "novalidate" in tag_with(rendered(Everything()), "<form")


def test_form_carries_its_secret_and_says_what_its_button_does():
    request = RequestFactory().get("/")
    form = Everything()
    form.helper = form_helper(submit="Book this time")
    html = Template("{% load crispy_forms_tags %}{% crispy form %}").render(
        Context({"form": form, "csrf_token": "s3cret", "request": request})
    )
    assert 'name="csrfmiddlewaretoken" value="s3cret"' in html
    assert ">Book this time</button>" in html


def test_question_of_a_one_question_page_is_its_heading():
    class OneQuestion(forms.Form):
        centre = forms.ChoiceField(label="Which centre?", widget=forms.RadioSelect, choices=[])

    html = rendered(OneQuestion(), label_is_heading=True)
    assert "<h1>Which centre?</h1></legend>" in html


def test_text_in_labels_hints_errors_and_choices_is_escaped():
    class Hostile(forms.Form):
        field = forms.ChoiceField(
            label="<b>label",
            help_text="<b>hint",
            widget=forms.RadioSelect,
            choices=[("x", HintedLabel("<b>choice", hint="<b>more"))],
            error_messages={"required": "<b>error"},
        )

    html = rendered(Hostile(data={}))
    assert "<b>" not in html
    assert html.count("&lt;b&gt;") == 5


def test_every_layout_object_of_the_pack_renders():
    html = rendered(
        Everything(),
        Fieldset("Person", Row(Column("name")), css_class="wide"),
        Div(Field("month"), css_id="months"),
        MultiField("Reasons", "why"),
        UneditableField("centre"),
        Hidden("step", "2"),
        ButtonHolder(Submit("save", "Save"), Button("more", "More")),
        FormActions(StrictButton("Go", type="submit")),
    )
    for part in (
        "Person</legend>",
        'id="months"',
        "Reasons</legend>",
        'value="2"',
        ">Save<",
        ">Go<",
    ):
        assert part in html


def test_error_summary_leads_to_the_first_input_of_each_wrong_field():
    form = Everything(data={})
    form.add_error(None, "Nothing fits")
    html = Template('{% include "includes/error_summary.html" with form=form only %}').render(
        Context({"form": form})
    )
    assert "<li>Nothing fits</li>" in html
    for target in ("id_name", "id_born_0", "id_centre_0", "id_days_0", "id_month", "id_agree"):
        assert f'href="#{target}"' in html


def test_error_summary_of_a_sound_form_is_empty():
    html = Template('{% include "includes/error_summary.html" with form=form only %}').render(
        Context({"form": Everything()})
    )
    assert html.strip() == ""
