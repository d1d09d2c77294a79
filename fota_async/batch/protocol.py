"""What the batcher needs of a session, and nothing more."""

from collections.abc import Callable, Hashable, Mapping
from typing import Protocol, TypeVar

from fota_async.clock import Clock
from fota_async.events import EventHook
from fota_async.executor import Place, Tally
from fota_async.limiter import Slot
from fota_async.wire.decode import StepReader
from fota_async.wire.route import Route

T = TypeVar("T")


class BatchSession(Protocol):
    """A session as the batcher sees it; `fota_async.SessionManager` is one."""

    @property
    def clock(self) -> Clock:
        """Whose seconds count."""
        ...

    @property
    def tell(self) -> EventHook:
        """Where events go."""
        ...

    @property
    def is_heard(self) -> bool:
        """Whether anyone hears of the events that are told often; else they need not be made."""
        ...

    @property
    def max_pause(self) -> float:
        """Seconds that a call accepts to be throttled."""
        ...

    def claim(
        self, account: str, target: str, operation: str, *, alone: bool = False
    ) -> Callable[[], None]:
        """Reserve a target for an operation; return what gives it up.

        Raises:
            MisuseError: Another operation has it, or the same one and it must be alone.
        """
        ...

    @property
    def max_concurrency(self) -> int:
        """The most requests that can ever be in flight at once."""
        ...

    def slot(self, account: str, flow: Hashable = None, place: Place | None = None) -> Slot:
        """Return a place in flight, not yet taken; flows of an account take turns."""
        ...

    async def call(
        self,
        route: Route[T],
        values: Mapping[str, str],
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        slot: Slot | None = None,
        tally: Tally | None = None,
        endless: bool = False,
        keep_trying: Callable[[], bool] | None = None,
        read: StepReader[T] | None = None,
    ) -> T:
        """Make one call; see `fota_async.SessionManager.call`."""
        ...
