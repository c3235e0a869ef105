"""Collect the texts of code and templates into the Hindi catalogue (needs gettext).

    python -m tools.collect_messages

The same code gives the same bytes: no dates, no line numbers, no wrapping.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("portal/locale/hi/LC_MESSAGES/django.po")
# Officers read English; everything an applicant sees is in both languages.
IGNORE = ["templates/admin/*", "tests/*", "tools/*", "bench/*", "var/*", "build/*", "staticfiles/*"]


def collect(root: Path) -> Path:
    """Bring the catalogue of the tree at `root` up to its code; returns the catalogue's path."""
    command = [sys.executable, "manage.py", "makemessages", "--locale", "hi", "--verbosity", "0"]
    command += ["--no-location", "--no-wrap"]
    command += [f"--ignore={pattern}" for pattern in IGNORE]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    subprocess.run(command, cwd=root, check=True, env=environment)
    catalogue = root / CATALOGUE
    # The date of collecting changes at each call and says nothing.
    text = re.sub(r'"POT-Creation-Date:[^"]*"\n', "", catalogue.read_text())
    catalogue.write_text(text)
    return catalogue


if __name__ == "__main__":
    print(
        f"[messages] Collected into {collect(ROOT).relative_to(ROOT)}; what is new is empty there"
    )
