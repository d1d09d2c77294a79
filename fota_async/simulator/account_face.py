"""What tests see of an account and set in it: devices, licences, candidates, logging."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from fota_async.simulator import examples
from fota_async.simulator.device_lists import is_device_id
from fota_async.simulator.messages import of_firmware
from fota_async.simulator.world import Account, Listener, World


class AccountFace:
    """The part of the simulator that is about what an account owns.

    Attributes:
        account: Name of the first account, which is meant where none is named.

    """

    account: Final = "0402196254-00001"
    _world: World

    def licensed(self, account: str | None = None) -> set[str]:
        """Return the devices that hold a licence.

        Args:
            account: The account; the first one if left out.
        """
        return set(self._account(account).licenses.rows.current)

    def candidates(self, account: str | None = None) -> set[str]:
        """Return the cancellation candidates.

        Args:
            account: The account; the first one if left out.
        """
        return set(self._account(account).candidates.ids())

    def logging(self, account: str | None = None) -> set[str]:
        """Return the devices that log now.

        Args:
            account: The account; the first one if left out.
        """
        return set(self._account(account).logging.on(self._world.now()))

    def add_devices(
        self, ids: Iterable[str], protocol: str = "LWM2M", account: str | None = None
    ) -> None:
        """Add devices to those the account lists.

        Args:
            ids: Device ids of 15 digits; anything else is a `ValueError`.
            protocol: `HTTP`, `LWM2M` or OMA-DM in any of its spellings.
            account: The account; the first one if left out.

        """
        since = self._world.now()
        fleet = self._account(account).fleet
        fleet.add(examples.device(i, protocol, since) for i in checked(ids))

    def set_licenses(self, total: int, account: str | None = None) -> None:
        """Change how many licences the account has bought.

        If more are in use, cancellation candidates lose theirs first, then the devices
        that have had one for longest.

        Args:
            total: How many.
            account: The account; the first one if left out.

        Raises:
            ValueError: Fewer than none.
        """
        if total < 0:
            raise ValueError(f"nobody buys {total} licences")
        owner = self._account(account)
        owner.licenses.resize(total, owner.candidates.ids(), self._world.now())

    def license(self, ids: Iterable[str], account: str | None = None) -> None:
        """Let devices hold licences as if they always had.

        Args:
            ids: Device ids of 15 digits.
            account: The account; the first one if left out.

        Raises:
            ValueError: An id is not 15 digits, or so many licences were not bought.
        """
        licenses = self._account(account).licenses
        new = [i for i in dict.fromkeys(checked(ids)) if i not in licenses]
        if licenses.used + len(new) > licenses.total:
            raise ValueError(
                f"{len(new)} licences more than the {licenses.used} in use are over the "
                f"{licenses.total} bought; call set_licenses first"
            )
        licenses.have(new, self._world.now())

    def listen(
        self,
        url: str,
        version: Literal["v1", "v2", "v3"] = "v1",
        *,
        username: str | None = None,
        password: str | None = None,
        account: str | None = None,
    ) -> None:
        """Register a callback listener, one without TLS too, which the API's calls refuse.

        Args:
            url: Where messages are posted.
            version: Whose messages.
            username: Comes back in every v1 message.
            password: Likewise.
            account: The account; the first one if left out.

        """
        self._world.listen(self._account(account), version, Listener(url, username, password))

    def announce_firmware(self, account: str | None = None) -> None:
        """Let new firmware be available: v1 listeners are told.

        Args:
            account: The account; the first one if left out.
        """
        self._world.tell(of_firmware(self._account(account).name, examples.FIRMWARE_V1[0]))

    def _account(self, name: str | None) -> Account:
        self._world.now()  # so that what is due has happened
        account = self._world.accounts.get(name or self.account)
        if account is None:
            raise ValueError(f"no such account: {name!r}")
        return account

    def _account_counts(self, now: float) -> dict[str, dict[str, int]]:
        owners = self._world.accounts.items()
        return {
            "licenses": {name: owner.licenses.used for name, owner in owners},
            "candidates": {name: len(owner.candidates.ids()) for name, owner in owners},
            "logging": {name: len(owner.logging.on(now)) for name, owner in owners},
        }


def checked(ids: Iterable[str]) -> Iterator[str]:
    """Return the ids one by one, and raise `ValueError` at the first that is none."""
    for device_id in ids:
        if not is_device_id(device_id):
            raise ValueError(f"not a device id of 15 digits: {device_id!r}")
        yield device_id
