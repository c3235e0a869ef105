"""Compile the translation catalogue with Babel: set-up needs no gettext.

python -m tools.compile_messages
"""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parent.parent / "portal" / "locale"


def main() -> None:
    """Write every .mo that is older than its .po."""
    for po in LOCALES.glob("*/LC_MESSAGES/*.po"):
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime <= po.stat().st_mtime:
            compile_catalogue(po, mo)


def compile_catalogue(po: Path, mo: Path) -> None:
    """Write one catalogue; in place at once, for others may be reading the old one."""
    with po.open("rb") as source:
        catalogue = read_po(source)
    unfinished = mo.with_suffix(".mo.new")
    with unfinished.open("wb") as target:
        write_mo(target, catalogue)
    unfinished.replace(mo)


if __name__ == "__main__":
    main()
