"""A v2 or v3 campaign."""

from typing import Any

import attrs

from fota_async.simulator.targets import Target

Details = dict[str, Any]
"""What a campaign was scheduled with, in the wire's spelling."""


@attrs.define(kw_only=True)
class Campaign(Target):
    """One campaign and its devices.

    Args:
        details: Its names, dates, windows and flags.
        receipts: How many v2 modify calls it answered.

    """

    details: Details
    receipts: int = 0

    @property
    def image(self) -> str:
        """The name of the software, firmware or file it brings."""
        names = ("softwareName", "firmwareName", "fileName")
        return next(str(self.details[name]) for name in names if name in self.details)

    @property
    def start_date(self) -> str:
        """First day, `YYYY-MM-DD`."""
        return str(self.details["startDate"])

    @property
    def end_date(self) -> str:
        """Last day, `YYYY-MM-DD`."""
        return str(self.details["endDate"])

    def document(self) -> dict[str, Any]:
        """Return what the answers about it show, its devices left out."""
        make, model = made_for(self.image)
        return {
            "id": self.id,
            "accountName": self.account,
            **self.details,
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


def new_details(version: str, image: str, start_date: str, end_date: str) -> Details:
    """Return the details of a campaign that no call scheduled."""
    kind, protocol = {
        "v2": ("software", {"distributionType": "HTTP"}),
        "v3": ("firmware", {"protocol": "LWM2M"}),
    }[version]
    return {
        "campaignName": "FOTA_Verizon_Upgrade",
        f"{kind}Name": image,
        f"{kind}From": "FOTA_Verizon_Model-A_00To01_HF",
        f"{kind}To": "FOTA_Verizon_Model-A_02To03_HF",
        **protocol,
        "startDate": start_date,
        "endDate": end_date,
    }
