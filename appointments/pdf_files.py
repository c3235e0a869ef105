"""A PDF that only shows: no lock, few pages, and no object that acts or carries another file."""

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from appointments.errors import Refusal

START = b"%PDF-"
END = b"%%EOF"
MOST_PAGES = 10
# A ticket has a few hundred; reading many thousands would hold the page up.
MOST_OBJECTS = 5_000
MOST_NODES = 200_000
# Entries that run something, ask something or carry files (ISO 32000, 12.6 and 7.11).
ACTIVE_KEYS = {"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/AA"}
ACTIVE_ACTIONS = {
    *("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/GoToR"),
    *("/Rendition", "/Movie", "/Sound", "/RichMediaExecute"),
}
ACTIVE_KINDS = {"/EmbeddedFile", "/RichMedia", "/FileAttachment", "/Movie", "/Sound", "/Screen"}
# Said anywhere in the file, also where no table of objects leads.
ACTIVE_WORDS = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia)\b")
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


def check(content: bytes) -> None:
    """Refusals: pdf_locked, pdf_too_long, pdf_active, file_mixed, file_damaged."""
    if not content.rstrip(b"\x00\r\n\t ").endswith(END):
        # Cut off, or another file stands behind its end.
        raise Refusal("file_mixed" if END in content else "file_damaged")
    try:
        _check(PdfReader(io.BytesIO(content)))
    except Refusal:
        raise
    except Exception as error:  # a file made to break its reader
        raise Refusal("file_damaged") from error
    if ACTIVE_WORDS.search(_unescaped(content)):
        raise Refusal("pdf_active")


def _check(reader: PdfReader) -> None:
    if reader.is_encrypted:
        raise Refusal("pdf_locked")
    numbers = {number for table in reader.xref.values() for number in table}
    if len(numbers | set(reader.xref_objStm)) > MOST_OBJECTS:
        raise Refusal("file_damaged")
    if reader.get_num_pages() > MOST_PAGES:
        raise Refusal("pdf_too_long", pages=MOST_PAGES)
    if not reader.get_num_pages():
        raise Refusal("file_damaged")
    if any(_acts(part) for part in _parts(reader)):
        raise Refusal("pdf_active")


def _parts(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Every dictionary of the file, also of objects that nothing leads to."""
    waiting: list[Any] = [reader.trailer, *_objects(reader)]
    seen: set[tuple[int, int]] = set()
    nodes = 0
    while waiting:
        nodes += 1
        if nodes > MOST_NODES:
            raise Refusal("file_damaged")
        part = waiting.pop()
        if isinstance(part, IndirectObject):
            if (part.idnum, part.generation) in seen:
                continue
            seen.add((part.idnum, part.generation))
            part = part.get_object()
        if isinstance(part, DictionaryObject):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, ArrayObject):
            waiting.extend(part)


def _objects(reader: PdfReader) -> Iterator[IndirectObject]:
    for generation, table in reader.xref.items():
        for number in table:
            yield IndirectObject(number, generation, reader)
    for number in reader.xref_objStm:
        yield IndirectObject(number, 0, reader)


def _acts(part: DictionaryObject) -> bool:
    if ACTIVE_KEYS & set(part):
        return True
    # part[key] also follows a reference to a name that stands elsewhere.
    kinds = {str(part[key]) for key in ("/Type", "/Subtype") if key in part}
    opening = part.get("/OpenAction")
    if isinstance(opening, IndirectObject):
        opening = opening.get_object()
    return (
        bool(kinds & ACTIVE_KINDS)
        or ("/S" in part and str(part["/S"]) in ACTIVE_ACTIONS)
        # At the opening only a place within the document may be gone to.
        or (isinstance(opening, DictionaryObject) and opening.get("/S") != "/GoTo")
    )


def _unescaped(content: bytes) -> bytes:
    """Names may be written with #xx for any letter."""
    return ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)
