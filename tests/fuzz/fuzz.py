"""`make fuzz`: schemathesis asks a real server 20,000 made-up questions, as all who may ask.

The server is the portal as deployed (granian, PostgreSQL, Redis), on sockets and a port of its own.
Every answer is held against docs/openapi.yaml: no 5xx, no undeclared status, no body, header or
media type other than declared. Figures go to build/fuzz.json.

    FUZZ_EXAMPLES=230    made-up requests for each operation, each asker and each phase
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

from tests import services

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "fuzz.json"
SCHEMA = ROOT / "docs" / "openapi.yaml"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "230"))
SEED = os.environ.get("FUZZ_SEED", "2026")
LEAVING = r"/sign-in/tokens/(current|\{token_id\})/"
PATIENCE = 180  # seconds until the server answers
HERE = Path(__file__).parent
# Django is set up before the world is imported: it builds on models.
FILL = "import django; django.setup(); from tests.fuzz.world import main; main()"


def main() -> int:
    """Fuzz as each asker; 1 if anything was found."""
    services.prepare_environment()
    rows = run(EXAMPLES)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        print(f"{row['asker']:<10} {row['cases']:>6} cases  {row['failures']:>3} failures")
    print(f"{sum(row['cases'] for row in rows)} cases in all; {OUT.relative_to(ROOT)}")
    return 1 if any(row["failures"] for row in rows) else 0


def run(examples: int) -> list[dict[str, Any]]:
    """A row for each asker: who, cases, failures, seconds."""
    with tempfile.TemporaryDirectory(prefix="portal-fuzz-") as folder:
        env = _environment(Path(folder))
        _python(env, "manage.py", "migrate", "--verbosity", "0")
        world = json.loads(_python(env, "-c", FILL))
        config = Path(folder, "schemathesis.toml")
        config.write_text((HERE / "schemathesis.toml").read_text() + _known(world["ids"]))
        port = _free_port()
        server = _serve(env, port, Path(folder, "server.log"))
        try:
            _wait_for(port)
            tokens = world["tokens"].items()
            return [_ask(env, port, config, who, token, examples) for who, token in tokens]
        finally:
            server.terminate()
            server.wait()


def _environment(folder: Path) -> dict[str, str]:
    host = os.environ["DATABASE_URL"].partition("host=")[2]
    with psycopg.connect(host=host, user="portal", dbname="postgres", autocommit=True) as database:
        database.execute("DROP DATABASE IF EXISTS fuzz WITH (FORCE)")
        database.execute("CREATE DATABASE fuzz")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.fuzz.settings",
        "DATABASE_URL": f"postgres://portal@/fuzz?host={host}",
        "REDIS_URL": os.environ["REDIS_URL"] + "?db=61",
        "VAR_DIR": str(folder / "var"),
        "LOG_LEVEL": "ERROR",
    }


def _python(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _serve(env: dict[str, str], port: int, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    command += ["--blocking-threads", "2", "--log-level", "warning", "portal.wsgi:application"]
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)


def _known(ids: dict[str, list[int]]) -> str:
    """Rows that are there, for most of the requests: made-up ids would only ever be not found."""
    lists = "".join(f"[dictionaries.{name}]\nvalues = {rows}\n" for name, rows in ids.items())
    uses = "".join(
        f'"{"body" if name == "slot" else "path"}.{name}" = '
        f'{{ dictionary = "{name}", probability = 0.7 }}\n'
        for name in ids
    )
    return f"\n{lists}\n[parameters]\n{uses}"


def _ask(
    env: dict[str, str], port: int, config: Path, who: str, token: str, examples: int
) -> dict[str, Any]:
    """One asker. Only the leaver may revoke tokens: the others would be nobody from then on."""
    started = time.monotonic()
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", str(config), "run", str(SCHEMA)]
    command += ["--url", f"http://127.0.0.1:{port}", "--checks", "all", "--no-color"]
    command += ["--max-examples", str(examples), "--seed", SEED, "--continue-on-failure"]
    command += ["--include-path-regex" if who == "leaver" else "--exclude-path-regex", LEAVING]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    log = OUT.with_name(f"fuzz-{who}.log")
    log.parent.mkdir(exist_ok=True)
    log.write_text(done.stdout + done.stderr)
    failures = _number(done.stdout, "found") or int(done.returncode != 0)
    seconds = round(time.monotonic() - started, 1)
    return {
        "asker": who,
        "cases": _number(done.stdout, "generated"),
        "failures": failures,
        "seconds": seconds,
    }


def _number(said: str, word: str) -> int:
    """The number before a word of schemathesis's last lines; none, if it is not there."""
    match = re.search(rf"([\d,]+) {word}", said)
    return int(match[1].replace(",", "")) if match else 0


if __name__ == "__main__":
    sys.exit(main())
