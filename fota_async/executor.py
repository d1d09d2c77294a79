"""Where the tries of a run are made: in place, or by an executor that hands them to others.

An executor makes single tries and decides nothing: the limit, the tokens, the retries, the journal
and the report stay with the session manager and the run, whoever sends.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs

from fota_async.credentials import Tokens
from fota_async.events import EventHook
from fota_async.wire.decode import StepReader
from fota_async.wire.route import Route

T = TypeVar("T")


@attrs.define
class Tally:
    """What the tries of one call did on the wire.

    Attributes:
        requests: Tries that were written to the wire.
        on_wire: Whether one is under way.
        in_doubt: Whether one of them may have been applied with nobody knowing.
        seconds: How long the call took, waits included; None before its end.
    """

    requests: int = 0
    on_wire: bool = False
    in_doubt: bool = False
    seconds: float | None = None


@attrs.frozen
class Errand(Generic[T]):
    """One try of a call, but for its tokens.

    That of a batch can be pickled.

    Attributes:
        route: What is called.
        path: The route's path, filled in.
        content: Bytes of JSON, an upload, or None.
        query: Query parameters.
        read: Reads a good answer piece by piece, in place of the route's own way.
        attempt: Number of the try, from 1.
        secrets: What in its content no error and no event may show.
    """

    route: Route[T]
    path: str = attrs.field(repr=False)
    content: Any = attrs.field(default=None, repr=False)
    query: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    read: StepReader[T] | None = attrs.field(default=None, repr=False)
    attempt: int = 1
    secrets: Sequence[str] = attrs.field(default=(), repr=False)


class TryHome(Protocol):
    """The session manager on whose behalf a try is made."""

    @property
    def wire_options(self) -> Mapping[str, Any]:
        """How it would make the try itself; see `fota_async.options.WireOptions`."""
        ...

    @property
    def tell(self) -> EventHook:
        """Where events go."""
        ...

    @property
    def is_heard(self) -> bool:
        """Whether anyone hears of them."""
        ...


class Place(Protocol):
    """A place for one try at a time, taken and given back as a `fota_async.limiter.Slot` is."""

    async def available(self) -> None:
        """Wait until there is a place to take, without taking it.

        Raises:
            NotSentError: There is none to be had.
        """
        ...

    async def take(self) -> None:
        """Wait for the place.

        Raises:
            NotSentError: There is none to be had.
        """
        ...

    def give_back(self) -> None:
        """Give the place back."""
        ...

    async def prepare(self, tokens: Tokens, home: TryHome) -> None:
        """See to it that a try at this place, which is taken, can be made at once.

        Args:
            tokens: What it will be made with.
            home: On whose behalf.

        Raises:
            NotSentError: It cannot.
        """
        ...

    async def make(self, errand: Errand[T], tokens: Tokens, tally: Tally, home: TryHome) -> T:
        """Make a try at this place, which is prepared for it.

        Args:
            errand: The try.
            tokens: What it is made with.
            tally: Counts it when it reached the wire, or may have.
            home: On whose behalf.

        Raises:
            CallError: The try did not give its result. A `LostError` whenever it may have left and
                nobody knows what came of it.
        """
        ...


class Executor(Protocol):
    """Makes the tries of runs elsewhere; `fota_async.distributed.DaskExecutor` is one.

    An executor must make each try at most once: where it cannot tell whether one was made, that
    is a `LostError`, and the run settles it.
    """

    def place(self) -> Place:
        """Return a place for one try at a time, not yet taken."""
        ...
