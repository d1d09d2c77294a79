"""A schedule operation: what makes a target, and what is then done with the rest of the devices."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from fota_async.batch.candidates import Candidate
from fota_async.batch.journal.rows import SCHEDULE
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.states import Verdict
from fota_async.wire.convert import unstructure
from fota_async.wire.route import Route

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ScheduleOperation(Generic[T]):
    """What a run schedules.

    Attributes:
        account: Billing account.
        route: Where the request goes.
        values: What goes into the path, by name.
        body: The body, with no devices in its `device_list`.
        append: Returns the operation that appends to the target with this id.
        id_of: The id in an answer; None if it has none.
        verdicts: What an answer says of each device that was sent; None where it says nothing.
        get: Reads the target with this id, for a run that goes on from a journal.
        find: Looks for targets that could be what a lost request with these devices made.
    """

    account: str
    route: Route[T]
    values: Mapping[str, str]
    body: Any
    append: Callable[[str], Operation]
    id_of: Callable[[T], str | None]
    verdicts: Callable[[T, Sequence[str]], list[Verdict | None]]
    get: Callable[[BatchSession, str], Awaitable[T]]
    find: Callable[[Sequence[str]], Awaitable[tuple[Candidate, ...]]]

    def body_for(self, ids: Sequence[str]) -> object:
        """Return the body of a request with these devices."""
        return attrs.evolve(self.body, device_list=tuple(ids))

    @property
    def without_target(self) -> Operation:
        """The operation of a run that knows no target: it reads and sends nothing.

        Its target says what is asked for, all but the devices.
        """
        asked = {key: said for key, said in unstructure(self.body).items() if key != "deviceList"}
        return Operation(
            name=SCHEDULE,
            account=self.account,
            target=f"{self.route.name} {json.dumps(asked)}",
            route=self.route,
            values=self.values,
            encode=_never,
        )


def _never(_: Sequence[str]) -> bytes:
    raise AssertionError("a run without a target sends nothing")
