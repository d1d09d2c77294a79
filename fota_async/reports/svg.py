"""Drawings of data over time, as text: pure functions, no colour that is not in the style sheet.

Shapes carry classes and the page gives them colours, so that one drawing serves light, dark and
paper. What colours tell, patterns and words tell, too.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import attrs

from fota_async.reports.axis import time_axis, value_axis


@attrs.frozen
class Size:
    """How large a drawing is, in units of its own.

    Attributes:
        name: Tells drawings of one chart apart.
        width: From left to right.
        height: From top to bottom.
        time_marks: How many marks the time has at most.
    """

    name: str
    width: float
    height: float
    time_marks: int


WIDE: Final = Size("wide", 920, 250, 10)
NARROW: Final = Size("narrow", 360, 220, 5)
PATTERNED: Final = frozenset(
    {"failed", "pending", "unknown", "unsent", "invalid", "duplicates", "refused"}
)
"""What has a pattern beside its colour; the page defines `pattern-` and the name."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 10.0, 14.0, 40.0


@attrs.frozen
class Layer:
    """Bars, one for each stretch of time, upon those of the layers before.

    Attributes:
        name: Its class.
        label: What it shows.
        values: One for each stretch.
    """

    name: str
    label: str
    values: Sequence[float]


@attrs.frozen
class Line:
    """A line of steps; None where there is nothing to show.

    Attributes:
        name: Its class.
        label: What it shows.
        values: One for each stretch.
    """

    name: str
    label: str
    values: Sequence[float | None]


@attrs.frozen(kw_only=True)
class Chart:
    """What to draw.

    Attributes:
        key: Its name in the page.
        title: What it shows.
        description: What is to be seen, for those who do not see it.
        unit: What the values count.
        width: Seconds of a stretch.
        layers: Bars, from the ground up.
        line: A line above them, or None.
        paused: For each stretch, the share of it in which nobody was to send.
        whole: Whether values have no fractions.
    """

    key: str
    title: str
    description: str
    unit: str
    width: float
    layers: Sequence[Layer] = ()
    line: Line | None = None
    paused: Sequence[float] = ()
    whole: bool = False

    @property
    def stretches(self) -> int:
        """Into how many pieces time is divided."""
        return max(
            len(self.layers[0].values) if self.layers else 0,
            len(self.line.values) if self.line else 0,
        )

    @property
    def largest(self) -> float:
        """The highest point."""
        stacked = [sum(values) for values in zip(*(one.values for one in self.layers), strict=True)]
        line = [one for one in (self.line.values if self.line else ()) if one is not None]
        return max([*stacked, *line], default=0.0)


@attrs.frozen
class _Frame:
    """Turns seconds and values into places of the drawing."""

    size: Size
    seconds: float
    end: float

    def x(self, seconds: float) -> float:
        return _LEFT + (self.size.width - _LEFT - _RIGHT) * seconds / (self.seconds or 1)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - _TOP) * value / self.end

    @property
    def bottom(self) -> float:
        return self.size.height - _BOTTOM


def draw(chart: Chart, size: Size) -> str:
    """Return a chart as SVG."""
    seconds = chart.width * chart.stretches
    values = value_axis(chart.largest, whole=chart.whole)
    times = time_axis(seconds, marks=size.time_marks)
    frame = _Frame(size, seconds, values.end)
    key = f"{chart.key}-{size.name}"
    parts = [
        f'<svg class="chart {size.name}" viewBox="0 0 {size.width:g} {size.height:g}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc">',
        f'<title id="{key}-title">{escape(chart.title)}</title>',
        f'<desc id="{key}-desc">{escape(chart.description)}</desc>',
        *_pauses(chart, frame),
        *_value_marks(values.marks, frame),
        *_time_marks(times.marks, frame),
        *_bars(chart, frame),
        *_steps(chart, frame),
        f'<path class="ground" d="M{_LEFT:g} {_p(frame.bottom)}H{_p(size.width - _RIGHT)}"/>',
        f'<text class="unit" x="{_p((_LEFT + size.width - _RIGHT) / 2)}" '
        f'y="{_p(size.height - 4)}" text-anchor="middle">{times.unit} since the start</text>',
        "</svg>",
    ]
    return "".join(parts)


