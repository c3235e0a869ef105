"""make screenshots: play the scenes on a site of its own and write docs/screenshots/*.png.

The site is the demo on SQLite in a temporary folder, its clock set to a fixed Sunday evening, so
that the same code gives the same pictures.

    python -m tests.browser.screenshots [NAME...]     all pictures, or those named
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import time_machine
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.test.testcases import LiveServerThread

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
# Sunday evening in India: the server has been down since Friday.
NOW = "2026-11-22T12:30:00+00:00"


def main(wanted: list[str]) -> int:
    with time_machine.travel(NOW) as clock, tempfile.TemporaryDirectory() as folder:
        _make_demo(folder)
        # The models which the camera asks can be loaded only now that the settings are known.
        camera = importlib.import_module("tests.browser.camera")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with _served() as host:
            for path, size in camera.play(host, FOLDER, wanted, clock.shift):
                sys.stdout.write(f"{path.name}: {size / 1000:.0f} kB\n")
    return 0


def _make_demo(folder: str) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="portal.settings",
        DJANGO_ALLOW_ASYNC_UNSAFE="true",
        DATABASE_URL=f"sqlite:///{folder}/portal.sqlite3",
        DEMO_MODE="1",
        LOG_LEVEL="ERROR",
        REDIS_URL="",
        VAR_DIR=folder,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("demo")


@contextmanager
def _served() -> Iterator[str]:
    """Serve the site by threads of this process; yields its address."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
