"""The office's files of reference data (data/README.md), read and checked. No database here."""

from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from appointments.csv_rows import Row, check_unique, read
from appointments.models import Centre, Quota

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
        "name_en": row.text("name_en", longest=46),
        "name_hi": row.text("name_hi", longest=46),
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
