"""What the API says, as frozen values: one file a resource, the versions side by side."""

from fota_async.models.callbacks import Callback
from fota_async.models.upgrades import FirmwareUpgrade, UpgradeDevice
from fota_async.wire.enums import UpgradeStatus

__all__ = ["Callback", "FirmwareUpgrade", "UpgradeDevice", "UpgradeStatus"]
