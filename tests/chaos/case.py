"""What a seed means: a small run, and everything that goes wrong with it."""

import random
from typing import Literal

import attrs

from fota_async.simulator import Faults, Rules

KINDS: tuple["Kind", ...] = ("settles", "reads fail", "lands late", "reads lag")
FIRST = 356_938_030_000_000

About = Literal["devices", "licenses", "candidates"]
Version = Literal["v1", "v2", "v3"]
Kind = Literal["settles", "reads fail", "lands late", "reads lag"]
"""What a client has to cope with.

`settles`: reads come through and lag less than `settle_delay`, and lost requests land within it,
so nothing may stay unknown. `lands late`: they land later than that. `reads lag`: reads do.
"""


@attrs.frozen(kw_only=True)
class Case:
    """A small run.

    Attributes:
        seed: What it was drawn from.
        about: What is changed: the devices of an upgrade (v1) or campaign, licences of the
            account, or its cancellation candidates.
        version: Of the API.
        replaces: Whether the first request replaces the whole list.
        settle: Whether the run waits for what becomes of devices that a receipt took (v2).
        kind: What the report may be asked for.
        operation: `append` or `remove`.
        devices: How many.
        before: How many of them are in the upgrade when the run begins.
        starts: When the upgrade starts, in seconds, or None.
        stops: When its caller stops the run, in seconds, or None.
        streamed: Whether outcomes are read as they come.
        tries: Tries of one call.
    """

    seed: int
    about: About = "devices"
    version: Version = "v1"
    replaces: bool = False
    settle: bool = False
    kind: Kind = "settles"
    operation: Literal["append", "remove"] = "append"
    devices: int = 100
    before: int = 0
    batch_size: int = 25
    concurrency: int = 4
    starts: float | None = None
    stops: float | None = None
    streamed: bool = False
    tries: int = 8
    settle_delay: float = 5.0
    faults: Faults = attrs.field(factory=Faults)
    rules: Rules = attrs.field(factory=Rules)

    @property
    def ids(self) -> list[str]:
        return [f"{FIRST + number:015d}" for number in range(self.devices)]

    @property
    def there_before(self) -> list[str]:
        """The devices that are in the upgrade when the run begins: every so many-th."""
        draw = random.Random(self.seed)
        return draw.sample(self.ids, min(self.before, self.devices))


def case_of(seed: int) -> Case:
    """Return the case that a seed means."""
    draw = random.Random(f"case {seed}")
    kind: Kind = draw.choices(KINDS, (14, 3, 3, 1))[0]
    operation: Literal["append", "remove"] = draw.choice(("append", "remove"))
    devices = draw.choice((1, 2, draw.randrange(3, 40), draw.randrange(40, 400)))
    before = draw.choice((0, devices // 2, devices))
    if operation == "remove":
        before = draw.choice((devices, devices, devices // 2))
    case = Case(
        seed=seed,
        kind=kind,
        operation=operation,
        devices=devices,
        before=before if operation == "remove" or draw.random() < 0.3 else 0,
        batch_size=draw.choice((1, 7, 25, 100) if devices < 40 else (10, 25, 60, 100)),
        concurrency=draw.choice((1, 4, 8)),
        starts=draw.random() * 30 if draw.random() < 0.2 else None,
        streamed=draw.random() < 0.5,
        tries=1 if kind == "reads fail" else 8,
        faults=_faults(seed, draw, kind),
        rules=_rules(seed, draw, devices),
        stops=draw.random() * 30 if draw.random() < 0.15 else None,
    )
    return _with_subject(_with_version(case))


def _with_version(case: Case) -> Case:
    # A chance of its own: what a seed meant before there were campaigns it still means.
    draw = random.Random(f"version {case.seed}")
    version: Version = draw.choices(("v1", "v2", "v3"), (2, 2, 1))[0]
    settle = version == "v2" and draw.random() < 0.5
    delays = (6.0, 15.0) if case.kind == "lands late" else (0.0, 1.0)
    if settle and case.starts is None and case.stops is None:
        delays = (0.0, 1.0, 25.0)  # a run that waits to its end can tell, however late it shows
    page_size = draw.choice((50, 1000))
    rules = attrs.evolve(case.rules, page_size=page_size, receipt_delay=draw.choice(delays))
    return attrs.evolve(case, version=version, settle=settle, rules=rules)


def _with_subject(case: Case) -> Case:
    # A chance of its own, as above.
    draw = random.Random(f"about {case.seed}")
    about: About = draw.choices(("devices", "licenses", "candidates"), (6, 2, 2))[0]
    if about == "devices":
        return case
    rules = attrs.evolve(
        case.rules,
        appended_twice="succeed",
        removed_absent="fail",
        receipt_delay=0.0,
        license_index=draw.choice(("device", "count")),
        candidates_answer=draw.choice(("list", "sent")),
    )
    case = attrs.evolve(case, about=about, settle=False, starts=None, rules=rules)
    if about == "licenses":
        return attrs.evolve(case, version=draw.choice(("v1", "v2", "v3")))
    # No answer says no to a candidate: a device that is left out every time is sent for ever.
    return attrs.evolve(
        case,
        version=draw.choice(("v1", "v2")),
        operation="append",
        replaces=draw.random() < 0.7,
        rules=attrs.evolve(rules, refuse_rate=0.0),
    )


def _faults(seed: int, draw: random.Random, kind: Kind) -> Faults:
    strength = draw.choice((0.3, 1.0)) if kind != "reads fail" else 1.5

    def upto(most: float) -> float:
        return draw.random() * most * strength

    return Faults(
        seed=seed,
        latency=(0.0, 0.5),
        error_before=upto(0.1),
        drop_before=upto(0.15),
        hang_before=upto(0.04),
        throttle=upto(0.1),
        throttle_seconds=draw.choice((0.0, 1.0)),
        expire_token=upto(0.05),
        expire_session=upto(0.02),
        redirect=0.02 if kind == "reads fail" else 0.0,
        error_after=upto(0.1),
        drop_after=upto(0.1),
        hang_after=upto(0.04),
        torn_body=upto(0.06),
        html_body=upto(0.06),
        empty_body=upto(0.06),
        half_json=upto(0.06),
        wrong_shape=upto(0.06),
        null_list=upto(0.06),
        missing_items=upto(0.15),
        odd_status=upto(0.15),
        read_lag=draw.choice((6.0, 15.0) if kind == "reads lag" else (0.0, 2.0, 4.0)),
        late_write=draw.choice((0.5, 1.0)),
        late_write_seconds=draw.choice((6.0, 15.0) if kind == "lands late" else (1.0, 4.5)),
    )


def _rules(seed: int, draw: random.Random, devices: int) -> Rules:
    poison = draw.sample(range(devices), min(devices, draw.choice((0, 0, 1, 3))))
    return Rules(
        seed=seed,
        refuse_rate=draw.choice((0.0, 0.05)),
        poison=frozenset(f"{FIRST + number:015d}" for number in poison),
        appended_twice=draw.choice(("succeed", "fail")),
        removed_absent=draw.choice(("succeed", "fail")),
        max_devices=draw.choice((None, None, 20)),
        size_refusal=draw.choice(("413", "NumberofDevices", "MaxRequestsExceeded")),
        rate=draw.choice((None, 20.0)),
        retry_after=draw.choice((None, 0.5)),
    )
