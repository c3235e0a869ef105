"""`make run`, with real processes on a free port."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from tools import run as run_tool

ROOT = Path(settings.BASE_DIR)
BuildEnv = Callable[..., dict[str, str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(env: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tools.run"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(run: "subprocess.Popen[str]", last: str) -> str:
    """What the process prints, up to the line that holds `last`."""
    assert run.stdout is not None
    printed = ""
    for line in run.stdout:
        printed += line
        if last in line:
            return printed
    raise AssertionError(f"It ended before it said {last!r}:\n{printed}")


def processes_with(word: str) -> list[str]:
    """Command lines of running processes whose environment holds `word`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word in (folder / "environ").read_bytes().decode(errors="replace"):
                found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if line]


def test_port_in_use_is_said_in_one_line(site_env: BuildEnv) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start(site_env(PORT=str(port)))
        output, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert output == f"Port {port} is in use. Another: make run PORT={port + 1}\n"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes through /proc")
def test_site_answers_and_ctrl_c_stops_all_of_it(site_env: BuildEnv, tmp_path: Path) -> None:
    port = free_port()
    with start(site_env(PORT=str(port), DEMO_MODE="0")) as run:
        try:
            assert "The portal is up after" in read_until(run, "Ctrl-C stops everything")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                assert page.status == 200
            running = "\n".join(processes_with(str(tmp_path)))
            for process in ("granian", "messages@", "housekeeping@", "beat"):
                assert process in running
            os.kill(run.pid, signal.SIGINT)
            assert run.wait(timeout=40) == 0
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    give_up_at = time.monotonic() + 5
    while processes_with(str(tmp_path)) and time.monotonic() < give_up_at:
        time.sleep(0.1)
    assert processes_with(str(tmp_path)) == []


def test_simulated_gateways_are_started_and_the_site_speaks_to_them(monkeypatch):
    for name in ("SMS_GATEWAY", "MSG91_URL", "SIMULATOR_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIMULATE_GATEWAYS", "0")
    assert "smsgateway" not in run_tool.processes()
    monkeypatch.setenv("SIMULATE_GATEWAYS", "1")
    assert "smsgateway" in run_tool.processes()
    with monkeypatch.context() as environment:
        environment.setattr(os, "environ", dict(os.environ))
        run_tool.simulate_gateways()
        assert os.environ["SMS_GATEWAY"] == "msg91,mobile_seva"
        assert os.environ["MSG91_URL"].endswith(os.environ["SIMULATOR_PORT"])
