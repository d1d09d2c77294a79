"""What licences and upgrades have to do with each other.

Vendor page "Remove unused licenses from devices": a licence is unused while the device
was not upgraded since the assignment and is not being upgraded; taking it back cancels
what is scheduled for the device and has not started.
"""

from collections.abc import Collection, Iterator
from typing import Protocol

from fota_async.simulator.world import Account, World


class Target(Protocol):
    """An upgrade or a campaign, as far as licences go."""

    @property
    def account(self) -> str:
        """Name of the account it belongs to."""
        ...

    def license_use(self, device_id: str, since: float, now: float) -> str | None:
        """Return how the device used a licence it has `since`, or None if it did not."""
        ...

    def withdraw(self, ids: Collection[str], now: float) -> None:
        """Take devices off, unless it has started."""
        ...


def in_use(world: World, account: Account, device_id: str, since: float, now: float) -> str | None:
    """Return why a device has to keep the licence it has `since`, or None."""
    uses = (target.license_use(device_id, since, now) for target in _targets(world, account))
    return next(filter(None, uses), None)


def withdraw(world: World, account: Account, ids: Collection[str], now: float) -> None:
    """Cancel what is scheduled, and has not started, for devices that lost their licence."""
    for target in _targets(world, account):
        target.withdraw(ids, now)


def _targets(world: World, account: Account) -> Iterator[Target]:
    return (target for target in world.upgrades.values() if target.account == account.name)
