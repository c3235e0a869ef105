"""The office's files: what they say reaches the database, once, and mistakes are named."""

import csv
import shutil
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from appointments import reference
from appointments.csv_rows import BadFile
from appointments.models import Centre, Holiday, Quota, Region, SlotTemplate
from appointments.reference_files import even_shares

pytestmark = pytest.mark.django_db
TODAY = date(2026, 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the office's files that a test may spoil."""
    copy = tmp_path / "data"
    shutil.copytree(reference.FOLDER, copy)
    return copy


def load(folder: Path = reference.FOLDER) -> reference.Loaded:
    return reference.load(folder=folder, today=TODAY)


def edit(path: Path, change: Callable[[list[list[str]]], None]) -> None:
    """Change the lines of a CSV file; line numbers as a person counts them start at 1."""
    with path.open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    change(lines)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)


def set_value(path: Path, line: int, column: str, value: str) -> None:
    def change(lines: list[list[str]]) -> None:
        lines[line - 1][lines[0].index(column)] = value

    edit(path, change)


# --- What is loaded -----------------------------------------------------------------------------


def test_seats_of_the_day_are_2200_as_published() -> None:
    load()
    totals = {
        row["quota"]: row["seats"]
        for row in SlotTemplate.objects.values("quota").annotate(seats=Sum("seats"))
    }
    assert totals == {Quota.NORMAL: 1044, Quota.TATKAAL: 1000, Quota.PCC: 156}


