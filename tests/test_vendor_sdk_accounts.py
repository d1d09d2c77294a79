"""The vendor's own SDK reads what the simulator says about devices, licences, logging and more."""

import io
from collections.abc import AsyncIterator

import pytest
from test_vendor_sdk import Sdk
from verizon.models.device_imei import DeviceIMEI
from verizon.models.device_logging_request import DeviceLoggingRequest
from verizon.models.firmware_imei import FirmwareIMEI
from verizon.models.fota_v1_callback_registration_request import FotaV1CallbackRegistrationRequest
from verizon.models.fota_v3_callback_registration_request import FotaV3CallbackRegistrationRequest
from verizon.models.v1_licenses_assigned_removed_request import V1LicensesAssignedRemovedRequest
from verizon.models.v1_list_of_licenses_to_remove_request import V1ListOfLicensesToRemoveRequest
from verizon.models.v2_license_imei import V2LicenseIMEI
from verizon.models.v2_list_of_licenses_to_remove_request import V2ListOfLicensesToRemoveRequest
from verizon.models.v3_license_imei import V3LicenseIMEI

from fota_async.clock import ManualClock
from fota_async.simulator import Simulator

A, B, C = "000000000000001", "000000000000002", "000000000000003"
EXAMPLE = "356938035643809"
DAY = 86_400

# The SDK warns of each call that the vendor has deprecated; the API still has them.
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated")


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock) as sim:
        yield sim


@pytest.fixture
async def sdk(sim: Simulator) -> Sdk:
    sdk = Sdk(sim)
    await sdk.log_in()
    return sdk


async def test_licences_of_v1(sdk: Sdk, sim: Simulator) -> None:
    licenses, account = sdk.client.software_management_licenses_v1, sim.account
    assigned = await sdk(
        licenses.assign_licenses_to_devices, account, V1LicensesAssignedRemovedRequest([A, B])
    )
    assert (assigned.account_name, assigned.lic_count, assigned.lic_used_count) == (
        account,
        5000,
        2,
    )
    assert [(item.device_id, item.status, item.reason) for item in assigned.device_list] == [
        (A, "LicenseAssignSuccess", "Success"),
        (B, "LicenseAssignSuccess", "Success"),
    ]

    status = sdk.client.software_management_subscriptions_v1.get_account_license_status
    read = await sdk(status, account, "0")
    assert (read.total_licenses, read.assigned_licenses, read.has_more_data) == (5000, 2, False)
    assert [item.device_id for item in read.device_list] == [A, B]

    removed = await sdk(
        licenses.remove_licenses_from_devices, account, V1LicensesAssignedRemovedRequest([A, C])
    )
    assert [(item.status, item.reason) for item in removed.device_list] == [
        ("LicenseRemoveSuccess", "Success"),
        ("LicenseRemoveFailed", "No license attached to device"),
    ]


async def test_licences_of_v2(sdk: Sdk, sim: Simulator) -> None:
    licenses, account = sdk.client.software_management_licenses_v2, sim.account
    assigned = await sdk(licenses.assign_licenses_to_devices, account, V2LicenseIMEI([A, B]))
    assert (assigned.lic_total_count, assigned.lic_used_count) == (5000, 2)
    assert [item.status for item in assigned.device_list] == ["Success", "Success"]

    read = await sdk(licenses.get_account_license_status, account, "0")
    assert (read.total_license, read.assigned_licenses, read.max_page_size) == (5000, 2, 1000)
    assert [item.device_id for item in read.device_list] == [A, B]

    removed = await sdk(licenses.remove_licenses_from_devices, account, V2LicenseIMEI([A, C]))
    assert [(item.status, item.result_reason) for item in removed.device_list] == [
        ("Success", "Success"),
        ("Failure", "No license attached to device"),
    ]


async def test_licences_of_v3(sdk: Sdk, sim: Simulator) -> None:
    licenses, account = sdk.client.software_management_licenses_v3, sim.account
    assigned = await sdk(licenses.assign_licenses_to_devices, account, V3LicenseIMEI([A, B]))
    assert (assigned.lic_count, assigned.lic_used_count) == (5000, 2)
    assert {item.status for item in assigned.device_list} == {"LicenseAssignSuccess"}

    read = await sdk(licenses.get_account_licenses_status, account, "0")
    assert (read.total_licenses, read.assigned_licenses, read.max_page_size) == (5000, 2, 1000)
    assert [item.device_id for item in read.device_list] == [A, B]

    removed = await sdk(licenses.remove_licenses_from_devices, account, V3LicenseIMEI([A]))
    assert removed.lic_used_count == 1
    assert sim.licensed() == {B}


async def test_candidates_of_v1(sdk: Sdk, sim: Simulator) -> None:
    licenses, account = sdk.client.software_management_licenses_v1, sim.account
    create = licenses.create_list_of_licenses_to_remove
    stored = await sdk(create, account, V1ListOfLicensesToRemoveRequest([A, B]))
    assert (stored.count, stored.device_list) == (2, [A, B])
    added = await sdk(create, account, V1ListOfLicensesToRemoveRequest([C], "append"))
    assert added.device_list == [A, B, C]
    read = await sdk(licenses.list_licenses_to_remove, account, "0")
    assert (read.count, read.has_more_data, read.device_list) == (3, False, [A, B, C])
    assert (await sdk(licenses.delete_list_of_licenses_to_remove, account)).success is True


