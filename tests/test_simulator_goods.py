"""What the simulator offers and keeps: firmware, software, files, subscriptions, listeners."""

from typing import Any

import aiohttp
import pytest
from simulator_api import Api, Seen

from fota_async.clock import ManualClock
from fota_async.simulator import Simulator

VERSIONS = ("v1", "v2", "v3")
NAME = "configfile-Verizon_VZW1_hello-world.txt"


async def get(api: Api, version: str, what: str, **query: str) -> Seen:
    return await api.call("GET", f"/api/fota/{version}/{what}/{api.sim.account}", params=query)


async def test_firmware_and_software_are_those_of_the_examples(api: Api, sim: Simulator) -> None:
    (first,) = (await get(api, "v1", "firmware")).document
    (second,) = (await get(api, "v2", "software")).document
    (third,) = (await get(api, "v3", "firmware", protocol="LWM2M")).document

    assert first["firmwareName"] == "FOTA_Verizon_Model-A_01To02_HF"
    assert first["participantName"] == sim.account
    assert second["softwareName"] == "FOTA_Verizon_Model-A_02To03_HF"
    assert third["firmwareTo"] == "BG96MAR04A04M1G_BETA0130B"


async def test_firmware_and_software_are_filtered(api: Api) -> None:
    assert (await get(api, "v2", "software", distributionType="LWM2M")).document == []
    assert len((await get(api, "v2", "software", distributionType="http")).document) == 1
    assert (await get(api, "v3", "firmware", protocol="HTTP")).document == []
    assert len((await get(api, "v3", "firmware", protocol="all")).document) == 1
    refused = await get(api, "v3", "firmware")
    assert refused.document["errorMessage"] == "Input binding error"


# Subscriptions


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_subscription_follows_the_licences(
    api: Api, sim: Simulator, clock: ManualClock, version: str
) -> None:
    before = (await get(api, version, "subscriptions")).document
    clock.turn(60)
    sim.set_licenses(3)
    sim.license(["0" * 15])
    after = (await get(api, version, "subscriptions")).document

    assert (before["licenseCount"], before["licenseUsedCount"]) == (5000, 0)
    assert (after["licenseCount"], after["licenseUsedCount"]) == (3, 1)
    assert after["accountName"] == sim.account
    assert after["updateTime"] > before["updateTime"]


# Files


async def upload(api: Api, name: str | None = "hello-world.txt", **changes: Any) -> Seen:
    fields = {
        "fileupload": b"\x00\r\nhello \xff world\r\n",
        "fileVersion": "1.0",
        "make": "Verizon",
        "model": "VZW1",
        "localTargetPath": "/VZWFOTA/hello-world.txt",
    } | changes
    form = aiohttp.FormData(default_to_multipart=True)
    for field, value in fields.items():
        if value is not None:
            form.add_field(field, value, filename=name if field == "fileupload" else None)
    return await api.call("POST", f"/api/fota/v2/files/{api.sim.account}", data=form)


async def names(api: Api, wanted: str = "HTTP") -> list[str]:
    answer = await get(api, "v2", "files", distributionType=wanted)
    return [file["fileName"] for file in answer.document["AvailableFilesResponse"]]


async def test_the_server_makes_up_the_name_of_a_file(api: Api) -> None:
    uploaded = await upload(api, name="config.bin", make="A", model="B")

    assert uploaded.document["fileName"] == "configfile-A_B_config.bin"
    assert uploaded.document["localTargetPath"] == "/VZWFOTA/hello-world.txt"
    assert await names(api) == [NAME, "configfile-A_B_config.bin"]
    assert await names(api, "LWM2M") == []


async def test_without_a_name_a_file_is_called_as_on_the_device(api: Api) -> None:
    assert (await upload(api, name=None, fileupload="text")).document["fileName"] == NAME
    assert await names(api) == [NAME]


async def test_a_hundred_files_are_listed(api: Api) -> None:
    for number in range(101):
        await upload(api, model=f"M{number}")

    assert len(await names(api)) == 100


