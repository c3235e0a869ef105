"""What officers type about a template. The rules are entries.faults; here they get their fields."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import kinds
from notifications.registry import csv_files, filling, ids, verbs
from notifications.registry.entries import (
    FIELDS,
    Entry,
    faults,
    gateways_with_ids,
    known_gateways,
    spoken_kinds,
)
from notifications.registry.models import SmsTemplate
from notifications.registry.notation import LONGEST

THERE = _("A text is filed for this kind, language and gateway already.")
THERE_WITHDRAWN = _(
    "The text for this kind, language and gateway was withdrawn. Another one is its next version."
)
REQUIRED = {"required": _("Fill this in.")}


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class EntryForm(forms.Form):
    """A template as it is filed. `fixed`: the template of which this is a new version."""

    kind = forms.ChoiceField(label=_("Kind"))
    language = forms.ChoiceField(label=_("Language"), choices=SmsTemplate.Language.choices)
    gateway = forms.ChoiceField(
        label=_("Gateway"),
        required=False,
        help_text=_("What is filed for one gateway goes before what is filed for every gateway."),
    )
    entity_id = forms.CharField(
        label=_("Entity id"),
        help_text=_("The principal entity's number at the operators."),
        error_messages=REQUIRED,
    )
    header = forms.CharField(
        label=_("Header"), help_text=_("Six letters: the sender."), error_messages=REQUIRED
    )
    template_id = forms.CharField(
        label=_("Template id"),
        help_text=_("19 digits, as the operators gave it."),
        error_messages=REQUIRED,
    )
    gateway_template_id = forms.CharField(
        label=_("Template id of the gateway"), required=False, max_length=40
    )
    category = forms.ChoiceField(label=_("Category"), choices=SmsTemplate.Category.choices)
    text = forms.CharField(
        label=_("Filed text"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "Letter for letter as the operators approved it, the office's suffix included."
            " Variables are written {#numeric#}, {#alphanumeric#}, {#url#}, {#cbn#}, {#email#}."
        ),
        error_messages=REQUIRED,
    )
    variables = forms.CharField(
        label=_("Variables in the order of the text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    valid_from = forms.DateField(
        label=_("Valid from"),
        widget=DayInput(),
        error_messages={**REQUIRED, "invalid": _("A day.")},
    )
    valid_until = forms.DateField(
        label=_("Valid until"),
        required=False,
        widget=DayInput(),
        help_text=_("The last day. Empty: no end was named."),
        error_messages={"invalid": _("A day.")},
    )
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=200,
        help_text=_("Stands in the history."),
    )
    # The newest version of what was to be added, if there is one: the page leads to it.
    there: SmsTemplate | None = None
    # The version that the officer saw, so that two at once do not overturn each other.
    based_on = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, fixed: SmsTemplate | None = None, **kwargs: Any) -> None:
        if fixed:
            kwargs["initial"] = {**vars(Entry.of(fixed)), "based_on": fixed.version}
        else:
            kwargs.setdefault("initial", {"valid_from": timezone.localdate()})
        super().__init__(*args, **kwargs)
        self.fixed = fixed
        self._offer_choices()
        self.fields["variables"].help_text = self._about_variables()
        named = ", ".join(gateways_with_ids())
        about = _("From its own panel, for %(named)s. Empty for every other gateway.")
        self.fields["gateway_template_id"].help_text = about % {"named": named}
        if fixed:
            for name in ("kind", "language", "gateway"):
                del self.fields[name]
            self.fields["text"].widget.attrs["lang"] = fixed.language

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["text"] = data.get("text", "").replace("\r\n", "\n")
        # All mistakes at once: what can be judged is, whatever is wrong with other fields.
        wrong, entry = set(self.errors), self.entry()
        for fault in [*faults(entry), *ids.taken(entry)]:
            place = fault.field if fault.field in self.fields else None
            if place not in wrong:
                self.add_error(place, str(fault.sentence))
        if self.fixed is None and not wrong & {"kind", "language", "gateway"}:
            self.there = verbs.newest_of(entry)
        if self.there:
            self.add_error("kind", THERE if self.there.withdrawn_at is None else THERE_WITHDRAWN)
        return data

    def entry(self) -> Entry:
        """As it was typed; of a valid form it may be filed."""
        given = {name: self.cleaned_data.get(name, "") for name in FIELDS}
        given["valid_from"] = self.cleaned_data.get("valid_from") or timezone.localdate()
        given["valid_until"] = self.cleaned_data.get("valid_until")
        if self.fixed:
            for name in ("kind", "language", "gateway"):
                given[name] = getattr(self.fixed, name)
        return Entry(**given)

    def _offer_choices(self) -> None:
        gateways = [(name, name) for name in known_gateways()]
        named = [(kind.code, kinds.name(kind.code)) for kind in spoken_kinds()]
        self._offer("kind", sorted(named, key=itemgetter(1)))
        self._offer("gateway", [("", _("Every gateway")), *gateways])

    def _offer(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _about_variables(self) -> str:
        example = _("Value, tag and most letters, as in a4:numeric:4; dt:alphanumeric:16.")
        most = ", ".join(f"{tag.value} {longest}" for tag, longest in LONGEST.items())
        limits = _("At most: %(most)s.") % {"most": most}
        if self.fixed is None:
            return f"{example} {limits}"
        kind = next(kind for kind in spoken_kinds() if kind.code == self.fixed.kind)
        values = ", ".join(kind.fields(self.fixed.language))
        return f"{example} {limits} " + _("Values of this kind: %(values)s.") % {"values": values}


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label=_("Why?"), max_length=200, error_messages={"required": _("Write down the reason.")}
    )


class FileText(forms.CharField):
    """Text of a file as it is: what must not stand in it is named by its line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        # Django's own would only say that there is a null character somewhere.
        self.validators = []


