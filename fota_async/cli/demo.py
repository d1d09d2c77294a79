"""`fota demo`: the main job, end to end, against the simulator, checked against its truth."""

from typing import Annotated

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.auth import Credentials
from fota_async.batch.errors import RunStopped
from fota_async.batch.report import BatchReport
from fota_async.batch.states import State
from fota_async.cli.exits import Exit
from fota_async.cli.output import fail, print_report, say
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.signals import on_signals
from fota_async.client import FotaClient
from fota_async.simulator import Faults, Rules, Simulator

_FIRST = 356_938_030_000_000


@attrs.frozen(kw_only=True)
class DemoOptions:
    """The options of `fota demo`."""

    devices: Annotated[
        int, Parameter(validator=Number(gte=1, lte=10_000_000), help="How many devices to enrol.")
    ] = 100_000
    seed: Annotated[int, Parameter(help="Another seed brings other trouble.")] = 0


async def run_demo(options: DemoOptions) -> int:
    """Enrol the devices; return 0 if and only if report and simulator agree."""
    rules = Rules(
        rate=25, burst=5, retry_after=0.5, refuse_rate=0.002, seed=options.seed, token_lifetime=3600
    )
    faults = Faults(seed=options.seed, latency=(0.05, 0.25), expire_token=0.03, expire_session=0.01)
    async with Simulator(rules=rules, faults=faults) as simulator:
        say(
            f"A simulated ThingSpace listens on {simulator.base_url}. It answers slowly, takes "
            f"{rules.rate:g} requests\na second, ends tokens and sessions at random and refuses "
            f"{rules.refuse_rate:.1%} of all devices.\n"
            f"Enrolling {options.devices:,} devices into upgrade {simulator.upgrade_id}:"
        )
        report = await _enrol(simulator, options.devices)
        print_report(report, as_json=False)
        return _compare(report, simulator.members())


async def _enrol(simulator: Simulator, devices: int) -> BatchReport:
    credentials = Credentials(
        simulator.key, simulator.secret, simulator.username, simulator.password
    )
    ids = [f"{_FIRST + number:015d}" for number in range(devices)]
    progress = ProgressDisplay()
    client = FotaClient(
        credentials, account=simulator.account, base_url=simulator.base_url, on_event=progress
    )
    async with client:
        run = client.v1.upgrades.append_devices(simulator.upgrade_id, ids)
        with on_signals(run.stop), progress:
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
