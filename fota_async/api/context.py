"""What every resource needs: the session manager and the account."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import attrs

from fota_async.api.pages import Pages
from fota_async.api.wakeups import Wakeups
from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.device_ids import as_device_ids
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.errors import ConfigurationError
from fota_async.wire.paging import Page
from fota_async.wire.route import Route

T = TypeVar("T")
P = TypeVar("P", bound=Page[Any])

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@attrs.frozen
class Context:
    """Shared by the resources of one client."""

    session: BatchSession
    account: str
    wakeups: Wakeups = attrs.field(factory=Wakeups)

    def run(
        self, operation: Operation, devices: Devices, column: str | None, options: RunOptions
    ) -> BatchRun:
        """Return a run of an operation over `devices`.

        Raises:
            ConfigurationError: An option cannot work.
            TypeError: `devices` is a bare string or no device list at all.
        """
        return DeviceBatcher(self.session, operation, **options).run(devices, column=column)

    async def call(
        self,
        route: Route[T],
        *,
        body: object = None,
        query: Mapping[str, str | None] | None = None,
        **values: str,
    ) -> T:
        """Make one call for the account.

        Args:
            route: What to call.
            body: A model that becomes JSON, an upload, or None.
            query: Query parameters; those that are None are left out.
            values: What goes into the path beside the account.

        Raises:
            ConfigurationError: A value cannot be part of the path; nothing was sent.
            CallError: The call did not give its result.
        """
        values = {"account": self.account, **values}
        return await self.session.call(route, values, body=body, query=_given(query))

    def pages(
        self,
        route: Route[P],
        position: str,
        *,
        query: Mapping[str, str | None] | None = None,
        **values: str,
    ) -> Pages[P]:
        """Return the pages of a list.

        Args:
            route: What to call.
            position: Name of the value of the path, or of the query parameter, that says where a
                page begins.
            query: Other query parameters; those that are None are left out.
            values: What else goes into the path beside the account.

        Raises:
            ConfigurationError: A value cannot be part of the path; nothing was sent.
        """
        in_path = position in route.names

        async def fetch(here: str) -> P:
            at = {position: here}
            if in_path:
                return await self.call(route, query=query, **values, **at)
            return await self.call(route, query={**(query or {}), **at}, **values)

        route.fill(account=self.account, **values, **({position: "0"} if in_path else {}))
        return Pages(fetch, route.name)


def _given(query: Mapping[str, str | None] | None) -> dict[str, str] | None:
    return {name: value for name, value in (query or {}).items() if value is not None} or None


def check_device_ids(devices: Sequence[str]) -> tuple[str, ...]:
    """Return the devices of one request.

    Raises:
        ConfigurationError: None, or one that is no device id; nothing was sent.
    """
    ids = None if isinstance(devices, str | bytes) else as_device_ids(devices)
    if not ids:
        raise ConfigurationError("device_ids must be a list of device ids of 15 digits")
    return tuple(ids)


def check_device_id(device: str) -> str:
    """Return a device id for a path.

    Raises:
        ConfigurationError: It is none; nothing was sent.
    """
    (only,) = check_device_ids([device])
    return only


def check_uuid(text: str, what: str) -> str:
    """Return an id that the vendor's pages say is a UUID.

    Raises:
        ConfigurationError: It is none; nothing was sent.
    """
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ConfigurationError(f"{what} is a UUID, not {text!r}")
    return text


def check_dates(start: date, end: date) -> None:
    """Refuse days in the wrong order, and what are no days.

    Raises:
        ConfigurationError: Nothing was sent.
    """
    if not isinstance(start, date) or not isinstance(end, date):
        raise ConfigurationError("start_date and end_date must be dates")
    if (end.year, end.month, end.day) < (start.year, start.month, start.day):
        raise ConfigurationError(f"the end date {end} is before the start date {start}")
