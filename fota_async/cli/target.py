"""The upgrade or the campaign that a run over a device list is about."""

from typing import Annotated, Literal

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from fota_async.api.campaign_devices import modify_campaign_v2, modify_campaign_v3
from fota_async.api.upgrades import modify_upgrade
from fota_async.batch.operation import Operation
from fota_async.cli.arguments import is_uuid
from fota_async.errors import ConfigurationError

TARGET = Group("Which upgrade or campaign", sort_key=0)


@attrs.frozen(kw_only=True)
class Target:
    """The options that say which upgrade or campaign a run is about."""

    upgrade: Annotated[
        str | None,
        Parameter(
            group=TARGET,
            validator=is_uuid("an upgrade id"),
            help="Id of a v1 upgrade; `fota upgrades list` shows it.",
        ),
    ] = None
    campaign: Annotated[
        str | None,
        Parameter(
            group=TARGET,
            validator=is_uuid("a campaign id"),
            help="Id of a v2 or v3 campaign; `fota campaigns list` shows it.",
        ),
    ] = None
    api: Annotated[
        Literal["v2", "v3"] | None,
        Parameter(group=TARGET, help="With --campaign: v2 for HTTP devices, v3 for LWM2M devices."),
    ] = None
    settle_limit: Annotated[
        float,
        Parameter(
            group=TARGET,
            validator=Number(gte=0),
            help="v2: seconds to wait until the campaign shows a device that was taken with a "
            "receipt.",
        ),
    ] = 600.0

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return "upgrade" if self.campaign is None else "campaign"

    @property
    def words(self) -> str:
        """The options that name it."""
        if self.campaign is None:
            return f"--upgrade {self.upgrade}"
        return f"--campaign {self.campaign} --api {self.api}"

    def operation(
        self, name: Literal["append", "remove"], account: str, *, settle: bool
    ) -> Operation:
        """Return what appends devices to it, or removes them.

        Args:
            name: What to do.
            account: Billing account.
            settle: v2: whether to read what became of devices that were taken with a receipt.

        Raises:
            ConfigurationError: It is neither an upgrade nor a campaign, or both, or of no version
                of the API; nothing was sent.
        """
        if (self.upgrade is None) == (self.campaign is None):
            raise ConfigurationError("give either --upgrade ID or --campaign ID; nothing was sent")
        if self.upgrade is not None and self.api is not None:
            raise ConfigurationError("--api is for campaigns, upgrades are v1; nothing was sent")
        if self.upgrade is not None:
            return modify_upgrade(name, account, self.upgrade)
        if self.campaign is None or self.api is None:
            raise ConfigurationError("--campaign needs --api v2 or --api v3; nothing was sent")
        if self.api == "v2":
            return modify_campaign_v2(name, account, self.campaign, settle=settle)
        return modify_campaign_v3(name, account, self.campaign)
