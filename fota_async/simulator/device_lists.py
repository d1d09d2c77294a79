"""Which device lists the server takes."""

from typing import Any

import attrs

from fota_async.simulator import refusals
from fota_async.simulator.exchange import Call, Refused
from fota_async.simulator.rules import Rules
from fota_async.simulator.world import Account, World


def is_device_id(value: object) -> bool:
    """Return whether `value` is an IMEI as the wire contract writes it: 15 ASCII digits."""
    return isinstance(value, str) and len(value) == 15 and value.isascii() and value.isdigit()


def check_size(call: Call, rules: Rules) -> None:
    """Refuse a list that is too long."""
    if rules.max_devices is not None and len(call.device_ids) > rules.max_devices:
        raise Refused(refusals.too_many_devices(rules.size_refusal))


def check_ids(ids: list[Any], rules: Rules) -> None:
    """Refuse a list that is empty or has a bad id anywhere."""
    if not ids:
        raise Refused(refusals.invalid_parameter("Device list is empty"))
    if not all(map(is_device_id, ids)) or not rules.poison.isdisjoint(ids):
        raise Refused(refusals.invalid_parameter("Invalid device id format"))


def device_ids_of(world: World, call: Call) -> list[str]:
    """Return the device list of a call, or refuse the call."""
    check_size(call, world.rules)
    if call.members is None:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    check_ids(call.device_ids, world.rules)
    return call.device_ids


def device_id_of(call: Call, account: Account, rules: Rules) -> str:
    """Return the device in a call's path, or refuse the call."""
    device_id = call.params["deviceId"]
    check_ids([device_id], rules)
    check_known(account, rules, [device_id])
    return device_id


def check_known(account: Account, rules: Rules, ids: list[str]) -> None:
    """Refuse a call that cannot tell one device from the other, if one is unknown."""
    if any(is_stranger(account, rules, device_id) for device_id in ids):
        raise Refused(refusals.connectivity("REQUEST_FAILED.DeviceNotFound", "Unknown device."))


def is_stranger(account: Account, rules: Rules, device_id: str) -> bool:
    """Return whether the account is to turn a device away because it does not know it."""
    return rules.known_devices_only and device_id not in account.fleet


def rules_for(account: Account, rules: Rules, ids: list[str], reason: str) -> Rules:
    """Return the rules with unknown devices among those that are refused.

    Args:
        account: Whose devices are known.
        rules: The rules.
        ids: The devices that are about to be judged.
        reason: What is said of an unknown one.

    """
    strangers = [device_id for device_id in ids if is_stranger(account, rules, device_id)]
    if not strangers:
        return rules
    return attrs.evolve(rules, refused={**rules.refused, **dict.fromkeys(strangers, reason)})
