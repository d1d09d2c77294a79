"""What the API says, as frozen values: one file a resource, the versions side by side.

>>> upgrade = await fota.v1.upgrades.get(upgrade_id)
>>> upgrade.status, upgrade.status.is_open, upgrade.start_date.parsed
(<UpgradeStatus.QUEUED: 'Queued'>, True, datetime.datetime(2018, 4, 1, 0, 0))
>>> import attrs
>>> attrs.asdict(upgrade.device_list[0])
{'device_id': '990003425730524', 'status': 'Device Accepted', 'reason': 'success'}
"""

from fota_async.models.callbacks import Callback, CallbackRegistration, RegisteredCallback
from fota_async.models.campaigns import (
    CampaignReceipt,
    CampaignV2,
    CampaignV3,
    TimeWindow,
)
from fota_async.models.device_results import DeviceResult, DeviceResultV3
from fota_async.models.devices import (
    DeviceDetailsList,
    DeviceDetailsV3,
    DevicePageV1,
    DevicePageV2,
    DevicePageV3,
    DeviceV1,
    DeviceV2,
    DeviceV3,
    InstalledSoftware,
)
from fota_async.models.files import Software, UploadedFile
from fota_async.models.firmware import (
    DeviceFirmware,
    DeviceFirmwareList,
    FirmwareReportReceipt,
    FirmwareV1,
    FirmwareV3,
)
from fota_async.models.licenses import (
    CancelCandidatePage,
    CancelCandidatesChange,
    LicensedDevice,
    LicensePage,
)
from fota_async.models.logging import CheckIn, DeviceLog, LoggingStatus
from fota_async.models.reports import (
    CampaignDevicePageV2,
    CampaignDevicePageV3,
    CampaignPageV2,
    CampaignPageV3,
    DeviceUpgradeV1,
    DeviceUpgradeV2,
    DeviceUpgradeV3,
    ListedUpgrade,
    UpgradePage,
)
from fota_async.models.subscriptions import Subscription
from fota_async.models.upgrades import FirmwareUpgrade, UpgradeDevice
from fota_async.wire.convert import DeviceId
from fota_async.wire.enums import CampaignStatus, UpgradeStatus
from fota_async.wire.paging import Page
from fota_async.wire.timestamp import Timestamp

__all__ = [
    "Callback",
    "CallbackRegistration",
    "CampaignDevicePageV2",
    "CampaignDevicePageV3",
    "CampaignPageV2",
    "CampaignPageV3",
    "CampaignReceipt",
    "CampaignStatus",
    "CampaignV2",
    "CampaignV3",
    "CancelCandidatePage",
    "CancelCandidatesChange",
    "CheckIn",
    "DeviceDetailsList",
    "DeviceDetailsV3",
    "DeviceFirmware",
    "DeviceFirmwareList",
    "DeviceId",
    "DeviceLog",
    "DevicePageV1",
    "DevicePageV2",
    "DevicePageV3",
    "DeviceResult",
    "DeviceResultV3",
    "DeviceUpgradeV1",
    "DeviceUpgradeV2",
    "DeviceUpgradeV3",
    "DeviceV1",
    "DeviceV2",
    "DeviceV3",
    "FirmwareReportReceipt",
    "FirmwareUpgrade",
    "FirmwareV1",
    "FirmwareV3",
    "InstalledSoftware",
    "LicensePage",
    "LicensedDevice",
    "ListedUpgrade",
    "LoggingStatus",
    "Page",
    "RegisteredCallback",
    "Software",
    "Subscription",
    "TimeWindow",
    "Timestamp",
    "UpgradeDevice",
    "UpgradePage",
    "UpgradeStatus",
    "UploadedFile",
]
