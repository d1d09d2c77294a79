"""The vendor's own SDK as a client of the simulator: it must be able to read every answer."""

import pytest
from vendor_sdk import Sdk
from verizon.exceptions.fota_v1_result_exception import FotaV1ResultException
from verizon.models.firmware_upgrade_change_request import FirmwareUpgradeChangeRequest
from verizon.models.firmware_upgrade_request import FirmwareUpgradeRequest
from verizon.models.fota_v2_callback_registration_request import (
    FotaV2CallbackRegistrationRequest,
)

from fota_async.simulator import Rules, Simulator

A, B = "000000000000001", "000000000000002"


@pytest.fixture
def sim(fota_simulator: Simulator) -> Simulator:
    return fota_simulator


@pytest.fixture
async def sdk(sim: Simulator) -> Sdk:
    sdk = Sdk(sim)
    await sdk.log_in()
    return sdk


async def test_login_and_logout(sdk: Sdk, sim: Simulator) -> None:
    manager = sdk.client.session_management
    result = await sdk(manager.end_connectivity_management_session)

    assert len(result.session_token) == 36
    assert sim.stats()["logins"] == 1


async def test_append_read_remove(sdk: Sdk, sim: Simulator) -> None:
    sim.rules = Rules(refused={B: "Invalid IMEI"})
    firmware, target = sdk.client.firmware_v1, (sim.account, sim.upgrade_id)

    appended = await sdk(
        firmware.update_firmware_upgrade_devices,
        *target,
        FirmwareUpgradeChangeRequest("append", [A, B]),
    )
    assert (appended.account_name, appended.id) == target
    assert [(item.device_id, item.status, item.reason) for item in appended.device_list] == [
        (A, "AddDeviceSucceed", "Device added Successfully"),
        (B, "AddDeviceFailed", "Invalid IMEI"),
    ]

    read = await sdk(firmware.list_firmware_upgrade_details, *target)
    assert (read.id, read.status, read.start_date) == (sim.upgrade_id, "Queued", "2018-04-01")
    assert [(row.device_id, row.status, row.result_reason) for row in read.device_list] == [
        (A, "Device Accepted", "success")
    ]

    removed = await sdk(
        firmware.update_firmware_upgrade_devices,
        *target,
        FirmwareUpgradeChangeRequest("remove", [A]),
    )
    assert [item.status for item in removed.device_list] == ["RemoveDeviceSucceed"]
    assert sim.members() == set()


async def test_schedule_and_cancel(sdk: Sdk, sim: Simulator) -> None:
    firmware = sdk.client.firmware_v1
    order = FirmwareUpgradeRequest(
        account_name=sim.account,
        firmware_name="FOTA_Verizon_Model-A_01To02_HF",
        firmware_to="VerizonFirmwareVersion-02",
        start_date="2018-04-01",
        end_date="2018-04-05",
        device_list=[A],
    )
    made = await sdk(firmware.schedule_firmware_upgrade, order)

    assert made.status == "RequestPending"
    assert [(row.device_id, row.status) for row in made.device_list] == [(A, "RequestPending")]
    cancel = firmware.cancel_scheduled_firmware_upgrade
    assert (await sdk(cancel, sim.account, made.id)).success is True


async def test_a_refusal(sdk: Sdk, sim: Simulator) -> None:
    with pytest.raises(FotaV1ResultException) as raised:
        await sdk(
            sdk.client.firmware_v1.update_firmware_upgrade_devices,
            sim.account,
            sim.upgrade_id,
            FirmwareUpgradeChangeRequest("append", ["1"]),
        )

    assert raised.value.error_code == "INVALID_PARAMETER"
    assert raised.value.error_message == "Invalid device id format"


async def test_callbacks(sdk: Sdk, sim: Simulator) -> None:
    callbacks = sdk.client.software_management_callbacks_v2
    one = FotaV2CallbackRegistrationRequest("https://a.example/one")
    two = FotaV2CallbackRegistrationRequest("https://a.example/two")

    nothing = await sdk(callbacks.list_registered_callbacks, sim.account)
    assert nothing is None
    assert (await sdk(callbacks.register_callback, sim.account, one)).url == one.url
    assert (await sdk(callbacks.list_registered_callbacks, sim.account)).url == one.url
    assert (await sdk(callbacks.update_callback, sim.account, two)).url == two.url
    assert (await sdk(callbacks.list_registered_callbacks, sim.account)).url == two.url
    assert (await sdk(callbacks.deregister_callback, sim.account)).success is True
