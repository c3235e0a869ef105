"""Private PostgreSQL and Redis for one run of the suite (a pytest plugin).

pyproject.toml loads it by `addopts = -p tests.services`, because DATABASE_URL and REDIS_URL must
stand before Django reads its settings, and a conftest.py comes too late for that. The servers
listen on Unix sockets in a temporary folder, never on a port; all xdist workers of the run share
them, each with a database and a cache number of its own; they end with the run, on Ctrl-C too.

    TEST_DATABASE=sqlite    SQLite files and the file cache instead; no server is started
"""

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

# Set by the process that started the servers: xdist workers inherit it and start nothing.
FOLDER_VARIABLE = "PORTAL_TEST_FOLDER"
START_SECONDS = 120
STOP_SECONDS = 30
# Unprivileged accounts that may own the data folder when the suite runs as root, best first.
SERVER_ACCOUNTS = ("postgres", "nobody")
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "300",  # races open 200 at once
    "shared_buffers": "128MB",
    # The data lives as long as the run: nothing is lost when the machine stops half-way.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
}


class ServiceMissing(Exception):
    """A server program that the suite needs is not installed; the text says what to do."""


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """A wrapper, so that it runs before pytest-django loads the settings."""
    try:
        prepare_environment()
    except ServiceMissing as missing:
        raise pytest.UsageError(str(missing)) from missing
    return (yield)


def prepare_environment() -> None:
    """Point the settings at services of this run, starting them if nobody has."""
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ["SECRET_KEY"] = "tests-only-" + "0" * 50
    if FOLDER_VARIABLE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="portal-tests-"))
        folder.chmod(0o755)  # the server's account must be able to walk through it
        os.environ[FOLDER_VARIABLE] = str(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        # A plain kill ends the run as Ctrl-C does, so that the servers are stopped.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if on_sqlite():
            os.environ.pop("REDIS_URL", None)
        else:
            os.environ["DATABASE_URL"] = start_postgres(folder)
            os.environ["REDIS_URL"] = start_redis(folder)
    # Files of a site (messages, cache, broker) are apart for each worker of xdist.
    var = Path(os.environ[FOLDER_VARIABLE]) / os.environ.get("PYTEST_XDIST_WORKER", "main")
    var.mkdir(exist_ok=True)
    os.environ["VAR_DIR"] = str(var)
    if on_sqlite():
        os.environ["DATABASE_URL"] = f"sqlite:///{var / 'portal.sqlite3'}"


def on_sqlite() -> bool:
    """Whether this run was asked for on SQLite."""
    wanted = os.environ.get("TEST_DATABASE", "postgresql")
    if wanted not in {"postgresql", "sqlite"}:
        raise ServiceMissing(f"TEST_DATABASE is '{wanted}'; it can be postgresql or sqlite.")
    return wanted == "sqlite"


def start_postgres(folder: Path) -> str:
    """Start a new cluster under `folder`; returns its DATABASE_URL."""
    initdb = server_program("initdb", "postgresql")
    postgres = server_program("postgres", "postgresql")
    home = folder / "postgres"
    home.mkdir()
    account = server_account()
    if account:
        shutil.chown(home, account.pw_uid, account.pw_gid)
    as_account = ["setpriv", *identity(account)] if account else []
    options = ["-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(
        [*as_account, initdb, "-D", str(home / "data"), *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=home,
    )
    settings = [f"--{name}={value}" for name, value in POSTGRES_OPTIONS.items()]
    start_server(
        [postgres, "-D", str(home / "data"), "-k", str(home), *settings],
        account=account,
        log=folder / "postgres.log",
        stop_with=signal.SIGINT,  # "fast": clients that are still connected are cut off
    )
    wait_until(lambda: psycopg.connect(host=str(home), user="portal", dbname="postgres").close())
    return f"postgres://portal@/portal?host={home}"


def start_redis(folder: Path) -> str:
    """Start a Redis which keeps nothing on disk; returns its REDIS_URL."""
    socket = folder / "redis.sock"
    command = [server_program("redis-server", "redis-server"), "--port", "0"]
    command += ["--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    command += ["--databases", "64", "--dir", str(folder)]
    start_server(command, account=None, log=folder / "redis.log", stop_with=signal.SIGTERM)
    wait_until(lambda: redis.Redis(unix_socket_path=str(socket)).ping())
    return f"unix://{socket}"


def start_server(
    command: list[str], *, account: pwd.struct_passwd | None, log: Path, stop_with: signal.Signals
) -> None:
    """Run a server as our child and promise to stop it at the end of this process."""
    if shutil.which("setpriv"):
        # The kernel stops it even when this process is killed without a chance to clean up. The
        # change of account must be of the same step: it would cancel an earlier promise.
        ends_with_us = f"--pdeathsig={stop_with.name.removeprefix('SIG')}"
        command = ["setpriv", ends_with_us, *identity(account), *command]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server itself
            cwd=log.parent,
        )
    atexit.register(stop_server, server, stop_with)


def stop_server(server: "subprocess.Popen[bytes]", stop_with: signal.Signals) -> None:
    """Ask the server to end; insist after STOP_SECONDS."""
    server.send_signal(stop_with)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until(answers: Callable[[], object]) -> None:
    """Wait for a server's first answer; the last error is raised if none comes."""
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        with contextlib.suppress(psycopg.OperationalError, redis.RedisError):
            answers()
            return
        time.sleep(0.02)
    answers()


def server_account() -> pwd.struct_passwd | None:
    """The account to run PostgreSQL as, which refuses root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in SERVER_ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServiceMissing("PostgreSQL cannot run as root, and there is no user 'nobody' here.")


def identity(account: pwd.struct_passwd | None) -> list[str]:
    """The options of setpriv which run a command as `account`."""
    if account is None:
        return []
    return [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def server_program(name: str, package: str) -> str:
    """Path of a server program; Debian keeps PostgreSQL's outside of PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3])
    )
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise ServiceMissing(
            f"{name} was not found. Install {package} (`make test` does it where it may),"
            " or run a part of the suite with TEST_DATABASE=sqlite."
        )
    return path
