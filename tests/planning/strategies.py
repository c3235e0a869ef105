"""Random scenarios for hypothesis: crowded, close to every limit of the rules."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

NOW = datetime(2025, 6, 22, 18, 0)
STARTS = [
    NOW + timedelta(hours=hours)
    # begun, just now, later today, at the limit of the notice and just before, next days
    for hours in (-33, -6, 0, 3, 15.5, 17.75, 18, 21, 40, 42, 45.25, 66, 90, 114, 138)
]
CENTRES = [
    {"code": "A", "region": "N", "lat": 23.0, "lon": 77.0},
    {"code": "B", "region": "N", "lat": 23.2, "lon": 77.0},
    {"code": "C", "region": "N", "lat": 23.2, "lon": 77.0},  # in the same town as B
    {"code": "D", "region": "S", "lat": 23.0, "lon": 77.0},  # next door, another region
]
QUOTAS = ["normal", "tatkaal", "pcc", "on_hold"]
TIERS = ["urgent", "tatkaal", "vulnerable", "normal"]


def small(largest: int) -> st.SearchStrategy[int]:
    return st.integers(0, largest)


POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "max_km": st.sampled_from([0, 22, 23, 500]),
        "reserve_share": st.sampled_from([0, 0.1, 0.29, 0.5, 1]),
        "horizon_days": st.sampled_from([0, 1, 3, 5, 40, 40, 40]),
        "lead_hours": st.sampled_from([0, 17, 18, 24]),
        "per_day": small(300),
        "per_day_squared": small(20),
        "per_move": st.sampled_from([0, 1, 100, 300, 900]),
        "centre_change": small(300),
        "per_km": small(3),
        "per_hour": st.sampled_from([0, 1, 5, 7, 120]),
        "moved_before_factor": small(3),
    },
)


@st.composite
def slots(draw: st.DrawFn, id: int) -> dict[str, Any]:
    seats = draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["cut", "cut", "free", "any"]))
    closed = {"cut": st.integers(1, seats), "free": st.just(0)}.get(kind, small(seats))
    taken = {"cut": st.integers(seats - 1, seats), "free": small(1)}.get(kind, small(seats))
    start = draw(st.sampled_from(STARTS))
    offset = draw(st.sampled_from(["", "+05:30", "Z"]))
    moment = start - timedelta(hours=5, minutes=30) if offset == "Z" else start
    return {
        "id": id,
        "centre": draw(st.sampled_from("AAAABBCD")),
        "quota": draw(st.sampled_from(QUOTAS + ["normal"] * 4 + ["tatkaal"] * 3)),
        "start": f"{moment.isoformat(timespec='minutes')}{offset}",
        "seats": seats,
        "closed": draw(closed),
        "taken": draw(taken),
    }


@st.composite
def people(draw: st.DrawFn, arn: str, slot: dict[str, Any]) -> dict[str, Any]:
    days = st.integers(-4, 8).map(lambda n: str(date(2025, 6, 22) + timedelta(days=n)))
    return {
        "arn": arn,
        "slot": slot["id"],
        "service": draw(st.sampled_from(["tatkaal", slot["quota"]])),
        "tier": draw(st.sampled_from(TIERS)),
        "travel_date": draw(st.none() | st.none() | days),
        "moved_before": draw(st.sampled_from([0, 0, 0, 1, 2])),
        "original": draw(st.none() | st.none() | days),
        "booked_at": f"2025-06-1{draw(small(3))}T10:00",
    }


@st.composite
def scenarios(draw: st.DrawFn, most_people: int = 14, most_slots: int = 12) -> dict[str, Any]:
    rows = [draw(slots(id)) for id in range(1, draw(st.integers(1, most_slots)) + 1)]
    seats = [slot for slot in rows for _ in range(slot["taken"])]
    chosen = draw(st.permutations(seats))[: draw(st.integers(0, most_people))]
    return {
        "now": f"{NOW.isoformat()}+05:30",
        "policy": draw(POLICIES),
        "centres": CENTRES,
        "slots": rows,
        "appointments": [
            draw(people(f"25-{n:010}", slot)) for n, slot in enumerate(chosen, start=1)
        ],
    }
