"""What the three versions of the API call things: states, and what becomes of a device."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, Literal

import attrs

from fota_async.simulator.rows import Row
from fota_async.simulator.rules import REASONS, REASONS_V2

Status = Literal[
    "RequestPending", "Queued", "InProgress", "Finished", "RequestFailed", "UpgradeFailed"
]
"""States of a v1 upgrade (page "Campaign Lifecycle Flow for v1")."""

CampaignStatus = Literal[
    "CampaignRequestPending",
    "CampaignRequestQueued",
    "CampaignPreScheduled",
    "CampaignScheduled",
    "CampaignEnded",
    "CampaignRequestFailed",
    "CampaignFailed",
    "CampaignCancelled",
    "CampaignAborted",
]
"""States of a v2 or v3 campaign (pages "Campaign Lifecycle Flow for v2", "... for v3").

`CampaignPreScheduled` is v3's alone.
"""


class Stage(Enum):
    """What a state means, in any version."""

    PENDING = auto()
    QUEUED = auto()
    PRESCHEDULED = auto()
    RUNNING = auto()
    ENDED = auto()
    FAILED = auto()
    CANCELLED = auto()
    ABORTED = auto()


@attrs.frozen(kw_only=True, eq=False)
class Version:
    """The words of one version, and how it tells what became of a device.

    Args:
        name: "v1", "v2" or "v3".
        stages: Its states and what they mean.
        pending: The row of a device nobody judged yet.
        accepted: The row of a device that waits for the start.
        prescheduled: The row of a device shortly before the start.
        running: The row of a device while the campaign runs.
        succeeded: The row of a device that was upgraded.
        failures: The rows a device can end with that was not.
        rejected: The state of a device that was not taken.
        reasons: Why it was not.
        has_receipts: Whether a modify call is answered before any device is judged, so
            that a refused device shows in the list.

    """

    name: str
    stages: Mapping[str, Stage]
    pending: Row
    accepted: Row
    prescheduled: Row
    running: Row
    succeeded: Row
    failures: tuple[Row, ...]
    rejected: str
    reasons: tuple[str, ...]
    has_receipts: bool = False

    def word(self, stage: Stage) -> str:
        """Return this version's name of a stage."""
        return next(word for word, meant in self.stages.items() if meant is stage)

    @property
    def waiting(self) -> tuple[Row, ...]:
        """The rows of devices whose fate is open."""
        return (self.pending, self.accepted, self.prescheduled, self.running)


_ACCEPTED: Final = Row("Device Accepted", "success")
# The page names UpgradeSuccess and UpgradeFailed for the history of a device. That the
# details of an upgrade show them too, and the texts of failures, are not documented.
V1: Final = Version(
    name="v1",
    stages={
        "RequestPending": Stage.PENDING,
        "Queued": Stage.QUEUED,
        "InProgress": Stage.RUNNING,
        "Finished": Stage.ENDED,
        "RequestFailed": Stage.FAILED,
        "UpgradeFailed": Stage.FAILED,
    },
    pending=Row("RequestPending"),
    accepted=_ACCEPTED,
    prescheduled=_ACCEPTED,
    running=_ACCEPTED,
    succeeded=Row("UpgradeSuccess", "success"),
    failures=(
        Row("UpgradeFailed", "Download failed"),
        Row("UpgradeFailed", "Device was not reachable"),
    ),
    rejected="Device Rejected",
    reasons=REASONS,
)

# What a row reads before anybody judged the device is not documented in v2; this is v1's word.
V2: Final = Version(
    name="v2",
    stages={
        "CampaignRequestPending": Stage.PENDING,
        "CampaignRequestQueued": Stage.QUEUED,
        "CampaignScheduled": Stage.RUNNING,
        "CampaignEnded": Stage.ENDED,
        "CampaignRequestFailed": Stage.FAILED,
        "CampaignFailed": Stage.FAILED,
        "CampaignCancelled": Stage.CANCELLED,
        "CampaignAborted": Stage.ABORTED,
    },
    pending=Row("RequestPending"),
    accepted=Row("Accepted", "success"),
    prescheduled=Row("Accepted", "success"),
    running=Row("UpgradePending", "Upgrade pending"),
    succeeded=Row("UpgradeSuccess", "DownloadInstallSucceeded"),
    failures=tuple(
        Row("UpgradeFailed", reason)
        for reason in (
            "RovaClientDidNotReportStatus",
            "RovaClientDownloadFailed",
            "RovaClientDownloadNotInstalledYet",
            "RovaClientDownloadedInstallFailed",
        )
    ),
    rejected="DeviceRejected",
    reasons=REASONS_V2,
    has_receipts=True,
)

# The vendor's list of v3 words breaks off. A rejected device has v2's word here, and the texts
# of all rows are made up after the one in the contract's example.
V3: Final = Version(
    name="v3",
    stages={
        "CampaignRequestPending": Stage.PENDING,
        "CampaignRequestQueued": Stage.QUEUED,
        "CampaignPreScheduled": Stage.PRESCHEDULED,
        "CampaignScheduled": Stage.RUNNING,
        "CampaignEnded": Stage.ENDED,
        "CampaignRequestFailed": Stage.FAILED,
        "CampaignFailed": Stage.FAILED,
        "CampaignCancelled": Stage.CANCELLED,
        "CampaignAborted": Stage.ABORTED,
    },
    pending=Row("UpgradePending", "Upgrade pending"),
    accepted=Row("UpgradePending", "Upgrade pending, waiting for the start of the campaign"),
    prescheduled=Row("ReceivedDeviceDataFromNetwork", "Device data received from network"),
    running=Row("UpgradeScheduled", "Device upgrade is scheduled"),
    succeeded=Row("UpgradeSuccess", "Upgrade completed successfully"),
    failures=(
        Row("UpgradeFailed", "Upgrade failed"),
        Row("NoDeviceDataFromNetwork", "No device data from network, no retry left"),
    ),
    rejected="DeviceRejected",
    reasons=REASONS,
)
CAMPAIGN_VERSIONS: Final = {version.name: version for version in (V2, V3)}
