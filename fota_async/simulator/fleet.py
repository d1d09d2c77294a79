"""The devices an account knows."""

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

_OMA_DM: Final = frozenset({"OMA", "OMADM", "OMDDM", "OMDADM"})
"""How vendor pages write OMA-DM, dashes left out."""

ALL: Final = "ALL"
"""The filter that lets every protocol pass."""


@attrs.frozen(kw_only=True)
class Model:
    """What devices of one kind have in common.

    Args:
        protocol: Delivery protocol, as the device lists spell it.
        make: Maker.
        model: Model.
        firmware: Installed image.
        software: Installed application.
        software_version: Its version.

    """

    protocol: str
    make: str
    model: str
    firmware: str
    software: str
    software_version: str


@attrs.frozen
class Device:
    """A device.

    Args:
        id: Its IMEI.
        model: What it is.
        since: The moment the account got it.

    """

    id: str
    model: Model
    since: float

    @property
    def mdn(self) -> str:
        """A telephone number, of those that belong to nobody."""
        return f"555555{self.id[-4:]}"


def kind(protocol: str) -> str:
    """Return one name for all spellings of a protocol."""
    plain = protocol.upper().replace("-", "")
    return "OMADM" if plain in _OMA_DM else plain


def passes(protocol: str, wanted: str) -> bool:
    """Return whether a filter lets a protocol pass, in whatever spelling either is."""
    return kind(wanted) in {ALL, kind(protocol)}


class Fleet:
    """Devices by id, listed in ascending order.

    Attributes:
        reports: How many reports were asked for.

    """

    def __init__(self) -> None:
        self.reports = 0
        self._heard: dict[str, float] = {}
        self._devices: dict[str, Device] = {}
        self._sorted: dict[str, Sequence[str]] = {}

    def __contains__(self, device_id: str) -> bool:
        return device_id in self._devices

    def get(self, device_id: str) -> Device | None:
        """Return a device, or None if it is not known."""
        return self._devices.get(device_id)

    def add(self, devices: Iterable[Device]) -> None:
        """Take devices in; those with a known id replace the ones before."""
        self._devices.update((device.id, device) for device in devices)
        self._sorted.clear()

    def hear(self, device_id: str, moment: float) -> None:
        """Remember that a device reported which firmware it runs."""
        self._heard[device_id] = moment

    def heard(self, device: Device) -> float:
        """Return the moment a device was last heard of."""
        return self._heard.get(device.id, device.since)

    def ids(self, protocol: str = ALL) -> Sequence[str]:
        """Return the ids of all devices of a protocol, ascending.

        Args:
            protocol: In any spelling; a protocol that no device has gives no ids.

        """
        wanted = kind(protocol)
        if wanted not in self._sorted:
            self._sorted[wanted] = sorted(
                device.id
                for device in self._devices.values()
                if passes(device.model.protocol, wanted)
            )
        return self._sorted[wanted]
