"""The proportional rule: whole shares, nobody above their weight, nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from appointments.spreading import spread

weights = st.lists(st.integers(0, 600), min_size=1, max_size=60)


def test_spread_of_six_hundred_gives_shares_in_proportion():
    assert spread(600, [100, 520, 30]) == [92, 480, 28]


def test_spread_of_more_than_there_is_gives_everyone_their_weight():
    assert spread(5000, [100, 520, 30]) == [100, 520, 30]


def test_spread_of_nothing_gives_nothing():
    assert spread(0, [3, 4]) == [0, 0]


@given(st.integers(0, 20_000), weights)
def test_spread_loses_no_seat_and_stays_within_one_of_the_exact_share(total, sizes):
    shares = spread(total, sizes)
    whole = sum(sizes)
    assert sum(shares) == min(total, whole)
    for share, size in zip(shares, sizes, strict=True):
        assert 0 <= share <= size
        if total < whole:
            assert abs(share - total * size / whole) < 1
