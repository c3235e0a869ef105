"""Reading the office's CSV files, so that every mistake is named by file, line and column."""

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, time
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class BadFile(Exception):
    """A file of the office cannot be used: which one, where in it, and what is wrong."""

    def __init__(self, file: str, problem: str, *, line: int = 0, column: str = "") -> None:
        place = [file, f"line {line}" if line else "", f"column {column}" if column else ""]
        super().__init__(", ".join(part for part in place if part) + f": {problem}")


class Row:
    """One line of a file. Each reader below returns the value or raises BadFile."""

    def __init__(self, file: str, line: int, values: dict[str, str]) -> None:
        self.file = file
        self.line = line
        self.values = values

    def bad(self, column: str, problem: str) -> BadFile:
        return BadFile(self.file, problem, line=self.line, column=column)

    def optional(self, column: str, *, longest: int = 80) -> str:
        value = self.values[column]
        if len(value) > longest:
            raise self.bad(column, f"longer than {longest} letters")
        return value

    def text(self, column: str, *, longest: int = 80) -> str:
        value = self.optional(column, longest=longest)
        if not value:
            raise self.bad(column, "is empty")
        return value

    def one_of(self, column: str, allowed: Collection[str]) -> str:
        value = self.text(column)
        if value not in allowed:
            raise self.bad(column, f"'{value}' is none of {', '.join(sorted(allowed))}")
        return value

    def whole(self, column: str, *, at_most: int) -> int:
        value = self._parsed(column, int, "a whole number")
        if not 0 <= value <= at_most:
            raise self.bad(column, f"{value} is not between 0 and {at_most}")
        return value

    def decimal(self, column: str, *, within: float) -> float:
        value = self._parsed(column, float, "a number")
        # Written so that "nan" is refused too.
        if not -within <= value <= within:
            raise self.bad(column, f"{value} is not between {-within:g} and {within:g}")
        return value

    def day(self, column: str) -> date:
        return self._parsed(column, date.fromisoformat, "a date like 2026-01-26")

    def clock(self, column: str) -> time:
        value = self._parsed(column, time.fromisoformat, "a time like 09:30")
        if value.tzinfo or value.second or value.microsecond:
            raise self.bad(column, f"'{value}' is not a time like 09:30")
        return value

    def _parsed(self, column: str, parse: Callable[[str], T], wanted: str) -> T:
        value = self.text(column)
        try:
            return parse(value)
        except ValueError:
            raise self.bad(column, f"'{value}' is not {wanted}") from None


def read(path: Path, columns: Sequence[str]) -> list[Row]:
    """The lines of a UTF-8 file with at least these columns, blanks around values taken off."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadFile(path.name, f"not found in {path.parent}") from None
    except UnicodeDecodeError:
        raise BadFile(path.name, "is not UTF-8 text") from None
    return list(_rows(path.name, text, columns))


def _rows(file: str, text: str, columns: Sequence[str]) -> Iterator[Row]:
    reader = csv.DictReader(text.splitlines())
    header = [name.strip() for name in reader.fieldnames or []]
    for column in columns:
        if column not in header:
            raise BadFile(file, "missing in the first line", line=1, column=column)
    reader.fieldnames = header
    for values in reader:
        if None in values or None in values.values():
            problem = f"has not as many values as the first line ({len(header)})"
            raise BadFile(file, problem, line=reader.line_num)
        yield Row(file, reader.line_num, {key: value.strip() for key, value in values.items()})


def check_unique(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Refuse two lines that say the same in these columns together."""
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row.values[column] for column in columns)
        if key in seen:
            raise row.bad(columns[0], f"'{' '.join(key).strip()}' is in line {seen[key]} already")
        seen[key] = row.line