def shares(key: str, parts: Iterable[tuple[str, int]], description: str) -> str:
    """Return one bar that is divided as `parts` are: names, which are classes, and counts."""
    known = [(name, count) for name, count in parts if count]
    whole = sum(count for _, count in known)
    drawn = [
        f'<svg class="shares" viewBox="0 0 1000 22" preserveAspectRatio="none" role="img" '
        f'aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">Devices by state</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>'
    ]
    # What there is shows, however little it is.
    shown = [(name, max(4.0, 1000 * count / whole)) for name, count in known]
    scale = 1000 / sum(width for _, width in shown) if shown else 1.0
    at = 0.0
    for name, width in shown:
        box = f'x="{_p(at)}" y="0" width="{_p(max(1.5, width * scale - 1.5))}" height="22"'
        drawn.append(f'<rect class="fill-{name}" {box}/>')
        if name in PATTERNED:
            drawn.append(f'<rect fill="url(#pattern-{name})" {box}/>')
        at += width * scale
    return "".join([*drawn, "</svg>"])


def _value_marks(marks: Iterable[tuple[float, str]], frame: _Frame) -> Iterable[str]:
    for value, text in marks:
        y = _p(frame.y(value))
        if value:
            yield f'<path class="grid" d="M{_LEFT:g} {y}H{_p(frame.size.width - _RIGHT)}"/>'
        yield f'<text x="{_LEFT - 8:g}" y="{y}" dy="4" text-anchor="end">{escape(text)}</text>'


def _time_marks(marks: Iterable[tuple[float, str]], frame: _Frame) -> Iterable[str]:
    for seconds, text in marks:
        x = _p(frame.x(seconds))
        yield f'<path class="ground" d="M{x} {_p(frame.bottom)}v4"/>'
        place = f'x="{x}" y="{_p(frame.bottom + 17)}" text-anchor="middle"'
        yield f"<text {place}>{escape(text)}</text>"


def _bars(chart: Chart, frame: _Frame) -> Iterable[str]:
    ground = [0.0] * chart.stretches
    gap = 1.0 if frame.x(chart.width) - frame.x(0) > 4 else 0.0
    for layer in chart.layers:
        drawn = []
        for at, value in enumerate(layer.values):
            if value <= 0:
                continue
            left, right = frame.x(at * chart.width), frame.x((at + 1) * chart.width) - gap
            low, high = frame.y(ground[at]), frame.y(ground[at] + value)
            # What there is shows, however little it is.
            high = min(high, low - 1.0)
            drawn.append(f"M{_p(left)} {_p(low)}V{_p(high)}H{_p(right)}V{_p(low)}z")
            ground[at] += value
        if drawn:
            path = "".join(drawn)
            yield f'<path class="fill-{layer.name}" d="{path}"/>'
            if layer.name in PATTERNED:
                yield f'<path fill="url(#pattern-{layer.name})" d="{path}"/>'


def _steps(chart: Chart, frame: _Frame) -> Iterable[str]:
    if chart.line is None:
        return
    drawn, down = [], False
    for at, value in enumerate(chart.line.values):
        if value is None:
            down = False
            continue
        left, right, y = frame.x(at * chart.width), frame.x((at + 1) * chart.width), frame.y(value)
        drawn.append(f"{'V' if down else f'M{_p(left)} '}{_p(y)}H{_p(right)}")
        down = True
    yield f'<path class="line-{chart.line.name}" d="{"".join(drawn)}"/>'


def _pauses(chart: Chart, frame: _Frame) -> Iterable[str]:
    drawn = [
        f"M{_p(frame.x(at * chart.width))} {_TOP:g}"
        f"H{_p(frame.x((at + share) * chart.width))}V{_p(frame.bottom)}"
        f"H{_p(frame.x(at * chart.width))}z"
        for at, share in enumerate(chart.paused)
        if share > 0.01
    ]
    if drawn:
        yield f'<path class="pause" d="{"".join(drawn)}"/>'


def _p(place: float) -> str:
    """Write a place in few characters."""
    return f"{place:.1f}".removesuffix(".0")
