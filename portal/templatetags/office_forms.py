"""Helpers of the form templates: which input a label, a hint or an error belongs to."""

from django import forms, template
from django.forms import BoundField

register = template.Library()


@register.filter
def first_input_id(field: BoundField) -> str:
    """The id of the first input of a field, the place an error link leads to."""
    widget = field.field.widget
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple | forms.MultiWidget):
        return f"{field.auto_id}_0"
    return str(field.id_for_label or field.auto_id)


@register.filter
def is_grouped(field: BoundField) -> bool:
    """Several inputs for one question: needs a fieldset and a legend."""
    return bool(field.use_fieldset)


@register.filter
def is_single_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def has_choices(field: BoundField) -> bool:
    """Radio buttons or checkboxes, to be drawn one by one."""
    return isinstance(field.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)