async def test_candidates_of_v2(sdk: Sdk, sim: Simulator) -> None:
    licenses, account = sdk.client.software_management_licenses_v2, sim.account
    create = licenses.create_list_of_licenses_to_remove
    stored = await sdk(create, account, V2ListOfLicensesToRemoveRequest([A, B], count=2))
    assert (stored.count, stored.device_list) == (2, [A, B])
    read = await sdk(licenses.list_licenses_to_remove, account, "0")
    assert (read.count, read.has_more_data, read.device_list) == (2, False, [A, B])
    assert (await sdk(licenses.delete_list_of_licenses_to_remove, account)).success is True


async def test_subscriptions(sdk: Sdk, sim: Simulator) -> None:
    for part in (
        sdk.client.software_management_subscriptions_v1,
        sdk.client.software_management_subscriptions_v2,
        sdk.client.software_management_subscriptions_v3,
    ):
        read = await sdk(part.get_account_subscription_status, sim.account)
        assert (read.account_name, read.license_count) == (sim.account, 5000)


async def test_devices(sdk: Sdk, sim: Simulator) -> None:
    account = sim.account
    first = await sdk(sdk.client.software_management_reports_v1.list_account_devices, account, "0")
    second = await sdk(
        sdk.client.software_management_reports_v2.list_account_devices, account, "0", "HTTP"
    )
    devices = sdk.client.account_devices
    third = await sdk(devices.get_account_device_information, account, "0", "LWM2M")
    details = await sdk(devices.list_account_devices_information, account, DeviceIMEI([EXAMPLE]))

    assert EXAMPLE in [item.device_id for item in first.device_list]
    assert {item.distribution_type for item in second.device_list} == {"HTTP"}
    assert {item.protocol for item in third.device_list} == {"LWM2M"}
    assert (details.device_count, details.device_list[0].device_id) == (1, EXAMPLE)


async def test_firmware_and_software(sdk: Sdk, sim: Simulator) -> None:
    account, firmware = sim.account, sdk.client.firmware_v3
    (first,) = await sdk(sdk.client.firmware_v1.list_available_firmware, account)
    (second,) = await sdk(
        sdk.client.software_management_reports_v2.list_available_software, account
    )
    (third,) = await sdk(firmware.list_available_firmware, account, "LWM2M")
    synced = await sdk(firmware.synchronize_device_firmware, account, FirmwareIMEI([EXAMPLE]))
    report = await sdk(firmware.report_device_firmware, account, EXAMPLE)

    assert first.firmware_name == second.software_name.replace("02To03", "01To02")
    assert third.protocol == "LWM2M"
    (item,) = synced.device_firmwar_version_list
    assert (item.device_id, item.status) == (EXAMPLE, "FirmwareVersionUpdateSuccess")
    assert len(report.request_id) == 36


async def test_files(sdk: Sdk, sim: Simulator) -> None:
    files, account = sdk.client.configuration_files, sim.account
    content = io.BytesIO(b"hello world")
    content.name = "greeting.txt"
    uploaded = await sdk(
        files.upload_config_file, account, content, "1.0", "Verizon", "VZW1", "/VZWFOTA/x.txt"
    )
    listed = await sdk(files.get_list_of_files, account, "HTTP")

    assert uploaded.file_name == "configfile-Verizon_VZW1_greeting.txt"
    assert uploaded.file_name in [item.file_name for item in listed.available_files_response]


async def test_logging(sdk: Sdk, sim: Simulator, clock: ManualClock) -> None:
    logging, account = sdk.client.client_logging, sim.account
    body = DeviceLoggingRequest([A, B])
    turned_on = await sdk(logging.enable_logging_for_devices, account, body)
    assert [item.device_id for item in turned_on] == [A, B]
    assert (await sdk(logging.enable_device_logging, account, C)).device_id == C
    await sdk(logging.disable_device_logging, account, B)
    await sdk(logging.disable_logging_for_devices, account, C)
    listed = await sdk(logging.list_devices_with_logging_enabled, account)
    assert [item.device_id for item in listed] == [A]

    clock.turn(DAY)
    later = Sdk(sim)
    await later.log_in()
    (entry,) = await later(later.client.client_logging.list_device_logs, account, A)
    assert (entry.device_id, entry.log_type) == (A, "SoftwareUpdate")
    history = later.client.server_logging.get_device_check_in_history
    assert [item.device_id for item in await later(history, account, A)] == [A, A]


async def test_callbacks_of_v1(sdk: Sdk, sim: Simulator) -> None:
    callbacks, account = sdk.client.software_management_callbacks_v1, sim.account
    body = FotaV1CallbackRegistrationRequest("Fota", "https://a.example", "u", "example-only")
    assert await sdk(callbacks.list_registered_callbacks, account) is None
    assert (await sdk(callbacks.register_callback, account, body)).service_name == "Fota"
    (listed,) = await sdk(callbacks.list_registered_callbacks, account)
    assert (listed.aname, listed.name, listed.url) == (account, "Fota", body.url)
    assert (await sdk(callbacks.deregister_callback, account, "Fota")).success is True


async def test_callbacks_of_v3(sdk: Sdk, sim: Simulator) -> None:
    callbacks, account = sdk.client.software_management_callbacks_v3, sim.account
    body = FotaV3CallbackRegistrationRequest("https://a.example")
    assert await sdk(callbacks.list_registered_callbacks, account) is None
    assert (await sdk(callbacks.register_callback, account, body)).url == body.url
    assert (await sdk(callbacks.update_callback, account, body)).url == body.url
    assert (await sdk(callbacks.list_registered_callbacks, account)).url == body.url
    assert (await sdk(callbacks.deregister_callback, account)).success is True
