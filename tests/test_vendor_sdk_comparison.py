"""What the README says of the vendor's SDK, where it compares the two."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
import verizon.controllers
from batch_helpers import imeis
from helpers import counts
from vendor_sdk import METHODS, Sdk
from verizon.configuration import Configuration
from verizon.exceptions.api_exception import APIException
from verizon.models.firmware_upgrade_change_request import FirmwareUpgradeChangeRequest

from fota_async.simulator import Faults, Simulator

MODIFY = frozenset({"v1_modify_upgrade"})


@pytest.fixture
def sim(fota_simulator: Simulator) -> Simulator:
    return fota_simulator


@pytest.fixture
async def sdk(sim: Simulator) -> Sdk:
    sdk = Sdk(sim)
    await sdk.log_in()
    return sdk


async def append(sdk: Sdk, sim: Simulator, devices: list[str]) -> Any:
    change = FirmwareUpgradeChangeRequest("append", devices)
    firmware = sdk.client.firmware_v1
    return await sdk(firmware.update_firmware_upgrade_devices, sim.account, sim.upgrade_id, change)


def test_it_covers_much_more_than_software_management_and_blocks() -> None:
    modules = [
        importlib.import_module(f"verizon.controllers.{module.name}")
        for module in pkgutil.iter_modules(verizon.controllers.__path__)
    ]
    functions = [
        function
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
        for name, function in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    ]

    assert len(functions) > 3 * len(METHODS)
    assert not any(inspect.iscoroutinefunction(function) for function in functions)


async def test_a_list_of_any_length_is_one_request(sdk: Sdk, sim: Simulator) -> None:
    await append(sdk, sim, imeis(2500))

    assert counts(sim)["v1_modify_upgrade"] == 1
    assert len(sim.members()) == 2500


async def test_its_retries_are_off_and_repeat_an_append_when_they_are_on(
    sdk: Sdk, sim: Simulator
) -> None:
    assert Configuration().max_retries == 0
    sim.faults = Faults(error_after=1.0, only=MODIFY)
    with pytest.raises(APIException):
        await append(sdk, sim, imeis(1))
    assert counts(sim)["v1_modify_upgrade"] == 1

    sdk.client = type(sdk.client)(
        config=retrying(sdk.client.config, max_retries=3, backoff_factor=0.001)
    )
    with pytest.raises(APIException):
        await append(sdk, sim, imeis(1))
    assert counts(sim)["v1_modify_upgrade"] == 1 + 4


def retrying(config: Any, **changes: float) -> Any:
    """Return a configuration of the SDK as it is, with other retries."""
    other = config.clone_with(**changes)
    changed = type(config)(
        thingspace_oauth_credentials=other.thingspace_oauth_credentials,
        vz_m2m_token_credentials=other.vz_m2m_token_credentials,
        **changes,
    )
    changed.simulator_url = config.simulator_url
    return changed


@pytest.mark.parametrize("end", [Simulator.expire_sessions, Simulator.expire_tokens])
async def test_what_ends_before_its_time_is_for_the_caller_to_renew(
    sdk: Sdk, sim: Simulator, end: Callable[[Simulator], None]
) -> None:
    await append(sdk, sim, imeis(1))
    end(sim)
    for _ in range(2):
        with pytest.raises(APIException):
            await append(sdk, sim, imeis(2))

    assert sim.stats()["logins"] == 1
    assert sim.members() == set(imeis(1))
