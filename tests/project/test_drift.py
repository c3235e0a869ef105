"""Files that must say the same thing do."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from honcho.environ import parse_procfile

ROOT = Path(settings.BASE_DIR)
ROOMS = ("portal", "appointments", "accounts", "notifications")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
# Started only where a gateway needs it (docs/smpp.md); the demo has none of these.
OPTIONAL = {"receipts"}
PROCFILES = ("deploy/Procfile", "deploy/Procfile.simulators")
ENV_IN_SHELL = re.compile(r"\$\{?([A-Z0-9_]+)")
ENV_IN_PYTHON = re.compile(r"\b(?:env|Env\(\))(?:\.[a-z_]+)?\(\s*[\"']([A-Z0-9_]+)[\"']")
DEFAULT_IN_SHELL = re.compile(r"\$\{([A-Z0-9_]+):-([^}]*)\}")
# What .env.example shows where the default says nothing: it is empty, or that of another setting.
EXAMPLES = {"ANYMAIL_BACKEND", "DATABASE_URL", "DLT_URL_HOSTS", "GATEWAY_RATES", "REDIS_URL"}
# Defaults that the code works out, from other settings or from where the project lies.
WORKED_OUT = {
    *("CACHE_REDIS_URL", "EMAIL_GATEWAY", "MESSAGE_FILE_SINK", "PRIVATE_FILES_DIR", "SECRET_KEY"),
    *("SIMULATOR_PORT", "SITE_HOST", "STATIC_DIR", "VAR_DIR"),
}


def read(path: str) -> str:
    return (ROOT / path).read_text()


def procfile() -> dict[str, str]:
    return dict(parse_procfile(read("deploy/Procfile")).processes)


def queues_read(commands: str) -> set[str]:
    return {queue for found in re.findall(r" -Q (\S+)", commands) for queue in found.split(",")}


def queues_written() -> set[str]:
    """The default queue, those of the routes, and those that a beat entry names."""
    routes = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    beat = [entry.get("options", {}) for entry in settings.CELERY_BEAT_SCHEDULE.values()]
    named = {options["queue"] for options in beat if "queue" in options}
    return {settings.CELERY_TASK_DEFAULT_QUEUE} | routes | named


# --- Celery ------------------------------------------------------------------------------------


def test_every_queue_that_is_written_is_read_by_a_worker_of_make_run() -> None:
    assert queues_read(read("deploy/Procfile")) == queues_written()


def test_every_queue_that_is_written_is_read_by_a_worker_in_production() -> None:
    assert queues_read("\n".join(unit.read_text() for unit in UNITS)) == queues_written()


def test_every_process_of_make_run_has_a_unit_in_production() -> None:
    assert {unit.stem.removeprefix("portal-") for unit in UNITS} - OPTIONAL == set(procfile())


def test_production_starts_each_process_as_make_run_does() -> None:
    for name, command in procfile().items():
        unit = read(f"deploy/systemd/portal-{name}.service")
        started = re.search(r"-m (.+?)$", unit, re.MULTILINE)
        assert started is not None
        # systemd has no ${NAME:-default}; its units say the default in Environment=.
        expected = re.sub(r"\"?\$\{([A-Z_]+):-[^}]*\}\"?", r"${\1}", command.partition(" -m ")[2])
        assert started.group(1).replace("%%h", "%h") == expected


@pytest.mark.parametrize("name", sorted(settings.CELERY_BEAT_SCHEDULE))
def test_every_beat_entry_names_a_task_that_exists(name: str) -> None:
    current_app.loader.import_default_modules()
    assert settings.CELERY_BEAT_SCHEDULE[name]["task"] in current_app.tasks


# --- Settings ----------------------------------------------------------------------------------


def code() -> list[str]:
    folders = (*ROOMS, "tools")
    return [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]


def commands() -> str:
    return "\n".join(map(read, PROCFILES))


def documented() -> dict[str, str]:
    return dict(re.findall(r"^# ([A-Z0-9_]+)=(.*)$", read(".env.example"), re.MULTILINE))


def defaults() -> set[tuple[str, str | None]]:
    """Each default of a setting, as .env.example would write it; None: the code works it out."""
    trees = [ast.parse(text) for text in code() if ENV_IN_PYTHON.search(text)]
    found = {pair for tree in trees for pair in defaults_in(tree)}
    found |= set(DEFAULT_IN_SHELL.findall(commands()))
    named = {name for name, _ in found}
    return found | {(name, None) for name in ENV_IN_SHELL.findall(commands()) if name not in named}


def defaults_in(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                args=[ast.Constant(value=str(name))],
                keywords=[ast.keyword(arg="default", value=value)],
            ):
                yield name, written(value)


def written(default: ast.expr) -> str | None:
    match default:
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, outside_of_the_demo]):
            return written(outside_of_the_demo)
        case ast.Constant(value=bool(value)):
            return str(int(value))
        case ast.Constant(value=str(value) | int(value)):
            return str(value)
        case ast.List(elts=each) if all(isinstance(one, ast.Constant) for one in each):
            return ",".join(map(str, ast.literal_eval(default)))
        case ast.Dict(keys=[]):
            return ""
    return None


def test_env_example_names_every_setting_and_no_other() -> None:
    used = set(ENV_IN_PYTHON.findall("\n".join(code())))
    assert set(documented()) == used | set(ENV_IN_SHELL.findall(commands()))


def test_env_example_says_the_defaults_of_the_code() -> None:
    of_code = defaults() - {("STATEMENT_TIMEOUT", "")}  # manage.py's, which has no limit
    shown = documented()
    assert {name for name, _ in of_code} == set(shown)
    others = {(name, default) for name, default in of_code if shown[name] != default}
    assert {name for name, _ in others} == EXAMPLES | WORKED_OUT
    # No exception hides a default that could be shown.
    assert [(name, default) for name, default in others if default] == []


def test_env_example_sets_nothing_by_itself() -> None:
    assert not re.findall(r"^[^#\n]", read(".env.example"), re.MULTILINE)


# --- Layers ------------------------------------------------------------------------------------


def test_every_app_of_ours_has_a_place_in_the_layers_contract() -> None:
    contract = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    layers = next(one for one in contract["contracts"] if one["type"] == "layers")["layers"]
    ours = {app.name for app in apps.get_app_configs() if Path(app.path).parent == ROOT}
    assert set(layers) == ours == set(contract["root_packages"]) == set(ROOMS)


def test_types_are_checked_in_every_app_of_ours() -> None:
    assert set(ROOMS) <= set(tomllib.loads(read("pyproject.toml"))["tool"]["mypy"]["packages"])


# --- Documents ---------------------------------------------------------------------------------

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
    if ".venv" not in path.parts
)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_documents_exist(path: Path) -> None:
    text = path.read_text()
    made = set(re.findall(r"(?:`|^    |^\$ )make ([a-z-]+)", text, re.MULTILINE))
    managed = set(re.findall(r"manage\.py ([a-z_]+)", text))
    assert made <= targets()
    assert managed <= known_commands()


def known_commands() -> set[str]:
    return set(import_module("django.core.management").get_commands())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text())
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


def test_documents_named_in_code_and_settings_exist() -> None:
    code = [path for room in (*ROOMS, "tools", "tests") for path in (ROOT / room).rglob("*.py")]
    code += [ROOT / "Makefile", ROOT / ".env.example", ROOT / "pyproject.toml"]
    text = "\n".join(path.read_text() for path in code)
    named = set(re.findall(r"\bdocs/[\w/-]+\.(?:md|yaml)\b", text))
    # README.md stands in several folders; whoever names one names its folder too.
    named |= set(re.findall(r"(?<![\w])(?:[\w-]+/)*[A-Z]+\.md\b", text))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_decision_is_in_the_list_under_its_number() -> None:
    listed = re.findall(r"^(\d+)\. \[.+\]\((.+)\)$", read("docs/decisions/README.md"), re.MULTILINE)
    pages = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [page for _, page in listed] == pages
    assert [int(number) for number, _ in listed] == [int(page[:4]) for page in pages]
