"""Licences of monthly billed accounts (vendor page "Get License Status" and its kin)."""

import attrs

from fota_async.wire.convert import Cursor, DeviceId, member, required
from fota_async.wire.paging import Page
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class LicensedDevice:
    """A device that holds a licence."""

    device_id: DeviceId = required("deviceId")
    assignment_time: Timestamp | None = member("assignmentTime")


@attrs.frozen
class LicensePage(Page[LicensedDevice]):
    """Totals of an account, and some of its licensed devices.

    Attributes:
        total_licenses: How many the account has; the versions spell it differently.
        assigned_licenses: How many of them are in use.
        max_page_size: Most devices on a page; v1 does not say.
    """

    by_number = True  # the vendor's SDK counts devices here, the page hands out a cursor

    account_name: str | None = member("accountName")
    total_licenses: int | None = member("totalLicenses", "totalLicense")
    assigned_licenses: int | None = member("assignedLicenses")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: Cursor | None = member("lastSeenDeviceId")
    max_page_size: int | None = member("maxPageSize")
    items: tuple[LicensedDevice, ...] = member("deviceList", default=())


@attrs.frozen
class CancelCandidatesChange:
    """The cancellation candidates that are stored, or those of them that were sent.

    Attributes:
        count: How many.
        device_list: IMEIs.
    """

    count: int | None = member("count")
    device_list: tuple[DeviceId, ...] = member("deviceList", default=())


@attrs.frozen
class CancelCandidatePage(Page[DeviceId]):
    """Some of the cancellation candidates.

    Attributes:
        count: How many there are.
        update_time: When the list last changed.
        items: IMEIs.
    """

    by_number = True

    count: int | None = member("count")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    update_time: Timestamp | None = member("updateTime")
    items: tuple[DeviceId, ...] = member("deviceList", default=())
