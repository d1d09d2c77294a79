"""A v1 upgrade."""

from typing import Final

import attrs

from fota_async.simulator.targets import Target
from fota_async.simulator.versions import Stage

CANCELLED: Final = "Cancelled"
"""Our own word, for the statistics: on the wire a cancelled upgrade is unknown."""


@attrs.define(kw_only=True)
class Upgrade(Target):
    """One upgrade and its devices.

    Args:
        firmware_name: Image name.
        firmware_to: Version wanted.
        firmware_from: Version before, which no call tells.

    """

    firmware_name: str
    firmware_to: str
    firmware_from: str = "VerizonFirmwareVersion-01"

    @property
    def stage(self) -> Stage:
        """What its state means."""
        return Stage.CANCELLED if self.status == CANCELLED else super().stage

    def cancel(self) -> None:
        """End the upgrade before it started."""
        self.status = CANCELLED
        self.rows.clear()
