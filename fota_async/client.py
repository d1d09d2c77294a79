"""The client: a session manager, an account, and the API's versions.

`fota.v1`, `fota.v2` and `fota.v3` are a `VersionOne`, `VersionTwo` and `VersionThree`; what hangs
on them, such as `fota.v1.upgrades`, is a class of its own here.
"""

import os
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Self, Unpack

from fota_async.api.callbacks import CallbacksV1, CallbacksV2, CallbacksV3
from fota_async.api.campaigns import CampaignsV2
from fota_async.api.campaigns_v3 import CampaignsV3
from fota_async.api.cancel_candidates import CancelCandidatesV1, CancelCandidatesV2
from fota_async.api.context import Context
from fota_async.api.devices import DevicesV1, DevicesV2, DevicesV3
from fota_async.api.files import FilesV2
from fota_async.api.firmware import FirmwareOfV1, FirmwareOfV3
from fota_async.api.licenses import LicensesV1, LicensesV2, LicensesV3
from fota_async.api.logging import LoggingV2
from fota_async.api.reports import ReportsV1, ReportsV2, ReportsV3
from fota_async.api.software import SoftwareV2
from fota_async.api.subscriptions import SubscriptionsV1, SubscriptionsV2, SubscriptionsV3
from fota_async.api.upgrades import UpgradesV1
from fota_async.api.wakeups import Wakeups
from fota_async.credentials import Credentials
from fota_async.errors import ConfigurationError
from fota_async.options import SessionOptions
from fota_async.session import SessionManager

__all__ = [
    "CallbacksV1",
    "CallbacksV2",
    "CallbacksV3",
    "CampaignsV2",
    "CampaignsV3",
    "CancelCandidatesV1",
    "CancelCandidatesV2",
    "DevicesV1",
    "DevicesV2",
    "DevicesV3",
    "FilesV2",
    "FirmwareOfV1",
    "FirmwareOfV3",
    "FotaClient",
    "LicensesV1",
    "LicensesV2",
    "LicensesV3",
    "LoggingV2",
    "ReportsV1",
    "ReportsV2",
    "ReportsV3",
    "SoftwareV2",
    "SubscriptionsV1",
    "SubscriptionsV2",
    "SubscriptionsV3",
    "UpgradesV1",
    "VersionOne",
    "VersionThree",
    "VersionTwo",
]

# No closer: the vendor's own examples break the shape of ten digits, a dash and five digits.
_ACCOUNT = re.compile(r"[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*")


class VersionOne:
    """v1: OMA-DM and LWM2M devices.

    >>> upgrade = await fota.v1.upgrades.get(upgrade_id)
    >>> upgrade.firmware_to, len(upgrade.device_list)
    ('VerizonFirmwareVersion-02', 3)
    """

    def __init__(self, context: Context) -> None:
        self.callbacks = CallbacksV1(context)
        self.cancel_candidates = CancelCandidatesV1(context)
        self.devices = DevicesV1(context)
        self.firmware = FirmwareOfV1(context)
        self.licenses = LicensesV1(context)
        self.reports = ReportsV1(context)
        self.subscriptions = SubscriptionsV1(context)
        self.upgrades = UpgradesV1(context)


class VersionTwo:
    """v2: HTTP devices.

    >>> for software in await fota.v2.software.list():
    ...     print(software.software_name)
    FOTA_Verizon_Model-A_02To03_HF
    """

    def __init__(self, context: Context) -> None:
        self.callbacks = CallbacksV2(context)
        self.campaigns = CampaignsV2(context)
        self.cancel_candidates = CancelCandidatesV2(context)
        self.devices = DevicesV2(context)
        self.files = FilesV2(context)
        self.licenses = LicensesV2(context)
        self.logging = LoggingV2(context)
        self.reports = ReportsV2(context)
        self.software = SoftwareV2(context)
        self.subscriptions = SubscriptionsV2(context)


class VersionThree:
    """v3: LWM2M devices, with a network that knows when they can be reached.

    >>> async for device in fota.v3.devices.list():
    ...     print(device.device_id, device.firmware)
    356938035643809 BG96MAR04A04M1G
    356938035643817 BG96MAR04A04M1G
    356938035643825 BG96MAR04A04M1G
    """

    def __init__(self, context: Context) -> None:
        self.callbacks = CallbacksV3(context)
        self.campaigns = CampaignsV3(context)
        self.devices = DevicesV3(context)
        self.firmware = FirmwareOfV3(context)
        self.licenses = LicensesV3(context)
        self.reports = ReportsV3(context)
        self.subscriptions = SubscriptionsV3(context)


