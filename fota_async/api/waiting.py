"""Waiting for a state: by reading it again and again, and at once when told to look."""

import random
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import attrs

from fota_async.api.wakeups import Wakeup
from fota_async.clock import Clock, within
from fota_async.errors import (
    AnswerTooLargeError,
    CallError,
    CertificateError,
    ConfigurationError,
    DeadlineError,
    DecodeError,
    LostError,
    NeverReached,
    NotSentError,
    ProxyError,
    ThrottledError,
    WaitTimeout,
)
from fota_async.retry import Draw
from fota_async.wire.enums import CampaignStatus, UpgradeStatus

FIRST_INTERVAL = 5.0
LONGEST_INTERVAL = 300.0
"""Seconds. A session lives 20 minutes without use: reading more often keeps it, and no login is
needed however long the wait is."""

_GROWTH = 1.5

S = TypeVar("S", UpgradeStatus, CampaignStatus)


def intervals(draw: Draw = random.uniform) -> Iterator[float]:
    """Yield the seconds between readings: growing, and never the same for two who wait."""
    interval = FIRST_INTERVAL
    while True:
        yield interval * draw(0.8, 1.0)
        interval = min(interval * _GROWTH, LONGEST_INTERVAL)


def passes(error: CallError) -> bool:
    """Whether a reading that failed so may work later: a wait outlives such trouble."""
    if isinstance(error, CertificateError | ProxyError | AnswerTooLargeError | DecodeError):
        return False
    return isinstance(error, NotSentError | LostError | ThrottledError | DeadlineError)


def wanted_status(kind: type[S], status: S | str) -> S:
    """Return the state that a caller wants to wait for.

    Raises:
        ConfigurationError: It is a text that the vendor does not list: it might never come.
    """
    wanted = kind(status)
    if not isinstance(status, kind) and not wanted.is_known:
        known = ", ".join(member.value for member in kind)
        raise ConfigurationError(f"no state to wait for: {status!r}; the vendor lists {known}")
    return wanted


def _seconds_or_none(_wait: object, _attribute: object, value: Any) -> None:
    if value is not None and not (isinstance(value, int | float) and value >= 0):
        raise ConfigurationError(f"timeout is a number of seconds or None, not {value!r}")


@attrs.frozen
class Wait:
    """A wait for a state of one target.

    Attributes:
        target_id: The upgrade or campaign.
        clock: Whose seconds count.
        wakeup: Told when somebody knows more.
        timeout: Seconds after which to give up; None for never.

    Raises:
        ConfigurationError: The timeout is no number of seconds.
    """

    target_id: str
    clock: Clock
    wakeup: Wakeup
    timeout: float | None = attrs.field(validator=_seconds_or_none)

    async def until(self, wanted: S, read: Callable[[], Coroutine[Any, Any, S | None]]) -> S:
        """Read until the target is in the state `wanted` or has passed it; return its state.

        Args:
            wanted: The state.
            read: Reads the state; None where an answer has none.

        Raises:
            NeverReached: It is in its last state, and that is another one.
            WaitTimeout: It was not reached in time.
            CallError: The target cannot be read, and waiting does not help.
        """
        seen: list[S] = []
        trouble: list[CallError] = []

        async def look_until_reached() -> S:
            pauses = intervals()
            while True:
                try:
                    status = await read()
                except CallError as error:
                    if not passes(error):
                        raise
                    trouble[:] = [error]
                else:
                    trouble.clear()
                    seen[:] = [status] if status is not None else []
                    if status is not None and status.has_reached(wanted):
                        return status
                    if status is not None and status.is_final:
                        raise self._never(wanted, status)
                await self.wakeup.sleep(self.clock, next(pauses))

        try:
            return await within(self.clock, self.timeout, look_until_reached())
        except TimeoutError:
            raise self._too_late(wanted, *seen) from next(iter(trouble), None)

    def _never(self, wanted: S, status: S) -> NeverReached:
        return NeverReached(
            f"{self.target_id} is {status} and will never be {wanted}",
            target_id=self.target_id,
            wanted=wanted,
            status=status,
        )

    def _too_late(self, wanted: S, status: S | None = None) -> WaitTimeout:
        known = f"it is {status}" if status is not None else "its state could not be read"
        return WaitTimeout(
            f"{self.target_id} was not {wanted} within {self.timeout:g} s; {known}",
            target_id=self.target_id,
            wanted=wanted,
            status=status,
        )
