"""`make run`: prepare the database, fill the demo if it is empty, start all processes.

The processes are those of deploy/Procfile, under one supervisor: when one ends, or on Ctrl-C, all
end. What the environment or .env says wins; without a word this is the demo on SQLite.
"""

import contextlib
import io
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from pathlib import Path

import django
import environ
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from honcho import manager as honcho_manager
from honcho.compat import ProcessManager
from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parent.parent
WAIT_FOR_PAGE_SECONDS = 60
STOP_SECONDS = 15  # an idle worker takes 5 to 7 to say goodbye to the broker on files
# True of every `make run` and of no use there: a demo in a container is root; static files come
# straight from the packages.
QUIET = [
    "ignore:You're running the worker with superuser privileges",
    "ignore:No directory at",
]


def main() -> int:
    started = time.monotonic()
    host, port = prepare_environment()
    if in_use(host, port):
        print(f"Port {port} is in use. Another: make run PORT={port + 1}", file=sys.stderr)
        return 1
    prepare_site()
    address = f"http://{host}:{port}"
    threading.Thread(target=announce, args=(address, started), daemon=True).start()
    return supervise()


def prepare_environment() -> tuple[str, int]:
    """Fill in what neither the environment nor .env says; returns host and port."""
    environ.Env.read_env(ROOT / ".env")
    host = os.environ.setdefault("HOST", "127.0.0.1")
    port = os.environ.setdefault("PORT", "8000")
    os.environ.setdefault("DEMO_MODE", "1")
    os.environ.setdefault("SITE_HOST", f"{host}:{port}")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("PYTHONWARNINGS", ",".join(QUIET))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ["PYTHONUNBUFFERED"] = "1"
    if simulated():
        simulate_gateways()
    # The Procfile says `python`: that of this environment.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return host, int(port)


def simulated() -> bool:
    return environ.Env().bool("SIMULATE_GATEWAYS", default=False)


def simulate_gateways() -> None:
    """Send SMS through the gateways' own protocols, to simulators that this run starts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = os.environ.setdefault("SIMULATOR_PORT", str(free.getsockname()[1]))
    url = f"http://127.0.0.1:{port}"
    os.environ.setdefault("SMS_GATEWAY", "msg91,mobile_seva")
    for name in ("MSG91_URL", "MOBILE_SEVA_URL"):
        os.environ.setdefault(name, url)
    for name in ("MSG91_AUTHKEY", "MOBILE_SEVA_USERNAME", "MOBILE_SEVA_PASSWORD"):
        os.environ.setdefault(name, "demo")
    os.environ.setdefault("MOBILE_SEVA_SECURE_KEY", "demo")


def in_use(host: str, port: int) -> bool:
    """Whether somebody listens there already."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return True
    return False


def prepare_site() -> None:
    """Migrate; in demo mode fill an empty database."""
    django.setup()
    say("Preparing the database")
    call_command("migrate", verbosity=0, interactive=False)
    if demo_mode() and not apps.get_model("appointments", "Region").objects.exists():
        say("Filling the demo: the centres of Madhya Pradesh, their seats and applicants")
        call_command("demo", stdout=io.StringIO())  # what it says is said once the page is up
    connections.close_all()


def demo_mode() -> bool:
    return environ.Env().bool("DEMO_MODE")


def announce(address: str, started: float) -> None:
    """Once the first page answers, say where to click."""
    if not page_answers(address):
        say(f"No page at {address} after {WAIT_FOR_PAGE_SECONDS} seconds; see the lines above")
        return
    say(f"The portal is up after {time.monotonic() - started:.0f} s: {address}/")
    if demo_mode():
        print()
        call_command("demo", show=True)
        connections.close_all()
        print()
    if simulated():
        say(
            f"The operators' gateway is simulated at http://127.0.0.1:{os.environ['SIMULATOR_PORT']}"
        )
    say(f"Open {address}/  -  Ctrl-C stops everything")


def page_answers(address: str) -> bool:
    """Wait for the first page; whether it came."""
    give_up_at = time.monotonic() + WAIT_FOR_PAGE_SECONDS
    while time.monotonic() < give_up_at:
        with (
            contextlib.suppress(OSError),  # not up yet, or not well yet
            urllib.request.urlopen(address, timeout=10) as page,
        ):
            return bool(page.status == 200)
        time.sleep(0.1)
    return False


class MainProcessFirst(ProcessManager):
    """Asks only the main process of each command to end; honcho asks the whole group.

    A Celery worker whose pool is gone cannot finish its tasks and hangs until it is killed.
    """

    def terminate(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def supervise() -> int:
    """Run deploy/Procfile until Ctrl-C or until one process ends; returns the exit code."""
    honcho_manager.KILL_WAIT = STOP_SECONDS
    manager = honcho_manager.Manager()
    manager._procmgr = MainProcessFirst()
    for name, command in processes().items():
        # Not honcho's own start: it gives each process another PORT, and links would differ.
        manager.add_process(name, command, env=dict(os.environ), cwd=str(ROOT))
    manager.loop()
    interrupted = manager.returncode in (130, 143)
    return 0 if interrupted else int(manager.returncode or 0)


def processes() -> dict[str, str]:
    """Name -> command."""
    files = ["deploy/Procfile", *(["deploy/Procfile.simulators"] if simulated() else [])]
    found: dict[str, str] = {}
    for path in files:
        found |= parse_procfile((ROOT / path).read_text()).processes
    return found


def say(text: str) -> None:
    print(f"[run] {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
