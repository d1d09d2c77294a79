"""Measure the subjects, print what was found, and keep it in ``benchmarks/results.md``."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks import cluster, cpu, csv_lines, growth, imports, memory, ticks, wall
from benchmarks.frame import SLACK, Aim, Scale, Section
from benchmarks.results import machine, show_in_readme, write_results

SUBJECTS: dict[str, Callable[[Scale], Section]] = {
    "cpu": cpu.measure,
    "wall": wall.measure,
    "memory": memory.measure,
    "ticks": ticks.measure,
    "imports": imports.measure,
    "growth": growth.measure,
    "csv": csv_lines.measure,
    "cluster": cluster.measure,
}
WITH_RATIOS = ("cpu", "wall", "memory", "imports", "growth")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "subjects", nargs="*", metavar="subject", help=f"of {', '.join(SUBJECTS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, help="default: 5, and 3 with --quick")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="measure less, write nothing, and fail if a ratio is far worse than its aim",
    )
    parser.add_argument(
        "--readme", action="store_true", help="measure nothing; copy the aims into the README"
    )
    args = parser.parse_args()
    if unknown := set(args.subjects) - SUBJECTS.keys():
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    return args


def measure(subjects: Sequence[str], scale: Scale) -> list[Aim]:
    """Measure, print, and keep what is found unless it was quick; return all aims."""
    aims: list[Aim] = []
    for name in subjects:
        print(f"{name}:", file=sys.stderr)
        begin = time.perf_counter()
        section = SUBJECTS[name](scale)
        took = time.perf_counter() - begin
        print(f"{section.markdown()}\n\nOn {machine()}; it took {took:.0f} s.\n", flush=True)
        if not scale.quick:
            command = f"python -m benchmarks {name} --rounds {scale.rounds}"
            write_results(name, section, SUBJECTS, command)
        aims += section.aims
    return aims


def main() -> None:
    """Do what the command line says."""
    args = parse()
    if args.readme:
        show_in_readme()
        return
    subjects = args.subjects or (WITH_RATIOS if args.quick else SUBJECTS)
    aims = measure(list(subjects), Scale(args.quick, args.rounds or (3 if args.quick else 5)))
    far = [aim for aim in aims if args.quick and aim.is_far_off]
    for aim in far:
        what, measured, bound, _ = aim.row()
        print(f"{what}: {measured}, more than {SLACK:g} times worse than {bound}", file=sys.stderr)
    sys.exit(1 if far else 0)


if __name__ == "__main__":
    main()
