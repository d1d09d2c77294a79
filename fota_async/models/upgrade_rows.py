"""A v1 upgrade read step by step: with all its devices, or only the rows of some."""

from collections.abc import Callable, Collection, Generator
from typing import Any, cast

import attrs
import msgspec

from fota_async.models.upgrades import FirmwareUpgrade, UpgradeDevice
from fota_async.wire.convert import DeviceId, structure
from fota_async.wire.decode import parse_json
from fota_async.wire.enums import UpgradeStatus
from fota_async.wire.slices import in_slices
from fota_async.wire.timestamp import Timestamp


class _Row(msgspec.Struct, gc=False):
    deviceId: str  # noqa: N815 - the wire's spelling saves msgspec a renaming
    status: str
    resultReason: str | None = None  # noqa: N815 - as above
    Reason: str | None = None
    reason: str | None = None


_rows = msgspec.json.Decoder(list[_Row])


@attrs.frozen
class UpgradeRows:
    """The state of an upgrade, and the rows of the devices asked about.

    Attributes:
        status: State of the upgrade.
        rows: Status and reason by device id, word for word; a device that is not in the upgrade
            has no row.
        start_date: Word for word, if the answer says one.
    """

    status: UpgradeStatus | None
    rows: dict[str, tuple[str, str]]
    start_date: Timestamp | None = None


def read_rows(body: bytes, wanted: Collection[str]) -> Generator[None, None, UpgradeRows]:
    """Read the rows of `wanted` devices from the answer that reads an upgrade, step by step.

    Args:
        body: The answer, in any of the spellings the vendor shows.
        wanted: Device ids.

    Yields:
        Between slices, for the event loop to breathe.

    Raises:
        ValueError: It is no such answer.
    """
    rows: dict[str, tuple[str, str]] = {}

    def take(part: list[_Row]) -> None:
        for row in part:
            if row.deviceId in wanted:
                rows[row.deviceId] = (row.status, _reason(row) or "")

    around = yield from _each_slice(body, take)
    if around is None:
        return _read_whole(body, wanted)
    upgrade = structure(around, FirmwareUpgrade)
    return UpgradeRows(upgrade.status, rows, upgrade.start_date)


def read_statuses(
    body: bytes, take: Callable[[list[tuple[str, str]]], object]
) -> Generator[None, None, UpgradeRows]:
    """Read id and status of every device, step by step; arguments and errors as `read_rows`.

    Args:
        body: The answer.
        take: Gets the ids and statuses of each slice.
    """
    around = yield from _each_slice(
        body, lambda part: take([(row.deviceId, row.status) for row in part])
    )
    if around is None:
        upgrade = structure(parse_json(body), FirmwareUpgrade)
        take([(str(one.device_id), one.status or "") for one in upgrade.device_list])
    else:
        upgrade = structure(around, FirmwareUpgrade)
    return UpgradeRows(upgrade.status, {}, upgrade.start_date)


def read_upgrade(body: bytes) -> Generator[None, None, FirmwareUpgrade]:
    """Read an upgrade with all its devices, step by step; arguments and errors as `read_rows`."""
    devices: list[UpgradeDevice] = []

    def take(part: list[_Row]) -> None:
        devices.extend(
            UpgradeDevice(DeviceId(row.deviceId), row.status, _reason(row)) for row in part
        )

    around = yield from _each_slice(body, take)
    if around is None:
        return structure(parse_json(body), FirmwareUpgrade)
    return attrs.evolve(structure(around, FirmwareUpgrade), device_list=tuple(devices))


def read_head(body: bytes) -> Generator[None, None, FirmwareUpgrade]:
    """Read an upgrade without its devices, step by step; arguments and errors as `read_rows`."""
    around = yield from _each_slice(body, lambda _: None)
    whole = structure(parse_json(body) if around is None else around, FirmwareUpgrade)
    return attrs.evolve(whole, device_list=())


def _each_slice(
    body: bytes, take: Callable[[list[_Row]], object]
) -> Generator[None, None, dict[str, Any] | None]:
    """Hand each slice to `take`, pausing between them; return what `in_slices` returns."""
    slices = in_slices(body, "deviceList", _rows)
    while True:
        try:
            part = next(slices)
        except StopIteration as end:
            return cast("dict[str, Any] | None", end.value)
        take(part)
        yield


def _reason(row: _Row) -> str | None:
    return next((r for r in (row.resultReason, row.Reason, row.reason) if r is not None), None)


def _read_whole(body: bytes, wanted: Collection[str]) -> UpgradeRows:
    """Read any spelling, in one go; equal to `read_rows`."""
    upgrade = structure(parse_json(body), FirmwareUpgrade)
    rows = {
        str(device.device_id): (device.status or "", device.reason or "")
        for device in upgrade.device_list
        if device.device_id in wanted
    }
    return UpgradeRows(upgrade.status, rows, upgrade.start_date)
