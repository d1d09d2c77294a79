"""Many seeds at once, and what to say of those that fail."""

import asyncio
from collections.abc import Iterable

import attrs

from .case import Case, case_of
from .checks import problems
from .course import Course, run_case
from .shrink import described, shrunk
from .tap import readings_show_all_rows

_AT_ONCE = 24
_SHRUNK = 2


@attrs.frozen
class Failure:
    """A seed that fails."""

    seed: int
    problems: list[str]
    smallest: str

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.smallest}", *self.problems]
        return "\n    ".join(line[:2000] for line in lines)


@attrs.define
class Tally:
    """What many seeds came to."""

    failures: list[Failure] = attrs.field(factory=list)
    courses: dict[int, Course] = attrs.field(factory=dict)

    def __str__(self) -> str:
        courses = self.courses.values()
        counts = {
            "runs": len(courses),
            "devices": sum(c.report.inputs for c in courses),
            "PUTs": sum(c.report.requests for c in courses),
            "unknown": sum(c.report.unknown for c in courses),
            "runs stopped": sum(c.report.stopped is not None for c in courses),
            "most often sent": max((c.most_sent for c in courses), default=0),
            "stalled": sum(c.stalled for c in courses),
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items())


async def run_seeds(seeds: Iterable[int], *, shrink: bool = True) -> Tally:
    """Run the cases of many seeds, some at a time; return what failed, made smaller."""
    tally = Tally()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def run(seed: int) -> None:
        async with gate:
            course, wrong = await _judged(case_of(seed))
        if course is not None:
            tally.courses[seed] = course
        if wrong:
            tally.failures.append(Failure(seed, wrong, described(case_of(seed))))

    with readings_show_all_rows():
        async with asyncio.TaskGroup() as group:
            for seed in seeds:
                group.create_task(run(seed))
        if shrink:
            shown = [await _shrunk(failure) for failure in tally.failures[:_SHRUNK]]
            tally.failures[:_SHRUNK] = shown
    return tally


async def _judged(case: Case) -> tuple[Course | None, list[str]]:
    try:
        course = await run_case(case)
    except Exception as error:  # noqa: BLE001 - what a run must not do is a finding, too
        return None, [f"{type(error).__name__}: {error}"]
    return course, problems(case, course)


async def _shrunk(failure: Failure) -> Failure:
    async def fails(case: Case) -> bool:
        return bool((await _judged(case))[1])

    case = case_of(failure.seed)
    if not await fails(case):
        return attrs.evolve(failure, smallest=f"(only sometimes) {failure.smallest}")
    smallest = await shrunk(case, fails)
    return attrs.evolve(failure, smallest=described(smallest))
