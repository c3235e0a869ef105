"""What the tests of the demo share: a small office, and a digest of everything it holds."""

import csv
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from appointments import reference
from appointments.models import Application, Appointment, Slot, TimelineEntry, VisitAttempt

# Centre: seats a day in the normal, Tatkaal and PCC quotas. The cast has seats at all three.
SMALL = {"BPL": (10, 14, 2), "IDR": (8, 12, 2), "JBP": (6, 0, 2)}
SMALL_SEATS = sum(sum(seats) for seats in SMALL.values())


def small_office(folder: Path) -> Path:
    """The office's files with three centres and few seats, so that a build takes a moment."""
    shutil.copytree(reference.FOLDER, folder)
    path = folder / "centres_mp.csv"
    with path.open(encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        lines = [line for line in reader if line["code"] in SMALL]
    for line in lines:
        for quota, seats in zip(("normal", "tatkaal", "pcc"), SMALL[line["code"]], strict=True):
            line[f"{quota}_per_day"] = str(seats)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(lines)
    return folder


def digest() -> str:
    """One value for all rows of the demo, by what they say and not by their ids."""
    sha = hashlib.sha256()
    for rows in (
        _rows(
            Application.objects.all(),
            "arn", "name", "date_of_birth", "service", "on_hold", "home_centre__code", "phone",
            "email", "language", "family", "disability", "medical", "travel_date",
            "travel_proof_accepted", "claimed_by__phone", "claimed_at",
        ),
        _rows(
            Appointment.objects.all(),
            "application__arn", "slot__centre__code", "slot__quota", "slot__starts_at", "state",
            "booked_at", "moved_count",
        ),
        _rows(VisitAttempt.objects.all(), "application__arn", "date", "chosen_at"),
        _rows(
            TimelineEntry.objects.all(),
            "appointment__application__arn", "at", "event", "by", "from_slot__starts_at",
            "to_slot__starts_at",
        ),
        _rows(
            Slot.objects.all(),
            "centre__code", "quota", "starts_at", "date", "seats", "closed", "taken", "paused",
        ),
        _rows(User.objects.all(), "email", "phone", "name", "language", "date_joined"),
    ):  # fmt: skip
        for row in rows:
            sha.update(row.encode())
    return sha.hexdigest()


def _rows(queryset: "QuerySet[Any]", *fields: str) -> Iterable[str]:
    return sorted(repr(row) for row in queryset.order_by().values_list(*fields))
