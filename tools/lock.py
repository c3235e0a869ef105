"""Compile requirements.txt and requirements-dev.txt, with hashes, from pyproject.toml.

    python -m tools.lock [--upgrade]

Versions stay as they are unless pyproject.toml or --upgrade asks for others. The files serve
every platform and every Python from 3.11 on.
"""

import os
import subprocess
import sys

COMPILE = ["pip", "compile", "pyproject.toml", "--quiet", "--generate-hashes", "--universal"]
COMPILE += ["--python-version", "3.11", "--custom-compile-command", "make lock"]


def main(options: list[str]) -> None:
    environment = {**os.environ, "UV_PYTHON_PREFERENCE": "only-system", "UV_SYSTEM_CERTS": "1"}
    for more in (
        ["-o", "requirements.txt"],
        ["--group", "dev", "-c", "requirements.txt", "-o", "requirements-dev.txt"],
    ):
        command = [sys.executable, "-m", "uv", *COMPILE, *more, *options]
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main(sys.argv[1:])
