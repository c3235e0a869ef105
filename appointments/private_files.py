"""The private folder: files that people sent. It has no address; who may read asks a verb.

Names are random and say nothing of whose a file is. Folders are for this account alone (700, 600).
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Iterator

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

log = logging.getLogger(__name__)

FOLDER = "travel"
FILE_MODE, FOLDER_MODE = 0o600, 0o700


def storage() -> FileSystemStorage:
    return FileSystemStorage(
        location=settings.PRIVATE_FILES_DIR,
        file_permissions_mode=FILE_MODE,
        directory_permissions_mode=FOLDER_MODE,
    )


def keep(content: bytes, *, suffix: str) -> str:
    """Write a new file, and return its name."""
    return storage().save(f"{FOLDER}/{secrets.token_hex(16)}{suffix}", ContentFile(content))


def read(name: str, *, sha256: str) -> bytes | None:
    """The file as it was kept; None if it is not there, or is not the same any more."""
    try:
        with storage().open(name) as file:
            content: bytes = file.read()
    except OSError as error:
        log.error("a private file cannot be read: %s", type(error).__name__)
        return None
    if hashlib.sha256(content).hexdigest() != sha256:
        log.error("a private file is not what was kept")
        return None
    return content


def delete(name: str) -> None:
    """Twice is as good as once."""
    storage().delete(name)


def older_than(seconds: float) -> Iterator[str]:
    """Names of all files that were written that long ago."""
    store = storage()
    if not store.exists(FOLDER):
        return
    latest = time.time() - seconds
    for file in store.listdir(FOLDER)[1]:
        name = f"{FOLDER}/{file}"
        try:
            written = store.get_modified_time(name).timestamp()
        except FileNotFoundError:  # deleted meanwhile
            continue
        if written < latest:
            yield name
