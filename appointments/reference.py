"""The office's reference data: regions, centres, their weekly templates, holidays.

The files (data/README.md) are read whole and checked before a row is written. Loading makes the
database say what the files say about the things that they name; what an office added by hand
(centres, Saturday templates, holidays of other names) stays.
"""

from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path

from django.conf import settings
from django.db import transaction

from appointments.csv_rows import BadFile, Row, check_unique, read
from appointments.models import Centre, Holiday, Quota, Region, SlotTemplate

FOLDER = Path(settings.BASE_DIR) / "data"
# Quotas that the file of centres gives seats a day for. On-hold visits have none by default.
DAILY_QUOTAS = (Quota.NORMAL, Quota.TATKAAL, Quota.PCC)
MOST_SEATS = 5000
VERIFY_REASONS = {
    "moon": "hangs on the sighting of the moon",
    "list": "not yet compared with the official list",
    "committee": "chosen by the state's committee",
}

CENTRE_COLUMNS = (
    "code", "name_en", "name_hi", "kind", "district_en", "district_hi", "pin", "lat", "lon",
    *(f"{quota}_per_day" for quota in DAILY_QUOTAS),
)  # fmt: skip

Starts = dict[tuple[str, str], list[time]]


@dataclass(frozen=True)
class CentreLine:
    """One line of a file of centres, checked."""

    code: str
    values: dict[str, str | float]
    seats: dict[str, int]


@dataclass(frozen=True)
class HolidayLine:
    day: date
    name_en: str
    name_hi: str
    region: str
    verify: str


@dataclass(frozen=True)
class Files:
    """All files, checked; nothing of it is in the database yet."""

    regions: dict[str, dict[str, str]]
    centres: dict[str, list[CentreLine]]
    starts: Starts
    holidays: list[HolidayLine]


@dataclass
class Loaded:
    """How many rows the files describe, and how many had to be written for it."""

    regions: int = 0
    centres: int = 0
    templates: int = 0
    holidays: int = 0
    changed: int = 0
    to_verify: list[HolidayLine] = field(default_factory=list)


# --- Reading -----------------------------------------------------------------------------------


def read_files(folder: Path) -> Files:
    """Read and check all files of a folder; raises BadFile."""
    rows = read(folder / "regions.csv", ("code", "name_en", "name_hi", "centres"))
    check_unique(rows, ("code",))
    regions = {
        row.text("code", longest=12): {key: row.text(key) for key in ("name_en", "name_hi")}
        for row in rows
    }
    starts = _read_starts(folder / "slot_templates.csv")
    by_region = {row.text("code"): folder / row.text("centres") for row in rows}
    return Files(
        regions=regions,
        centres={code: _read_centres(path, starts) for code, path in by_region.items()},
        starts=starts,
        holidays=_read_holidays(folder / "holidays.csv", regions),
    )


def _read_starts(path: Path) -> Starts:
    rows = read(path, ("kind", "quota", "start"))
    check_unique(rows, ("kind", "quota", "start"))
    starts: Starts = {}
    for row in rows:
        key = (row.one_of("kind", Centre.Kind.values), row.one_of("quota", Quota.values))
        starts.setdefault(key, []).append(row.clock("start"))
    return {key: sorted(times) for key, times in starts.items()}


def _read_centres(path: Path, starts: Starts) -> list[CentreLine]:
    rows = read(path, CENTRE_COLUMNS)
    check_unique(rows, ("code",))
    return [_centre_line(row, starts) for row in rows]


def _centre_line(row: Row, starts: Starts) -> CentreLine:
    kind = row.one_of("kind", Centre.Kind.values)
    pin = row.text("pin")
    if not (len(pin) == 6 and pin.isascii() and pin.isdigit()):
        raise row.bad("pin", f"'{pin}' is not a PIN code of six digits")
    seats = {
        str(quota): row.whole(f"{quota}_per_day", at_most=MOST_SEATS) for quota in DAILY_QUOTAS
    }
    for quota, number in seats.items():
        if number and (kind, quota) not in starts:
            problem = f"slot_templates.csv has no start time for {kind} {quota}"
            raise row.bad(f"{quota}_per_day", problem)
    # Centres are named after their town: "PSK Bhopal".
    town = {f"town_{lang}": row.text(f"name_{lang}").split(" ", 1)[-1] for lang in ("en", "hi")}
    values: dict[str, str | float] = {
        "name_en": row.text("name_en"),
        "name_hi": row.text("name_hi"),
        "kind": kind,
        **town,
        "district_en": row.text("district_en", longest=40),
        "district_hi": row.text("district_hi", longest=40),
        "pin": pin,
        "lat": row.decimal("lat", within=90),
        "lon": row.decimal("lon", within=180),
    }
    return CentreLine(code=row.text("code", longest=8), values=values, seats=seats)


def _read_holidays(path: Path, regions: dict[str, dict[str, str]]) -> list[HolidayLine]:
    rows = read(path, ("date", "name_en", "name_hi", "region", "verify"))
    check_unique(rows, ("date", "region"))
    return [
        HolidayLine(
            day=row.day("date"),
            name_en=row.text("name_en"),
            name_hi=row.text("name_hi"),
            region=row.optional("region") and row.one_of("region", regions),
            verify=row.optional("verify") and row.one_of("verify", VERIFY_REASONS),
        )
        for row in rows
    ]


def even_shares(seats: int, starts: list[time]) -> dict[time, int]:
    """The day's seats over its start times: evenly, the rest to the earlier ones; none of 0.

    >>> even_shares(10, [time(9), time(11), time(12)])
    {datetime.time(9, 0): 4, datetime.time(11, 0): 3, datetime.time(12, 0): 3}
    """
    each, rest = divmod(seats, len(starts)) if starts else (0, 0)
    shares = {start: each + (place < rest) for place, start in enumerate(starts)}
    return {start: share for start, share in shares.items() if share}


# --- Writing -----------------------------------------------------------------------------------


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


def _write_centres(
    region: Region, lines: list[CentreLine], starts: Starts, loaded: Loaded
) -> None:
    known = Centre.objects.in_bulk([line.code for line in lines], field_name="code")
    for line in lines:
        centre = known.get(line.code) or Centre(code=line.code, region=region)
        if centre.region_id != region.pk:
            raise BadFile("regions.csv", f"centre {line.code} belongs to another region already")
        _write(centre, line.values, loaded)
        _write_templates(centre, line.seats, starts, loaded)
        loaded.centres += 1


def _write_templates(
    centre: Centre, seats: dict[str, int], starts: Starts, loaded: Loaded
) -> None:
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


def _write_holidays(
    lines: list[HolidayLine], regions: dict[str, Region], loaded: Loaded
) -> None:
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


def _write[M: (Region, Centre, SlotTemplate, Holiday)](
    row: M, values: dict[str, object], loaded: Loaded
) -> M:
    return row
