"""The devices of v2 and v3 campaigns: appended, removed, and read back.

A reading takes many pages, and the campaign may change between two of them. That does no harm. A
page begins behind a device id, so a device that is in the campaign throughout is never missed;
what may be missed, or seen too late, is a device that comes or goes during the reading. Nobody
asks about those: a device is asked about only when nothing of it is in flight any more, and what
counts as absent was absent twice. A receipt that is worked off meanwhile shows in the next reading.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

import attrs
from pyroaring import BitMap64

from fota_async.api.context import check_uuid
from fota_async.api.pages import Pages
from fota_async.api.reports import LIST_DEVICES_V2, LIST_DEVICES_V3
from fota_async.batch.device_ids import DeviceSet, is_device_id, pack
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import (
    Members,
    Reading,
    Row,
    campaign_append_decision,
    campaign_remove_decision,
    is_rejected,
    is_removed,
)
from fota_async.models.campaign_rows import CampaignRows
from fota_async.models.campaigns import CampaignReceipt, CampaignV2, CampaignV3
from fota_async.models.device_answers import DeviceAnswers, answers_about
from fota_async.wire.enums import CampaignStatus
from fota_async.wire.route import Repeat, Route, get, put, read_as

GET_V2 = get("/api/fota/v2/campaigns/{account}/{campaign_id}", CampaignV2)
GET_V3 = get("/api/fota/v3/campaigns/{account}/{campaign_id}", CampaignV3)
MODIFY_V2 = put("/api/fota/v2/campaigns/{account}/{campaign_id}", CampaignReceipt, Repeat.SETTLE)
MODIFY_V3 = put(
    "/api/fota/v3/campaigns/firmware/{account}/{campaign_id}", DeviceAnswers, Repeat.SETTLE
)
READ_DEVICES_V2 = read_as(LIST_DEVICES_V2, CampaignRows)
READ_DEVICES_V3 = read_as(LIST_DEVICES_V3, CampaignRows)

_PILOT_RULE = (
    "a campaign holds at most 20 devices until a pilot of 5 to 20 devices with the same firmware "
    'succeeded (vendor page "Pilot Campaigns"): was there one?'
)


def modify_campaign_v2(
    name: Literal["append", "remove"], account: str, campaign_id: str, *, settle: bool = False
) -> Operation:
    """Return the operation that appends devices to a v2 campaign, or removes them.

    For `fota_async.DeviceBatcher`, where no client is wanted. v2 answers with a receipt, so
    devices are `pending` at first.

    >>> campaign_id = simulator.add_campaign("v2")
    >>> operation = modify_campaign_v2("append", simulator.account, campaign_id, settle=True)
    >>> report = await DeviceBatcher(fota.session, operation).run(imeis)
    >>> report.succeeded, report.pending
    (3, 0)

    Args:
        name: Which of the two.
        account: Billing account.
        campaign_id: UUID from the schedule answer.
        settle: Whether the run reads the campaign devices report until it shows what became of
            the devices, or `settle_limit` is over.

    Raises:
        ConfigurationError: The id is no UUID, or the account cannot be part of a path.
    """
    target = _Campaign(GET_V2, READ_DEVICES_V2, _values(GET_V2, account, campaign_id))
    return _modify(name, target, MODIFY_V2, awaits=settle)


def modify_campaign_v3(
    name: Literal["append", "remove"], account: str, campaign_id: str
) -> Operation:
    """Return the operation that appends devices to a v3 campaign, or removes them.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> campaign_id = simulator.add_campaign("v3")
    >>> operation = modify_campaign_v3("append", simulator.account, campaign_id)
    >>> report = await DeviceBatcher(fota.session, operation).run(imeis)
    >>> report.succeeded
    3

    Args:
        name: Which of the two.
        account: Billing account.
        campaign_id: UUID from the schedule answer.

    Raises:
        ConfigurationError: The id is no UUID, or the account cannot be part of a path.
    """
    target = _Campaign(GET_V3, READ_DEVICES_V3, _values(GET_V3, account, campaign_id))
    return _modify(name, target, MODIFY_V3)


def _values(route: Route[Any], account: str, campaign_id: str) -> dict[str, str]:
    values = {"account": account, "campaign_id": check_uuid(campaign_id, "a campaign id")}
    route.fill(**values)
    return values


@attrs.frozen
class _Campaign:
    """One campaign, as runs read it."""

    get: Route[CampaignV2] | Route[CampaignV3]
    devices: Route[CampaignRows]
    values: Mapping[str, str]

    async def read(self, session: BatchSession, wanted: frozenset[str]) -> Reading:
        """Read the state, and the rows of some devices; for the state alone no page is needed."""
        rows: dict[str, Row] = {}
        if wanted:
            words: dict[tuple[str, str], Row] = {}
            async for page in self._pages(session):
                for device, *said in zip(page.ids, page.statuses, page.reasons, strict=True):
                    if device in wanted:
                        rows[device] = words.setdefault((said[0], said[1]), Row(*said))
        status = await self._status(session)
        return Reading(rows, str(status), status.is_open if status else None)

    async def read_members(self, session: BatchSession) -> Members:
        """Read the state and all devices."""
        members, listed = BitMap64(), BitMap64()
        async for page in self._pages(session):
            each = zip(page.ids, page.statuses, strict=True)
            rows = [row for row in each if is_device_id(row[0]) and not is_removed(row[1])]
            listed.update(pack(device for device, _ in rows))
            members.update(pack(device for device, status in rows if not is_rejected(status)))
        status = await self._status(session)
        is_open = status.is_open if status else None
        return Members(DeviceSet(members), DeviceSet(listed), str(status), is_open)

    def _pages(self, session: BatchSession) -> AsyncIterator[CampaignRows]:
        async def fetch(here: str) -> CampaignRows:
            query = {"lastSeenDeviceId": here}
            return await session.call(self.devices, self.values, query=query)

        return Pages(fetch, self.devices.name).pages()

    async def _status(self, session: BatchSession) -> CampaignStatus | None:
        # After the pages: the state is what gets old.
        campaign: CampaignV2 | CampaignV3 = await session.call(self.get, self.values)
        return campaign.status


def _modify(
    name: Literal["append", "remove"],
    campaign: _Campaign,
    route: Route[CampaignReceipt] | Route[DeviceAnswers],
    *,
    awaits: bool = False,
) -> Operation:
    def encode(ids: Sequence[str]) -> bytes:
        # Device ids are digits: nothing in them needs escaping.
        return b'{"Type":"%s","deviceList":["%s"]}' % (name.encode(), '","'.join(ids).encode())

    return Operation(
        name=name,
        account=campaign.values["account"],
        target=campaign.values["campaign_id"],
        route=route,
        values=campaign.values,
        encode=encode,
        reader=answers_about if route.result is DeviceAnswers else None,
        read=campaign.read,
        read_members=campaign.read_members,
        decide=campaign_append_decision if name == "append" else campaign_remove_decision,
        present_counts=name == "append",
        awaits=awaits,
        pilot_rule=_PILOT_RULE,
    )
