"""Distance between centres."""

from math import asin, cos, radians, sin, sqrt

from appointments.planning.problem import Centre

EARTH_RADIUS_KM = 6371


def km_between(a: Centre, b: Centre) -> int:
    """Great-circle distance (haversine), rounded to whole kilometres."""
    south, north = radians(a.lat), radians(b.lat)
    half_lat = (north - south) / 2
    half_lon = radians(b.lon - a.lon) / 2
    h = sin(half_lat) ** 2 + cos(south) * cos(north) * sin(half_lon) ** 2
    # min: rounding can carry antipodes a hair beyond 1.
    return round(2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(h))))
