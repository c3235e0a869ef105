"""What a sent file really is, judged by its content: its name and its header may say anything.

A photo is opened, turned upright and drawn anew: what else was in it (place, camera, a second file)
does not come along. A PDF is kept as it came, so it must hold nothing that acts.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import PurePath

from django.core.files.base import File
from PIL import Image, ImageOps

from appointments import pdf_files
from appointments.errors import Refusal
from appointments.models import TravelProof
from appointments.uploads import MEGABYTE, most_bytes

# What Pillow reads without help. Phones photograph in JPEG; screenshots are PNG.
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP")
# 50 megapixels are what good phones take. A JPEG is decoded no larger than needed; the others
# whole, which is 100 MB of memory for a moment.
MOST_PIXELS = {"JPEG": 50_000_000}
MOST_PIXELS_DECODED = 25_000_000
# Enough to read the small print of a page.
LONGEST_SIDE = 2400
PHOTO_QUALITY = 85
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Document:
    """A file that was judged and may be kept. Only `read` makes one."""

    content: bytes
    content_type: TravelProof.Kind

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def suffix(self) -> str:
        return ".pdf" if self.content_type == TravelProof.Kind.PDF else ".jpg"


def read(upload: File) -> Document:
    """Judge a file. Refusals: file_missing, file_too_large, file_kind, file_damaged and so on."""
    if not upload.size:
        raise Refusal("file_missing")
    if upload.size > most_bytes():
        raise too_large()
    upload.seek(0)
    content = upload.read(most_bytes() + 1)
    if len(content) > most_bytes():
        raise too_large()
    return judge(content)


def too_large() -> Refusal:
    return Refusal("file_too_large", megabytes=most_bytes() // MEGABYTE)


def judge(content: bytes) -> Document:
    if content.startswith(pdf_files.START):
        _check_not_two(content)
        pdf_files.check(content)
        return Document(content, TravelProof.Kind.PDF)
    return Document(_photo(content), TravelProof.Kind.PHOTO)


def _check_not_two(content: bytes) -> None:
    """A file that is two at once: one program sees a PDF, another an archive."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise Refusal("file_mixed")


def _photo(content: bytes) -> bytes:
    with _opened(content) as image:
        _check_pixels(image)
        if pdf_files.START in content:
            raise Refusal("file_mixed")
        _check_not_two(content)
        try:
            return _drawn_anew(image)
        except Exception as error:  # a decoder may raise anything on a file made to break it
            raise Refusal("file_damaged") from error


def _opened(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content), formats=PHOTO_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refusal("photo_too_large") from error
    except Exception as error:
        raise Refusal("file_kind") from error


def _check_pixels(image: Image.Image) -> None:
    """By the header, before anything is decoded."""
    most = MOST_PIXELS.get(image.format or "", MOST_PIXELS_DECODED)
    if image.width * image.height > most:
        raise Refusal("photo_too_large")


def _drawn_anew(image: Image.Image) -> bytes:
    """The picture alone, upright, on white, at most LONGEST_SIDE wide or high, as JPEG."""
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image)
    # A new picture has no EXIF, no comment and no profile.
    page = Image.new("RGB", upright.size, WHITE)
    if upright.has_transparency_data:
        seen = upright.convert("RGBA")
        page.paste(seen, mask=seen.getchannel("A"))
    else:
        page.paste(upright.convert("RGB"))
    drawn = io.BytesIO()
    page.save(drawn, "JPEG", quality=PHOTO_QUALITY)
    return drawn.getvalue()


def file_name(proof: TravelProof) -> str:
    """What the document is called when an officer opens it: nothing personal."""
    return f"travel-proof-{proof.pk}{PurePath(proof.stored_as).suffix}"
