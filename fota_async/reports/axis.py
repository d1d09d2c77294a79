"""Axes with round numbers."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final

import attrs

_TIMES: Final = (
    ("seconds", 1, (1, 2, 5, 10, 15, 30, 60)),
    ("minutes", 60, (1, 2, 5, 10, 15, 30, 60)),
    ("hours", 3600, (1, 2, 3, 6, 12, 24)),
    ("days", 86_400, ()),
)
_ROUND = (1, 2, 5, 10)


@attrs.frozen
class Axis:
    """Where the marks of an axis are.

    Attributes:
        end: The largest value that it shows.
        marks: Values, and how they are written.
        unit: What they count.
    """

    end: float
    marks: Sequence[tuple[float, str]]
    unit: str = ""


def round_step(span: float, marks: int) -> float:
    """Return 1, 2 or 5 times a power of ten, so that `span` has no more than so many steps."""
    least = span / marks
    power: float = 10.0 ** floor(log10(least))
    return next(step * power for step in _ROUND if step * power >= least * (1 - 1e-9))


def value_axis(largest: float, *, marks: int = 4, whole: bool = False) -> Axis:
    """Return an axis from nought to a round number not below `largest`.

    Args:
        largest: What it must show.
        marks: How many steps it may have.
        whole: Whether there are no fractions.
    """
    if largest < 1e-9:
        return Axis(1.0, [(0.0, "0"), (1.0, "1")])
    step = round_step(largest, marks)
    if whole:
        step = max(1.0, step)
    steps = ceil(largest / step * (1 - 1e-9))
    return Axis(
        step * steps, [(step * at, _short(step * at, step * steps)) for at in range(steps + 1)]
    )


def time_axis(seconds: float, *, marks: int = 8) -> Axis:
    """Return an axis of so many seconds, in the unit that suits."""
    unit, size, steps = next(
        (one for one in reversed(_TIMES) if seconds >= 4 * one[1]),
        _TIMES[0],
    )
    span = seconds / size
    step = next((float(one) for one in steps if span / one <= marks), 0.0)
    if not step or span < 2:
        step = round_step(span, marks)
    count = floor(span / step * (1 + 1e-9))
    return Axis(seconds, [(at * step * size, _short(at * step)) for at in range(count + 1)], unit)


def _short(value: float, end: float = 0.0) -> str:
    """Write a round number in few characters, in the unit that suits the `end` of the axis."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if end >= 10 * size or (end >= size and letter != "k"):
            return f"{value / size:.6g}{letter}" if value else "0"
    return f"{value:,.6g}"