@pytest.mark.parametrize(
    "missing", ["fileupload", "fileVersion", "make", "model", "localTargetPath"]
)
async def test_a_file_needs_every_field(api: Api, missing: str) -> None:
    for value in (None, ""):
        refused = await upload(api, **{missing: value})
        assert (refused.status, refused.document["errorMessage"]) == (400, "Input binding error")
    assert await names(api) == [NAME]


async def test_a_file_comes_in_a_form_and_a_listing_names_its_kind(
    api: Api, sim: Simulator
) -> None:
    path = f"/api/fota/v2/files/{sim.account}"
    for seen in (
        await api.call("POST", path, json={"fileVersion": "1"}),
        await api.call(
            "POST", path, data=b"x", headers=api.headers | {"Content-Type": "multipart/form-data"}
        ),
        await api.call("GET", path),
    ):
        assert (seen.status, seen.document["errorMessage"]) == (400, "Input binding error")


# Listeners


def listener(sim: Simulator, version: str, rest: str = "") -> str:
    return f"/api/fota/{version}/callbacks/{sim.account}{rest}"


async def test_a_v1_listener_is_registered_replaced_and_removed(api: Api, sim: Simulator) -> None:
    path = listener(sim, "v1")
    nothing = await api.call("GET", path)
    assert (nothing.status, nothing.body) == (200, b"")

    body = {"name": "Fota", "url": "http://a.example/1", "username": "u", "password": "secret"}
    first = await api.call("POST", path, json=body)
    assert first.document == {"accountName": sim.account, "serviceName": "Fota"}
    await api.call("POST", path, json={"name": "Fota", "url": "https://a.example/2"})
    listed = await api.call("GET", path)
    assert listed.document == [{"aname": sim.account, "name": "Fota", "url": "https://a.example/2"}]

    assert (await api.call("DELETE", f"{path}/name/Fota")).document == {"success": True}
    assert (await api.call("GET", path)).body == b""


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://a.example"},
        {"name": "Other", "url": "https://a.example"},
        {"name": "Fota"},
        {"name": "Fota", "url": 5},
        {"name": "Fota", "url": ""},
        {"name": "Fota", "url": "https://a.example", "password": 5},
    ],
)
async def test_a_v1_listener_needs_its_service_and_address(
    api: Api, sim: Simulator, body: dict[str, object]
) -> None:
    refused = await api.call("POST", listener(sim, "v1"), json=body)

    assert (refused.status, refused.document["errorMessage"]) == (400, "Input binding error")


async def test_only_fota_can_be_deregistered(api: Api, sim: Simulator) -> None:
    refused = await api.call("DELETE", listener(sim, "v1", "/name/Other"))

    assert (refused.status, refused.document["errorMessage"]) == (400, "Input binding error")


async def test_the_password_of_a_listener_is_in_no_repr(api: Api, sim: Simulator) -> None:
    body = {"name": "Fota", "url": "https://a.example", "password": "secret-of-mine"}
    await api.call("POST", listener(sim, "v1"), json=body)

    assert "secret-of-mine" not in repr(sim._world.accounts)


async def test_each_version_has_a_listener_of_its_own(api: Api, sim: Simulator) -> None:
    two, three = listener(sim, "v2"), listener(sim, "v3")
    await api.call("POST", two, json={"url": "https://a.example/2"})
    await api.call("POST", three, json={"url": "https://a.example/3"})
    await api.call("PUT", three, json={"callback": "https://a.example/4"})

    assert (await api.call("GET", listener(sim, "v1"))).body == b""
    assert (await api.call("GET", two)).document == {"url": "https://a.example/2"}
    assert (await api.call("GET", three)).document == {"url": "https://a.example/4"}
    assert (await api.call("DELETE", two)).document == {"success": True}
    assert (await api.call("GET", two)).body == b""
    assert (await api.call("GET", three)).document == {"url": "https://a.example/4"}


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("url", [None, 5, "", "http://a.example"])
async def test_listeners_of_v2_and_v3_have_a_safe_address(
    api: Api, sim: Simulator, version: str, url: object
) -> None:
    refused = await api.call("POST", listener(sim, version), json={"url": url})

    assert (refused.status, refused.document["errorMessage"]) == (400, "Input binding error")
