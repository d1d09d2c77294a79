"""Some rows of a v1 upgrade, read without building the rest."""

from collections.abc import Collection, Generator

import attrs
import msgspec

from fota_async.models.upgrades import FirmwareUpgrade
from fota_async.wire.convert import structure
from fota_async.wire.decode import parse_json
from fota_async.wire.enums import UpgradeStatus
from fota_async.wire.slices import in_slices


class _Row(msgspec.Struct, gc=False):
    deviceId: str  # noqa: N815 - the wire's spelling saves msgspec a renaming
    status: str
    resultReason: str = ""  # noqa: N815 - as above
    Reason: str = ""
    reason: str = ""


_rows = msgspec.json.Decoder(list[_Row])


@attrs.frozen
class UpgradeRows:
    """The state of an upgrade, and the rows of the devices asked about.

    Attributes:
        status: State of the upgrade.
        rows: Status and reason by device id, word for word; a device that is not in the upgrade
            has no row.
    """

    status: UpgradeStatus | None
    rows: dict[str, tuple[str, str]]


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
    slices = in_slices(body, "deviceList", _rows)
    while True:
        try:
            part = next(slices)
        except StopIteration as end:
            around = end.value
            break
        for row in part:
            if row.deviceId in wanted:
                rows[row.deviceId] = (row.status, row.resultReason or row.Reason or row.reason)
        yield
    if around is None:
        return _read_whole(body, wanted)
    return UpgradeRows(structure(around, FirmwareUpgrade).status, rows)


def _read_whole(body: bytes, wanted: Collection[str]) -> UpgradeRows:
    """Read any spelling, in one go; equal to `read_rows`."""
    upgrade = structure(parse_json(body), FirmwareUpgrade)
    rows = {
        str(device.device_id): (device.status or "", device.reason or "")
        for device in upgrade.device_list
        if device.device_id in wanted
    }
    return UpgradeRows(upgrade.status, rows)
