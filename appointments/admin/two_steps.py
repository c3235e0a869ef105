"""A form, then a table with numbers to look at and mend, then the verb; nothing typed is lost.

Both steps are answers to POST at one address. What the other step typed travels along in hidden
inputs, so that going back, or a wrong number, keeps everything.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict

from appointments.admin.cut_table import CutForm
from appointments.admin.outage_forms import ChangeCutForm, DeclareForm

BASIS = "basis"
CUT_PREFIX = "cut-"
# Names of the buttons.
PREVIEW, RECOUNT, BACK, DO = "preview", "recount", "back", "do"


@dataclass(frozen=True)
class Carried:
    """A value of the step that is not shown."""

    name: str
    value: str


def carried_numbers(data: QueryDict) -> list[Carried]:
    """The table's numbers, for the page of the form."""
    names = [name for name in data if name.startswith(CUT_PREFIX) or name == BASIS]
    return [Carried(name, str(data[name])) for name in names]


def carried_form(data: QueryDict, form: Any, basis: str) -> list[Carried]:
    """The form's values, for the page of the table."""
    values = [Carried(name, str(value)) for name in form.fields for value in data.getlist(name)]
    return [*values, Carried(BASIS, basis)]


def table_of(request: HttpRequest, form: DeclareForm | ChangeCutForm, step: str) -> CutForm:
    """The table of a valid form: numbers typed before, or fresh ones if their basis changed."""
    touched = form.touched if isinstance(form, ChangeCutForm) else form.touched()
    typed_before = request.POST.get(BASIS) == form.basis()
    keeps = typed_before if step == PREVIEW else True
    return CutForm(
        seats=form.cells(),
        centres=touched,
        left={} if keeps else form.spread(),
        data=request.POST if keeps else None,
    )


def step_of(request: HttpRequest) -> str:
    """Which button was pressed. Enter in a field is the first one: look again, never declare."""
    asked = request.POST.get("step", "")
    return asked if asked in (PREVIEW, RECOUNT, BACK, DO) else PREVIEW
