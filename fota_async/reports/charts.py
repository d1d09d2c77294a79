"""What the record of a run looks like: its charts, and the figures in them."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from fota_async.reports.bins import Bin, Timeline
from fota_async.reports.record import RunRecord
from fota_async.reports.svg import NARROW, WIDE, Chart, Layer, Line, draw
from fota_async.reports.words import duration, number, plural

_FIGURES = 20
_DECIDED: Final = (
    ("succeeded", "succeeded"),
    ("pending", "pending"),
    ("failed", "failed"),
    ("unknown", "unknown"),
)


@attrs.frozen(kw_only=True)
class Drawn:
    """A chart as the page shows it.

    Attributes:
        chart: What it shows.
        wide: For a screen or paper.
        narrow: For a phone.
        legend: Class and label of whatever is drawn.
        columns: Headings of the figures.
        figures: The figures of each stretch of time.
    """

    chart: Chart
    wide: str
    narrow: str
    legend: Sequence[tuple[str, str]]
    columns: Sequence[str]
    figures: Sequence[tuple[str, Sequence[str]]]


def throughput(record: RunRecord) -> Drawn | None:
    """Return how many devices were decided when; None if none were."""
    names = [
        (name, label)
        for name, label in _DECIDED
        if any(getattr(one, name) for one in record.timeline().bins)
    ]
    if not names:
        return None

    def chart(time: Timeline) -> Chart:
        layers = [
            Layer(name, label, [getattr(one, name) / time.width for one in time.bins])
            for name, label in names
        ]
        return Chart(
            key="throughput",
            title="Devices decided a second",
            description=_peak(layers, time, "devices a second"),
            unit="devices a second",
            width=time.width,
            layers=layers,
            paused=_paused(time),
        )

    def figures(one: Bin) -> list[int]:
        return [getattr(one, name) for name, _ in names]

    return _drawn(record, chart, [f"{label} devices" for _, label in names], figures)


def failures(record: RunRecord) -> Drawn | None:
    """Return how many devices failed when; None if none did."""
    if not any(one.failed for one in record.timeline().bins):
        return None

    def chart(time: Timeline) -> Chart:
        layers = [Layer("failed", "failed", [float(one.failed) for one in time.bins])]
        return Chart(
            key="failures",
            title="Devices that failed",
            description=_peak(layers, time, f"devices in {duration(time.width)}"),
            unit=f"devices in {duration(time.width)}",
            width=time.width,
            layers=layers,
            whole=True,
        )

    return _drawn(record, chart, ["failed devices"], lambda one: [one.failed])


def requests(record: RunRecord) -> Drawn | None:
    """Return how many requests were made when, and the learned rate; None if none were."""
    bins = record.timeline().bins
    if not any(one.requests for one in bins):
        return None

    def chart(time: Timeline) -> Chart:
        answered = [(one.requests - one.refused) / time.width for one in time.bins]
        layers = [Layer("requests", "answered otherwise", answered)]
        if record.refused_for_rate:
            refused = [one.refused / time.width for one in time.bins]
            layers = [
                Layer("requests", "other answers", answered),
                Layer("refused", "refused for rate", refused),
            ]
        else:
            layers = [Layer("requests", "requests", answered)]
        rates = [one.rate for one in time.bins]
        known = any(rate is not None for rate in rates)
        return Chart(
            key="requests",
            title="Requests a second, and the learned rate" if known else "Requests a second",
            description=_peak(layers, time, "requests a second")
            + (
                f" The rate that was learned is {number(record.rate)} a second at the end."
                if record.rate
                else ""
            ),
            unit="requests a second",
            width=time.width,
            layers=layers,
            line=Line("rate", "learned rate", rates) if known else None,
            paused=_paused(time),
        )

    def figures(one: Bin) -> list[float | None]:
        return [one.requests, one.refused, one.rate]

    return _drawn(record, chart, ["requests", "refused for rate", "rate a second"], figures)


def limit(record: RunRecord) -> Drawn | None:
    """Return how many requests might be in flight when; None if that never changed."""
    if record.limit is None:
        return None

    def chart(time: Timeline) -> Chart:
        limits = [one.limit for one in time.bins]
        known = [one for one in limits if one is not None]
        return Chart(
            key="limit",
            title="Requests that may be in flight at once",
            description=f"The learned limit lies between {min(known)} and {max(known)}, and is "
            f"{record.limit} at the end.",
            unit="requests at once",
            width=time.width,
            line=Line("limit", "learned limit", limits),
            paused=_paused(time),
            whole=True,
        )

    return _drawn(record, chart, ["at once"], lambda one: [one.limit])


def _drawn(
    record: RunRecord,
    chart_of: Callable[[Timeline], Chart],
    columns: Sequence[str],
    figures_of: Callable[[Bin], Sequence[float | None]],
) -> Drawn:
    wide, narrow = chart_of(record.timeline()), chart_of(record.timeline(40))
    legend = [(f"fill-{one.name}", one.label) for one in wide.layers]
    legend += [(f"line-{wide.line.name}", wide.line.label)] if wide.line else []
    legend += [("pause", "pause for throttling")] if any(wide.paused) else []
    time = record.timeline(_FIGURES)
    figures = [
        (
            f"{duration(at * time.width)} to {duration((at + 1) * time.width)}",
            ["—" if value is None else number(value) for value in figures_of(one)],
        )
        for at, one in enumerate(time.bins)
    ]
    return Drawn(
        chart=wide,
        wide=draw(wide, WIDE),
        narrow=draw(narrow, NARROW),
        legend=legend,
        columns=columns,
        figures=figures,
    )


def _paused(time: Timeline) -> list[float]:
    return [min(1.0, one.paused / time.width) for one in time.bins]


def _peak(layers: Sequence[Layer], time: Timeline, unit: str) -> str:
    stacked = [sum(values) for values in zip(*(one.values for one in layers), strict=True)]
    most = max(stacked)
    when = duration(stacked.index(most) * time.width)
    what = " and ".join(one.label for one in layers)
    return (
        f"Bars over {plural(len(stacked), 'stretch', 'stretches')} of {duration(time.width)} each: "
        f"{what}. The most is {number(most)} {unit}, {when} after the start."
    )
