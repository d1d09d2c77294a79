"""The commands of `fota campaigns` that have a pilot first."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from typing import Annotated, Any, TypeAlias

import attrs
from cyclopts import App, Parameter
from cyclopts.validators import Number

from fota_async.api.pilot import PilotResult
from fota_async.batch.errors import RunStopped
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.cli.advice import stopped_in_words
from fota_async.cli.arguments import Api23, File, Flat, devices_in
from fota_async.cli.cluster import requests_elsewhere
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.groups.campaign_dates import AllDates, HttpDates
from fota_async.cli.groups.campaign_schedules import (
    From,
    Image,
    Name,
    OddProtocol,
    Protocol,
    ScheduleFlags,
    To,
)
from fota_async.cli.output import check_report_path, fail, print_pieces
from fota_async.cli.plain import as_plain, printable_lines
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.run_flags import record_options, source_of
from fota_async.cli.runs import asked, devices_of, save_report, say_failures
from fota_async.cli.schedules import APPEND, plain_target, show_scheduled
from fota_async.cli.signals import graceful, on_signals
from fota_async.client import FotaClient
from fota_async.observe.sink import fan_out
from fota_async.reports import RunRecord

Start: TypeAlias = Callable[
    [FotaClient, Devices, dict[str, Any], RunOptions], Coroutine[Any, Any, PilotResult[Any]]
]
"""Begins: gets the device list, the arguments of the pilot, and the options of the runs."""


@attrs.frozen(kw_only=True)
class PilotFlags(ScheduleFlags):
    """The options of a command that has a pilot first."""

    pilot_start_date: Annotated[date, Parameter(help="First day of the pilot, YYYY-MM-DD.")]
    pilot_end_date: Annotated[date, Parameter(help="Last day of the pilot, YYYY-MM-DD.")]
    pilot: Annotated[
        int,
        Parameter(help="How many devices from the beginning of the list are the pilot: 5 to 20."),
    ] = 20
    pilot_list: Annotated[
        str | None, Parameter(help="File with the devices of the pilot, in place of --pilot.")
    ] = None
    success_rate: Annotated[
        float, Parameter(help="Share of the pilot that must succeed: 0.5 or more.")
    ] = 0.5
    wait: Annotated[
        float | None,
        Parameter(validator=Number(gte=0), help="Seconds to wait for the pilot; else for ever."),
    ] = None

    async def arguments(self) -> dict[str, Any]:
        """Return the arguments of a method that has a pilot first.

        Raises:
            ConfigurationError: The pilot's list does not hold device ids alone.
            SourceError: It cannot be read.
        """
        pilot: int | Sequence[str] = self.pilot
        if self.pilot_list is not None:
            pilot = await devices_in(source_of(self.pilot_list, None))
        return {
            "pilot": pilot,
            "pilot_start_date": self.pilot_start_date,
            "pilot_end_date": self.pilot_end_date,
            "success_rate": self.success_rate,
            "timeout": self.wait,
            "settle": self.settle,
        }


Pilot = Annotated[PilotFlags, Flat]


def add_to(app: App) -> None:
    """Add the commands to a group."""
    for command in (pilot, pilot_file):
        app.command(command)


async def pilot(
    file: File,
    /,
    *,
    api: Api23,
    name: Image,
    from_: From,
    to: To,
    dates: Annotated[AllDates, Flat],
    flags: Pilot,
    campaign_name: Name = None,
    protocol: OddProtocol = None,
) -> int:
    """Schedule a pilot, wait until it succeeded, and schedule all other devices of a list.

    It succeeds when at least half of 5 to 20 devices are upgraded; ends with 3 if it does not, or
    not in time. With --journal the same command goes on after a crash: never a second pilot, never
    a second campaign for the fleet.

    Example: fota campaigns pilot --api v3 --name SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1
    --from SR1.2.0.0-10512 --to SR1.2.0.0-10657 --pilot-start-date 2027-04-01 --pilot-end-date
    2027-04-08 --start-date 2027-04-10 --end-date 2027-05-08 --journal fleet.db fleet.csv
    """
    when = dates.of(api)

    def start(
        client: FotaClient, devices: Devices, arguments: dict[str, Any], options: RunOptions
    ) -> Coroutine[Any, Any, PilotResult[Any]]:
        if api == "v2":
            return client.v2.campaigns.pilot_then_fleet(
                name,
                devices,
                software_from=from_,
                software_to=to,
                distribution_type=protocol or "HTTP",
                campaign_name=campaign_name,
                **arguments,
                **when,
                **options,
            )
        return client.v3.campaigns.pilot_then_fleet(
            name,
            devices,
            firmware_from=from_,
            firmware_to=to,
            protocol=protocol or "LWM2M",
            campaign_name=campaign_name,
            **arguments,
            **when,
            **options,
        )

    return await _drive(start, file, flags, APPEND[api])


async def pilot_file(
    file: File,
    /,
    *,
    file_name: Annotated[str, Parameter(help="The server's name of it, from `fota files list`.")],
    file_version: Annotated[str, Parameter(help="The version it was uploaded with.")],
    dates: Annotated[HttpDates, Flat],
    flags: Pilot,
    campaign_name: Name = None,
    protocol: Protocol = "HTTP",
) -> int:
    """Bring a file to a pilot, wait until that succeeded, and then to all others.

    What `fota campaigns pilot --help` says holds here, too.

    Example: fota campaigns pilot-file --file-name make-model-config.txt --file-version 1.0
    --pilot-start-date 2027-04-01 --pilot-end-date 2027-04-08 --start-date 2027-04-10 --end-date
    2027-05-08 --journal fleet.db fleet.csv
    """
    when = dates.of_v2()

    def start(
        client: FotaClient, devices: Devices, arguments: dict[str, Any], options: RunOptions
    ) -> Coroutine[Any, Any, PilotResult[Any]]:
        return client.v2.campaigns.pilot_then_fleet_file(
            file_name,
            devices,
            file_version=file_version,
            distribution_type=protocol,
            campaign_name=campaign_name,
            **arguments,
            **when,
            **options,
        )

    return await _drive(start, file, flags, APPEND["v2"])


async def _drive(start: Start, file: str, flags: PilotFlags, again: str) -> int:
    if flags.report is not None:
        check_report_path(flags.report, file, flags.journal)
    arguments, options = await flags.arguments(), record_options(flags)
    progress, record = ProgressDisplay(), RunRecord(asked=asked(file, flags))
    client = flags.client(fan_out(progress, record), max_rate=flags.max_rate)
    async with client, requests_elsewhere(flags, options, client, progress):
        devices = devices_of(file, flags.column)
        work = asyncio.ensure_future(start(client, devices, arguments, options))
        with on_signals(graceful(work.cancel, flags.grace)) as received, progress:
            try:
                result = await work
            except asyncio.CancelledError:
                if received.signal is None:
                    raise
                fail("interrupted; with --journal the same command goes on")
                return 128 + received.signal
            except RunStopped as stopped:
                return _stopped(stopped, flags, record)
    has_report = save_report(result.fleet.report, flags, record)
    written = _print(result, as_json=flags.json) and has_report
    say_failures(result.fleet.report, flags, again, has_report=has_report)
    code = exit_code(result.fleet.report, None)
    return code if written or code else Exit.ERROR


def _stopped(stopped: RunStopped, flags: PilotFlags, record: RunRecord) -> int:
    """Print what became of the run, of pilot or fleet, that was stopped; return the exit code."""
    fail(stopped_in_words(stopped))
    written = save_report(stopped.report, flags, record)
    show_scheduled(stopped.report, None, stopped, as_json=flags.json)
    # It may be the run of the pilot, whose devices are not to be sent by themselves.
    say_failures(stopped.report, flags, "", has_report=written)
    return exit_code(stopped.report, None) if written else Exit.ERROR


def _print(result: PilotResult[Any], *, as_json: bool) -> bool:
    if not as_json:
        return print_pieces([printable_lines(str(result)), "\n"])
    pilot, fleet = result.pilot, result.fleet
    document = {
        "pilot": {
            "id": pilot.target,
            "status": pilot.status,
            "succeeded": pilot.succeeded,
            "failed": pilot.failed,
            "undecided": pilot.undecided,
            "devices": {device: as_plain(row) for device, row in pilot},
            "report": pilot.report.summary(),
        },
        "scheduled": None if fleet.report.dry_run else plain_target(fleet.target),
        "report": fleet.report.summary(),
        "duplicates": result.duplicates,
    }
    return print_pieces([json.dumps(document), "\n"])
