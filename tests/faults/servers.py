"""A whole site on servers of its own that may be killed, frozen and restarted.

PostgreSQL keeps its promises here (fsync and synchronous commit are on): what it loses when it is
stopped in the middle counts against the portal. Redis keeps nothing on disk. Nobody but this run
uses either; all end with it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psycopg
import redis

from tests import services

ROOT = Path(__file__).resolve().parent.parent.parent
DIES_WITH_US = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []
WORKER = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "portal"]
WATCH_SECONDS = 0.5
MESSAGE_PROCESSES = 2  # so that one may be killed alone
SUPERVISED = ("web", "messages", "housekeeping", "beat")

Process = subprocess.Popen[bytes]


class Servers:
    """The processes by name; `watch` starts again what died, as systemd does with the units."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)  # the account of PostgreSQL must be able to walk through it
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.home = folder / "postgres"
        self.port = _free_port()
        self.log = folder / "site.log"
        self.database = f"postgres://portal@/portal?host={self.home}"
        self.running: dict[str, Process] = {}
        self.left_dead: set[str] = set()  # the supervisor leaves them alone for now
        self.extra: dict[str, str] = {}  # settings of the site that a run adds
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "VAR_DIR": str(self.folder / "var"),
            "DATABASE_URL": self.database,
            "REDIS_URL": f"unix://{self.socket}",
            "SECRET_KEY": "faults-only-" + "0" * 50,
            "SITE_HOST": f"127.0.0.1:{self.port}",
            "LOG_LEVEL": "ERROR",
            "STATEMENT_TIMEOUT": "30s",
            **self.extra,
        }

    # --- Starting -----------------------------------------------------------------------------

    def start(self) -> None:
        (self.folder / "var").mkdir()
        self._make_cluster()
        self.start_postgres()
        self.start_redis()
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            check=True,
            cwd=ROOT,
            env=self.environment(),
        )
        for name in self._commands():
            self.start_process(name)
        self._wait_for_page()
        self._watcher.start()

    def _make_cluster(self) -> None:
        self.home.mkdir()
        account = services.server_account()
        if account:
            shutil.chown(self.home, account.pw_uid, account.pw_gid)
        as_account = ["setpriv", *services.identity(account)] if account else []
        program = services.server_program("initdb", "postgresql")
        options = ["-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(
            [*as_account, program, "-D", str(self.home / "data"), *options],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.home,
        )

    def start_postgres(self) -> None:
        program = services.server_program("postgres", "postgresql")
        settings = ["--listen_addresses=", "--max_connections=100", "--timezone=UTC"]
        command = [program, "-D", str(self.home / "data"), "-k", str(self.home), *settings]
        if DIES_WITH_US:
            identity = services.identity(services.server_account())
            command = ["setpriv", "--pdeathsig=INT", *identity, *command]
        self._spawn("postgres", command, cwd=self.home)
        services.wait_until(lambda: self._connect("postgres").close())
        with self._connect("postgres") as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname='portal'").fetchone():
                server.execute("CREATE DATABASE portal")

    def _connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host=str(self.home), user="portal", dbname=database, autocommit=True)

    def start_redis(self) -> None:
        command = [services.server_program("redis-server", "redis-server"), "--port", "0"]
        command += ["--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._spawn("redis", [*DIES_WITH_US, *command], cwd=self.folder)
        services.wait_until(self.redis().ping)

    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))

    def _commands(self) -> dict[str, list[str]]:
        """As in deploy/Procfile."""
        web = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        web += ["--workers", "1", "--blocking-threads", "4", "--log-level", "warning"]
        schedule = str(self.folder / "second-beat")
        return {
            "web": [sys.executable, "-m", *web, "portal.wsgi:application"],
            "messages": [
                *CELERY,
                "worker",
                "-Q",
                "urgent,messages",
                "-n",
                "m@%h",
                "-c",
                str(MESSAGE_PROCESSES),
                *WORKER,
            ],
            "housekeeping": [
                *(*CELERY, "worker", "-Q", "housekeeping,plans", "-n", "h@%h", "-c", "1"),
                *WORKER,
            ],
            "beat": [*CELERY, "beat", "--loglevel", "WARNING"],
            "second beat": [*CELERY, "beat", "--loglevel", "WARNING", "--schedule", schedule],
        }

    def start_process(self, name: str) -> None:
        command = self._commands()[name]
        self._spawn(name, [*DIES_WITH_US, *command], cwd=ROOT, env=self.environment())
        self.left_dead.discard(name)

    def _spawn(
        self, name: str, command: list[str], *, cwd: Path, env: dict[str, str] | None = None
    ) -> None:
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_for_page(self) -> None:
        give_up_at = time.monotonic() + services.START_SECONDS
        while time.monotonic() < give_up_at:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.address}/healthz/", timeout=5).close()
                return
            time.sleep(0.1)
        raise AssertionError(self.log.read_text()[-3000:])

    def rewire(self, extra: dict[str, str]) -> None:
        """Start the site again with other settings."""
        self.extra = extra
        for name in SUPERVISED:
            self.kill(name, leave_dead=True)
        for name in SUPERVISED:
            self.start_process(name)
        self._wait_for_page()

    # --- Ending -------------------------------------------------------------------------------

    def kill(self, name: str, *, leave_dead: bool = False) -> None:
        """-9, to the process and all its children."""
        if leave_dead:
            self.left_dead.add(name)
        process = self.running[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_a_child(self, name: str) -> None:
        """-9, to one process of the pool; the main process lives and must notice."""
        path = Path(f"/proc/{self.running[name].pid}/task/{self.running[name].pid}/children")
        os.kill(int(path.read_text().split()[0]), signal.SIGKILL)

    def send(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    def stop_postgres(self, how: signal.Signals) -> None:
        """SIGQUIT is `pg_ctl stop -m immediate`, SIGINT is `-m fast`."""
        self.send("postgres", how)
        self.running["postgres"].wait(60)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            for name in SUPERVISED:
                if name not in self.left_dead and self.running[name].poll() is not None:
                    self.start_process(name)

    def stop(self) -> None:
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        with contextlib.suppress(KeyError, subprocess.TimeoutExpired):
            for name in ("second beat", "beat", "messages", "housekeeping", "web", "redis"):
                if name in self.running:
                    self.kill(name)
            self.stop_postgres(signal.SIGINT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
