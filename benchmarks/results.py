"""The file of results, a part for each subject, and the README's table, which is copied from it."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

from benchmarks.frame import AIMS, Section, table

FILE = Path(__file__).with_name("results.md")
README = FILE.parents[1] / "README.md"
HEAD = """\
# What was measured

Made by `python -m benchmarks`; a part changes when its subject is measured again. Each turn is a
process of its own, the server another one; all that is compared takes turns, and figures are
medians of the rounds. Figures of different parts were taken at different times: compare within one.
"""


def write_results(name: str, section: Section, subjects: Iterable[str], command: str) -> None:
    """Write the part of one subject, and its plots beside the file.

    Args:
        name: The subject.
        section: What was found.
        subjects: All there are, in order.
        command: What was run.
    """
    parts = [HEAD, *(f"<!-- {one} -->\n<!-- /{one} -->\n" for one in subjects)]
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else "\n".join(parts)
    how = f"`{command}` on {machine()}."
    FILE.write_text(_replaced(text, name, f"{section.markdown()}\n\n{how}"), encoding="utf-8")
    for file, svg in section.plots.items():
        FILE.with_name(file).write_text(svg, encoding="utf-8")


def show_in_readme() -> None:
    """Copy what was aimed at, of all subjects, into the README."""
    head, rule = table(AIMS, []).split("\n")
    rows: list[str] = []
    inside = False
    for line in FILE.read_text(encoding="utf-8").splitlines():
        inside = line == head or (inside and line.startswith("|"))
        if inside and line not in {head, rule}:
            rows.append(line)
    text = README.read_text(encoding="utf-8")
    README.write_text(_replaced(text, "speed", "\n".join([head, rule, *rows])), encoding="utf-8")


def machine() -> str:
    """Return what matters of the machine."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _replaced(text: str, name: str, part: str) -> str:
    """Return `text` with another part between the comments of that name."""
    before, opening, rest = text.partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not opening or not closing:
        raise ValueError(f"there are no comments <!-- {name} --> and <!-- /{name} -->")
    return f"{before}{opening}\n{part}\n\n{closing}{after}"
