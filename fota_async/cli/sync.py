"""`fota sync`: an upgrade or a campaign brought to a wanted list of devices."""

import json
import signal
import sys
from collections.abc import Iterable
from typing import Annotated

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.batch.errors import RunStopped, SyncRefused, SyncStopped
from fota_async.batch.sync import Sync, SyncPlan, SyncReport
from fota_async.cli.access import OUTPUT
from fota_async.cli.advice import advice_on
from fota_async.cli.arguments import File, Flat
from fota_async.cli.cluster import requests_elsewhere
from fota_async.cli.confirm import answered_yes
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.failures import Kept, failures_in_words, with_access
from fota_async.cli.output import check_report_path, fail, print_pieces, say
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.run_flags import ReportFlags, run_options, source_of
from fota_async.cli.runs import asked, save_report
from fota_async.cli.signals import graceful, on_signals
from fota_async.cli.target import Target
from fota_async.observe.sink import fan_out
from fota_async.reports import RunRecord


@attrs.frozen(kw_only=True)
class SyncOptions(ReportFlags):
    """The options of `fota sync`."""

    max_removals: Annotated[
        int,
        Parameter(
            validator=Number(gte=0),
            help="The most devices it may remove. By default none: a list that was cut short would "
            "remove the rest of the fleet.",
        ),
    ] = 0
    yes: Annotated[
        bool,
        Parameter(
            negative=(),
            group=OUTPUT,
            show_default=False,
            help="Carry the plan out without asking.",
        ),
    ] = False


_NO_TARGET, _NO_OPTIONS = Target(), SyncOptions()


async def sync(
    file: File,
    /,
    *,
    target: Annotated[Target, Flat] = _NO_TARGET,
    options: Annotated[SyncOptions, Flat] = _NO_OPTIONS,
) -> int:
    """Bring an upgrade or a campaign to a list of devices: append what is missing, remove the rest.

    Shows the plan and asks before anything is sent. Appends first, and removes only when the
    target shows what was appended. Started again after a stop it does what is left. The file of
    --report tells of both, and names the operation with each device.

    Example: fota sync --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf --max-removals 100 fleet.csv

    Example: fota sync --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf --report sync.html fleet.csv

    Example: fota sync --campaign 60b5d639-ccdc-4db8-8824-069bd94c95bf --api v3 --dry-run fleet.csv
    """
    if options.report is not None:
        check_report_path(options.report, file)
    progress = ProgressDisplay()
    record = RunRecord(
        asked={**asked(file, options), "removals, at most": f"{options.max_removals:,}"}
    )
    client = options.client(fan_out(progress, record), max_rate=options.max_rate)
    run_with = run_options(options)
    run_with["settle_limit"] = target.settle_limit
    stopped: SyncStopped | None = None
    async with client, requests_elsewhere(options, run_with, client, progress):
        job = Sync(
            client.session,
            target.operation("append", client.account, settle=True),
            target.operation("remove", client.account, settle=True),
            max_removals=options.max_removals,
            approve=lambda plan: _approve(plan, target, options, progress),
            options=run_with,
        )
        with on_signals(graceful(job.stop, options.grace)) as received, progress:
            try:
                report = await job.run(source_of(file, options.column))
            except SyncStopped as error:
                stopped, report = error, error.report
            except SyncRefused as error:
                if received.signal is None:
                    raise
                fail(str(error))
                return 128 + received.signal
    if options.dry_run:
        _name(outcome.device_id for outcome in report.remove)
    if stopped is not None:
        fail(_why(stopped))
    code = _exit_code(report, received.signal, stopped=stopped is not None)
    has_report = save_report(report, options, record)
    written = _print(report, as_json=options.json) and has_report
    for run in (report.append, report.remove):
        again = with_access(f"{run.operation} {target.words}", options)
        kept = Kept(again=again, report=options.report if has_report else None, goes_on=True)
        if words := failures_in_words(run, kept):
            say(f"{run.operation}: {words}")
    return code if written or code else Exit.ERROR


def _why(stopped: SyncStopped) -> str:
    cause = stopped.__cause__
    advice = advice_on(cause) if isinstance(cause, RunStopped) else ""
    left = "the same command does what is left"
    return "; ".join(filter(None, (str(stopped), advice, left)))


async def _approve(
    plan: SyncPlan, target: Target, options: SyncOptions, progress: ProgressDisplay
) -> bool:
    progress.pause()
    _name(plan.remove)
    say(f"The {target.kind} is {plan.status}. {plan}.")
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise SyncRefused("nobody can be asked: give --yes to carry the plan out", plan)
    return await answered_yes()


def _name(to_remove: Iterable[str]) -> None:
    for device in to_remove:
        say(f"to remove: {device}")


def _exit_code(report: SyncReport, received: signal.Signals | None, *, stopped: bool) -> int:
    runs = (report.append, report.remove)
    if not stopped:
        return max(exit_code(run, received) for run in runs)
    for run in runs:
        if run.stopped:
            return exit_code(run, received)
    return 128 + received if received else Exit.ERROR


def _print(report: SyncReport, *, as_json: bool) -> bool:
    if not as_json:
        return print_pieces([str(report), "\n"])
    document = {
        "append": report.append.summary(),
        "remove": report.remove.summary(),
        "unchanged": report.unchanged,
        "duplicates": report.duplicates,
    }
    return print_pieces([json.dumps(document), "\n"])
