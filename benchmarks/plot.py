"""Plots as SVG: bars in groups, and lines over a scale of powers."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10

from benchmarks.names import COLOURS

_WIDTH, _HEIGHT = 720, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 70, 40


def bars(title: str, groups: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """Return groups of bars, a colour a name, over a logarithmic scale.

    Args:
        title: Stands above.
        groups: Their names.
        series: A value for each group, or None for no bar.
    """
    scale = _Scale([value for values in series.values() for value in values if value])
    room = (_WIDTH - _LEFT - _RIGHT) / len(groups)
    width = 0.84 * room / len(series)
    parts = []
    for place, group in enumerate(groups):
        middle = _LEFT + (place + 0.5) * room
        parts.append(_text(middle, _HEIGHT - _BOTTOM + 18, group, "middle"))
        for number, (name, values) in enumerate(series.items()):
            value = values[place]
            if value is None:
                continue
            x = middle + (number - len(series) / 2) * width
            y = scale.at(value)
            parts += [
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" '
                f'height="{scale.bottom - y:.1f}" fill="{COLOURS[name]}"/>',
                _text(x + width / 2, y - 3, _figure(value), "middle"),
            ]
    return _document(title, list(series), [*scale.marks(), *parts])


def lines(title: str, series: Mapping[str, Mapping[int, float]], unit: str) -> str:
    """Return lines, a colour a name, both scales logarithmic.

    Args:
        title: Stands above.
        series: Points of each line.
        unit: Of the values, said beside each point.
    """
    places = sorted({x for points in series.values() for x in points})
    scale = _Scale([value for points in series.values() for value in points.values()])
    least, most = log10(places[0]), log10(places[-1])

    def across(x: float) -> float:
        room = _WIDTH - _LEFT - _RIGHT - 90
        return _LEFT + 30 + room * (log10(x) - least) / (most - least or 1)

    parts = [_text(across(x), _HEIGHT - _BOTTOM + 18, f"{x:,.0f}", "middle") for x in places]
    highest = {x: max(points[x] for points in series.values() if x in points) for x in places}
    for name, points in series.items():
        colour = COLOURS[name]
        path = " ".join(f"{across(x):.1f},{scale.at(y):.1f}" for x, y in sorted(points.items()))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in points.items():
            label = f"{_figure(y)} {unit}"
            parts += [
                f'<circle cx="{across(x):.1f}" cy="{scale.at(y):.1f}" r="3" fill="{colour}"/>',
                _text(across(x), scale.at(y) + (-8 if y == highest[x] else 16), label, "middle"),
            ]
    return _document(title, list(series), [*scale.marks(), *parts])


class _Scale:
    """A logarithmic scale from bottom to top that holds all values."""

    bottom = _HEIGHT - _BOTTOM

    def __init__(self, values: Sequence[float]) -> None:
        self._least = floor(log10(0.8 * min(values)))
        self._most = max(ceil(log10(1.3 * max(values))), self._least + 1)

    def at(self, value: float) -> float:
        """Return how far down a value stands."""
        share = (log10(value) - self._least) / (self._most - self._least)
        return self.bottom - share * (self.bottom - _TOP)

    def marks(self) -> list[str]:
        """Return a line across at each power of ten."""
        parts = []
        for power in range(self._least, self._most + 1):
            y = self.at(10.0**power)
            parts += [
                f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" '
                'stroke="#ddd"/>',
                _text(_LEFT - 6, y + 4, f"{10.0**power:g}", "end"),
            ]
        return parts


def _document(title: str, names: Sequence[str], parts: Sequence[str]) -> str:
    legend = []
    x = float(_LEFT)
    for name in names:
        legend += [
            f'<rect x="{x:.1f}" y="32" width="10" height="10" fill="{COLOURS[name]}"/>',
            _text(x + 14, 41, name),
        ]
        x += 30 + 6.2 * len(name)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="11">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_LEFT}" y="20" font-size="13">{escape(title)}</text>',
            *legend,
            *parts,
            "</svg>\n",
        ]
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
