"""What all subjects share: taking turns, medians, and what a section of the results says."""

import sys
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from benchmarks.turn import Figures, Turn

K = TypeVar("K", bound=Hashable)

SLACK = 1.5
"""How many times worse than its aim a ratio may be before ``--quick`` fails."""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    quick: bool
    rounds: int

    def pick(self, full: int, quick: int) -> int:
        """Return the one or the other."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Aim:
    """A figure that should not be worse than it is meant to be."""

    what: str
    measured: float
    aim: float
    unit: str = ""
    """Empty for ratios. At seconds ``--quick`` does not look: they are the machine's."""
    at_least: bool = False

    @property
    def is_far_off(self) -> bool:
        """Whether it is so much worse, on any machine, that something must have happened."""
        return self.unit != "ms" and self.shortfall > SLACK

    @property
    def shortfall(self) -> float:
        """How many times worse it is; up to 1 is well."""
        return self.aim / self.measured if self.at_least else self.measured / self.aim

    def row(self) -> list[str]:
        """Return the cells that tell it."""
        bound = "at least" if self.at_least else "at most"
        unit = f" {self.unit}" if self.unit else ""
        met = "yes" if self.shortfall <= 1 else "no"
        return [self.what, f"{self.measured:.3g}{unit}", f"{bound} {self.aim:g}{unit}", met]


AIMS = ["what", "measured", "aim", "met"]


@dataclass(frozen=True)
class Section:
    """What was found out about a subject.

    Attributes:
        title: Its heading.
        text: What was done, and what is to be known to read it; Markdown.
        tables: Tables in Markdown.
        aims: What matters most of it.
        plots: SVG documents, by file name.
    """

    title: str
    text: str
    tables: Sequence[str] = ()
    aims: Sequence[Aim] = ()
    plots: Mapping[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the section as it stands in the results."""
        parts = [f"## {self.title}", self.text]
        if self.aims:
            parts.append(table(AIMS, [aim.row() for aim in self.aims]))
        parts += self.tables
        parts += [f"![{self.title}]({name})" for name in self.plots]
        return "\n\n".join(parts)


def medians(turns: Mapping[K, Turn], rounds: int) -> dict[K, Figures]:
    """Let all take turns and return the medians of their figures.

    Each round begins with another one, as the machine's mood changes.
    """
    names = list(turns)
    taken: dict[K, list[Figures]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            begin = time.perf_counter()
            taken[name].append(turns[name]())
            took = time.perf_counter() - begin
            label = " ".join(map(str, name)) if isinstance(name, tuple) else name
            print(f"  round {number + 1} of {rounds}, {label}: {took:.1f} s", file=sys.stderr)
    return {
        name: {figure: median(one[figure] for one in mine) for figure in mine[0]}
        for name, mine in taken.items()
    }


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first hold figures."""
    rule = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
