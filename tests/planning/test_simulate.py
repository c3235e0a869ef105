"""`manage.py simulate`, as an officer runs it."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.planning.builders import MONDAY, TUESDAY, WEDNESDAY, cut, person, scenario, slot

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "scenario_mp_2025_06.json"
DATA = scenario(
    [cut(1, MONDAY, 3, 1), slot(2, TUESDAY, centre="SHR"), slot(3, WEDNESDAY, 2)],
    [person("25-1", 1), person("25-2", 1), person("25-3", 1)],
    centre_change=0,
)


@pytest.fixture
def scenario_file(tmp_path):
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(DATA))
    return path


def simulate(*arguments):
    """What it prints, called from Python: without a database, which pytest-django would refuse."""
    out = StringIO()
    call_command("simulate", *map(str, arguments), stdout=out)
    return out.getvalue()


def planned(tmp_path, *arguments):
    simulate(*arguments, "--plan", tmp_path / "plan.json")
    return json.loads((tmp_path / "plan.json").read_bytes())


@pytest.fixture
def shell(site_env):
    """Runs it as a process whose database cannot be reached."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "manage.py", "simulate", *map(str, arguments)],
            cwd=ROOT,
            env=site_env(DATABASE_URL="postgres://nobody@127.0.0.1:1/none"),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_summary_printed(scenario_file):
    text = simulate(scenario_file)
    assert "3 people competing, over-subscribed slots: 1. Kept 1, moved 2, without a seat 0" in text
    assert "Backlog cleared: on Wednesday 25 June 2025" in text


def test_plan_written_whole_and_nothing_beside_it(scenario_file, tmp_path):
    plan = planned(tmp_path, scenario_file)
    assert (plan["keep"], [row["slot"] for row in plan["move"]]) == (["25-1"], [3, 3])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "scenario.json"]


def test_plan_overwrites_an_older_one(scenario_file, tmp_path):
    (tmp_path / "plan.json").write_text("old" * 9999)
    assert planned(tmp_path, scenario_file)["keep"] == ["25-1"]


def test_policy_option_in_place_of_the_file(scenario_file, tmp_path):
    plan = planned(tmp_path, scenario_file, "--max-km", 25)
    assert [row["slot"] for row in plan["move"]] == [2, 3]
    plan = planned(tmp_path, scenario_file, "--reserve-share", "0.5")
    assert [row["slot"] for row in plan["move"]] == [3]
    assert [row["reason"] for row in plan["unplaced"]] == ["seats_taken"]


def test_open_seats_option(scenario_file, tmp_path):
    assert len(planned(tmp_path, scenario_file, "--open-seats", 2)["keep"]) == 2


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("--max-km", "far", 'policy.max_km: must be a whole number, not "far"'),
        ("--max-km", "1.5", "policy.max_km: must be a whole number, not 1.5"),
        ("--lead-hours", "-1", "policy.lead_hours: must not be negative, but is -1"),
        ("--reserve-share", "2", "policy.reserve_share: must be from 0 to 1, but is 2"),
        ("--reserve-share", "nan", "policy.reserve_share: must be a number, not NaN"),
        ("--open-seats", "many", '--open-seats: must be a whole number, not "many"'),
    ],
)
def test_option_that_makes_no_sense(scenario_file, option, value, line):
    with pytest.raises(CommandError) as caught:
        simulate(scenario_file, f"{option}={value}")
    assert (str(caught.value), caught.value.returncode) == (line, 2)


def test_bad_input_leaves_an_older_plan_alone(scenario_file, tmp_path):
    scenario_file.write_text("{")
    (tmp_path / "plan.json").write_text("old")
    with pytest.raises(CommandError):
        simulate(scenario_file, "--plan", tmp_path / "plan.json")
    assert (tmp_path / "plan.json").read_text() == "old"


def test_bad_input_in_a_shell_exits_2_with_one_line(shell, scenario_file):
    people = [*DATA["appointments"], person("25-4", 99)]
    scenario_file.write_text(json.dumps(DATA | {"appointments": people}))
    done = shell(scenario_file)
    assert (done.returncode, done.stderr, done.stdout) == (
        2,
        "appointments[3].slot: no slot 99\n",
        "",
    )


def test_missing_file_in_a_shell_exits_2_with_one_line(shell, tmp_path):
    done = shell(tmp_path / "none.json")
    assert (done.returncode, done.stderr) == (
        2,
        f"{tmp_path}/none.json: No such file or directory\n",
    )


def test_plan_that_cannot_be_written_in_a_shell_exits_2_with_one_line(
    shell, scenario_file, tmp_path
):
    done = shell(scenario_file, "--plan", tmp_path / "none" / "plan.json")
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path}/none/plan.json: No such file or directory\n"


def test_sample_in_a_shell(shell, tmp_path):
    done = shell(SAMPLE, "--plan", tmp_path / "plan.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "6,511 people" in done.stdout
    plan = json.loads((tmp_path / "plan.json").read_bytes())
    assert len(plan["keep"]) + len(plan["move"]) + len(plan["unplaced"]) == 6511
