"""The proportional rule by which seats that remain are spread. Pure arithmetic."""

from collections.abc import Sequence


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Whole shares of `total`, proportional to `weights`, none above its weight.

    Largest remainder: each gets the whole part of its exact share; what is left goes one by one
    to the largest fractions, the earlier first where they are equal. A total above the sum of the
    weights gives everyone their weight: an outage adds no seats.

    >>> spread(600, [100, 520, 30])
    [92, 480, 28]
    """
    whole = sum(weights)
    if total >= whole:
        return list(weights)
    shares = [total * weight // whole for weight in weights]
    by_fraction = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_fraction[: total - sum(shares)]:
        shares[i] += 1
    return shares
