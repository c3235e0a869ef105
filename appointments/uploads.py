"""What is sent is held to the limit while it comes in: a file that is too large is kept nowhere."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

MEGABYTE = 1024 * 1024
# A request is read to its end even if its file is dropped: a browser shows our answer only after
# it has sent everything. From this size on the connection is closed instead.
MOST_READ = 60 * MEGABYTE


def most_bytes() -> int:
    return int(settings.FILE_MEGABYTES) * MEGABYTE


def was_too_large(request: HttpRequest) -> bool:
    """A file of this request was dropped for its size; its other fields are there."""
    return getattr(request, "_file_too_large", False)


class LimitedUpload(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: passes chunks on as long as the file is within the limit."""

    sent = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803 - Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        self.sent = content_length

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) <= most_bytes():
            return raw_data
        self.request._file_too_large = True  # type: ignore[union-attr]
        if self.sent > MOST_READ:
            raise StopUpload(connection_reset=True)
        raise SkipFile

    def file_complete(self, file_size: int) -> None:
        return None
