"""Logging of devices: list, turn on and off, check-ins, logs."""

from collections.abc import Iterable
from itertools import chain
from typing import Final

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.days import rfc3339
from fota_async.simulator.device_lists import (
    check_ids,
    check_known,
    device_id_of,
    device_ids_of,
)
from fota_async.simulator.device_logging import DAY, KEPT, MOST
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.world import Account, Handler, World

_US: Final = "%m/%d/%Y %H:%M:%S"
"""The layout of check-ins, `10/22/2020 19:35:07`."""


def list_logging(world: World, call: Call, now: float) -> Answer:
    """Show the devices that log."""
    account = account_of(world, call)
    return Answer.of(_shown(world, account, account.logging.on(now), now))


def enable(world: World, call: Call, now: float) -> Answer:
    """Turn logging on for a list, or refuse all of it."""
    account = account_of(world, call)
    ids = device_ids_of(world, call)
    check_known(account, world.rules, ids)
    _enable(account, ids, now)
    return Answer.of(_shown(world, account, ids, now))


def disable(world: World, call: Call, now: float) -> Answer:
    """Turn logging off for the devices in the query; the answer has no body."""
    account = account_of(world, call)
    # How several ids are separated is not documented: a comma and repetition both do.
    ids = [i.strip() for i in chain(*(v.split(",") for v in call.query.get("deviceIds", ())))]
    check_ids([i for i in ids if i], world.rules)
    account.logging.disable(ids, now)
    return Answer()


def enable_device(world: World, call: Call, now: float) -> Answer:
    """Turn logging on for one device."""
    account = account_of(world, call)
    device_id = device_id_of(call, account, world.rules)
    _enable(account, [device_id], now)
    return Answer.of(_shown(world, account, [device_id], now)[0])


def disable_device(world: World, call: Call, now: float) -> Answer:
    """Turn logging off for one device; the answer has no body."""
    account = account_of(world, call)
    account.logging.disable([device_id_of(call, account, world.rules)], now)
    return Answer()


def list_check_ins(world: World, call: Call, now: float) -> Answer:
    """Show when a device checked in: once a day, whether or not it logs.

    How often real devices do, and for how long it is remembered, is not documented.
    """
    account = account_of(world, call)
    device_id = device_id_of(call, account, world.rules)
    days = int((now - account.since) // DAY)
    return Answer.of(
        [
            {
                "deviceId": device_id,
                "clientType": "3",
                "result": "result",
                "failureType": "failureType",
                "timeCompleted": world.calendar.time_at(account.since + day * DAY).strftime(_US),
            }
            for day in range(max(0, days - int(KEPT // DAY)), days + 1)
        ]
    )


def list_logs(world: World, call: Call, now: float) -> Answer:
    """Show what can be read of a device's logs."""
    account = account_of(world, call)
    device_id = device_id_of(call, account, world.rules)
    return Answer.of(
        [
            {
                "deviceId": device_id,
                "logTime": rfc3339(world.calendar.time_at(moment)),
                "logType": "SoftwareUpdate",
                "eventLog": "text",
                "binaryLogFileBase64": "",
                "binaryLogFilename": "",
            }
            for moment in account.logging.entries(device_id, now)
        ]
    )


def _enable(account: Account, ids: list[str], now: float) -> None:
    if not account.logging.enable(ids, now):
        # That so many are the most is documented, how more are refused is not.
        raise Refused(refusals.invalid_parameter(f"More than {MOST} devices would be logging"))


def _shown(world: World, account: Account, ids: Iterable[str], now: float) -> list[dict[str, str]]:
    ends = account.logging.on(now)
    return [{"deviceId": i, "expiryDate": world.calendar.day_at(ends[i]).isoformat()} for i in ids]


HANDLERS: Final[dict[str, Handler]] = {
    "v2_list_logging_devices": list_logging,
    "v2_enable_logging": enable,
    "v2_disable_logging": disable,
    "v2_enable_device_logging": enable_device,
    "v2_disable_device_logging": disable_device,
    "v2_get_checkin_history": list_check_ins,
    "v2_list_device_logs": list_logs,
}
