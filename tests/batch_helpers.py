"""A session without a wire, and what else the tests of runs share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, Unpack

import msgspec
from simulator_api import imei

from fota_async import (
    BatchReport,
    BatchRun,
    DeviceBatcher,
    FotaClient,
    SessionOptions,
    State,
    modify_upgrade,
)
from fota_async.batch.source import Devices, Source
from fota_async.clock import Clock, ScaledClock
from fota_async.errors import CallError, MisuseError, NotSentError
from fota_async.events import Event, EventHook
from fota_async.executor import Place, Tally
from fota_async.limiter import Limiter, Slot
from fota_async.models.campaigns import CampaignReceipt
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Simulator
from fota_async.wire.decode import StepReader, read_body
from fota_async.wire.route import Route

ACCOUNT = "0402196254-00001"
UPGRADE = "60b5d639-ccdc-4db8-8824-069bd94c95bf"
ADDED = ("AddDeviceSucceed", "Device added Successfully")

Script: TypeAlias = Callable[[list[str]], Awaitable[Any]]
"""What becomes of the devices of one request: an answer, or an error."""


def imeis(count: int, first: int = 1) -> list[str]:
    """Return device ids in a row."""
    return [imei(first + number) for number in range(count)]


def answers(ids: Iterable[str], status: str = ADDED[0], reason: str = ADDED[1]) -> DeviceAnswers:
    """Return an answer that says the same of all `ids`."""
    ids = list(ids)
    return DeviceAnswers(ids, [status] * len(ids), [reason] * len(ids))


class FakeSession:
    """What the batcher needs of a session; a script answers in place of the API.

    Its upgrade holds what was accepted, so that reading it back shows the truth.

    Args:
        script: Gets the devices of each request; by default all are accepted.
        clock: Time; by default it runs so fast that nobody waits.
        places: Requests that may be in flight at once.
        max_pause: Seconds that a call accepts to be throttled.
        hook: Gets every event.

    Attributes:
        bodies: What was sent, whole.
        reads: How often the upgrade was read.
    """

    values: ClassVar = {"account": ACCOUNT, "upgrade_id": UPGRADE}
    target = UPGRADE
    operation = "append"

    def __init__(
        self,
        script: Script | None = None,
        *,
        clock: Clock | None = None,
        places: int = 100,
        max_pause: float = 300.0,
        hook: EventHook | None = None,
    ) -> None:
        self.clock = clock or ScaledClock(2000.0)
        self.max_pause = max_pause
        self.script: Script = script or self.accept
        self.sent: list[list[str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.members: set[str] = set()
        self.status = "Queued"
        self.reads = 0
        self.claims = 0
        self.events: list[Event] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.changed = asyncio.Event()
        self._hook = hook
        self.max_concurrency = places
        self._limiter = Limiter(places, self.clock, self.tell)
        self.is_heard = True

    def tell(self, event: Event) -> None:
        """Note an event."""
        self.events.append(event)
        if self._hook is not None:
            self._hook(event)

    def claim(
        self, account: str, target: str, operation: str, *, alone: bool = False
    ) -> Callable[[], None]:
        """Count who has claimed the upgrade."""
        assert (account, target, operation) == (ACCOUNT, self.target, self.operation)
        assert not alone
        self.claims += 1

        def release() -> None:
            self.claims -= 1

        return release

    def slot(self, account: str, flow: Hashable = None, _: Place | None = None) -> Slot:
        """Return a place in flight, not yet taken."""
        assert account == ACCOUNT
        return Slot(self._limiter, flow)

    async def accept(self, ids: list[str]) -> DeviceAnswers | CampaignReceipt:
        """Take all devices into the upgrade."""
        self.members.update(ids)
        return answers(ids)

    async def until_sent(self, requests: int) -> None:
        """Wait until so many requests were written."""
        async with asyncio.timeout(5):
            while len(self.sent) < requests:
                self.changed.clear()
                await self.changed.wait()

    async def call(
        self,
        route: Route[Any],
        values: Mapping[str, str],
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        slot: Slot | None = None,
        tally: Tally | None = None,
        read: StepReader[Any] | None = None,
        **_: object,
    ) -> Any:
        """Hand a request to the script; a read is answered from the upgrade."""
        assert values.items() >= self.values.items()
        if route.method == "GET":
            await asyncio.sleep(0)
            return self._page(route, query) if query else self._read_whole(route, read)
        assert isinstance(body, bytes)
        self.bodies.append(msgspec.json.decode(body))
        ids = self.bodies[-1]["deviceList"]
        tally = tally or Tally()
        tally.in_doubt, tally.on_wire = False, True
        self._depart(ids)
        error: BaseException | None = None
        try:
            result = await self.script(ids)
        except BaseException as caught:
            error = caught
            raise
        else:
            if slot is not None:
                slot.answered()
            return result
        finally:
            self.in_flight -= 1
            tally.on_wire = False
            tally.in_doubt = _in_doubt(error)
            tally.requests += not isinstance(error, NotSentError)

    def _depart(self, ids: list[str]) -> None:
        self.sent.append(ids)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.changed.set()

    def _read_whole(self, route: Route[Any], read: StepReader[Any] | None) -> Any:
        self.reads += 1
        return self._read(route, read)

    def _page(self, route: Route[Any], query: Mapping[str, str]) -> Any:
        raise AssertionError(f"an upgrade has no pages, {route} {query}")

    def _read(self, route: Route[Any], read: StepReader[Any] | None) -> Any:
        rows = [{"deviceId": i, "status": "Device Accepted"} for i in sorted(self.members)]
        upgrade = {"id": UPGRADE, "status": self.status, "deviceList": rows}
        body = msgspec.json.encode(upgrade)
        if read is None:
            return read_body(body, route.result)
        steps = read(body)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


def _in_doubt(error: BaseException | None) -> bool:
    if isinstance(error, CallError):
        return error.sent == "maybe"
    return error is not None and not isinstance(error, MisuseError)


class Gate:
    """Holds all requests back until it is opened; then they are accepted."""

    def __init__(self, **options: Any) -> None:
        self.opened = asyncio.Event()
        self.session = FakeSession(self._held, **options)

    async def _held(self, ids: list[str]) -> DeviceAnswers | CampaignReceipt:
        await self.opened.wait()
        return await self.session.accept(ids)


async def let_run() -> None:
    """Give every task far more turns than it needs for what it is going to do."""
    for _ in range(2000):
        await asyncio.sleep(0)


def client_of(sim: Simulator, **options: Unpack[SessionOptions]) -> FotaClient:
    """Return a client of a simulator."""
    environ = {
        "THINGSPACE_KEY": sim.key,
        "THINGSPACE_SECRET": sim.secret,
        "THINGSPACE_USERNAME": sim.username,
        "THINGSPACE_PASSWORD": sim.password,
        "THINGSPACE_ACCOUNT": sim.account,
        "THINGSPACE_BASE_URL": sim.base_url,
    }
    return FotaClient.from_env(environ=environ, **options)


def run_over(session: Any, devices: Devices | Source, **options: Any) -> BatchRun:
    """Return a run that appends `devices`."""
    column = options.pop("column", None)
    operation = modify_upgrade("append", ACCOUNT, UPGRADE)
    return DeviceBatcher(session, operation, **options).run(devices, column=column)


async def report_over(devices: Devices | Source, **options: Any) -> BatchReport:
    """Return the report of a run in which nothing goes wrong."""
    return await run_over(FakeSession(), devices, **options)


def write(path: Path, content: str | bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def trickle(items: Iterable[Any]) -> AsyncIterator[Any]:
    """Yield `items` one by one, each after a turn of the event loop."""
    for item in items:
        await asyncio.sleep(0)
        yield item


def assert_law(report: BatchReport) -> None:
    """Every input occurrence is counted once; every distinct input has one outcome."""
    counts = {state: getattr(report, state.value) for state in State}
    assert report.inputs == sum(counts.values()) + report.duplicates
    listed = [(outcome.device_id, outcome.state is State.INVALID) for outcome in report]
    assert len(set(listed)) == len(listed) == sum(counts.values())
    for state, count in counts.items():
        assert sum(outcome.state is state for outcome in report) == count


def ids_of(report: BatchReport, state: State) -> list[str]:
    """Return the devices of a report that ended so, in its order."""
    return [outcome.device_id for outcome in report if outcome.state is state]


def assert_no_task_left() -> None:
    """Nothing of a run may go on after it returned."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in others if task.get_name() != "simulator"]
