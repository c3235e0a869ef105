"""The office's reference data: regions, centres, their weekly templates, holidays.

Loading makes the database say what the files say about the things that they name; what an office
added by hand (centres, Saturday templates, holidays of other names) stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import models, transaction

from appointments.csv_rows import BadFile
from appointments.models import Centre, Holiday, Region, SlotTemplate
from appointments.reference_files import (
    CentreLine,
    Files,
    HolidayLine,
    Starts,
    even_shares,
    read_files,
)

FOLDER = Path(settings.BASE_DIR) / "data"
M = TypeVar("M", bound=models.Model)


@dataclass
class Loaded:
    """How many rows the files describe, and how many had to be written for it."""

    regions: int = 0
    centres: int = 0
    templates: int = 0
    holidays: int = 0
    changed: int = 0
    to_verify: list[HolidayLine] = field(default_factory=list)


def load(*, folder: Path = FOLDER, today: date) -> Loaded:
    """Bring the folder's files into the database; a second call changes nothing.

    Raises BadFile, and then nothing was written. `to_verify` lists holidays from `today` on whose
    day the office has to confirm.
    """
    files = read_files(folder)
    loaded = Loaded(to_verify=[h for h in files.holidays if h.verify and h.day >= today])
    with transaction.atomic():
        regions = _write_regions(files, loaded)
        for code, lines in files.centres.items():
            _write_centres(regions[code], lines, files.starts, loaded)
        _write_holidays(files.holidays, regions, loaded)
    return loaded


def _write_regions(files: Files, loaded: Loaded) -> dict[str, Region]:
    regions = {}
    for code, values in files.regions.items():
        known = Region.objects.filter(code=code).first()
        regions[code] = _write(known or Region(code=code), values, loaded)
        loaded.regions += 1
    return regions


def _write_centres(region: Region, lines: list[CentreLine], starts: Starts, loaded: Loaded) -> None:
    known = Centre.objects.in_bulk([line.code for line in lines], field_name="code")
    for line in lines:
        centre = known.get(line.code) or Centre(code=line.code, region=region)
        if centre.region_id != region.pk:
            raise BadFile("regions.csv", f"centre {line.code} belongs to another region already")
        _write(centre, line.values, loaded)
        _write_templates(centre, line.seats, starts, loaded)
        loaded.centres += 1


def _write_templates(centre: Centre, seats: dict[str, int], starts: Starts, loaded: Loaded) -> None:
    """Templates of every working day; those of one weekday are the office's own."""
    wanted = {
        (quota, start): share
        for quota, number in seats.items()
        for start, share in even_shares(number, starts.get((centre.kind, quota), [])).items()
    }
    known = {
        (template.quota, template.start): template
        for template in centre.templates.filter(weekday=None, quota__in=seats)
    }
    for key in known.keys() - wanted.keys():
        known[key].delete()
        loaded.changed += 1
    for (quota, start), share in wanted.items():
        template = known.get((quota, start)) or SlotTemplate(
            centre=centre, quota=quota, start=start
        )
        _write(template, {"seats": share}, loaded)
    loaded.templates += len(wanted)


def _write_holidays(lines: list[HolidayLine], regions: dict[str, Region], loaded: Loaded) -> None:
    """Also takes away the old day of a holiday whose date was corrected in its year."""
    wanted = {(line.region, line.day): line for line in lines}
    named = {(line.region, line.name_en, line.day.year) for line in lines}
    known: dict[tuple[str, date], Holiday] = {}
    for holiday in Holiday.objects.select_related("region"):
        code = holiday.region.code if holiday.region else ""
        if (code, holiday.date) in wanted:
            known[code, holiday.date] = holiday
        elif (code, holiday.name_en, holiday.date.year) in named:
            holiday.delete()
            loaded.changed += 1
    for key, line in wanted.items():
        holiday = known.get(key) or Holiday(region=regions.get(line.region), date=line.day)
        _write(holiday, {"name_en": line.name_en, "name_hi": line.name_hi}, loaded)
    loaded.holidays = len(wanted)


def _write(row: M, values: Mapping[str, object], loaded: Loaded) -> M:
    """Save the row if it is new or says something else."""
    if row.pk is not None and all(getattr(row, name) == value for name, value in values.items()):
        return row
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    loaded.changed += 1
    return row
