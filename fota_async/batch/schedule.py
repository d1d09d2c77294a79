"""Scheduling with a device list of any length: the first batch makes the target, the rest follows.

There is no idempotency key (wire contract, "Is a repeat safe?"), so the request that schedules is
never sent twice: when its answer is lost, the run ends and says what it found.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

from fota_async.batch.errors import RunStopped, ScheduleUnknown, StopCause
from fota_async.batch.report import BatchReport
from fota_async.batch.run import Run
from fota_async.batch.schedule_engine import ScheduleEngine
from fota_async.batch.stopping import Stop
from fota_async.errors import MisuseError

T = TypeVar("T")
S = TypeVar("S", bound="Scheduled[Any]")


@attrs.frozen
class Scheduled(Generic[T]):
    """What was scheduled, and what became of every device.

    Attributes:
        report: Over all devices, those of the first request included.
    """

    report: BatchReport
    _target: T | None = None

    @property
    def target(self) -> T:
        """The upgrade or campaign as the answer has it; read again after a run that goes on.

        Raises:
            MisuseError: Nothing was scheduled, since it was a dry run.
        """
        if self._target is None:
            raise MisuseError("a dry run schedules nothing; look at its report")
        return self._target

    @property
    def id(self) -> str:
        """Its id.

        Raises:
            MisuseError: As for `target`.
        """
        self.target  # noqa: B018 - raises in a dry run
        return self.report.target


class ScheduleRun(Run[S]):
    """A call that schedules an upgrade or campaign, and appends what its first request left.

    `await run` starts it and returns what was scheduled, with a `report` over all devices.
    `async with run:` starts it, too; inside, `async for outcome in run` yields each
    `DeviceOutcome`. Stopping, leaving early and being cancelled are as in `BatchRun`; a request
    that is under way then is waited for within `grace`, and counts as lost after that.

    >>> run = fota.v1.upgrades.schedule(
    ...     "FOTA_Verizon_Model-A_01To02_HF",
    ...     "VerizonFirmwareVersion-02",
    ...     imeis,
    ...     start_date=date(2027, 4, 1),
    ...     end_date=date(2027, 4, 8),
    ... )
    >>> scheduled = await run
    >>> scheduled.report.succeeded, scheduled.id == run.report.target
    (3, True)

    Raises:
        ScheduleUnknown: The answer to the request that schedules is lost; nothing was appended.
        RunStopped: The run ended early. Its report's `target` is the id, if it was scheduled.
        RefusedError: The API said no; nothing is scheduled.
        ConfigurationError: No device id in the whole input; nothing was sent.
        SourceError: The device list cannot be read; nothing was sent.
        JournalError: The journal cannot be used; nothing was sent.
        CallError: Any other way for a call to end; nothing is scheduled. Where an earlier start
            scheduled already, and its target cannot be read now, a note says so.
    """

    def __init__(
        self, engine: "ScheduleEngine[T]", result: Callable[[BatchReport, T | None], S]
    ) -> None:
        super().__init__(engine)
        self._schedule = engine
        self._result_of = result

    def _made_of(self, report: BatchReport) -> S:
        return self._result_of(report, self._schedule.target)

    def _stopped_early(self, stop: Stop, report: BatchReport) -> RunStopped:
        if stop.cause is StopCause.LOST:
            return ScheduleUnknown(stop.message, report, self._schedule.candidates)
        return super()._stopped_early(stop, report)
