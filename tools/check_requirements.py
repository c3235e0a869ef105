"""Check, without a network, that the hashed requirements fit pyproject.toml.

python -m tools.check_requirements
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[\w,-]+\])?==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+))?"
)
Pins = dict[str, Version]


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = pins(ROOT / "requirements.txt")
    dev = pins(ROOT / "requirements-dev.txt")
    problems = [
        *unmet(project["project"]["dependencies"], runtime, "requirements.txt"),
        *unmet(project["dependency-groups"]["dev"], dev, "requirements-dev.txt"),
        *apart(runtime, dev),
    ]
    for problem in problems:
        print(f"{problem} (make lock)")
    return 1 if problems else 0


def pins(path: Path) -> Pins:
    """The versions which the file names for the Python that is running."""
    found = filter(None, map(PIN.match, path.read_text().splitlines()))
    return {
        canonicalize_name(pin["name"]): Version(pin["version"])
        for pin in found
        if not pin["marker"] or Marker(pin["marker"].strip()).evaluate()
    }


def unmet(wanted: list[str], pinned: Pins, file: str) -> Iterator[str]:
    """Dependencies which are not pinned, or to a version that pyproject.toml does not allow."""
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{requirement.name} is in pyproject.toml but not in {file}"
        elif version not in requirement.specifier:
            yield f"{file} has {requirement.name} {version}, pyproject.toml wants {requirement}"


def apart(runtime: Pins, dev: Pins) -> Iterator[str]:
    """Tests must run on the very versions that serve people."""
    for name, version in runtime.items():
        other = dev.get(name)
        if other != version:
            yield f"{name} is {version} in requirements.txt, {other} in requirements-dev.txt"


if __name__ == "__main__":
    sys.exit(main())
