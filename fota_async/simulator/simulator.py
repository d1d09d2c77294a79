"""The simulator as its users hold it."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self, get_args

from fota_async.clock import Clock, SystemClock
from fota_async.simulator import examples
from fota_async.simulator.access import Access
from fota_async.simulator.device_lists import is_device_id
from fota_async.simulator.faults import Faults
from fota_async.simulator.listener import Listener
from fota_async.simulator.request_log import RequestLog, RequestRecord
from fota_async.simulator.rules import Rules
from fota_async.simulator.service import Service
from fota_async.simulator.upgrades import ACCEPTED, PENDING, Row, Status, Upgrade
from fota_async.simulator.world import Account, World


class Simulator:
    """The API's twin: stateful, strict, on loopback, and as unreliable as you ask for.

    ::

        async with Simulator(faults=Faults(drop_after=0.1)) as sim:
            ...  # point a client at sim.base_url

    It starts with one active account and one upgrade in state `Queued`. State
    outlives `stop`; a later `start` comes back at the same address.

    Args:
        faults: What goes wrong. Can be assigned anew at any time.
        rules: How the server behaves by nature. Can be assigned anew at any time.
        clock: The server's time: token life, idle sessions, lag, latency, rate.
        host: Address to bind.
        port: Port to bind; 0 for a free one.

    Attributes:
        account: Name of the first account.
        upgrade_id: Its upgrade.
        key: Application key of the one application.
        secret: Its secret.
        username: The one user.

    """

    account: Final = "0402196254-00001"
    upgrade_id: Final = "60b5d639-ccdc-4db8-8824-069bd94c95bf"
    key: Final = "example-application-key"
    secret: Final = "example-application-secret"  # noqa: S105 - opens nothing but this
    username: Final = "zbeeblebrox"

    def __init__(
        self,
        *,
        faults: Faults | None = None,
        rules: Rules | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._world = World(
            access=Access(self.key, self.secret, self.username, "example-password"),
            rules=rules or Rules(),
            clock=clock or SystemClock(),
        )
        self._world.add_account(self.account)
        self._world.add_upgrade(self.account, "Queued", upgrade_id=self.upgrade_id)
        self._log = RequestLog()
        self._service = Service(self._world, Faults())
        self._listener = Listener(self._service, self._log, self.stats, host, port)
        self.faults = faults or Faults()

    @property
    def base_url(self) -> str:
        """Scheme, host and port. Known from the first `start` on."""
        return self._listener.base_url

    @property
    def password(self) -> str:
        """The user's password now; a reset changes it."""
        return self._world.access.password

    def _upgrade(self, upgrade_id: str | None) -> Upgrade:
        return self._world.upgrades[upgrade_id or self.upgrade_id]

    def _account(self, name: str | None) -> Account:
        account = self._world.accounts.get(name or self.account)
        if account is None:
            raise ValueError(f"no such account: {name!r}")
        return account

    @property
    def faults(self) -> Faults:
        """What goes wrong from the next request on."""
        return self._service.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._service.faults = faults
        self._world.read_lag = faults.read_lag

    @property
    def rules(self) -> Rules:
        """How the server behaves from the next request on."""
        return self._world.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._world.rules = rules

    @property
    def requests(self) -> list[RequestRecord]:
        """What the wire saw so far, in the order of arrival; `/__stats` left out."""
        return self._log.records()

    def members(self, upgrade_id: str | None = None) -> set[str]:
        """Return the devices that are in the upgrade now, rejected ones left out."""
        now = self._world.now()
        return self._upgrade(upgrade_id).members(now)

    def rows(self, upgrade_id: str | None = None) -> dict[str, Row]:
        """Return the row of every device as it reads now, without any lag."""
        now = self._world.now()
        return {i: row.at(now) for i, row in self._upgrade(upgrade_id).rows.items()}

    def seed(
        self,
        ids: Iterable[str],
        status: str = ACCEPTED.status,
        upgrade_id: str | None = None,
        *,
        reason: str | None = None,
    ) -> None:
        """Put devices into an upgrade as if they had always been there.

        Args:
            ids: Device ids of 15 digits; anything else is a `ValueError`.
            status: What their rows read, such as `Device Rejected`.
            upgrade_id: The upgrade; the first one if left out.
            reason: Their `resultReason`; "success" for accepted devices if left out.

        """
        stock = {row.status: row for row in (ACCEPTED, PENDING)}
        row = stock.get(status) if reason is None else None
        row = row or Row(status, reason)
        upgrade = self._upgrade(upgrade_id)
        for device_id in _checked(ids):
            upgrade.rows[device_id] = row

    def licensed(self, account: str | None = None) -> set[str]:
        """Return the devices that hold a licence."""
        return set(self._account(account).licenses.ids())

    def candidates(self, account: str | None = None) -> set[str]:
        """Return the cancellation candidates."""
        return set(self._account(account).candidates.ids())

    def logging(self, account: str | None = None) -> set[str]:
        """Return the devices that log now."""
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
        fleet.add(examples.device(i, protocol, since) for i in _checked(ids))

    def set_licenses(self, total: int, account: str | None = None) -> None:
        """Change how many licences the account has bought.

        If more are in use, cancellation candidates lose theirs first, then the devices
        that have had one for longest.
        """
        if total < 0:
            raise ValueError(f"nobody buys {total} licences")
        owner = self._account(account)
        owner.licenses.resize(total, owner.candidates.ids(), self._world.now())

    def license(self, ids: Iterable[str], account: str | None = None) -> None:
        """Give licences to devices as if they had always had them.

        Raises:
            ValueError: An id is not 15 digits, or so many licences were not bought.

        """
        licenses = self._account(account).licenses
        new = [i for i in dict.fromkeys(_checked(ids)) if i not in licenses]
        if licenses.used + len(new) > licenses.total:
            raise ValueError(
                f"{len(new)} licences more than the {licenses.used} in use are over the "
                f"{licenses.total} bought; call set_licenses first"
            )
        licenses.give(new, self._world.now())

    def set_status(self, upgrade_id: str, status: Status) -> None:
        """Move an upgrade to another state, as the campaign's life cycle does."""
        if status not in get_args(Status):
            raise ValueError(f"no state of a v1 upgrade: {status!r}")
        now = self._world.now()
        self._upgrade(upgrade_id).move_to(status, now)

    def add_account(self, name: str) -> None:
        """Add an account without upgrades; the one user may use it too."""
        self._world.add_account(name)

    def add_upgrade(self, account: str | None = None, *, status: Status = "Queued") -> str:
        """Add an upgrade without devices to an account and return its id."""
        return self._world.add_upgrade(self._account(account).name, status).id

    def deactivate_account(self, account: str | None = None) -> None:
        """Answer every call about the account with "Inactive account" from now on."""
        self._account(account).active = False

    def expire_tokens(self) -> None:
        """End the bearer as if its hour were over."""
        self._world.access.expire_token()

    def expire_sessions(self) -> None:
        """End all sessions as if they had been idle too long."""
        self._world.access.expire_sessions()

    def spoil_token(self) -> None:
        """Refuse the current bearer, yet give it out again until it is revoked."""
        self._world.access.spoil_token()

    def stats(self) -> dict[str, Any]:
        """Return what `GET /__stats` shows.

        `requests` counts, by route, statuses and, in place of the status, faults met;
        `logins` are those that gave a session; `devices` of an upgrade are its rows,
        `members` those not rejected; `licenses`, `candidates` and `logging` count the devices
        of each account.
        """
        now = self._world.now()
        access = self._world.access
        accounts = self._world.accounts
        return {
            "requests": self._log.counts(),
            "logins": access.logins,
            "refused_logins": access.refused_logins,
            "token_requests": access.token_requests,
            "revocations": access.revocations,
            "locked": access.locked,
            "devices_sent": self._log.devices_sent(),
            "upgrades": {
                upgrade.id: {
                    "status": upgrade.status,
                    "devices": len(upgrade.rows),
                    "members": sorted(upgrade.members(now)),
                }
                for upgrade in self._world.upgrades.values()
            },
            "licenses": {name: owner.licenses.used for name, owner in accounts.items()},
            "candidates": {name: len(owner.candidates.ids()) for name, owner in accounts.items()},
            "logging": {name: len(owner.logging.on(now)) for name, owner in accounts.items()},
        }

    async def start(self) -> None:
        """Begin to listen."""
        await self._listener.start()

    async def stop(self) -> None:
        """Close the socket and whatever still hangs on it; state is kept."""
        await self._listener.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


def _checked(ids: Iterable[str]) -> Iterator[str]:
    for device_id in ids:
        if not is_device_id(device_id):
            raise ValueError(f"not a device id of 15 digits: {device_id!r}")
        yield device_id
