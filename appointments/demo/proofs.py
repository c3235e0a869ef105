"""Two proofs of travel that wait for an officer: a photo and a PDF, drawn here, of nobody."""

import io
from datetime import date, time, timedelta

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from appointments import private_files, proof_files, travel
from appointments.models import Application, TravelProof
from appointments.proof_files import Document
from appointments.slots import local_moment

# Phone of the person in the cast -> kind of file; both are of Bhopal, where the centre officer is.
SENDERS = {"+919876543210": "photo", "+919876543212": "pdf"}
TRAVELS_IN = timedelta(days=16)
SENT_AT = time(21, 30)
INK, PAPER = (29, 27, 24), (251, 248, 241)


def send_proofs(*, today: date) -> None:
    """As if sent yesterday evening; the cast's timelines say nothing of today."""
    applications = Application.objects.filter(phone__in=SENDERS, claimed_by__isnull=False)
    for application in applications.order_by("pk"):
        day = today + TRAVELS_IN
        lines = ["BOARDING PASS (specimen)", application.name, f"{day:%d %B %Y}", "BHO - DEL - DXB"]
        document = _document(SENDERS[application.phone], lines)
        TravelProof.objects.create(
            application=application,
            travel_date=day,
            stored_as=private_files.keep(document.content, suffix=document.suffix),
            content_type=document.content_type,
            size=len(document.content),
            sha256=document.sha256,
            uploaded_at=local_moment(today - timedelta(days=1), SENT_AT),
            uploaded_by_id=application.claimed_by_id,
            delete_after=travel.after_travel(day),
        )


def _document(kind: str, lines: list[str]) -> Document:
    picture = Image.new("RGB", (900, 420), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((40, 40 + number * 85), line, fill=INK, font_size=44)
    out = io.BytesIO()
    picture.save(out, "PDF" if kind == "pdf" else "JPEG", quality=85)
    return proof_files.read(ContentFile(out.getvalue()))


def forget_files() -> None:
    """When the rows are taken away: their files would lie about for an hour."""
    names = TravelProof.objects.exclude(stored_as="").values_list("stored_as", flat=True)
    for name in names:
        private_files.delete(name)
