"""The reports: what is in which state, and the devices of a campaign."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.campaign_handlers import campaign_of
from fota_async.simulator.campaigns import Campaign
from fota_async.simulator.days import rfc3339
from fota_async.simulator.device_lists import is_device_id
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.orders import hours_as_numbers
from fota_async.simulator.rows import Row
from fota_async.simulator.targets import Target
from fota_async.simulator.upgrade_handlers import upgrade_document
from fota_async.simulator.versions import V1, V2, V3, Version
from fota_async.simulator.world import Handler, World

_RETRY: Final = 86_400.0
_UNLISTED: Final = "CampaignPreScheduled"
"""The filter does not know this state: a campaign in it cannot be found by state."""

_T = TypeVar("_T", bound=Target)


class _V2Row(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    device_id: str
    status: str
    result_reason: str | None = None


class _V3Row(_V2Row, frozen=True):
    updated_time: str | None = None
    recent_attempt_time: str | None = None
    next_attempt_time: str | None = None


# Upgrades and campaigns by state


def list_upgrades(world: World, call: Call, now: float) -> Answer:
    """List v1 upgrades in a state with their devices, the oldest first."""
    account = account_of(world, call)
    status = _state(call.params["upgradeStatus"], V1)
    listed = _after(
        [upgrade for upgrade in world.upgrades.values() if upgrade.account == account.name],
        call.params["startIndex"],
    )
    page, more = _page(listed, status, world.rules.page_size)
    moment = now - world.read_lag
    document: dict[str, Any] = {
        "hasMoreFlag": more,
        "reportList": [upgrade_document(upgrade, moment) for upgrade in page],
    }
    if page:
        document["lastSeenUpgradeId"] = page[-1].id
    return Answer.of(document)


def _query(call: Call, name: str) -> str:
    """Return the value of a query parameter, empty if it is missing."""
    return next(iter(call.query.get(name, ())), "")


def _lister(version: Version) -> Handler:
    def list_campaigns(world: World, call: Call, _now: float) -> Answer:
        """List campaigns in a state, the oldest first (the order is not documented)."""
        account = account_of(world, call)
        status = _state(_query(call, "campaignStatus"), version)
        listed = _after(
            [
                campaign
                for campaign in world.campaigns.values()
                if campaign.account == account.name and campaign.version is version
            ],
            _query(call, "lastSeenCampaignId"),
        )
        page, more = _page(listed, status, world.rules.page_size)
        document = {"hasMoreData": more, "campaignList": [_listed(campaign) for campaign in page]}
        if page:
            document["lastSeenCampaignId"] = page[-1].id
        return Answer.of(document)

    return list_campaigns


def _state(sent: str, version: Version) -> str:
    """Return the state a filter names, in any spelling of row 33, or refuse the call."""
    for status in version.stages:
        if _bare(status) == _bare(sent) and status != _UNLISTED:
            return status
    raise Refused(refusals.invalid_parameter("Input binding error"))


def _bare(status: str) -> str:
    # Of v1's two failures only one is a failed request: there the prefixes mean something.
    if status.endswith("Failed"):
        return status
    return status.removeprefix("Campaign").removeprefix("Request")


def _after(targets: list[_T], cursor: str) -> list[_T]:
    """Return what comes after the target the cursor names, in whatever state that is by now."""
    if cursor in {"", "0"}:
        return targets
    for place, target in enumerate(targets):
        if target.id == cursor:
            return targets[place + 1 :]
    raise Refused(refusals.invalid_parameter("Invalid index value"))


def _page(targets: list[_T], status: str, size: int) -> tuple[list[_T], bool]:
    """Return the first targets in a state, and whether there are more."""
    listed = [target for target in targets if target.status == status]
    return listed[:size], len(listed) > size


def _listed(campaign: Campaign) -> dict[str, Any]:
    document = hours_as_numbers(campaign.document())
    return {name: value for name, value in document.items() if not name.endswith("Flag")}


# Devices of a campaign


def _device_lister(version: Version) -> Handler:
    row_type = _rows_of_v3 if version is V3 else _rows_of_v2

    def list_devices(world: World, call: Call, now: float) -> Answer:
        """List the devices of a campaign in the order of their ids."""
        campaign = campaign_of(world, call, version)
        after = _query(call, "lastSeenDeviceId") or "0"
        if after != "0" and not is_device_id(after):
            raise Refused(refusals.invalid_parameter("LastSeenDeviceId Not Valid"))
        moment, size = now - world.read_lag, world.rules.page_size
        page = campaign.rows.page("" if after == "0" else after, size, moment)
        read = {device_id: row.at(moment) for device_id, row in page.rows.items()}
        document: dict[str, Any] = {
            "totalDevice": page.total,
            "hasMoreData": page.more,
            "maxPageSize": size,
            "deviceList": row_type(world, campaign, read),
        }
        if read:
            document["lastSeenDeviceId"] = next(reversed(read))
        return Answer.of(document)

    return list_devices


def _rows_of_v2(_world: World, _campaign: Campaign, rows: Mapping[str, Row]) -> list[_V2Row]:
    return [_V2Row(device_id, row.status, row.reason) for device_id, row in rows.items()]


def _rows_of_v3(world: World, campaign: Campaign, rows: Mapping[str, Row]) -> list[_V3Row]:
    """Write rows with their times: those of the campaign, which is as near as it matters."""
    updated = rfc3339(world.calendar.time_at(campaign.since))
    recent = following = None
    if campaign.started is not None:
        recent = rfc3339(world.calendar.time_at(campaign.started))
        following = rfc3339(world.calendar.time_at(campaign.started + _RETRY))
    running = campaign.version.running.status
    return [
        _V3Row(
            device_id,
            row.status,
            row.reason,
            updated,
            recent,
            following if row.status == running else None,
        )
        for device_id, row in rows.items()
    ]


HANDLERS: Final[dict[str, Handler]] = {
    "v1_list_upgrades_by_status": list_upgrades,
    "v2_list_campaigns_by_status": _lister(V2),
    "v2_list_campaign_devices": _device_lister(V2),
    "v3_list_campaigns_by_status": _lister(V3),
    "v3_list_campaign_devices": _device_lister(V3),
}
