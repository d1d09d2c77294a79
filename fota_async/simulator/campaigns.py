"""A v2 or v3 campaign."""

from collections.abc import Collection
from typing import Any

import attrs

from fota_async.simulator.targets import Target

Details = dict[str, Any]
"""Members of a campaign by name, in the wire's spelling."""


@attrs.define(kw_only=True)
class Campaign(Target):
    """One campaign and its devices.

    Args:
        details: Its names, windows and flags, and further dates.
        receipts: How many v2 modify calls it answered.

    """

    details: Details
    receipts: int = 0

    @property
    def image(self) -> str:
        """The name of the software, firmware or file it brings."""
        names = ("softwareName", "firmwareName", "fileName")
        return next(str(self.details[name]) for name in names if name in self.details)

    def change_times(self, names: Collection[str], new: Details) -> None:
        """Replace the dates and windows called `names`; one that is not in `new` is dropped."""
        kept = {name: value for name, value in self.details.items() if name not in names}
        self.start_date, self.end_date = new["startDate"], new["endDate"]
        self.details = kept | {
            name: new[name] for name in new if name not in {"startDate", "endDate"}
        }

    def document(self) -> dict[str, Any]:
        """Return what the answers about it show, its devices left out."""
        make, model = made_for(self.image)
        return {
            "id": self.id,
            "accountName": self.account,
            **self.details,
            "startDate": self.start_date,
            "endDate": self.end_date,
            "make": make,
            "model": model,
            "status": self.status,
        }


def made_for(image: str) -> tuple[str, str]:
    """Return make and model of the devices an image is for.

    The names in the contract's examples have them, in three patterns:
    `FOTA_Verizon_Model-A_02To03_HF`, `configfile-Verizon_VZW1_hello-world.txt`,
    `SEQUANSCommunications_GM01Q_SR1.2.0.0-10512`.
    """
    parts = image.removeprefix("FOTA_").removeprefix("configfile-").split("_")
    return (parts[0], parts[1]) if len(parts) > 1 and all(parts[:2]) else ("Verizon", "Model-A")


def usual_details(version: str, image: str) -> Details:
    """Return the details of a campaign that no call scheduled."""
    kinds: dict[str, tuple[str, Details]] = {
        "v2": ("software", {"distributionType": "HTTP"}),
        "v3": (
            "firmware",
            {
                "protocol": "LWM2M",
                "autoAssignLicenseFlag": False,
                "autoAddDevicesFlag": False,
            },
        ),
    }
    kind, more = kinds[version]
    return {
        "campaignName": "FOTA_Verizon_Upgrade",
        f"{kind}Name": image,
        f"{kind}From": "FOTA_Verizon_Model-A_00To01_HF",
        f"{kind}To": "FOTA_Verizon_Model-A_02To03_HF",
        **more,
    }
