"""The devices of an account: lists of three versions, and v3 details."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from fota_async.simulator import pages
from fota_async.simulator.accounts import account_of
from fota_async.simulator.days import go_text, rfc3339
from fota_async.simulator.device_lists import device_ids_of, rules_for
from fota_async.simulator.exchange import Answer, Call
from fota_async.simulator.fleet import ALL, Device
from fota_async.simulator.licenses import UNKNOWN_DEVICE
from fota_async.simulator.world import Account, Handler, World

_CURSOR: Final = "lastSeenDeviceId"

_NEVER: Final = "01/01/1900 0:0:0"
"""What v1 says of a device that was never upgraded."""

_Shown = Callable[[World, Account, Device], dict[str, Any]]


def v1_list(world: World, call: Call, _now: float) -> Answer:
    """Show a page of devices; without a filter those of every protocol."""
    account = account_of(world, call)
    ids = account.fleet.ids(call.asked("clientType", ALL))
    after = pages.last_seen(call.params["startIndex"], account, world.rules)
    page = pages.after_device(ids, after, world.rules.page_size)
    return Answer.of(
        {
            "accountName": account.name,
            "hasMoreData": page.more,
            # A number in v1, and 0 when there is no more.
            _CURSOR: int(page.last) if page.more else 0,
            "deviceList": [_v1_device(account, device) for device in _devices(account, page.ids)],
        }
    )


def v2_list(world: World, call: Call, _now: float) -> Answer:
    """Show a page of devices; without a filter those of every protocol."""
    account = account_of(world, call)
    return _page(world, call, account, call.asked("distributionType", ALL), _v2_device)


def v3_list(world: World, call: Call, _now: float) -> Answer:
    """Show a page of devices; without a filter those with LWM2M."""
    account = account_of(world, call)
    return _page(world, call, account, call.asked("protocol", "LWM2M"), _v3_device)


def v3_details(world: World, call: Call, _now: float) -> Answer:
    """Show the devices that are asked for, as many as an answer holds."""
    account = account_of(world, call)
    ids = device_ids_of(world, call)[: world.rules.page_size]
    rules = rules_for(account, world.rules, ids, UNKNOWN_DEVICE)
    found = []
    for device_id in ids:
        reason = rules.refusal(device_id)
        if reason is None:
            found.append(_v3_details(world, account, account.device(device_id)))
        else:
            item = {"requestStatus": "Failure", "resultReason": reason}
            found.append({"deviceId": device_id} | item)
    return Answer.of({"accountName": account.name, "deviceCount": len(found), "deviceList": found})


def _page(world: World, call: Call, account: Account, protocol: str, shown: _Shown) -> Answer:
    size = world.rules.page_size
    after = pages.last_seen(call.asked(_CURSOR, pages.FIRST), account, world.rules)
    page = pages.after_device(account.fleet.ids(protocol), after, size)
    return Answer.of(
        {
            "accountName": account.name,
            "hasMoreData": page.more,
            _CURSOR: page.last,
            "maxPageSize": size,
            "deviceList": [shown(world, account, device) for device in _devices(account, page.ids)],
        }
    )


def _devices(account: Account, ids: Iterable[str]) -> Iterator[Device]:
    return filter(None, map(account.fleet.get, ids))


def _common(account: Account, device: Device) -> dict[str, Any]:
    return {
        "deviceId": device.id,
        "mdn": device.mdn,
        "model": device.model.model,
        "make": device.model.make,
        "fotaEligible": True,
        "licenseAssigned": device.id in account.licenses,
    }


def _v1_device(account: Account, device: Device) -> dict[str, Any]:
    rest = {"firmware": device.model.firmware, "upgradeTime": _NEVER}
    return _common(account, device) | rest


def _v2_device(world: World, account: Account, device: Device) -> dict[str, Any]:
    since = go_text(world.calendar.time_at(device.since))
    return _common(account, device) | {
        "appFotaEligible": True,
        "distributionType": device.model.protocol,
        "softwareList": _software(world, device),
        "createTime": since,
        "upgradeTime": since,
        "updateTime": since,
        "refreshTime": go_text(world.calendar.time_at(account.fleet.heard(device))),
    }


def _v3_device(world: World, account: Account, device: Device) -> dict[str, Any]:
    return _common(account, device) | {
        "firmware": device.model.firmware,
        "status": "Active",
        "protocol": device.model.protocol,
        "softwareList": _software(world, device),
        "createTime": go_text(world.calendar.time_at(device.since)),
        "refreshTime": go_text(world.calendar.time_at(account.fleet.heard(device))),
    }


def _v3_details(world: World, account: Account, device: Device) -> dict[str, Any]:
    return _v3_device(world, account, device) | {
        # That this member tells of the lookup is documented, its words are not.
        "requestStatus": "Success",
        "statusTime": go_text(world.calendar.time_at(device.since)),
        "lastConnectionTime": rfc3339(world.calendar.time_at(account.fleet.heard(device))),
    }


def _software(world: World, device: Device) -> list[dict[str, str]]:
    model = device.model
    since = rfc3339(world.calendar.time_at(device.since))
    return [{"name": model.software, "version": model.software_version, "upgradeTime": since}]


HANDLERS: Final[dict[str, Handler]] = {
    "v1_list_devices": v1_list,
    "v2_list_devices": v2_list,
    "v3_list_devices": v3_list,
    "v3_get_device_details": v3_details,
}
