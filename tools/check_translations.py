"""Check that the Hindi catalogue is whole and fits the code (needs gettext).

    python -m tools.check_translations

Fails on a text of the code which is not in the catalogue, one which is in the catalogue but no
longer in the code, an empty or fuzzy translation, a placeholder without a name (a translator must
be free to move it), and a translation whose placeholders are not those of the original.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polib

from tools.collect_messages import CATALOGUE, ROOT, collect

SOURCES = ["portal", "appointments", "accounts", "notifications", "templates"]
Key = tuple[str | None, str, str | None]

# %(name)s, %s, %d; a per cent sign before a space is a per cent sign.
PERCENT = re.compile(r"%(?:%|\((?P<name>\w+)\)[a-z]|(?P<bare>[#0+-]*\d*(?:\.\d+)?[sdifr])\b)")
BRACE = re.compile(r"\{(?P<name>\w*)(?:[.\[:!][^{}]*)?\}")


def main() -> int:
    if not (ROOT / CATALOGUE).exists():
        print(f"There is no {CATALOGUE}: make messages")
        return 1
    problems = list(find_problems(polib.pofile(str(ROOT / CATALOGUE)), keys_in_code()))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def keys_in_code() -> set[Key]:
    """Every text the code and templates ask for, found by collecting in a copy of them."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        skip = shutil.ignore_patterns("__pycache__", "*.mo")
        for name in SOURCES:
            shutil.copytree(ROOT / name, copy / name, ignore=skip)
        shutil.copy(ROOT / "manage.py", copy)
        return {key(entry) for entry in polib.pofile(str(collect(copy))) if not entry.obsolete}


def key(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or None


def find_problems(catalogue: polib.POFile, wanted: set[Key]) -> Iterator[str]:
    """One line for each thing that is wrong with the catalogue."""
    live = [entry for entry in catalogue if not entry.obsolete]
    known = {key(entry) for entry in live}
    for _, text, _ in sorted(wanted - known, key=str):
        yield f"not in the catalogue: {text!r} (make messages, then translate)"
    for _, text, _ in sorted(known - wanted, key=str):
        yield f"no longer in the code: {text!r} (make messages)"
    for entry in catalogue.obsolete_entries():
        yield f"obsolete: {entry.msgid!r} (delete it)"
    for entry in live:
        yield from problems_of(entry)


def problems_of(entry: polib.POEntry) -> Iterator[str]:
    """What is wrong with one translation."""
    if entry.fuzzy:
        yield f"fuzzy, so it is not shown: {entry.msgid!r}"
    elif not entry.translated():
        yield f"not translated: {entry.msgid!r}"
    originals = [text for text in (entry.msgid, entry.msgid_plural) if text]
    if any(has_nameless(text) for text in originals):
        yield f"placeholder without a name: {entry.msgid!r}"
    allowed = set[str]().union(*map(names, originals))
    required = names(originals[0]).intersection(*map(names, originals))
    for text in entry.msgstr_plural.values() or [entry.msgstr]:
        if text and not required <= names(text) <= allowed:
            yield f"placeholders differ: {entry.msgid!r} has {sorted(allowed)}, not {text!r}"


def names(text: str) -> set[str]:
    """The named placeholders of a text, as they are written."""
    percent = {f"%({found['name']})" for found in PERCENT.finditer(text) if found["name"]}
    return percent | {f"{{{found['name']}}}" for found in BRACE.finditer(text)}


def has_nameless(text: str) -> bool:
    """Whether the text has %s, %d, {} or {0}: their order is fixed, a sentence's is not."""
    percent = any(found["bare"] for found in PERCENT.finditer(text))
    return percent or any(
        found["name"].isdigit() or not found["name"] for found in BRACE.finditer(text)
    )


if __name__ == "__main__":
    sys.exit(main())
