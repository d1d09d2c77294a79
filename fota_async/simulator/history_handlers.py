"""The history of a device: upgrades and campaigns that came to an end for it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.campaigns import Campaign
from fota_async.simulator.days import go_text, rfc3339
from fota_async.simulator.device_lists import is_device_id
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.rows import Row
from fota_async.simulator.targets import Target
from fota_async.simulator.upgrades import Upgrade
from fota_async.simulator.versions import V1, V2, V3, Version
from fota_async.simulator.world import Handler, World

_REMEMBERED: Final = timedelta(days=183)
"""Six months, which the contract names for v1."""


def get_v1_history(world: World, call: Call, now: float) -> Answer:
    """List the upgrades of the last six months."""
    oldest = world.calendar.day_at(now) - _REMEMBERED
    return Answer.of(
        [
            _common(upgrade, call, row)
            | {
                "firmwareFrom": upgrade.firmware_from,
                "firmwareTo": upgrade.firmware_to,
                "upgradeStartTime": _started(world, upgrade),
            }
            for upgrade, row in _ended(world, call, V1, now)
            if isinstance(upgrade, Upgrade) and _start_day(world, upgrade) >= oldest
        ]
    )


def get_v2_history(world: World, call: Call, now: float) -> Answer:
    """List the campaigns that brought software to a device; one with a file has its name."""
    return Answer.of(
        [
            _common(campaign, call, row) | {"softwareName": campaign.image}
            for campaign, row in _ended(world, call, V2, now)
            if isinstance(campaign, Campaign)
        ]
    )


def get_v3_history(world: World, call: Call, now: float) -> Answer:
    """List the campaigns that brought firmware to a device."""
    history = []
    for campaign, row in _ended(world, call, V3, now):
        if isinstance(campaign, Campaign):
            item = _common(campaign, call, row)
            item["campaignId"] = item.pop("id")
            for name in ("firmwareName", "firmwareFrom", "firmwareTo"):
                item[name] = campaign.details[name]
            item["reportUpdatedTime"] = go_text(world.calendar.time_at(campaign.since))
            history.append(item)
    return Answer.of(history)


def _ended(world: World, call: Call, version: Version, now: float) -> Iterator[tuple[Target, Row]]:
    """Return the targets of the account in which the device has its last word, and that."""
    account, device_id = account_of(world, call), call.params["deviceId"]
    if not is_device_id(device_id):
        raise Refused(refusals.invalid_parameter("Invalid device id format"))
    last_words = {row.status for row in (version.succeeded, *version.failures)}
    for target in world.targets():
        row = target.rows.current.get(device_id)
        if target.account != account.name or target.version is not version or row is None:
            continue
        if (read := row.at(now)).status in last_words:
            yield target, read


def _common(target: Target, call: Call, row: Row) -> dict[str, Any]:
    succeeded = row.status == target.version.succeeded.status
    return {
        "deviceId": call.params["deviceId"],
        "id": target.id,
        "accountName": target.account,
        "startDate": target.start_date,
        # The history knows two words only, whatever the campaign devices report says.
        "status": "UpgradeSuccess" if succeeded else "UpgradeFailed",
        "reason": row.reason or "",
    }


def _started(world: World, target: Target) -> str:
    began = world.calendar.start_of(date.fromisoformat(target.start_date))
    moment = began if target.started is None else target.started
    return rfc3339(world.calendar.time_at(moment))


def _start_day(world: World, target: Target) -> date:
    day = date.fromisoformat(target.start_date)
    return day if target.started is None else max(day, world.calendar.day_at(target.started))


HANDLERS: Final[dict[str, Handler]] = {
    "v1_get_device_history": get_v1_history,
    "v2_get_device_history": get_v2_history,
    "v3_get_device_history": get_v3_history,
}
