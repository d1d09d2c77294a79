"""What was waited for, and did not come."""

from fota_async.errors.base import FotaError


class WaitError(FotaError):
    """What was waited for did not come.

    >>> simulator.set_status(upgrade_id, "UpgradeFailed")
    >>> try:
    ...     await fota.v1.upgrades.wait_for(upgrade_id, "Finished", timeout=3600)
    ... except WaitError as error:
    ...     print(error.status, error.wanted)
    UpgradeFailed Finished

    Attributes:
        target_id: The upgrade or campaign.
        wanted: The state that was waited for.
        status: The state that was read last; None if none could be read.
    """

    def __init__(self, message: str, *, target_id: str, wanted: str, status: str | None) -> None:
        super().__init__(message)
        self.target_id = target_id
        self.wanted = wanted
        self.status = status


class NeverReached(WaitError):  # noqa: N818 - named for what happened, as DevicesFailed is
    """The upgrade or campaign is in its last state, and that is another one.

    >>> simulator.set_status(upgrade_id, "UpgradeFailed")
    >>> try:
    ...     await fota.v1.upgrades.wait_for(upgrade_id, "Finished", timeout=None)
    ... except NeverReached as error:
    ...     print(error)
    60b5d639-ccdc-4db8-8824-069bd94c95bf is UpgradeFailed and will never be Finished
    """


class WaitTimeout(WaitError, TimeoutError):  # noqa: N818 - as above
    """The state was not reached in time; nothing was changed.

    >>> try:
    ...     await fota.v1.upgrades.wait_for(upgrade_id, "Finished", timeout=20)
    ... except WaitTimeout as error:
    ...     print(error)
    60b5d639-ccdc-4db8-8824-069bd94c95bf was not Finished within 20 s; it is Queued
    """
