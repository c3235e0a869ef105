"""What must not be in the tree is not."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = {".html", ".js", ".css", ".svg"}
# A page may link to another site; it may not load anything from one.
LOADS = re.compile(
    r"""(?:<(?:script|img|iframe|source|link)\b[^>]*(?:src|href)\s*=\s*["']?|@import\s+["']?|url\(["']?"""
    r"""|\bfetch\(["']|\bimport\(?["'])\s*(?:https?:)?//""",
    re.IGNORECASE,
)
INLINE = re.compile(
    r"<style\b|<script(?![^>]*\bsrc=)[^>]*>|\sstyle\s*=\s*[\"']|\son[a-z]+\s*=\s*[\"']",
    re.IGNORECASE,
)
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bghp_\w{36}\b|\bxox[bp]-\w{10}"
)


def tracked() -> list[Path]:
    """Files that a clone of this tree would hold."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts(suffixes: set[str]) -> list[tuple[Path, str]]:
    """The pages we wrote; the mails' HTML, which has to be inline, is not a page."""
    found = [path for path in tracked() if path.suffix in suffixes]
    return [(path, path.read_text()) for path in found if "tests" not in path.parts]


def test_pages_load_nothing_from_another_host() -> None:
    assert [path for path, text in texts(PAGES) if LOADS.search(text)] == []


def test_pages_have_no_inline_script_or_style() -> None:
    pages = [(path, text) for path, text in texts({".html"}) if "email" not in path.parts]
    assert [path for path, text in pages if INLINE.search(text)] == []


def test_no_private_key_or_token_is_committed() -> None:
    small = [path for path in tracked() if path.stat().st_size < 1_000_000]
    found = [path for path in small if SECRETS.search(path.read_text(errors="ignore"))]
    assert found == []


def test_no_environment_file_or_database_is_committed() -> None:
    names = [path.name for path in tracked()]
    assert [name for name in names if name == ".env" or name.endswith((".sqlite3", ".mo"))] == []


def test_front_end_files_of_others_come_from_packages() -> None:
    foreign = re.compile(r"node_modules|\.min\.|bootstrap.*\.(js|css)|htmx.*\.js|jquery|\.woff")
    assert [path for path in tracked() if foreign.search(str(path.relative_to(ROOT)))] == []


def test_scripts_of_the_tree_parse_in_the_oldest_python_that_may_start_them() -> None:
    # bootstrap.py says in words that a Python is too old, so that Python must be able to read it.
    source = (ROOT / "tools" / "bootstrap.py").read_text()
    assert "from __future__ import annotations" in source
    assert not re.search(r"^\s*match .*:$|:=| except\*", source, re.MULTILINE)
