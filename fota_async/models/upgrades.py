"""v1 upgrades (vendor pages "Schedule a Firmware Upgrade", "Modify a Scheduled Upgrade")."""

import attrs

from fota_async.wire.convert import DeviceId, member, required
from fota_async.wire.enums import UpgradeStatus
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class UpgradeDevice:
    """A device in an upgrade.

    >>> upgrade = await fota.v1.upgrades.get(upgrade_id)
    >>> upgrade.device_list[0]
    UpgradeDevice(device_id='990003425730524', status='Device Accepted', reason='success')

    Attributes:
        device_id: IMEI.
        status: Word for word, for instance `Device Accepted`, `Device Rejected`; an open set.
        reason: Detail; absent while the request is pending.
    """

    device_id: DeviceId = required("deviceId")
    status: str | None = member("status")
    reason: str | None = member("resultReason", "Reason", "reason")


@attrs.frozen
class FirmwareUpgrade:
    """A v1 upgrade with its devices.

    >>> upgrade = await fota.v1.upgrades.get(upgrade_id)
    >>> upgrade.firmware_name, upgrade.status, len(upgrade.device_list)
    ('FOTA_Verizon_Model-A_01To02_HF', <UpgradeStatus.QUEUED: 'Queued'>, 3)

    Attributes:
        id: UUID.
        account_name: Billing account with its leading zeros.
        firmware_name: Image name from the firmware listing.
        firmware_to: Version wanted on the devices.
        start_date: Usually `YYYY-MM-DD`; the text is kept.
        end_date: Likewise; some answers have none.
        status: State of the upgrade; `UpgradeStatus.is_open` says whether devices may change.
        device_list: Its devices, all of them: this answer is not paged.
    """

    device_list: tuple[UpgradeDevice, ...] = required("deviceList")
    id: str | None = member("id")
    account_name: str | None = member("accountName")
    firmware_name: str | None = member("firmwareName")
    firmware_to: str | None = member("firmwareTo")
    start_date: Timestamp | None = member("startDate")
    end_date: Timestamp | None = member("endDate")
    status: UpgradeStatus | None = member("status")


@attrs.frozen(kw_only=True)
class ScheduleUpgrade:
    """The body of a request to schedule an upgrade."""

    account_name: str = required("accountName")
    firmware_name: str = required("firmwareName")
    firmware_to: str = required("firmwareTo")
    start_date: str = required("startDate")
    end_date: str | None = member("endDate")
    device_list: tuple[str, ...] = required("deviceList")
