"""Make .venv and install a hashed requirements file into it, with the standard library alone.

    python3 tools/bootstrap.py requirements.txt

Works on a bare Debian (no pip, no python3-venv): where Python cannot put pip into a virtual
environment, pip's wheel is fetched from the package index and checked against the hash below.
The packages are installed by uv; where uv does not run, by pip. PIP_INDEX_URL, pip.conf and the
certificates of the system are honoured, so that it works behind a closed network's mirror.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
OTHER_NAMES = ["python3.14", "python3.13", "python3.12", "python3.11"]
PUBLIC_INDEX = "https://pypi.org/simple"
PIP_WHEEL = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
PIP_QUIET = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]


class CannotSetUp(Exception):
    """Set-up cannot go on; the text is one line for the person at the console."""


def main(requirements: Path) -> None:
    if sys.version_info < OLDEST:
        run_with_newer_python()
    if not works(VENV):
        make_venv()
    say(f"Installing {requirements.name} into {VENV.name}")
    install(requirements)


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def run_with_newer_python() -> None:
    """Replace this process by one of a Python that is new enough."""
    for name in OTHER_NAMES:
        path = shutil.which(name)
        if path:
            os.execv(path, [path, *sys.argv])
    found = ".".join(str(part) for part in sys.version_info[:3])
    raise CannotSetUp(f"Python 3.11 or newer is needed, this is {found}: make PYTHON=/path/to/it")


def python_of(venv: Path) -> str:
    return str(venv / "bin" / "python")


def works(venv: Path) -> bool:
    """Whether `venv` has a Python of the right age and a pip (a moved folder has neither)."""
    script = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([python_of(venv), "-c", script], capture_output=True).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    """Create .venv with pip in it."""
    say(f"Making {VENV.name} with Python {sys.version.split()[0]}")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(command, capture_output=True).returncode == 0 and works(VENV):
        return
    bare = subprocess.run(
        [*command, "--without-pip"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if bare.returncode != 0:
        raise CannotSetUp(f"Python's venv module does not work here: {bare.stdout.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        wheel = fetch_pip(Path(folder))
        # A wheel is a zip that Python can run: pip installs itself.
        run([python_of(VENV), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)])


def fetch_pip(folder: Path) -> Path:
    """Download pip's wheel from the package index; its hash must be the one above."""
    page_address = index_address().rstrip("/") + "/pip/"
    say(f"Fetching {PIP_WHEEL}")
    try:
        with urllib.request.urlopen(page_address, timeout=60) as page:
            links = re.findall(r'href="([^"]+)"', page.read().decode())
        link = next(one for one in links if PIP_WHEEL in one)
        with urllib.request.urlopen(urllib.parse.urljoin(page_address, link), timeout=60) as file:
            content = file.read()
    except (OSError, StopIteration) as error:
        problem = f"{PIP_WHEEL} could not be fetched from the package index: {error!r}"
        raise CannotSetUp(problem) from error
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        raise CannotSetUp(f"{PIP_WHEEL} of the package index is not the one that was reviewed")
    path = folder / PIP_WHEEL
    path.write_bytes(content)
    return path


def index_address() -> str:
    """The package index: PIP_INDEX_URL, else pip.conf's, else the public one."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    pip = [python_of(VENV), "-m", "pip", "config", "get", "global.index-url"]
    asked = subprocess.run(pip, capture_output=True, text=True)
    return asked.stdout.strip() or PUBLIC_INDEX


def install(requirements: Path) -> None:
    """Install what the file names, hashes checked: by uv, or by pip where uv does not run."""
    address = index_address()
    settings = {
        "UV_PYTHON_PREFERENCE": "only-system",
        "UV_SYSTEM_CERTS": "1",  # a closed network has certificates of its own
        "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy"),  # .venv may be on another disk
        **({"UV_DEFAULT_INDEX": address} if address != PUBLIC_INDEX else {}),
    }
    rest = ["--require-hashes", "-r", str(requirements)]
    try:
        uv = find_uv()
        python = ["--python", python_of(VENV)]
        run([uv, "pip", "install", *python, *rest], env={**os.environ, **settings})
    except (subprocess.CalledProcessError, OSError):
        say("uv did not manage; pip takes over (slower)")
        run([python_of(VENV), "-m", "pip", "install", *PIP_QUIET, *rest])


def find_uv() -> str:
    """Path of uv in .venv, installed first if need be, as pinned in requirements-dev.txt."""
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        pins = (ROOT / "requirements-dev.txt").read_text()
        pin = re.search(r"^uv==.*(?:\n    --hash=.*)+", pins, re.MULTILINE)
        if pin is None:
            raise CannotSetUp("requirements-dev.txt does not pin uv: make lock")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(pin.group())
            file.flush()
            quiet = ["--quiet", *PIP_QUIET, "--require-hashes", "-r", file.name]
            run([python_of(VENV), "-m", "pip", "install", *quiet])
    return str(uv)


def run(command: list[str], env: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, env=env)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve())
    except CannotSetUp as problem:
        sys.exit(f"[setup] {problem}")
    except subprocess.CalledProcessError as problem:
        sys.exit(f"[setup] This command failed: {' '.join(map(str, problem.cmd))}")
    except KeyboardInterrupt:
        sys.exit(130)
