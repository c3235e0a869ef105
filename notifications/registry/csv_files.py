"""A whole list of templates as a CSV file: read with every mistake named by its line, and written.

Columns are entries.FIELDS. An empty gateway is every gateway, an empty last day is no end, and only
a gateway with template ids of its own has one.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.registry import ids
from notifications.registry.entries import FIELDS, Entry, Fault, faults

LARGEST = 1_000_000  # bytes; a hundred templates take fifty thousand
MAY_BE_MISSING = ("gateway", "gateway_template_id", "valid_until")


@dataclass(frozen=True)
class Mistake:
    """What is wrong where; line 1 is the heading, and `column` may be empty."""

    line: int
    column: str
    sentence: str | Promise

    def __str__(self) -> str:
        place = f"{self.line}, {self.column}" if self.column else f"{self.line}"
        return str(_("Line %(place)s: %(sentence)s") % {"place": place, "sentence": self.sentence})


class BadFile(ValueError):
    """The file cannot be used, and nothing of it was; `mistakes` are in the order of the lines."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


def decoded(content: bytes) -> str:
    """The text of an uploaded file. BadFile: too large, or not UTF-8."""
    if len(content) > LARGEST:
        raise BadFile([Mistake(1, "", _("The file is larger than a megabyte."))])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(
            [Mistake(1, "", _("The file is not UTF-8 text. Save it as 'CSV UTF-8'."))]
        ) from None


def read_file(path: Path) -> list[Entry]:
    """As `read`, from a file on the disk. OSError: it cannot be read."""
    return read(decoded(path.read_bytes()))


def read(text: str) -> list[Entry]:
    """The entries of a file, all of them fit to be filed. BadFile names all mistakes at once."""
    return [entry for _line, entry in read_lines(text)]


def read_lines(text: str, filed: ids.Registry | None = None) -> list[tuple[int, Entry]]:
    """As `read`, each entry with its line. Its ids must be no other's, nor those of `filed`."""
    # Text that was pasted may have the mark of a file at its start.
    rows, mistakes = _rows(text.removeprefix("\ufeff"))
    entries: list[tuple[int, Entry]] = []
    for line, values in rows:
        entry, wrong = _entry(line, values)
        mistakes += wrong
        if entry:
            mistakes += [Mistake(line, one.field, one.sentence) for one in faults(entry)]
            entries.append((line, entry))
    mistakes += _repeated(entries)
    told = {(mistake.line, mistake.column) for mistake in mistakes}
    taken = _ids_taken(entries, filed or {})
    mistakes += [one for one in taken if (one.line, one.column) not in told]
    if not rows and not mistakes:
        mistakes.append(Mistake(1, "", _("The file has no templates.")))
    if mistakes:
        raise BadFile(sorted(mistakes, key=lambda mistake: mistake.line))
    return entries


def ended(lines: Iterable[tuple[int, Entry]], today: date) -> list[Mistake]:
    """Lines whose last day has passed: in their words nothing would leave."""
    sentence = _("Its last day, %(day)s, has passed: no message would leave in these words.")
    return [
        Mistake(line, "valid_until", sentence % {"day": entry.valid_until.isoformat()})
        for line, entry in lines
        if entry.valid_until and entry.valid_until < today
    ]


def write(entries: Iterable[Entry]) -> str:
    """The file of these entries; `read` takes it as it is."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(FIELDS)
    for entry in entries:
        values = vars(entry)
        writer.writerow(["" if values[name] is None else values[name] for name in FIELDS])
    return file.getvalue()


def _rows(text: str) -> tuple[list[tuple[int, dict[str, str]]], list[Mistake]]:
    """Lines of the file with the number of each, and what is wrong with the file as such."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    mistakes: list[Mistake] = []
    try:
        header = [(name or "").strip() for name in reader.fieldnames or []]
        if mistakes := _of_header(header):
            return [], mistakes
        reader.fieldnames = header
        for values in reader:
            # A value may run over several lines; the line where it begins is what people see.
            begins_at = reader.line_num - sum(str(value).count("\n") for value in values.values())
            if None in values or None in values.values():
                sentence = _("It has not as many values as the first line (%(count)d).")
                mistakes.append(Mistake(begins_at, "", sentence % {"count": len(header)}))
            else:
                found.append((begins_at, values))
    except csv.Error:
        sentence = _("Its quotation marks do not close, or it is no CSV.")
        mistakes.append(Mistake(reader.line_num + 1, "", sentence))
    return found, mistakes


def _of_header(header: Sequence[str]) -> list[Mistake]:
    missing = [name for name in FIELDS if name not in header and name not in MAY_BE_MISSING]
    return [
        Mistake(1, name, _("The first line does not name this column.")) for name in missing
    ] + [
        Mistake(1, name, _("The first line names this column twice."))
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]


def _entry(line: int, values: dict[str, str]) -> tuple[Entry | None, list[Mistake]]:
    # The text is filed letter for letter: blanks at its ends are the office's own affair.
    given = {
        name: value.replace("\r\n", "\n") if name == "text" else value.strip()
        for name, value in ((name, values.get(name, "")) for name in FIELDS)
    }
    mistakes: list[Mistake] = []
    first = _day(line, "valid_from", given.pop("valid_from"), mistakes)
    last = _day(line, "valid_until", given.pop("valid_until"), mistakes)
    if first is None:
        return None, mistakes
    return Entry(**given, valid_from=first, valid_until=last), mistakes


def _day(line: int, column: str, value: str, mistakes: list[Mistake]) -> date | None:
    if not value and column in MAY_BE_MISSING:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        sentence = _("'%(value)s' is not a day like 2026-01-31.") % {"value": value}
        mistakes.append(Mistake(line, column, sentence))
        return None


def _repeated(entries: Sequence[tuple[int, Entry]]) -> list[Mistake]:
    seen: dict[tuple[str, str, str], int] = {}
    mistakes = []
    for line, entry in entries:
        first = seen.setdefault((entry.kind, entry.language, entry.gateway), line)
        if first != line:
            sentence = _("Line %(line)d names this kind, language and gateway already.")
            mistakes.append(Mistake(line, "kind", sentence % {"line": first}))
    return mistakes


def _ids_taken(entries: Sequence[tuple[int, Entry]], filed: ids.Registry) -> list[Mistake]:
    lines = [line for line, _entry in entries]
    mistakes = []
    for clash in ids.clashes([entry for _line, entry in entries], filed, timezone.localdate()):
        fault = clash.fault()
        if clash.other_entry is not None and clash.field != "valid_from":
            sentence = _("Line %(line)d has this id already.") % {"line": lines[clash.other_entry]}
            fault = Fault(clash.field, sentence)
        mistakes.append(Mistake(lines[clash.index], fault.field, fault.sentence))
    return mistakes
