"""What every account starts with: devices and goods as in the contract's examples."""

from typing import Final

from fota_async.simulator.fleet import Device, Fleet, Model, kind

LICENSES: Final = 5000
"""Licences bought."""

MODELS: Final = {
    "HTTP": Model(
        protocol="HTTP",
        make="Verizon",
        model="Model-A",
        firmware="VerizonFirmwareVersion-01",
        software="FOTA_Verizon_Model-A_02To03_HF",
        software_version="3",
    ),
    "LWM2M": Model(
        protocol="LWM2M",
        make="QUECTEL",
        model="BG96",
        firmware="BG96MAR04A04M1G",
        software="VZ_MDM_IOT",
        software_version="0.14",
    ),
    "OMADM": Model(
        protocol="OMD-DM",
        make="Verizon",
        model="Model-A",
        firmware="VerizonFirmwareVersion-01",
        software="VZ_MDM_IOT",
        software_version="0.14",
    ),
}
"""A device of each protocol."""

_DEVICES: Final = {
    "HTTP": ("990003425730524", "990003425730535", "990000473475989", "990013907835573"),
    "LWM2M": ("356938035643809", "356938035643817", "356938035643825"),
    "OMADM": ("900000000000001", "900000000000998", "900000000000999"),
}


def device(device_id: str, protocol: str, since: float) -> Device:
    """Return a device as the examples show one of this protocol.

    Raises:
        ValueError: There is no such protocol.

    """
    model = MODELS.get(kind(protocol))
    if model is None:
        raise ValueError(f"no protocol of devices: {protocol!r}; there are {', '.join(MODELS)}")
    return Device(device_id, model, since)


def fleet(since: float) -> Fleet:
    """Return the devices an account starts with."""
    devices = Fleet()
    for protocol, ids in _DEVICES.items():
        devices.add(device(device_id, protocol, since) for device_id in ids)
    return devices


FIRMWARE_V1: Final = (
    {
        "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
        "launchDate": "2018-04-01T16:03:00.000Z",
        "releaseNote": "",
        "model": "Model-A",
        "make": "Verizon",
        "fromVersion": "VerizonFirmwareVersion-01",
        "toVersion": "VerizonFirmwareVersion-02",
    },
)
"""What v1 offers; the listing adds who takes part."""

FIRMWARE_V3: Final = (
    {
        "firmwareName": "VerizonSmartCommunities_LCO-277C4N_BG96MAR04A04M1G"
        "_BG96MAR04A04M1G_BETA0130B",
        "firmwareFrom": "BG96MAR04A04M1G",
        "firmwareTo": "BG96MAR04A04M1G_BETA0130B",
        "launchDate": "2012-04-23T18:25:43.511Z",
        "releaseNote": "",
        "model": "LCO-277C4N",
        "make": "Verizon Smart Communities",
        "protocol": "LWM2M",
    },
)
"""What v3 offers."""

SOFTWARE: Final = (
    {
        "softwareName": "FOTA_Verizon_Model-A_02To03_HF",
        "launchDate": "2020-08-31",
        "releaseNote": "",
        "model": "Model-A",
        "make": "Verizon",
        "distributionType": "HTTP",
        "devicePlatformId": "IoT",
    },
)
"""What v2 offers."""

FILE: Final = {
    "fileName": "configfile-Verizon_VZW1_hello-world.txt",
    "fileVersion": "1.0",
    "releaseNote": "Hello world initial file",
    "make": "Verizon",
    "model": "VZW1",
    "localTargetPath": "/VZWFOTA/hello-world.txt",
    "distributionType": "HTTP",
    "devicePlatformId": "IoT",
}
"""A file that was uploaded."""


def files() -> dict[str, dict[str, str]]:
    """Return the files an account starts with, by name."""
    return {FILE["fileName"]: FILE}
