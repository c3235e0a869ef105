"""Find the programs that only tests and checks need, or install them with apt.

    python3 tools/system_packages.py

Needs nothing when all are there. Installs as root or through `sudo` without a password; otherwise
says in one line what is missing. No server is started and no port is touched: Debian's packages
would start PostgreSQL on 5432 and Redis on 6379, which is held off here. `make run` needs none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Debian calls this script, if it is there, before it starts a service; 101 means "do not".
POLICY = Path("/usr/sbin/policy-rc.d")
NO_CLUSTER = "create_main_cluster = false"
CLUSTER_SETTINGS = "/etc/postgresql-common/createcluster.conf"
# What drives pages in tests, best first: the shell draws the same pages without the window that the
# whole browser lays out around each, and is a fifth quicker.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.fonts").expanduser())


def main() -> None:
    missing = [package for package, there in wanted().items() if not there]
    if not missing:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not may_install(as_root):
        sys.exit(f"[services] Please install: {' '.join(missing)} (apt-get needs root here)")
    print(f"[services] Installing with apt: {' '.join(missing)}", flush=True)
    apt(as_root, "update")
    if BROWSERS[0] in missing and not is_known(BROWSERS[0]):
        missing[missing.index(BROWSERS[0])] = BROWSERS[1]
    with services_held_off(as_root):
        if "postgresql" in missing:
            apt(as_root, "install", "postgresql-common")
            forbid_main_cluster(as_root)
        apt(as_root, "install", *missing)
    if "redis-server" in missing and Path("/run/systemd/system").exists():
        run([*as_root, "systemctl", "disable", "--quiet", "redis-server"])
    still = [package for package, there in wanted().items() if not there]
    if still:
        sys.exit(f"[services] apt installed these, but they are not found: {' '.join(still)}")


def wanted() -> dict[str, bool]:
    """Debian's packages, and whether what we need of each is on this machine."""
    return {
        "postgresql": bool(shutil.which("initdb"))
        or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        "redis-server": bool(shutil.which("redis-server")),
        BROWSERS[0]: any(map(shutil.which, BROWSERS)),
        "fonts-noto-core": devanagari_there(),
        "gettext": bool(shutil.which("xgettext")),
    }


def devanagari_there() -> bool:
    """Whether Chromium can draw Hindi: screenshots of empty boxes prove nothing."""
    return any(file for folder in FONTS for file in folder.rglob("*Devanagari*.[to]tf"))


def is_known(package: str) -> bool:
    """Whether apt can install it: older releases, and Ubuntu, have no shell of Chromium."""
    return subprocess.run(["apt-cache", "show", package], capture_output=True).returncode == 0


def may_install(as_root: list[str]) -> bool:
    if not shutil.which("apt-get"):
        return False
    if not as_root:
        return True
    sudo_works = [*as_root, "true"]
    return (
        bool(shutil.which("sudo"))
        and subprocess.run(sudo_works, capture_output=True).returncode == 0
    )


@contextmanager
def services_held_off(as_root: list[str]) -> Iterator[None]:
    """Keep Debian from starting the servers it installs, as long as the block runs."""
    if POLICY.exists():  # somebody else's policy stands; a container's usually says the same
        yield
        return
    write(as_root, str(POLICY), "#!/bin/sh\nexit 101\n")
    run([*as_root, "chmod", "755", str(POLICY)])
    try:
        yield
    finally:
        run([*as_root, "rm", "-f", str(POLICY)])


def forbid_main_cluster(as_root: list[str]) -> None:
    """Keep postgresql-common from making a cluster which waits on port 5432 for the next boot."""
    settings = Path(CLUSTER_SETTINGS).read_text()
    if NO_CLUSTER not in settings:
        write(as_root, CLUSTER_SETTINGS, f"{settings.rstrip()}\n{NO_CLUSTER}\n")


def apt(as_root: list[str], command: str, *packages: str) -> None:
    quiet = ["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=3"]
    if command == "install":
        quiet += ["-y", "--no-install-recommends"]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    run([*as_root, *environment, "apt-get", *quiet, command, *packages])


def write(as_root: list[str], path: str, text: str) -> None:
    subprocess.run(
        [*as_root, "tee", path], input=text, text=True, check=True, stdout=subprocess.DEVNULL
    )


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as problem:
        sys.exit(f"[services] This command failed: {' '.join(problem.cmd)}")