class FotaClient:
    """A client of Software Management for one account.

    Use it as `async with`, or call `aclose`.

    >>> async with FotaClient.from_env(environ=environ) as client:
    ...     image, *_ = await client.v1.firmware.list()
    ...     print(image.firmware_name, image.to_version)
    FOTA_Verizon_Model-A_01To02_HF VerizonFirmwareVersion-02

    Args:
        credentials: What opens the API; None if the option `tokens` is given.
        account: Billing account name, with its leading zeros.
        options: See `fota_async.SessionOptions`.

    Raises:
        ConfigurationError: The account or an option cannot work.

    Attributes:
        v1: OMA-DM and LWM2M devices.
        v2: HTTP devices.
        v3: LWM2M devices, with a network that knows when they can be reached.
        session: The session manager, shared with every `with_account` view.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        account: str,
        **options: Unpack[SessionOptions],
    ) -> None:
        self._open(SessionManager(credentials, **options), account, Wakeups())

    def _open(self, session: SessionManager, account: str, wakeups: Wakeups) -> None:
        if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
            raise ConfigurationError(
                f"an account is a name such as 0402196254-00001, leading zeros included, "
                f"not {account!r}"
            )
        context = Context(session, account, wakeups)
        self._wakeups = wakeups
        self.session = session
        self.account = account
        self.v1 = VersionOne(context)
        self.v2 = VersionTwo(context)
        self.v3 = VersionThree(context)

    @classmethod
    def from_env(
        cls,
        *,
        account: str | None = None,
        environ: Mapping[str, str] | None = None,
        **options: Unpack[SessionOptions],
    ) -> Self:
        """Return a client with credentials, account and address from the environment.

        Reads `THINGSPACE_KEY`, `THINGSPACE_SECRET`, `THINGSPACE_USERNAME`, `THINGSPACE_PASSWORD`,
        `THINGSPACE_ACCOUNT` and, if set, `THINGSPACE_BASE_URL`.

        >>> client = FotaClient.from_env(environ=environ, account="0000123456-00001", max_rate=20)
        >>> client.account
        '0000123456-00001'
        >>> await client.aclose()

        Args:
            account: Used instead of `THINGSPACE_ACCOUNT`.
            environ: Used instead of the process's environment.
            options: See `fota_async.SessionOptions`.

        Raises:
            ConfigurationError: A variable is missing; the text names all that are.
        """
        given = dict(os.environ if environ is None else environ)
        if account is not None:
            given["THINGSPACE_ACCOUNT"] = account
        names = ("KEY", "SECRET", "USERNAME", "PASSWORD", "ACCOUNT")
        missing = [f"THINGSPACE_{n}" for n in names if not given.get(f"THINGSPACE_{n}")]
        if missing:
            raise ConfigurationError(f"the environment lacks {', '.join(missing)}")
        key, secret, username, password, name = (given[f"THINGSPACE_{n}"] for n in names)
        if "base_url" not in options and given.get("THINGSPACE_BASE_URL"):
            options["base_url"] = given["THINGSPACE_BASE_URL"]
        credentials = Credentials(key=key, secret=secret, username=username, password=password)
        return cls(credentials, account=name, **options)

    def with_account(self, account: str) -> "FotaClient":
        """Return a view for another account, on the same connections and tokens.

        >>> simulator.add_account("0000123456-00001")
        >>> other = fota.with_account("0000123456-00001")
        >>> (await other.v1.subscriptions.get()).account_name
        '0000123456-00001'

        Args:
            account: Billing account name, with its leading zeros.

        Raises:
            ConfigurationError: The account cannot be part of a path.
        """
        view = FotaClient.__new__(FotaClient)
        view._open(self.session, account, self._wakeups)  # noqa: SLF001 - another instance of this class
        return view

    def wake(self, target_id: str | None) -> None:
        """Let everyone who waits for an upgrade or a campaign, or watches it, look at once.

        For whoever hears of it first, from a callback for instance:

            @receiver.on()
            async def wake(event: CallbackEvent) -> None:
                fota.wake(event.target_id)

        A message is a hint: what counts is the reading that follows. For every view of the session
        manager; call it on the event loop that waits.

        Args:
            target_id: Id of the upgrade or campaign; one that nobody waits for is no error. None
                for whatever is waited for: not every documented message names an id.
        """
        self._wakeups.wake(target_id)

    async def aclose(self) -> None:
        """Close the session manager, for every view of it."""
        await self.session.aclose()

    async def __aenter__(self) -> Self:
        await self.session.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<FotaClient account={self.account!r} base_url={self.session.base_url!r}>"
