"""A case, run: what the library reported beside what the simulator knows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from fota_async import (
    BatchReport,
    BatchRun,
    Credentials,
    DeviceOutcome,
    FotaClient,
    RetryPolicy,
    RunStopped,
)
from fota_async.clock import ScaledClock
from fota_async.events import Event, RequestEvent
from fota_async.simulator import Simulator

from .case import Case
from .tap import Tap
from .target import target_of

_FASTER = 100.0
_TIMEOUT = 0.4
_LONGEST = 60.0


@attrs.frozen(kw_only=True)
class Course:
    """What happened.

    Attributes:
        report: What the library says.
        streamed: Outcomes as they came, or None.
        members: Who is in the upgrade, or the list, at the end, all late writes included.
        before: Who was when the run began.
        sent_again: Devices sent after an answer had decided them.
        most_sent: How often the device sent most often was sent.
        stalled: Whether this machine was too slow to keep a socket's timeout.
    """

    report: BatchReport
    streamed: list[DeviceOutcome] | None
    members: set[str]
    before: set[str]
    sent_again: set[str]
    most_sent: int
    stalled: bool


async def run_case(case: Case) -> Course:
    """Run a case to its end."""
    clock = ScaledClock(_FASTER)
    events: list[Event] = []
    async with Simulator(faults=case.faults, rules=case.rules, clock=clock) as sim:
        target = target_of(case, sim)
        before = target.members()
        tap = Tap.into(sim)
        client = FotaClient(
            Credentials(sim.key, sim.secret, sim.username, sim.password),
            account=sim.account,
            base_url=sim.base_url,
            clock=clock,
            timeout=_TIMEOUT,
            deadline=None,
            retry=RetryPolicy(tries=case.tries, seconds=1e6, base=0.2, cap=2.0),
            on_event=events.append,
        )
        async with client, asyncio.timeout(_LONGEST), AsyncExitStack() as stack:
            run = target.run(
                client,
                batch_size=case.batch_size,
                concurrency=case.concurrency,
                settle_delay=case.settle_delay,
                max_rounds=1000,
            )
            for moment, act in ((case.starts, target.start), (case.stops, run.stop)):
                if moment is not None:
                    await stack.enter_async_context(_at(moment, act, clock))
            report, streamed = await _result(run, case)
        await clock.sleep(case.faults.late_write_seconds + case.rules.receipt_delay + 2.0)
        return Course(
            report=report,
            streamed=streamed,
            members=target.members(),
            before=before,
            sent_again=tap.sent_again,
            most_sent=max(tap.sent.values(), default=0),
            stalled=_stalled(sim, events),
        )


async def _result(run: BatchRun, case: Case) -> tuple[BatchReport, list[DeviceOutcome] | None]:
    if not case.streamed:
        try:
            return await run, None
        except RunStopped as stopped:
            return stopped.report, None
    streamed: list[DeviceOutcome] = []
    try:
        async with run:
            async for outcome in run:
                streamed.append(outcome)  # noqa: PERF401 - kept also when the loop raises
    except RunStopped:
        pass
    return run.report, streamed


@asynccontextmanager
async def _at(moment: float, act: Callable[[], object], clock: ScaledClock) -> AsyncIterator[None]:
    async def wait_and_act() -> None:
        await clock.sleep(moment)
        act()

    acting = asyncio.create_task(wait_and_act())
    try:
        yield
    finally:
        acting.cancel()
        await asyncio.wait([acting])


def _stalled(sim: Simulator, events: list[Event]) -> bool:
    """Whether the client waited in vain for answers that were on their way."""
    timeouts = sum(isinstance(e, RequestEvent) and e.error == "AnswerTimeoutError" for e in events)
    hangs = sum(record.fault in {"hang_before", "hang_after"} for record in sim.requests)
    return timeouts > hangs
