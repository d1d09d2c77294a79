"""Which device lists the server takes."""

from typing import Any

from fota_async.simulator import refusals
from fota_async.simulator.exchange import Call, Refused
from fota_async.simulator.rules import Rules


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
