"""A failing case, made smaller: whatever can be left out is left out."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import attrs

from fota_async.simulator import Faults, Rules

from .case import Case

Fails = Callable[[Case], Awaitable[bool]]

_MOST_STEPS = 30
_SIMPLER = {"concurrency": 1, "starts": None, "stops": None, "streamed": False, "before": 0}


async def shrunk(case: Case, fails: Fails) -> Case:
    """Return the smallest case found that still fails."""
    for _ in range(_MOST_STEPS):
        smaller = list(_smaller(case))
        still = await asyncio.gather(*map(fails, smaller))
        if True not in still:
            break
        case = smaller[still.index(True)]
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for devices in (case.devices // 2, case.devices - case.batch_size, case.devices - 1):
        if 0 < devices < case.devices:
            before = case.before * devices // case.devices
            yield attrs.evolve(case, devices=devices, before=before)
    for name, simple in _SIMPLER.items():
        if getattr(case, name) != simple:
            yield attrs.evolve(case, **{name: simple})
    for faults in _without(case.faults, Faults(seed=case.faults.seed)):
        yield attrs.evolve(case, faults=faults)
    for rules in _without(case.rules, Rules(seed=case.rules.seed)):
        yield attrs.evolve(case, rules=rules)


def _without(parts: "Faults | Rules", none: "Faults | Rules") -> Iterator["Faults | Rules"]:
    for field in attrs.fields(type(parts)):
        nothing = getattr(none, field.name)
        if getattr(parts, field.name) != nothing:
            yield attrs.evolve(parts, **{field.name: nothing})


def described(case: Case) -> str:
    """Return a case as code, without what is as always."""
    return _code(case, Case(seed=-1))


def _code(thing: object, usual: object) -> str:
    said = []
    for field in attrs.fields(type(thing)):
        value = getattr(thing, field.name)
        if isinstance(value, Faults | Rules):
            said.append(f"{field.name}={_code(value, type(value)(seed=-1))}")
        elif value != getattr(usual, field.name):
            said.append(f"{field.name}={value!r}")
    return f"{type(thing).__name__}({', '.join(said)})"
