"""Where people's files lie must not be where files are served from, nor be open to others; the
site's name must not be so long that its SMS cost more than they should."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import CheckMessage, Error, Warning

from appointments import tokens

OTHERS = 0o077
# With a link and a brand so long, Hindi texts take two parts and English ones take one.
LONGEST_LINK, LONGEST_BRAND = 26, 6


def check_private_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    folder = Path(settings.PRIVATE_FILES_DIR).resolve()
    if any(folder.is_relative_to(served) for served in _served_folders()):
        return [
            Error(
                "PRIVATE_FILES_DIR lies in a folder whose files anybody can load.",
                hint="Choose a folder outside of the static files.",
                id="appointments.E001",
            )
        ]
    if folder.is_dir() and folder.stat().st_mode & OTHERS:
        return [
            Error(
                "Other accounts of this machine can look into PRIVATE_FILES_DIR.",
                hint=f"chmod 700 {folder}",
                id="appointments.E002",
            )
        ]
    return []


def _served_folders() -> list[Path]:
    named = [settings.STATIC_ROOT, settings.MEDIA_ROOT]
    for finder in get_finders():
        storages = getattr(finder, "storages", {})
        named += [storage.location for storage in storages.values()]
    return [Path(folder).resolve() for folder in named if folder]


def check_link_length(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Texts of message_kinds.py are counted with these lengths (tests/notifications)."""
    link = len(settings.SITE_HOST) + 1 + tokens.LENGTH
    too_long = link + len(settings.SMS_BRAND) - LONGEST_LINK - LONGEST_BRAND
    if too_long <= 0:
        return []
    return [
        Warning(
            f"SITE_HOST and SMS_BRAND together are {too_long} letters too long: some SMS take a"
            " part more, and cost as much.",
            hint=f"Give the site a name of at most {LONGEST_LINK - 1 - tokens.LENGTH} letters.",
            id="appointments.W003",
        )
    ]
