"""The device lists of a fleet, page by page, with trouble on the way."""

from collections.abc import Callable
from typing import Any

import pytest
from simulator_api import imei

from fota_async import FotaClient
from fota_async.events import Event, RequestEvent
from fota_async.simulator import Faults, Simulator

FLEET = [imei(number) for number in range(7, 25_007)]
PROTOCOLS = {"v1": "OMA-DM", "v2": "HTTP", "v3": "LWM2M"}
LISTS: dict[str, Any] = {
    "v1": lambda fota: fota.v1.devices.list(client_type="OMADM"),
    "v2": lambda fota: fota.v2.devices.list(distribution_type="HTTP"),
    "v3": lambda fota: fota.v3.devices.list(protocol="LWM2M"),
}
TROUBLE = {
    "v1": ["error_before", "drop_after", "half_json"],
    "v2": ["torn_body", "expire_session", "throttle"],
    "v3": ["expire_token", "drop_before", "html_body"],
}


@pytest.mark.parametrize("version", LISTS)
async def test_each_of_25_000_devices_comes_once_though_every_tenth_page_meets_a_fault(
    version: str,
    fota_simulator: Simulator,
    new_client: Callable[..., FotaClient],
) -> None:
    fota_simulator.add_devices(FLEET, PROTOCOLS[version])
    route = f"{version}_list_devices"
    left = iter(TROUBLE[version])

    def break_next_page() -> None:
        chances: dict[str, Any] = {next(left): 1.0}
        only = frozenset({route})
        fota_simulator.faults = Faults(**chances, throttle_seconds=0.0, only=only)

    def mend(event: Event) -> None:
        if isinstance(event, RequestEvent) and event.error is not None:
            fota_simulator.faults = Faults()

    devices = LISTS[version](new_client(fota_simulator, on_event=mend))
    seen: list[str] = []
    pages = 0
    break_next_page()
    async for page in devices.pages():
        seen += [device.device_id for device in page.items]
        pages += 1
        if pages % 10 == 0:
            break_next_page()

    # An account has a few devices from the start, with ids that come later.
    assert seen[:25_000] == FLEET
    assert len(set(seen)) == len(seen) < 25_010
    assert pages == 26
    asked = [record for record in fota_simulator.requests if record.route == route]
    assert [record.fault for record in asked if record.fault] == TROUBLE[version]
    assert len(asked) == 29