def test_each_centres_seats_add_up_to_its_line() -> None:
    load()
    with (reference.FOLDER / "centres_mp.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert Centre.objects.count() == len(lines) == 26
    for line in lines:
        templates = SlotTemplate.objects.filter(centre__code=line["code"], weekday=None)
        for quota in ("normal", "tatkaal", "pcc"):
            total = templates.filter(quota=quota).aggregate(n=Sum("seats", default=0))["n"]
            assert total == int(line[f"{quota}_per_day"]), (line["code"], quota)


def test_a_day_is_cut_as_in_the_published_scenario() -> None:
    load()
    tatkaal = SlotTemplate.objects.filter(centre__code="BPL", quota="tatkaal").order_by("start")
    assert [(t.start, t.seats) for t in tatkaal] == [
        (time(9, 30), 130),
        (time(11, 0), 130),
        (time(12, 30), 130),
        (time(14, 30), 130),
    ]
    pcc = SlotTemplate.objects.filter(centre__code="SDH", quota="pcc").order_by("start")
    assert [(t.start, t.seats) for t in pcc] == [(time(9, 30), 1), (time(11, 0), 1)]


def test_a_centre_has_its_names_in_both_languages() -> None:
    load()
    centre = Centre.objects.get(code="NPM")
    assert (centre.kind, centre.pin) == ("POPSK", "461001")
    assert (centre.town_in("en"), centre.town_in("hi")) == ("Narmadapuram", "नर्मदापुरम")
    assert centre.region.name_in("hi") == "भोपाल"


def test_fixed_holidays_of_every_year_are_there() -> None:
    load()
    for year in (2025, 2026, 2027):
        days = set(Holiday.objects.filter(date__year=year).values_list("date", flat=True))
        for month, day in ((1, 26), (8, 15), (10, 2), (12, 25)):
            assert date(year, month, day) in days
        # 14 compulsory and 3 chosen; two may fall on one day.
        assert 16 <= len(days) <= 17


def test_holidays_that_hang_on_the_moon_are_listed_for_the_office() -> None:
    names = {(line.name_en, line.day.year, line.verify) for line in load().to_verify}
    assert ("Id-ul-Fitr", 2026, "moon") in names
    assert ("Diwali (Deepavali)", 2027, "list") in names
    assert all(line.day >= TODAY for line in load().to_verify)


def test_seats_that_do_not_divide_go_to_the_earlier_times() -> None:
    starts = [time(9), time(11), time(12)]
    assert even_shares(10, starts) == {time(9): 4, time(11): 3, time(12): 3}
    assert even_shares(2, starts) == {time(9): 1, time(11): 1}
    assert even_shares(0, starts) == {}


# --- Again, and after a correction --------------------------------------------------------------


def test_loading_again_writes_nothing() -> None:
    assert load().changed > 0
    before = [list(model.objects.order_by("pk").values()) for model in MODELS]
    assert load().changed == 0
    assert [list(model.objects.order_by("pk").values()) for model in MODELS] == before


MODELS = (Region, Centre, SlotTemplate, Holiday)


def test_a_corrected_holiday_leaves_its_old_day(folder: Path) -> None:
    load(folder)
    number = line_of(folder / "holidays.csv", "2026-05-27")
    set_value(folder / "holidays.csv", number, "date", "2026-05-28")
    load(folder)
    days = Holiday.objects.filter(name_en__startswith="Id-ul-Zuha", date__year=2026)
    assert [holiday.date for holiday in days] == [date(2026, 5, 28)]


def line_of(path: Path, start: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(start))


def test_seats_taken_from_a_centre_take_its_templates_away(folder: Path) -> None:
    load(folder)
    number = line_of(folder / "centres_mp.csv", "TKG")
    set_value(folder / "centres_mp.csv", number, "pcc_per_day", "0")
    set_value(folder / "centres_mp.csv", number, "normal_per_day", "40")
    load(folder)
    seats = dict(
        SlotTemplate.objects.filter(centre__code="TKG")
        .values_list("quota")
        .annotate(n=Sum("seats"))
    )
    assert seats == {"normal": 40}


def test_what_an_office_added_by_hand_stays() -> None:
    load()
    region, centre = Region.objects.get(), Centre.objects.get(code="BPL")
    saturday = SlotTemplate.objects.create(
        centre=centre, quota="tatkaal", weekday=5, start=time(10), seats=70
    )
    local = Holiday.objects.create(
        region=region, date=date(2026, 3, 8), name_en="Rang Panchami", name_hi="रंग पंचमी"
    )
    load()
    assert SlotTemplate.objects.filter(pk=saturday.pk, seats=70).exists()
    assert Holiday.objects.filter(pk=local.pk).exists()


# --- Mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line", "column", "value", "problem"),
    [
        ("centres_mp.csv", 3, "lat", "north", "'north' is not a number"),
        ("centres_mp.csv", 3, "lat", "nan", "is not between -90 and 90"),
        ("centres_mp.csv", 3, "lon", "275", "is not between -180 and 180"),
        ("centres_mp.csv", 4, "pin", "4740", "is not a PIN code of six digits"),
        ("centres_mp.csv", 4, "kind", "PO", "'PO' is none of POPSK, PSK"),
        ("centres_mp.csv", 5, "normal_per_day", "-3", "is not between 0 and 5000"),
        ("centres_mp.csv", 5, "normal_per_day", "7.5", "'7.5' is not a whole number"),
        ("centres_mp.csv", 5, "code", "GWL", "'GWL' is in line 4 already"),
        ("centres_mp.csv", 6, "name_hi", " ", "is empty"),
        ("slot_templates.csv", 2, "start", "25:10", "'25:10' is not a time like 09:30"),
        ("slot_templates.csv", 2, "quota", "vip", "'vip' is none of"),
        ("holidays.csv", 2, "date", "26-01-2025", "is not a date like 2026-01-26"),
        ("holidays.csv", 2, "region", "DEL", "'DEL' is none of BPL"),
        ("holidays.csv", 2, "verify", "perhaps", "'perhaps' is none of"),
        ("regions.csv", 2, "name_en", "x" * 81, "longer than 80 letters"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_column_and_nothing_is_loaded(
    folder: Path, file: str, line: int, column: str, value: str, problem: str
) -> None:
    set_value(folder / file, line, column, value)
    with pytest.raises(BadFile) as error:
        load(folder)
    assert str(error.value).startswith(f"{file}, line {line}, column {column}: ")
    assert problem in str(error.value)
    assert not Region.objects.exists()


def test_a_missing_column_is_named(folder: Path) -> None:
    def drop_region(lines: list[list[str]]) -> None:
        for line in lines:
            del line[3]

    edit(folder / "holidays.csv", drop_region)
    with pytest.raises(BadFile, match="line 1, column region: missing in the first line"):
        load(folder)


def test_a_line_with_too_few_values_is_named(folder: Path) -> None:
    def shorten(lines: list[list[str]]) -> None:
        del lines[8][-1]

    edit(folder / "centres_mp.csv", shorten)
    with pytest.raises(BadFile, match=r"centres_mp\.csv, line 9: has not as many values"):
        load(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "slot_templates.csv").unlink()
    with pytest.raises(BadFile, match=r"slot_templates\.csv: not found"):
        load(folder)


def test_a_quota_without_start_times_is_refused_where_seats_are_given(folder: Path) -> None:
    def keep_without_tatkaal(lines: list[list[str]]) -> None:
        lines[:] = [line for line in lines if line[1] != "tatkaal"]

    edit(folder / "slot_templates.csv", keep_without_tatkaal)
    with pytest.raises(BadFile, match=r"column tatkaal_per_day: .* no start time for PSK tatkaal"):
        load(folder)


def test_a_failure_half_way_leaves_the_database_as_it_was(folder: Path) -> None:
    load(folder)
    other = Region.objects.create(code="JBP", name_en="Jabalpur", name_hi="जबलपुर")
    Centre.objects.filter(code="TKG").update(region=other)
    set_value(folder / "centres_mp.csv", 2, "pin", "462099")
    with pytest.raises(BadFile, match="TKG belongs to another region"):
        load(folder)
    assert Centre.objects.get(code="BPL").pin == "462011"


def test_the_command_says_what_was_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_reference")
    said = capsys.readouterr().out
    assert "1 regions, 26 centres, 201 slot templates, 49 holidays" in said


def test_the_command_ends_with_the_mistake(folder: Path) -> None:
    set_value(folder / "centres_mp.csv", 3, "lat", "north")
    with pytest.raises(CommandError, match=r"line 3, column lat.*Nothing was loaded"):
        call_command("load_reference", folder=folder)
