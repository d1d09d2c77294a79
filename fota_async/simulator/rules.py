"""How the simulated server behaves by nature, before anything goes wrong."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import attrs
from attrs import validators

from fota_async.simulator.draws import share
from fota_async.simulator.limits import not_negative, positive, probability

REASONS = (
    "Device not found",
    "Invalid IMEI",
    "Device is not eligible for service",
    "Unknown client device type",
    "Device is still in an earlier unfinished upgrade",
)
"""Why a device is rejected: the causes of the vendor page "Campaign Lifecycle Flow for v1".

The page names the causes; the wording of the wire is not documented.

>>> simulator.rules = Rules(refused={imeis[0]: REASONS[0]})
>>> REASONS[0]
'Device not found'
"""

NOT_FOUND = REASONS[0]
STILL_IN_UPGRADE = REASONS[-1]

REASONS_V2 = (
    "Device not found",
    STILL_IN_UPGRADE,
    "Device is not FOTA capable",
    "Invalid IMEI",
    "Device does not meet the software version prerequisite",
    "Device does not meet the make or model prerequisite",
    "Device is not active or not connected",
    "Internal error",
)
"""Why a device of a v2 campaign is rejected (page "Campaign Lifecycle Flow for v2").

Again the causes are the page's, their wording is not documented.
"""

_T = TypeVar("_T")


@attrs.frozen(kw_only=True)
class Rules:
    """What this server does as a matter of course. Times are seconds of its clock.

    Where the wire contract is silent, both answers can be chosen.

    >>> simulator.rules = Rules(refuse_rate=0.1, max_devices=50, seed=1)
    >>> fleet = [f"35693803564{n}" for n in range(4000, 4100)]
    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, fleet)
    >>> report.failed, report.groups[0].reason
    (12, 'Unknown client device type')

    Args:
        token_lifetime: Life of a bearer token, fixed from its first issue; asking
            again within it gives the same token (page "Getting Credentials and
            Tokens to use the API").
        session_idle: A session ends after so long without use (page "Start a
            Connectivity Management Session").
        refuse_rate: Share of all devices that are refused when appended: a failed
            item in the answer, no row in the upgrade. Always the same devices.
        reject_later_rate: Share of all devices that are taken by the answer and
            whose row reads `Device Rejected` later on. Always the same devices.
        reject_after: How much later.
        refused: Devices to refuse when appended, with the reason to give.
        poison: Devices because of which a whole request is refused with
            "Invalid device id format".
        appended_twice: What appending a member again is called. Not documented.
        removed_absent: What removing a device that is not there is called. Not documented.
        removed_rows: Whether the row of a device removed from a campaign is gone from the
            report, or kept with a word of our own. Not documented.
        max_devices: Most devices one request may carry; None for no limit. The
            contract names none.
        size_refusal: How a request over `max_devices` is refused: HTTP status 413
            or one of the two Connectivity codes for too many devices.
        rate: FOTA requests a second each account may send; None for no limit.
            Above it: 429 with gateway fault 900800. The contract names no limit.
        burst: Requests that may come at once before `rate` counts.
        retry_after: `Retry-After` of those answers; None leaves the header out.
        retry_after_date: Write `Retry-After` as a date beside a `Date` header.
        life_cycle: Whether upgrades and campaigns move through their states by themselves,
            and devices come to their last word while theirs runs. Without it they stay
            in a state until `Simulator.set_status`.
        pending_for: Seconds an upgrade or campaign is pending.
        queued_for: Seconds it is queued; None for as long as the vendor says: until 00:00
            UTC of its first day, or for 90 minutes if that day has begun.
        prescheduled_for: Seconds a v3 campaign is then in state `CampaignPreScheduled`.
        runs_for: Seconds it runs; None for as long as the vendor says: until its last day
            is over, or for a week if a v2 campaign began after 00:00 UTC of its first day.
        known_devices_only: Turn away devices that the account does not list. Otherwise
            every IMEI is as good as one of its own.
        page_size: Items on a page of a list, and devices in an answer with device details.
            1,000 is documented for devices; for other lists nothing is.
        license_index: What the position of `v1_get_license_status` is: the last device,
            as the page says, or the number of devices before it, as the SDK says.
        candidates_answer: What the answer to storing cancellation candidates holds: the
            whole list or the devices that were sent. Not documented.
        receipt_delay: Seconds after which a v2 modify call shows in the campaign
            devices report; its answer is a receipt at once.
        report_delay: Seconds after which the report of a device, which
            `v3_report_device_firmware` asks for, shows in its details.
        prescheduled_is_open: Whether a campaign in state `CampaignPreScheduled` still
            takes devices and can be cancelled. Not documented.
        auto_added: Devices that a v3 campaign with `autoAddDevicesFlag` pulls in by itself
            when it is scheduled.
        aborts: Versions in which DELETE aborts a campaign that runs; in the others it
            is refused. The vendor says both of both.
        pilot: At most 20 devices in a v2 or v3 campaign until one with the same software,
            firmware or file had 5 to 20 devices of which half were upgraded (page "Pilot
            Campaigns"). How the 21st is turned away is not documented: "request"
            refuses the whole request, "device" that device alone; "off" lets it in.
        upgrade_fail_rate: Share of all devices whose upgrade fails. Always the same devices.
        spelling: "documented" answers in the spelling of the vendor's SDK, "odd" in the
            other variants that the vendor's pages have of it.
        callback_tries: How often a callback message is sent until a listener
            acknowledges it with any 2xx. Not documented; three, five minutes apart, is
            told of the Connectivity service.
        callback_retry_after: Seconds between two of these tries.
        seed: What the choice of devices hangs on.
    """

    token_lifetime: float = attrs.field(default=3600.0, validator=positive)
    session_idle: float = attrs.field(default=1200.0, validator=positive)
    refuse_rate: float = attrs.field(default=0.0, validator=probability)
    reject_later_rate: float = attrs.field(default=0.0, validator=probability)
    reject_after: float = attrs.field(default=0.0, validator=not_negative)
    refused: Mapping[str, str] = attrs.field(factory=dict)
    poison: frozenset[str] = frozenset()
    appended_twice: Literal["succeed", "fail"] = attrs.field(
        default="succeed", validator=validators.in_(("succeed", "fail"))
    )
    removed_absent: Literal["succeed", "fail"] = attrs.field(
        default="succeed", validator=validators.in_(("succeed", "fail"))
    )
    removed_rows: Literal["gone", "kept"] = attrs.field(
        default="gone", validator=validators.in_(("gone", "kept"))
    )
    max_devices: int | None = attrs.field(default=None, validator=positive)
    size_refusal: Literal["413", "NumberofDevices", "MaxRequestsExceeded"] = attrs.field(
        default="413", validator=validators.in_(("413", "NumberofDevices", "MaxRequestsExceeded"))
    )
    rate: float | None = attrs.field(default=None, validator=positive)
    burst: int = attrs.field(default=5, validator=positive)
    retry_after: float | None = attrs.field(default=None, validator=not_negative)
    retry_after_date: bool = False
    life_cycle: bool = False
    pending_for: float = attrs.field(default=60.0, validator=not_negative)
    queued_for: float | None = attrs.field(default=None, validator=not_negative)
    prescheduled_for: float = attrs.field(default=600.0, validator=not_negative)
    runs_for: float | None = attrs.field(default=None, validator=not_negative)
    known_devices_only: bool = False
    page_size: int = attrs.field(default=1000, validator=positive)
    license_index: Literal["device", "count"] = attrs.field(
        default="device", validator=validators.in_(("device", "count"))
    )
    candidates_answer: Literal["list", "sent"] = attrs.field(
        default="list", validator=validators.in_(("list", "sent"))
    )
    receipt_delay: float = attrs.field(default=0.0, validator=not_negative)
    report_delay: float = attrs.field(default=0.0, validator=not_negative)
    prescheduled_is_open: bool = False
    auto_added: frozenset[str] = frozenset()
    aborts: frozenset[str] = frozenset({"v2"})
    pilot: Literal["off", "request", "device"] = attrs.field(
        default="off", validator=validators.in_(("off", "request", "device"))
    )
    upgrade_fail_rate: float = attrs.field(default=0.0, validator=probability)
    spelling: Literal["documented", "odd"] = attrs.field(
        default="documented", validator=validators.in_(("documented", "odd"))
    )
    callback_tries: int = attrs.field(default=3, validator=positive)
    callback_retry_after: float = attrs.field(default=300.0, validator=not_negative)
    seed: int = 0

    def refusal(self, device_id: str, reasons: Sequence[str] = REASONS) -> str | None:
        """Return why `device_id` is refused when appended, one of `reasons`, or None."""
        if (reason := self.refused.get(device_id)) is not None:
            return reason
        return self._lot("refuse", device_id, self.refuse_rate, reasons)

    def later_rejection(self, device_id: str, reasons: Sequence[str] = REASONS) -> str | None:
        """Return which of `reasons` rejects `device_id` `reject_after` it was taken, or None."""
        return self._lot("reject later", device_id, self.reject_later_rate, reasons)

    def failed_upgrade(self, device_id: str, failures: Sequence[_T]) -> _T | None:
        """Return which of `failures` the upgrade of `device_id` ends with, or None."""
        return self._lot("fail", device_id, self.upgrade_fail_rate, failures)

    def _lot(self, about: str, device_id: str, rate: float, choices: Sequence[_T]) -> _T | None:
        if not rate or share(self.seed, about, device_id) >= rate:
            return None
        return choices[int(share(self.seed, about, "reason", device_id) * len(choices))]
