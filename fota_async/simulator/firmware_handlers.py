"""Firmware and software on offer, and the firmware that devices run."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fota_async.simulator import examples, refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.days import rfc3339
from fota_async.simulator.device_lists import device_id_of, device_ids_of, rules_for
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.fleet import ALL, passes
from fota_async.simulator.licenses import UNKNOWN_DEVICE
from fota_async.simulator.world import Account, Handler, World

_MOST_SYNCED: Final = 100
"""Devices of one request (operation "Synchronize Device Firmware"; its model says 1,000)."""


def v1_list(world: World, call: Call, _now: float) -> Answer:
    """Show the firmware of v1."""
    participant = {"participantName": account_of(world, call).name}
    return Answer.of([firmware | participant for firmware in examples.FIRMWARE_V1])


def v3_list(world: World, call: Call, _now: float) -> Answer:
    """Show the firmware for devices with a protocol, which has to be named."""
    account_of(world, call)
    protocol = call.asked("protocol")
    if not protocol:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    return Answer.of(_filtered(examples.FIRMWARE_V3, "protocol", protocol))


def v2_list_software(world: World, call: Call, _now: float) -> Answer:
    """Show the software, of every way of distribution where none is named."""
    account_of(world, call)
    name = "distributionType"
    return Answer.of(_filtered(examples.SOFTWARE, name, call.asked(name, ALL)))


def v3_report(world: World, call: Call, _now: float) -> Answer:
    """Let a device report its firmware; the answer comes before the report."""
    account = account_of(world, call)
    device_id = device_id_of(call, account, world.rules)
    fleet = account.fleet
    world.write_late(world.rules.report_delay, lambda moment: fleet.hear(device_id, moment))
    fleet.reports += 1
    request = uuid.uuid5(uuid.NAMESPACE_URL, f"{account.name}/reports/{fleet.reports}")
    return Answer.of({"accountName": account.name, "requestId": str(request)})


def v3_sync(world: World, call: Call, _now: float) -> Answer:
    """Show the firmware that is on record for devices."""
    account = account_of(world, call)
    ids = device_ids_of(world, call)
    if len(ids) > _MOST_SYNCED:
        raise Refused(refusals.too_many_devices(world.rules.size_refusal))
    rules = rules_for(account, world.rules, ids, UNKNOWN_DEVICE)
    items = [_firmware(world, account, device_id, rules.refusal(device_id)) for device_id in ids]
    # The member is misspelt on the wire.
    return Answer.of({"accountName": account.name, "deviceFirmwarVersionList": items})


def _firmware(
    world: World, account: Account, device_id: str, refusal: str | None
) -> dict[str, Any]:
    if refusal is not None:
        # The word for a failure is made up after that for a success.
        status = "FirmwareVersionUpdateFailed"
        return {
            "deviceId": device_id,
            "status": status,
            "reason": refusal,
            "firmwareVersion": "",
        }
    device = account.device(device_id)
    return {
        "deviceId": device_id,
        "status": "FirmwareVersionUpdateSuccess",
        "reason": "Success",
        "firmwareVersion": device.model.firmware,
        "firmwareVersionUpdateTime": rfc3339(world.calendar.time_at(account.fleet.heard(device))),
    }


def _filtered(
    goods: Iterable[Mapping[str, str]], name: str, protocol: str
) -> list[Mapping[str, str]]:
    return [item for item in goods if passes(item[name], protocol)]


HANDLERS: Final[dict[str, Handler]] = {
    "v1_list_firmware": v1_list,
    "v2_list_software": v2_list_software,
    "v3_list_firmware": v3_list,
    "v3_report_device_firmware": v3_report,
    "v3_sync_device_firmware": v3_sync,
}
