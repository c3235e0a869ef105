"""What an officer fills in about an outage: declare it, change its cut, ask for a plan."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from appointments import banner_texts, cuts, outages
from appointments.admin.cut_table import Seats
from appointments.admin.fields import clock_field, day_field, moment_of
from appointments.admin.scope import steerable_regions
from appointments.cuts import Cell
from appointments.models import Centre, Outage, Plan, Region, Slot
from appointments.planning.problem import Policy
from notifications import dates

# How many coming days are offered to be cut.
DAYS_OFFERED = 10
# How many of them are ticked at first: the next two working days.
DAYS_TICKED = 2
# A slip of the pen in the year must not put half the register in doubt.
LONGEST_BACK = timedelta(days=31)
KNOWN, UNKNOWN = "known", "unknown"
TOTAL, NONE, AS_NOW = "total", "none", "now"


class UntilForm(forms.Form):
    """Until when an outage is expected to last: a moment, or nobody knows."""

    until = forms.ChoiceField(
        label="Expected to last",
        choices=[(UNKNOWN, "Nobody knows how long"), (KNOWN, "Until")],
        widget=forms.RadioSelect,
        initial=UNKNOWN,
    )
    until_date = day_field("Date of the expected end", required=False)
    until_time = clock_field("Time of the expected end", required=False)

    def clean_until_parts(self, since: datetime | None) -> datetime | None:
        if self.cleaned_data.get("until") != KNOWN:
            return None
        day, clock = self.cleaned_data.get("until_date"), self.cleaned_data.get("until_time")
        until = moment_of(day, clock)
        if until is None:
            if not self.errors.keys() & {"until_date", "until_time"}:
                field = "until_date" if day is None else "until_time"
                self.add_error(field, "Give date and time, or say that nobody knows.")
        elif since and until <= since:
            self.add_error("until_date", "The end must be after the start.")
        return until


class SeatsForm(forms.Form):
    """Which days are cut, and how many seats stay on each."""

    days = forms.MultipleChoiceField(
        label="Days that are cut",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day."},
    )
    seats = forms.ChoiceField(
        label="Seats that stay on each of these days",
        widget=forms.RadioSelect,
        error_messages={"required": "Say how many seats stay."},
    )
    total = forms.IntegerField(
        label="Seats a day",
        min_value=0,
        max_value=1_000_000,
        required=False,
        error_messages={
            **dict.fromkeys(("invalid", "max_value"), "Give a whole number, such as 600."),
            "min_value": "Give a whole number, such as 600. If no seat stays, choose None.",
        },
    )

    def clean_total_within(self, cells: Seats) -> None:
        """An outage adds no seats: a total above what a day has is a slip of the hand."""
        total = self.cleaned_data.get("total")
        if self.cleaned_data.get("seats") != TOTAL or total is None or not cells:
            return
        per_day: Counter[date] = Counter()
        for (_centre, day, _quota), (seats, _taken) in cells.items():
            per_day[day] += seats
        most = max(per_day.values())
        if total > most:
            self.add_error("total", f"From 0 to {most:,}: a day has no more seats.")

    def offer_days(self, offered: Iterable[date], ticked: Iterable[date]) -> None:
        today = timezone.localdate()
        field = self.fields["days"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (day.isoformat(), dates.long_day(day, "en") + (" (today)" if day == today else ""))
            for day in offered
        ]
        field.initial = [day.isoformat() for day in ticked]

    def clean_total_given(self) -> None:
        wants = self.cleaned_data.get("seats") == TOTAL
        if wants and self.cleaned_data.get("total") is None and "total" not in self.errors:
            self.add_error("total", "Give the number of seats a day, such as 600.")

    @property
    def dates(self) -> list[date]:
        return sorted(date.fromisoformat(day) for day in self.cleaned_data["days"])


class DeclareForm(UntilForm, SeatsForm):
    """All that `outages.declare` needs, but for the table."""

    request_key = forms.UUIDField(widget=forms.HiddenInput)
    scope = forms.ChoiceField(
        label="What is touched",
        widget=forms.RadioSelect,
        error_messages={"required": "Say what is touched."},
    )
    region = forms.ModelChoiceField(
        label="Region", queryset=Region.objects.none(), required=False, empty_label=None
    )
    centres = forms.ModelMultipleChoiceField(
        label="Centres",
        queryset=Centre.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    since_date = day_field("Date")
    since_time = clock_field("Time")
    cause = forms.ChoiceField(label="Cause", choices=Outage.Cause.choices)
    text_hi = forms.CharField(
        label="Banner in Hindi",
        widget=forms.Textarea(attrs={"rows": 7, "lang": "hi"}),
        error_messages={"required": "Write the banner in Hindi."},
    )
    text_en = forms.CharField(
        label="Banner in English",
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"required": "Write the banner in English."},
    )

    def __init__(self, officer: User, data: Any = None) -> None:
        super().__init__(data, initial=self._start())
        regions = steerable_regions(officer)
        self.own_regions = list(regions)
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]
        self.fields["region"].initial = self.own_regions[0] if self.own_regions else None
        centres = Centre.objects.filter(region__in=self.own_regions)
        self.fields["centres"].queryset = centres  # type: ignore[attr-defined]
        self.fields["scope"].choices = self._scopes()  # type: ignore[attr-defined]
        self.fields["scope"].initial = Outage.Scope.REGION
        self.fields["seats"].choices = [  # type: ignore[attr-defined]
            (TOTAL, "A total, shared in proportion"),
            (NONE, "None"),
        ]
        self.fields["seats"].initial = TOTAL
        offered, ticked = next_days(list(centres))
        self.offer_days(offered, ticked)

    @staticmethod
    def _start() -> dict[str, Any]:
        now = timezone.localtime()
        return {
            "request_key": uuid.uuid4(),
            "since_date": now.date(),
            "since_time": now.time().replace(second=0, microsecond=0),
            "text_hi": banner_texts.HINDI,
            "text_en": banner_texts.ENGLISH,
        }

    def _scopes(self) -> list[tuple[str, str]]:
        own = self.own_regions
        whole = f"All centres of {own[0].name_en}" if len(own) == 1 else "One region"
        scopes = [(Outage.Scope.REGION.value, whole)]
        if len(own) > 1 and len(own) == Region.objects.count():
            scopes.append((Outage.Scope.ALL.value, "All regions"))
        return [*scopes, (Outage.Scope.CENTRES.value, "Chosen centres")]

    def clean_text_hi(self) -> str:
        return self._checked("text_hi")

    def clean_text_en(self) -> str:
        return self._checked("text_en")

    def _checked(self, name: str) -> str:
        text = str(self.cleaned_data[name])
        if problem := banner_texts.problem_of(text):
            raise forms.ValidationError(problem)
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        since = moment_of(data.get("since_date"), data.get("since_time"))
        if since and since < timezone.now() - LONGEST_BACK:
            self.add_error("since_date", "That is more than a month ago. Check the date.")
        data["since"] = since
        data["expected_until"] = self.clean_until_parts(since)
        self.clean_total_given()
        self._clean_scope(data)
        return data

    def _clean_scope(self, data: dict[str, Any]) -> None:
        scope = data.get("scope")
        if scope == Outage.Scope.REGION and not data.get("region"):
            self.add_error("region", "Choose the region.")
        if scope == Outage.Scope.CENTRES and not data.get("centres"):
            self.add_error("centres", "Choose at least one centre.")
        if not self.errors and not self.cells():
            self.add_error("days", "The chosen centres have no slots on these days.")
        if not self.errors:
            self.clean_total_within(self.cells())

    def touched(self) -> list[Centre]:
        """The centres of the chosen scope. After is_valid()."""
        data = self.cleaned_data
        if not hasattr(self, "_touched"):
            self._touched = outages.centres_in_scope(
                scope=data["scope"], region=data["region"], centres=list(data["centres"])
            )
        return self._touched

    def cells(self) -> Seats:
        if not hasattr(self, "_cells"):
            self._cells = cuts.seats_by_cell(self.touched(), self.dates)
        return self._cells

    def spread(self) -> dict[Cell, int]:
        """Seats that stay in each cell by the proportional rule."""
        return spread(self.cleaned_data, self.cells(), self.touched(), self.dates)

    def basis(self) -> str:
        """What the numbers of the table were worked out from; typed ones hold while it is equal."""
        centres = ",".join(str(centre.pk) for centre in self.touched())
        return f"{centres};{self.dates};{self.cleaned_data['seats']};{self.cleaned_data['total']}"


class ChangeCutForm(UntilForm, SeatsForm):
    """Extend an outage, or change what stays of the days to come."""

    def __init__(self, outage: Outage, data: Any = None) -> None:
        until = outage.expected_until and timezone.localtime(outage.expected_until)
        start = {
            "until": KNOWN if until else UNKNOWN,
            "until_date": until and until.date(),
            "until_time": until and until.time(),
        }
        super().__init__(data, initial=start)
        self.outage = outage
        self.touched = outages.centres_of(outage)
        now = timezone.localdate()
        self.in_force: dict[Cell, int] = {
            (cut.centre_id, cut.date, cut.quota): cut.seats_left
            for cut in outage.cuts.filter(date__gte=now)
        }
        ticked = {cell[1] for cell in self.in_force}
        offered, _ = next_days(self.touched)
        self.offer_days(sorted({*offered, *ticked}), sorted(ticked))
        self.fields["seats"].choices = [  # type: ignore[attr-defined]
            (AS_NOW, "As they are now; a day added is cut like the last one"),
            (TOTAL, "A total, shared in proportion"),
            (NONE, "None"),
        ]
        self.fields["seats"].initial = AS_NOW

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["expected_until"] = self.clean_until_parts(self.outage.since)
        self.clean_total_given()
        if not self.errors and not self.cells():
            self.add_error("days", "The centres have no slots on these days.")
        if not self.errors:
            self.clean_total_within(self.cells())
        return data

    def cells(self) -> Seats:
        if not hasattr(self, "_cells"):
            self._cells = cuts.seats_by_cell(self.touched, self.dates)
        return self._cells

    def spread(self) -> dict[Cell, int]:
        if self.cleaned_data["seats"] != AS_NOW:
            return spread(self.cleaned_data, self.cells(), self.touched, self.dates)
        last = max((cell[1] for cell in self.in_force), default=None)
        left = {}
        for cell, (seats, _taken) in self.cells().items():
            like = (cell[0], last, cell[2]) if last else cell
            value = self.in_force.get(cell, self.in_force.get(like, seats))
            left[cell] = min(value, seats)
        return left

    def basis(self) -> str:
        return f"{self.dates};{self.cleaned_data['seats']};{self.cleaned_data['total']}"


class PrepareForm(forms.Form):
    """What a plan weighs, and what silence means."""

    region = forms.ModelChoiceField(
        label="Region", queryset=Region.objects.none(), empty_label=None
    )
    silence = forms.ChoiceField(
        label="If somebody does not answer",
        widget=forms.RadioSelect,
        initial=Plan.Silence.KEEP,
        choices=[
            (Plan.Silence.KEEP, "The new time stands. Nobody loses a seat by silence."),
            (
                Plan.Silence.REQUEUE,
                "The seat is freed after the deadline, and the person is first in line. "
                "They are reminded twice.",
            ),
        ],
    )
    max_km = forms.TypedChoiceField(
        label="Another centre may be given",
        coerce=int,
        initial=0,
        choices=[(0, "Never"), (25, "Up to 25 km"), (50, "Up to 50 km"), (100, "Up to 100 km")],
    )
    reserve = forms.IntegerField(
        label="Seats kept for the public, per cent",
        help_text="Of the seats of days that the outage does not touch.",
        min_value=0,
        max_value=100,
        initial=10,
    )
    horizon_days = forms.IntegerField(
        label="Days planned for", help_text="From today.", min_value=1, max_value=120, initial=40
    )
    lead_hours = forms.IntegerField(
        label="Hours of notice",
        help_text="No new time is nearer than this.",
        min_value=0,
        max_value=240,
        initial=18,
    )

    def __init__(self, regions: Any, data: Any = None) -> None:
        super().__init__(data)
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]
        self.fields["region"].initial = regions.first()

    def policy(self) -> Policy:
        given = self.cleaned_data
        return Policy(
            max_km=given["max_km"],
            reserve_share=Fraction(given["reserve"], 100),
            horizon_days=given["horizon_days"],
            lead_hours=given["lead_hours"],
        )


def next_days(centres: list[Centre]) -> tuple[list[date], list[date]]:
    """Days with slots that can be cut, and the two after today which are ticked at first."""
    now = timezone.now()
    today = timezone.localdate(now)
    offered = cuts.working_dates(centres, today, DAYS_OFFERED)
    if not Slot.objects.filter(centre__in=centres, date=today, starts_at__gt=now).exists():
        offered = [day for day in offered if day != today]
    return offered, [day for day in offered if day > today][:DAYS_TICKED]


def spread(
    data: Mapping[str, Any], cells: Seats, centres: list[Centre], days: list[date]
) -> dict[Cell, int]:
    if data["seats"] == NONE:
        return dict.fromkeys(cells, 0)
    shares = cuts.spread_total(total_per_day=data["total"], centres=centres, dates=days)
    return {(cut.centre_id, cut.date, cut.quota): cut.seats_left for cut in shares}
