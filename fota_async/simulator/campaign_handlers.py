"""The v2 and v3 campaign calls: schedule, read, modify, change dates, cancel."""

import uuid
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final

from fota_async.simulator import orders, pilot, refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.campaigns import Campaign
from fota_async.simulator.device_lists import check_ids, check_size, rules_for
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.orders import Order, hours_as_numbers
from fota_async.simulator.rules import NOT_FOUND
from fota_async.simulator.targets import DeviceResult
from fota_async.simulator.versions import V2, V3, Stage, Version
from fota_async.simulator.world import Handler, World

_DAY: Final = 86_400.0


def schedule_campaign(world: World, call: Call, now: float) -> Answer:
    """Make a v2 campaign in the general form."""
    return _shown(_scheduled(world, call, now, V2, orders.SOFTWARE))


def schedule_software_campaign(world: World, call: Call, now: float) -> Answer:
    """Make a v2 campaign for HTTP devices; hours are answered as they were sent."""
    return Answer.of(_scheduled(world, call, now, V2, orders.SOFTWARE).document())


def schedule_file_campaign(world: World, call: Call, now: float) -> Answer:
    """Make a v2 campaign that brings a file. That it needs devices is not documented."""
    optional = "devicelist" not in (call.members or {})
    campaign = _scheduled(world, call, now, V2, orders.FILE, without_devices=optional)
    return Answer.of(campaign.document() | {"deviceList": call.device_ids})


def schedule_firmware_campaign(world: World, call: Call, now: float) -> Answer:
    """Make a v3 campaign."""
    return _shown(_scheduled(world, call, now, V3, orders.FIRMWARE))


def modify_with_receipt(world: World, call: Call, now: float) -> Answer:
    """Take a list of devices to append to a v2 campaign or to remove; nobody is judged yet."""
    campaign, change = _change_of(world, call, now, V2)
    if world.rules.receipt_delay:
        world.write_at(now + world.rules.receipt_delay, change)
    else:
        change(now)
    campaign.receipts += 1
    request_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{campaign.id}/{campaign.receipts}")
    return Answer.of(
        {
            "accountName": campaign.account,
            "campaignId": campaign.id,
            "requestId": str(request_id),
        }
    )


def modify_with_results(world: World, call: Call, now: float) -> Answer:
    """Append devices to a v3 campaign or remove them; each has its own outcome."""
    campaign, change = _change_of(world, call, now, V3)
    return Answer.of(
        {
            "accountName": campaign.account,
            "campaignId": campaign.id,
            "deviceList": change(now),
        }
    )


def campaign_of(world: World, call: Call, version: Version) -> Campaign:
    """Return the campaign the path names, or refuse the call."""
    account = account_of(world, call)
    campaign = world.campaigns.get(call.params["campaignId"])
    if campaign is None or campaign.account != account.name or campaign.version is not version:
        # After v1's "Invalid upgradeId"; the error pages of v2 and v3 were not found.
        raise Refused(refusals.invalid_parameter("Invalid campaignId"))
    return campaign


def _getter(version: Version) -> Handler:
    def get(world: World, call: Call, _now: float) -> Answer:
        """Show a campaign without its devices."""
        return _shown(campaign_of(world, call, version), flags=True)

    return get


def _dates_changer(version: Version, order: Order) -> Handler:
    def change_dates(world: World, call: Call, now: float) -> Answer:
        """Replace all dates and windows."""
        campaign = campaign_of(world, call, version)
        new = order.read(call.members)
        times = {"startDate", "endDate", *order.days, *order.windows}
        old = campaign.document()
        _check_dates(world, campaign, {name: old[name] for name in old if name in times}, new, now)
        campaign.change_times(times, new)
        world.plan(campaign, now)
        return _shown(campaign)

    return change_dates


def _canceller(version: Version) -> Handler:
    def cancel(world: World, call: Call, now: float) -> Answer:
        """Cancel a campaign that waits, abort one that runs."""
        campaign = campaign_of(world, call, version)
        if campaign.takes_changes(world.rules):
            stage = Stage.CANCELLED
        elif campaign.stage is Stage.RUNNING and version.name in world.rules.aborts:
            stage = Stage.ABORTED
        else:
            raise _too_late(campaign)
        world.move(campaign, version.word(stage), now)
        return Answer.of({"success": True})

    return cancel


