"""`fota demo`: the main job, end to end, against the simulator, checked against its truth."""

from collections import Counter
from typing import Annotated

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.batch.errors import RunStopped
from fota_async.batch.report import BatchReport
from fota_async.batch.states import State
from fota_async.cli.arguments import Flat
from fota_async.cli.exits import Exit
from fota_async.cli.output import fail, print_report, say
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.signals import on_signals
from fota_async.client import FotaClient
from fota_async.credentials import Credentials
from fota_async.events import BatchEvent, Event, PauseEvent, ProgressEvent, TokenEvent
from fota_async.simulator import Faults, Rules, Simulator

_FIRST = 356_938_030_000_000
_TIMEOUT = 1.0
_SETTLE_DELAY = 0.2


@attrs.frozen(kw_only=True)
class DemoOptions:
    """The options of `fota demo`."""

    devices: Annotated[
        int, Parameter(validator=Number(gte=1, lte=10_000_000), help="How many devices to enrol.")
    ] = 100_000
    seed: Annotated[int, Parameter(help="Another seed brings other trouble.")] = 0


_NO_OPTIONS = DemoOptions()


async def demo(*, options: Annotated[DemoOptions, Flat] = _NO_OPTIONS) -> int:
    """Enrol 100,000 devices into a simulated upgrade, under trouble, and check the report.

    Starts the simulator in this process; nothing leaves this machine. Ends with 0 if and only if
    report and simulator agree.

    Example: fota demo --devices 10000
    """
    rules = Rules(rate=40, burst=5, retry_after=0.5, refuse_rate=0.002, seed=options.seed)
    async with Simulator(rules=rules, faults=_trouble(options.seed)) as simulator:
        say(
            f"A simulated ThingSpace listens on {simulator.base_url}. It answers slowly, takes "
            f"{rules.rate:g} requests\na second, ends tokens and sessions, drops connections "
            f"before and after applying a request,\nfails, hangs, garbles its answers, and "
            f"refuses {rules.refuse_rate:.1%} of all devices.\nTo stay short, this demo waits "
            f"{_TIMEOUT:g} s for an answer (timeout; usually 30) and settles lost ones after\n"
            f"{_SETTLE_DELAY:g} s (settle_delay; usually 5).\n"
            f"Enrolling {options.devices:,} devices into upgrade {simulator.upgrade_id}:"
        )
        tale = _Tale(simulator)
        report = await _enrol(simulator, options.devices, tale)
        print_report(report, as_json=False)
        say(str(tale))
        return _compare(report, simulator.members())


def _trouble(seed: int) -> Faults:
    return Faults(
        seed=seed,
        latency=(0.02, 0.15),
        error_before=0.03,
        error_after=0.03,
        drop_before=0.03,
        drop_after=0.03,
        hang_before=0.01,
        hang_after=0.01,
        torn_body=0.02,
        html_body=0.01,
        empty_body=0.01,
        half_json=0.01,
        missing_items=0.02,
        odd_status=0.01,
        expire_token=0.01,
        read_lag=0.1,
        late_write=0.5,
        late_write_seconds=0.1,
    )


class _Tale:
    """Counts what went wrong and how it ended, and ends the session once in the middle."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._session_ended = False
        self.progress = ProgressDisplay()
        self._batches: Counter[str] = Counter()
        self._devices: Counter[str] = Counter()
        self._others: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        self.progress(event)
        if isinstance(event, ProgressEvent) and event.inputs > event.succeeded > event.inputs / 3:
            self._end_session_once()
        if isinstance(event, BatchEvent):
            self._batches[event.outcome] += 1
            self._devices[event.outcome] += event.devices
        elif isinstance(event, PauseEvent):
            self._others["pauses"] += 1
        elif isinstance(event, TokenEvent):
            self._others[f"{event.kind} {event.action}"] += 1

    def _end_session_once(self) -> None:
        if not self._session_ended:
            self._session_ended = True
            self._simulator.expire_sessions()

    def __str__(self) -> str:
        others = self._others
        return (
            f"On the way: {self._batches['lost']} answers lost or unclear, about "
            f"{self._devices['lost']:,} devices.\nReading the upgrade back decided "
            f"{self._devices['settled']:,} of them; what had not arrived was sent again.\n"
            f"{others['pauses']} pauses for throttling, {others['bearer fetched']} bearer tokens, "
            f"{others['session fetched']} logins."
        )


async def _enrol(simulator: Simulator, devices: int, tale: _Tale) -> BatchReport:
    credentials = Credentials(
        simulator.key, simulator.secret, simulator.username, simulator.password
    )
    ids = [f"{_FIRST + number:015d}" for number in range(devices)]
    client = FotaClient(
        credentials,
        account=simulator.account,
        base_url=simulator.base_url,
        timeout=_TIMEOUT,
        on_event=tale,
    )
    async with client:
        run = client.v1.upgrades.append_devices(
            simulator.upgrade_id, ids, settle_delay=_SETTLE_DELAY
        )
        with on_signals(run.stop), tale.progress:
            try:
                return await run
            except RunStopped as stopped:
                fail(str(stopped))
                return stopped.report


def _compare(report: BatchReport, members: set[str]) -> int:
    """Compare the report with what the simulator knows, device by device."""
    reported = {outcome.device_id for outcome in report if outcome.state is State.SUCCEEDED}
    if reported == members and not report.unknown:
        say(f"The simulator agrees, device by device: {len(members):,} are in the upgrade.")
        return Exit.DONE
    say(
        f"The simulator does NOT agree: {len(reported - members):,} devices reported as succeeded "
        f"are not in the upgrade, {len(members - reported):,} are in it and were not."
    )
    return Exit.ERROR