class ImportForm(forms.Form):
    """A file, or its text: what was wrong in a file comes back as text to mend.

    Lines that have ended are filed only if the officer says so, having been told of them.
    """

    file = forms.FileField(label=_("CSV file"), required=False)
    text = FileText(
        label=_("Or its text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label=_("Why"), required=False, max_length=200, help_text=_("Stands in the history.")
    )
    file_ended = forms.BooleanField(
        label=_("File the lines whose last day has passed, too"), required=False
    )

    # What was sent, whichever way it came; the page shows it again if it has mistakes.
    content = ""
    entries: tuple[Entry, ...] = ()
    mistakes: tuple[csv_files.Mistake, ...] = ()
    # Nothing is wrong but that some lines have ended: the page asks whether to file them.
    asks_of_ended = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            self.content = self._sent(data)
            lines = csv_files.read_lines(self.content, filling.by_key())
        except csv_files.BadFile as error:
            self.mistakes = error.mistakes
            raise forms.ValidationError(
                _(
                    "Nothing was filed. Mend these lines here and send it again, or empty the text"
                    " and choose the mended file."
                )
            ) from None
        self._ask_of_ended(lines, confirmed=data.get("file_ended", False))
        self.entries = tuple(entry for _line, entry in lines)
        return data

    def _sent(self, data: dict[str, Any]) -> str:
        """The file's text, whichever way it came. ValidationError: none, or two."""
        file, pasted = data.get("file"), data.get("text", "")
        sent = csv_files.decoded(file.read()) if file else pasted
        if not sent.strip():
            raise forms.ValidationError(_("Choose a file, or paste its text."))
        if file and pasted.strip() and not _same_text(sent, pasted):
            self.content = pasted
            raise forms.ValidationError(
                _(
                    "You chose a file, and there is a text as well. Send one of them: empty the"
                    " text and choose the file again, or send the text alone."
                )
            )
        return sent

    def _ask_of_ended(self, lines: Sequence[tuple[int, Entry]], *, confirmed: bool) -> None:
        """What has ended and is filed like that already needs no question."""
        news = [(line, entry) for line, entry in lines if verbs.would_change(entry)]
        ended = csv_files.ended(news, timezone.localdate())
        self.asks_of_ended = bool(ended)
        if ended and not confirmed:
            self.mistakes = tuple(ended)
            raise forms.ValidationError(
                _(
                    "Nothing was filed yet. The last day of these lines has passed: mend it, or say"
                    " that they are to be filed like that."
                )
            )


def _same_text(one: str, other: str) -> bool:
    """Browsers send line ends of their own."""
    plain = (text.removeprefix("\ufeff").replace("\r\n", "\n").strip() for text in (one, other))
    return len(set(plain)) == 1
