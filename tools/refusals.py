"""docs/refusals.md: every refusal, its words in both languages, and which verbs can say it.

Read from the code, not kept by hand: a call such as `Refusal("slot_full")` belongs to every verb
(a function under `@verb`) from which it can be reached. Run by `make refusals`; a test compares.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import translation

from accounts import errors as sign_in_errors
from accounts.api.problems import OWN
from appointments import errors
from appointments.api.problems import STATUS

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "refusals.md"
ROOMS = ("appointments", "accounts")
SKIPPED = {"migrations", "management", "demo"}
INTRO = """# Refusals

When a rule says no, nothing has been changed, and the person is told why. A refusal has a code,
which is stable and stands in the API's answers and in the log, and a sentence in the reader's
language. Pages, API and admin call the same verbs and so show the same sentence. `{name}` and
`%(name)s` are filled in. Made from the code by `make refusals`; do not edit.
"""

# Calls that refuse: with the code itself, or with the name of the limit that is used up.
SAY = {"Refusal", "SignInRefusal", "take"}

Name = tuple[str, str]  # module, function


def main() -> int:
    OUT.write_text(text(), encoding="utf-8")
    print(f"{OUT.relative_to(ROOT)} written")
    return 0


def text() -> str:
    """The whole document."""
    return "\n".join([INTRO, *_domain(), *_sign_in(), *_api()])


def _domain() -> Iterator[str]:
    where = said_by(errors.MESSAGES)
    yield "## Appointments\n"
    yield "| code | API | English | Hindi | said by |"
    yield "|---|---|---|---|---|"
    for code, message in sorted(errors.MESSAGES.items()):
        status = str(STATUS[code])
        cells = [f"`{code}`", status, *map(cell, both(message)), places(where[code])]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _sign_in() -> Iterator[str]:
    where = said_by(sign_in_errors.MESSAGES)
    yield "## Signing in, and limits\n"
    yield "| code | English | Hindi | said by |"
    yield "|---|---|---|---|"
    for code, message in sorted(sign_in_errors.MESSAGES.items()):
        cells = [f"`{code}`", *map(cell, both(message)), places(where[code])]
        yield f"| {' | '.join(cells)} |"


def _api() -> Iterator[str]:
    """What the API says of itself; faults of ours have no words beyond their status."""
    yield "\n## The API itself\n"
    yield "Any address may say these. With the code `invalid`, `errors` names the fields at fault."
    yield "A limit of signing in (above) is 429; its other refusals are 403, 410 or 422.\n"
    yield "| code | API | English | Hindi |"
    yield "|---|---|---|---|"
    for code, (status, message) in sorted(OWN.items()):
        yield f"| {' | '.join([f'`{code}`', str(status), *map(cell, both(message))])} |"
    for code, status in (("invalid", 400), ("server_error", 500), ("unavailable", 503)):
        yield f"| `{code}` | {status} | | |"
    yield ""


def both(message: Any) -> tuple[str, str]:
    """The sentence in English and in Hindi, as the catalogue has it; of a plural, that for many."""
    with translation.override("en"):
        english = _words(message)
    with translation.override("hi"):
        return english, _words(message)


def _words(message: Any) -> str:
    # A lazy plural has no words before it has its number.
    is_plural = not str(message)
    return str(message % {"tries_left": 2}) if is_plural else str(message)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def places(names: list[str]) -> str:
    return ", ".join(f"`{name}`" if "." in name else name for name in names)


# --- Which verb says it -----------------------------------------------------------------------


def said_by(codes: Iterable[str]) -> dict[str, list[str]]:
    """Code -> what can refuse with it, as `room.module.function`.

    A code that only pages use is shown with the page; one that every verb can say, as "every verb".
    """
    wanted = set(codes)
    nodes = dict(_definitions())
    own = {name: set(_codes(node, wanted)) for name, node in nodes.items()}
    shown = {name for name, node in nodes.items() if _is_asked(name, node, nodes)}
    verbs: dict[str, set[Name]] = defaultdict(set)
    pages: dict[str, set[Name]] = defaultdict(set)
    for name in shown:
        sayers = pages if _is_page(name) else verbs
        for code in set().union(*(own[each] for each in _reachable(name, nodes))):
            sayers[code].add(name)
    every = {name for name in shown if _is_verb(nodes[name])}
    return {
        code: ["every verb"] if found >= every else sorted(map(".".join, found))
        for code in wanted
        if (found := verbs[code] or pages[code])
    }


@dataclass(frozen=True)
class Definition:
    """A function, class or constant, and what the names in its module stand for."""

    node: ast.stmt
    imported: dict[str, str]  # name -> dotted path


@cache
def _definitions() -> list[tuple[Name, Definition]]:
    return [found for room in ROOMS for path in _sources(room) for found in _defined_in(path)]


def _sources(room: str) -> Iterator[Path]:
    for path in sorted((ROOT / room).rglob("*.py")):
        if not SKIPPED & set(path.relative_to(ROOT).parts):
            yield path


def _defined_in(path: Path) -> Iterator[tuple[Name, Definition]]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    body = ast.parse(path.read_text(encoding="utf-8")).body
    imported = {
        alias.asname or alias.name: f"{line.module}.{alias.name}"
        for line in body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield (module, node.name), Definition(node, imported)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield (module, target.id), Definition(node, imported)


def _codes(definition: Definition, codes: set[str]) -> Iterator[str]:
    """Codes in its own text: inside `Refusal(...)`, or handed to a limit, by name or in a list."""
    calls = [each for each in ast.walk(definition.node) if isinstance(each, ast.Call)]
    said = [call for call in calls if _called(call) in SAY]
    lists: list[ast.AST] = []
    if any(_called(call) == "take" for call in said):
        lists = [each for each in ast.walk(definition.node) if isinstance(each, ast.Tuple)]
    shown = [
        each
        for each in ast.walk(definition.node)
        if isinstance(each, ast.Subscript) and getattr(each.value, "id", "") == "MESSAGES"
    ]
    for part in [*said, *shown, *lists]:
        for each in ast.walk(part):
            if isinstance(each, ast.Constant) and each.value in codes:
                yield str(each.value)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _uses(name: Name, definition: Definition) -> Iterator[Name]:
    """What it names, of its own module or an imported one."""
    for each in ast.walk(definition.node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            yield definition.imported.get(each.value.id, ""), each.attr
        elif isinstance(each, ast.Name):
            module, _, last = definition.imported.get(each.id, "").rpartition(".")
            yield (module, last) if module else (name[0], each.id)


def _reachable(start: Name, nodes: dict[Name, Definition]) -> set[Name]:
    seen: set[Name] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        # The tables of all words say where nothing is said.
        if name in nodes and name not in seen and name[1] != "MESSAGES":
            seen.add(name)
            waiting += _uses(name, nodes[name])
    return seen


def _is_asked(name: Name, definition: Definition, nodes: dict[Name, Definition]) -> bool:
    """A public verb, one in front of a private verb, what takes a limit, or any of accounts."""
    module, function = name
    if not isinstance(definition.node, ast.FunctionDef) or function.startswith("_"):
        return False
    if _is_page(name) or module.startswith("accounts."):
        return True
    private = [each for each in _uses(name, definition) if each[1].startswith("_")]
    calls = (each for each in ast.walk(definition.node) if isinstance(each, ast.Call))
    takes = any(_called(call) == "take" for call in calls)
    return (
        takes
        or _is_verb(definition)
        or any(_is_verb(nodes[each]) for each in private if each in nodes)
    )


def _is_page(name: Name) -> bool:
    return bool({"views", "forms", "officer_views", "admin", "api"} & set(name[0].split(".")))


def _is_verb(definition: Definition) -> bool:
    node = definition.node
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(each, ast.Name) and each.id == "verb" for each in decorators)
