"""A session that refuses requests and readings as it is told."""

from typing import Any

import pytest
from batch_helpers import (
    FakeSession,
    assert_law,
    assert_no_task_left,
)

from fota_async import (
    InvalidRequestError,
    RunStopped,
    StopCause,
)
from fota_async.models.device_answers import DeviceAnswers

PROBES = 8


def refusal(text: str = "Invalid device id format") -> InvalidRequestError:
    return InvalidRequestError(text, status=400, code="INVALID_PARAMETER", text=text)


class Refusing(FakeSession):
    """Refuses requests that carry a bad device, and readings as it is told.

    Args:
        bad: Devices because of which a whole request is refused; None for all.
        readings: What becomes of readings, one after another; None lets one through.
    """

    def __init__(
        self,
        bad: "set[str] | None" = frozenset(),  # type: ignore[assignment]  # never changed
        readings: "list[Exception | None] | None" = None,
        **options: Any,
    ) -> None:
        super().__init__(self._refuse, **options)
        self.bad = bad
        self.readings = list(readings or [])
        self.read_at: list[float] = []

    async def _refuse(self, ids: list[str]) -> DeviceAnswers:
        if self.bad is None or not self.bad.isdisjoint(ids):
            raise refusal()
        return await self.accept(ids)

    def _read(self, *what: Any) -> Any:
        self.read_at.append(self.clock.monotonic())
        error = self.readings.pop(0) if self.readings else None
        if error is not None:
            raise error
        return super()._read(*what)


async def stopped(run: Any, cause: StopCause, match: str = "") -> Any:
    """Return the report of a run that must stop so."""
    with pytest.raises(RunStopped, match=match) as caught:
        await run
    assert caught.value.cause is cause
    assert_law(caught.value.report)
    assert_no_task_left()
    return caught.value.report
