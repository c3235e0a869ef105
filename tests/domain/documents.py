"""Files as people, and others, send them: made here, so that no binary lies in the tree."""

import io
import zipfile
import zlib
from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

COLOURS = {"paper": (250, 248, 240), "ink": (30, 30, 60)}
# What a camera notes beside the picture.
MAKE, GPS = 0x010F, 0x8825


def photo(
    kind: str = "JPEG", *, size: tuple[int, int] = (640, 480), mode: str = "RGB", **saved: object
) -> bytes:
    """A picture whose upper half is dark."""
    image = Image.new("RGB", size, COLOURS["paper"])
    image.paste(COLOURS["ink"], (0, 0, size[0], size[1] // 2))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **saved)
    return out.getvalue()


def photo_with_place() -> bytes:
    """As a phone held sideways takes it: turned, with camera and coordinates."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[MAKE] = "SECRET-PHONE"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (23.0, 15.0, 30.0)
    return photo(exif=exif, comment=b"SECRET-COMMENT")


def pdf(pages: int = 1, change: Callable[[PdfWriter], object] | None = None) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(300, 400)
    if change:
        change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def encrypted_pdf() -> bytes:
    return pdf(change=lambda writer: writer.encrypt("secret", algorithm="RC4-128"))


def pdf_with_action(kind: str, **entries: str) -> bytes:
    """A PDF that does something when it is opened."""

    def change(writer: PdfWriter) -> None:
        action = DictionaryObject({NameObject("/S"): NameObject(kind)})
        for key, value in entries.items():
            action[NameObject(f"/{key}")] = TextStringObject(value)
        writer._root_object[NameObject("/OpenAction")] = writer._add_object(action)

    return pdf(change=change)


def pdf_with_link() -> bytes:
    """As an airline's: a link to press, and a place at which it opens."""

    def change(writer: PdfWriter) -> None:
        action = {"/S": NameObject("/URI"), "/URI": TextStringObject("https://air.example")}
        annotation = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Link"),
                NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)]),
                NameObject("/A"): DictionaryObject(
                    {NameObject(key): value for key, value in action.items()}
                ),
            }
        )
        page = writer.pages[0]
        page[NameObject("/Annots")] = ArrayObject([writer._add_object(annotation)])
        writer._root_object[NameObject("/OpenAction")] = ArrayObject(
            [page.indirect_reference, NameObject("/Fit")]
        )

    return pdf(change=change)


def pdf_with_attachment() -> bytes:
    return pdf(change=lambda writer: writer.add_attachment("x.exe", b"MZ"))


def pdf_with_script() -> bytes:
    return pdf_with_action("/JavaScript", JS="app.alert(1)")


def pdf_with_hidden_script() -> bytes:
    """The names are written with escapes, as hostile files do."""
    return pdf_with_script().replace(b"/JavaScript", b"/#4aavaScript").replace(b"/JS", b"/J#53")


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("page.html", "<script>alert(1)</script>")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes which would be decoded to 900 million pixels."""
    small = photo("PNG", size=(30, 30), mode="1")
    start = small.index(b"IHDR") + 4
    huge = (30_000).to_bytes(4, "big") * 2
    header = b"IHDR" + huge + small[start + 8 : start + 13]
    return small[: start - 4] + header + zlib.crc32(header).to_bytes(4, "big") + small[start + 17 :]


def upload(content: bytes, name: str = "ticket.pdf", kind: str = "") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind or "application/pdf")
