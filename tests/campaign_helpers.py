"""A campaign without a wire, and what else the tests of campaigns share."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec
from batch_helpers import ACCOUNT, FakeSession, answers

from fota_async import BatchRun, DeviceBatcher, modify_campaign_v2, modify_campaign_v3
from fota_async.batch.operation import Operation
from fota_async.batch.source import Devices
from fota_async.models.campaigns import CampaignReceipt
from fota_async.models.device_answers import DeviceAnswers
from fota_async.wire.decode import read_body
from fota_async.wire.route import Route

CAMPAIGN = "f858b8c4-2153-11ec-8c44-aeb16d1aa652"


class FakeCampaign(FakeSession):
    """What the batcher needs of a session; its campaign works off what it took after a while.

    Args:
        version: `v2` answers with receipts, `v3` about each device.
        operation: What its runs do.
        delay: Seconds until what was taken shows; None for never.
        page_size: Devices on a page of the report.
        options: Of `FakeSession`.

    Attributes:
        rejected: Devices that the campaign rejects when it works them off, with the reason.
        pages: Pages of the report that were read; `reads` counts the states.
    """

    values: ClassVar = {"account": ACCOUNT, "campaign_id": CAMPAIGN}
    target = CAMPAIGN

    def __init__(
        self,
        script: Any = None,
        *,
        version: Literal["v2", "v3"] = "v2",
        operation: Literal["append", "remove"] = "append",
        delay: float | None = 0.0,
        page_size: int = 1000,
        **options: Any,
    ) -> None:
        super().__init__(script, **options)
        self.version = version
        self.operation = operation
        self.delay = delay
        self.page_size = page_size
        self.status = "CampaignRequestQueued"
        self.rejected: dict[str, str] = {}
        self.pages = 0
        self._rows: dict[str, tuple[str, str]] = {}
        self._waiting: list[tuple[float, str]] = []

    def seed(self, ids: list[str], status: str = "Accepted", reason: str = "") -> None:
        """Put devices into the campaign."""
        self._rows.update(dict.fromkeys(ids, (status, reason)))

    def has(self) -> set[str]:
        """Return the devices in its report by now."""
        now = self.clock.monotonic()
        due = [device for moment, device in self._waiting if moment <= now]
        self._waiting = [one for one in self._waiting if one[0] > now]
        for device in due:
            if self.operation == "remove":
                self._rows.pop(device, None)
            elif device in self.rejected:
                self._rows[device] = ("DeviceRejected", self.rejected[device])
            else:
                self._rows[device] = ("Accepted", "")
        return set(self._rows)

    async def accept(self, ids: list[str]) -> DeviceAnswers | CampaignReceipt:
        """Take all devices in, and work them off later."""
        if self.delay is not None:
            moment = self.clock.monotonic() + self.delay
            self._waiting += [(moment, device) for device in ids]
        return CampaignReceipt("5a2fd5f0") if self.version == "v2" else answers(ids)

    def _read(self, route: Route[Any], _: Any) -> Any:
        return read_body(msgspec.json.encode({"id": CAMPAIGN, "status": self.status}), route.result)

    def _page(self, route: Route[Any], query: Mapping[str, str]) -> Any:
        self.pages += 1
        ids = sorted(device for device in self.has() if device > query["lastSeenDeviceId"])
        here = ids[: self.page_size]
        rows = [
            {"deviceId": i, "status": self._rows[i][0], "resultReason": self._rows[i][1]}
            for i in here
        ]
        page: dict[str, Any] = {"deviceList": rows or None, "hasMoreData": len(ids) > len(here)}
        page["lastSeenDeviceId"] = here[-1] if here else None
        return read_body(msgspec.json.encode(page), route.result)


def operation_of(session: FakeCampaign, *, settle: bool = False) -> Operation:
    """Return what the runs of a campaign do."""
    if session.version == "v2":
        return modify_campaign_v2(session.operation, ACCOUNT, CAMPAIGN, settle=settle)
    return modify_campaign_v3(session.operation, ACCOUNT, CAMPAIGN)


def campaign_run(
    session: FakeCampaign, devices: Devices, *, settle: bool = False, **options: Any
) -> BatchRun:
    """Return a run over `devices`."""
    operation = operation_of(session, settle=settle)
    return DeviceBatcher(session, operation, **options).run(devices)
