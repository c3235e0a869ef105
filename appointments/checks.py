"""Where people's files lie must not be where files are served from, nor be open to others."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import CheckMessage, Error

OTHERS = 0o077


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