def _scheduled(
    world: World,
    call: Call,
    now: float,
    version: Version,
    order: Order,
    *,
    without_devices: bool = False,
) -> Campaign:
    check_size(call, world.rules)
    account = account_of(world, call)
    details = order.read(call.members)
    if not without_devices:
        check_ids(call.device_ids, world.rules)
    campaign = world.new_campaign(account.name, version, version.word(Stage.PENDING), details)
    pilot.check_request(world, campaign, call.device_ids, now)
    room = pilot.room_in(world, campaign, now)
    pulled = world.rules.auto_added if details.get("autoAddDevicesFlag") else frozenset()
    ids = [*call.device_ids, *sorted(pulled)]
    rules = rules_for(account, world.rules, ids, NOT_FOUND)
    campaign.enlist(ids, rules, now, room, pilot.FULL)
    world.add(campaign)
    return campaign


def _change_of(
    world: World, call: Call, now: float, version: Version
) -> tuple[Campaign, Callable[[float], list[DeviceResult]]]:
    """Return the campaign of a modify call, and what carries the change out at a moment."""
    rules, ids = world.rules, call.device_ids
    check_size(call, rules)
    kind = (call.members or {}).get("type")
    if not isinstance(kind, str):
        raise Refused(refusals.invalid_parameter("Input binding error"))
    campaign = campaign_of(world, call, version)
    if not campaign.takes_changes(rules):
        raise _too_late(campaign)
    if kind not in {"append", "remove"}:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    check_ids(ids, rules)
    if kind == "append":
        pilot.check_request(world, campaign, ids, now)
    return campaign, partial(_changed, world, campaign, kind, ids)


def _changed(
    world: World, campaign: Campaign, kind: str, ids: list[str], now: float
) -> list[DeviceResult]:
    campaign.rows.forget(now - world.read_lag)
    if kind == "remove":
        return campaign.remove(ids, world.rules, now)
    room = pilot.room_in(world, campaign, now)
    rules = rules_for(world.accounts[campaign.account], world.rules, ids, NOT_FOUND)
    return campaign.append(ids, rules, now, room, pilot.FULL)


def _check_dates(
    world: World, campaign: Campaign, old: dict[str, Any], new: dict[str, Any], now: float
) -> None:
    """Refuse dates that come too late (pages "Change Campaign Dates" of v2 and v3)."""
    if campaign.stage in {Stage.PENDING, Stage.QUEUED, Stage.PRESCHEDULED}:
        return
    if campaign.stage is not Stage.RUNNING:
        raise _too_late(campaign)
    was, wanted = hours_as_numbers(old), hours_as_numbers(new)
    for name in was.keys() | wanted.keys():
        if name == "endDate":
            continue
        if name.endswith("WindowList") and campaign.version is V2:
            kept = all(window in wanted.get(name, ()) for window in was.get(name, ()))
        else:
            kept = was.get(name) == wanted.get(name)
        if not kept:
            # That it is refused is documented, how is not.
            raise Refused(refusals.invalid_parameter(f"{name} cannot change any more"))
    if (
        wanted["endDate"] != was["endDate"]
        and world.calendar.end_of(date.fromisoformat(new["endDate"])) < now + _DAY
    ):
        raise Refused(refusals.invalid_parameter("endDate is less than 24 hours from now"))


def _shown(campaign: Campaign, *, flags: bool = False) -> Answer:
    document = hours_as_numbers(campaign.document())
    if not flags:
        document = {name: document[name] for name in document if not name.endswith("Flag")}
    return Answer.of(document)


def _too_late(campaign: Campaign) -> Refused:
    # That it is refused is documented, how is not.
    return Refused(refusals.invalid_parameter(f"Campaign is {campaign.status}, too late"))


HANDLERS: Final[dict[str, Handler]] = {
    "v2_schedule_campaign": schedule_campaign,
    "v2_schedule_software_campaign": schedule_software_campaign,
    "v2_schedule_file_campaign": schedule_file_campaign,
    "v2_get_campaign": _getter(V2),
    "v2_modify_campaign": modify_with_receipt,
    "v2_cancel_campaign": _canceller(V2),
    "v2_change_campaign_dates": _dates_changer(V2, orders.DATES_V2),
    "v3_schedule_campaign": schedule_firmware_campaign,
    "v3_get_campaign": _getter(V3),
    "v3_modify_campaign": modify_with_results,
    "v3_change_campaign_dates": _dates_changer(V3, orders.DATES_V3),
    "v3_cancel_campaign": _canceller(V3),
}
