"""Plan from a scenario file, without touching the database."""

import os
import time
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from appointments.planning.errors import PlanningError, ScenarioError
from appointments.planning.plan import Plan
from appointments.planning.problem import Policy, Problem
from appointments.planning.report import report
from appointments.planning.scenario import parse, parse_policy
from appointments.planning.solver import solve
from appointments.planning.summary import summarise
from appointments.planning.values import whole
from appointments.planning.verify import verify
from appointments.planning.what_if import with_open_seats

FAILED = 1
BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Solves the planning problem in a scenario file with the code that prepares plans, and "
        "prints a summary. Exit code 2: something in the file or an option is wrong."
    )
    # Nothing here needs the database or a complete site.
    requires_system_checks: list[str] = []
    from_shell = False

    def run_from_argv(self, argv: list[str]) -> None:
        self.from_shell = True
        super().run_from_argv(argv)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenario", metavar="SCENARIO.json")
        parser.add_argument("--plan", metavar="PLAN.json", help="write the plan to this file")
        parser.add_argument(
            "--open-seats",
            metavar="N",
            help="what if: on each day with closures at least N seats stay open in all",
        )
        policy = parser.add_argument_group("policy", "in place of the file's")
        for field in fields(Policy):
            policy.add_argument(_option(field.name), metavar="N", dest=field.name)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            problem, read_seconds = self._read(Path(options["scenario"]), options)
            plan = replace(self._solve(problem), read_seconds=read_seconds)
            if options["plan"]:
                write_atomically(Path(options["plan"]), plan.as_bytes())
        except ScenarioError as error:
            self._refuse(str(error), BAD_INPUT)
        except OSError as error:
            self._refuse(f"{error.filename}: {error.strerror}", BAD_INPUT)
        except PlanningError as error:
            self._refuse(str(error), FAILED)
        self.stdout.write(report(problem, plan, summarise(problem, plan)))

    def _read(self, path: Path, options: dict[str, Any]) -> tuple[Problem, float]:
        started = time.perf_counter()
        problem = parse(path.read_bytes())
        seconds = time.perf_counter() - started
        return _with_options(problem, options), seconds

    def _solve(self, problem: Problem) -> Plan:
        # disable=None: no bar where stderr is not a terminal.
        with tqdm(total=len(problem.pool), unit="people", leave=False, disable=None) as bar:
            plan = solve(problem, progress=lambda done, _: bar.update(done - bar.n))
        verify(problem, plan)
        return plan

    def _refuse(self, line: str, code: int) -> NoReturn:
        """One line and the exit code for a shell; the usual exception for Python callers."""
        if not self.from_shell:
            raise CommandError(line, returncode=code)
        self.stderr.write(line)
        raise SystemExit(code)


def write_atomically(path: Path, content: bytes) -> None:
    """The whole file or, if anything fails, what stood there before."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def _option(policy_key: str) -> str:
    return "--" + policy_key.replace("_", "-")


def _with_options(problem: Problem, options: dict[str, Any]) -> Problem:
    given = {
        field.name: _number(options[field.name])
        for field in fields(Policy)
        if options[field.name] is not None
    }
    wanted = parse_policy(given)
    policy = replace(problem.policy, **{key: getattr(wanted, key) for key in given})
    problem = replace(problem, policy=policy)
    if options["open_seats"] is None:
        return problem
    try:
        return with_open_seats(problem, whole(_number(options["open_seats"])))
    except ValueError as error:
        raise ScenarioError("--open-seats", str(error)) from None


def _number(text: str) -> int | Decimal | str:
    """What is no number stays as it is, to be refused with its place."""
    for read in (int, Decimal):
        with suppress(ValueError, InvalidOperation):
            return read(text)
    return text
