"""A plot of what servers let through and refused, second by second, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 430, 150, 46, 40, 46


@dataclass(frozen=True)
class Panel:
    """One server: its title, and a value of each line for every second."""

    title: str
    allowance: Sequence[float]
    accepted: Sequence[float]
    refused: Sequence[float]


def plot(panels: Sequence[Panel], columns: int, title: str) -> str:
    """Return an SVG document with the panels in rows of ``columns``."""
    rows = -(-len(panels) // columns)
    width = columns * (_WIDTH + _LEFT) + 20
    height = rows * (_HEIGHT + _GAP) + _TOP + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="13">{title}</text>',
    ]
    for place, panel in enumerate(panels):
        x = _LEFT + place % columns * (_WIDTH + _LEFT)
        y = _TOP + 16 + place // columns * (_HEIGHT + _GAP)
        parts += _panel(panel, x, y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, x: float, y: float) -> list[str]:
    most = 1.25 * max(panel.allowance)
    seconds = len(panel.allowance)

    def line(values: Sequence[float], colour: str, width: float) -> str:
        points = " ".join(
            f"{x + _WIDTH * second / seconds:.1f},{y + _HEIGHT * (1 - min(value, most) / most):.1f}"
            for second, value in enumerate(values)
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'

    parts = [
        f'<text x="{x}" y="{y - 5}">{panel.title}</text>',
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#bbb"/>',
    ]
    for mark in (0, 50, 100):
        level = y + _HEIGHT * (1 - mark / most)
        parts.append(f'<text x="{x - 5}" y="{level + 4:.1f}" text-anchor="end">{mark}</text>')
    for second in range(0, seconds + 1, 60):
        at = x + _WIDTH * second / seconds
        parts.append(f'<text x="{at:.1f}" y="{y + _HEIGHT + 13}">{second} s</text>')
    return [
        *parts,
        line(panel.allowance, "#999", 1),
        line(panel.accepted, "#1664a8", 1.2),
        line(panel.refused, "#c0392b", 1.2),
    ]
