"""The simulator as its users hold it."""

import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Final, Literal, Self

from fota_async.clock import Clock, SystemClock
from fota_async.simulator.access import Access
from fota_async.simulator.account_face import AccountFace, checked
from fota_async.simulator.campaigns import usual_details
from fota_async.simulator.days import Calendar
from fota_async.simulator.faults import Faults
from fota_async.simulator.listener import Listener
from fota_async.simulator.poster import CallbackRecord, Poster
from fota_async.simulator.request_log import RequestLog, RequestRecord
from fota_async.simulator.rows import Row
from fota_async.simulator.rules import Rules
from fota_async.simulator.service import Service
from fota_async.simulator.targets import Target
from fota_async.simulator.versions import CAMPAIGN_VERSIONS, CampaignStatus, Status
from fota_async.simulator.world import World


class Simulator(AccountFace):
    """The API's twin: stateful, strict, on loopback, and as unreliable as you ask for.

    It starts with one active account, its devices and goods as in the vendor's examples,
    none of its licences assigned, and one upgrade in state `Queued`. State outlives `stop`;
    a later `start` comes back at the same address.

    >>> async with Simulator(rules=Rules(refused={imeis[0]: "Device not found"})) as sim:
    ...     there = {**environ, "THINGSPACE_BASE_URL": sim.base_url}
    ...     async with FotaClient.from_env(environ=there) as client:
    ...         report = await client.v1.upgrades.append_devices(sim.upgrade_id, imeis)
    ...     print(report.failed, sorted(sim.members()))
    1 ['990003425730535', '990013907835573']

    Args:
        faults: What goes wrong. Can be assigned anew at any time.
        rules: How the server behaves by nature. Can be assigned anew at any time.
        clock: The server's time: token life, idle sessions, lag, latency, rate.
        today: The day on which it starts, at 00:00 UTC of its clock; the real one if
            left out.
        trust: What certificates of callback listeners are checked with; the usual
            authorities if left out.
        host: Address to bind.
        port: Port to bind; 0 for a free one.

    Attributes:
        account: Name of the first account.
        upgrade_id: Its upgrade.
        key: Application key of the one application.
        secret: Its secret.
        username: The one user.
    """

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
        today: date | None = None,
        trust: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        clock = clock or SystemClock()
        self._world = World(
            access=Access(self.key, self.secret, self.username, "example-password"),
            rules=rules or Rules(),
            clock=clock,
            calendar=Calendar(today or datetime.now(UTC).date(), clock.monotonic()),
        )
        self._world.add_account(self.account)
        self._world.add_upgrade(self.account, "Queued", upgrade_id=self.upgrade_id)
        self._log = RequestLog()
        self._service = Service(self._world, Faults())
        self._listener = Listener(self._service, self._log, self.stats, host, port)
        self._poster = Poster(self._world, lambda: self._service.faults, trust)
        self.faults = faults or Faults()

    @property
    def base_url(self) -> str:
        """Scheme, host and port. Known from the first `start` on."""
        return self._listener.base_url

    @property
    def password(self) -> str:
        """The user's password now; a reset changes it."""
        return self._world.access.password

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
        self._world.change_rules(rules)

    @property
    def requests(self) -> list[RequestRecord]:
        """What the wire saw so far, in the order of arrival; `/__stats` left out."""
        return self._log.records()

    @property
    def callbacks(self) -> list[CallbackRecord]:
        """What listeners were told so far, and what was lost."""
        return list(self._poster.records)

    def members(self, target_id: str | None = None) -> set[str]:
        """Return the devices in an upgrade or campaign now, rejected ones left out.

        Args:
            target_id: Its id; the first upgrade if left out.

        """
        now = self._world.now()
        return self._target(target_id).rows.members(now)

    def rows(self, target_id: str | None = None) -> dict[str, Row]:
        """Return the row of every device as it reads now, without any lag.

        Args:
            target_id: The upgrade or campaign; the first upgrade if left out.
        """
        now = self._world.now()
        return {i: row.at(now) for i, row in self._target(target_id).rows.current.items()}

    def seed(
        self,
        ids: Iterable[str],
        status: str | None = None,
        target_id: str | None = None,
        *,
        reason: str | None = None,
    ) -> None:
        """Put devices into an upgrade or campaign as if they had always been there.

        Args:
            ids: Device ids of 15 digits; anything else is a `ValueError`.
            status: What their rows read, such as `Device Rejected`; that of an accepted
                device if left out.
            target_id: The upgrade or campaign; the first upgrade if left out.
            reason: Their `resultReason`; what is usual with the status if left out.

        """
        target = self._target(target_id)
        words = target.version
        usual = {row.status: row for row in (*words.waiting, words.succeeded)}
        # v3 has one word for pending and accepted devices; the accepted row counts.
        usual |= {words.accepted.status: words.accepted}
        row = usual.get(status or words.accepted.status) if reason is None else None
        row = row or Row(status or words.accepted.status, reason)
        rows: dict[str, Row | None] = {}
        for device_id in checked(ids):
            rows[device_id] = row
        target.rows.write_for_ever(rows)

    def set_status(self, target_id: str, status: Status | CampaignStatus) -> None:
        """Move an upgrade or campaign to another state, as its life cycle does.

        Args:
            target_id: The upgrade or campaign.
            status: Its state from now on.

        Raises:
            ValueError: Its version has no such state.
        """
        target = self._target(target_id)
        if status not in target.version.stages:
            what = "upgrade" if target.version.name == "v1" else "campaign"
            raise ValueError(f"no state of a {target.version.name} {what}: {status!r}")
        self._world.move(target, status, self._world.now())

    def add_account(self, name: str) -> None:
        """Add an account without upgrades and campaigns; the one user may use it too.

        Args:
            name: Its name, with leading zeros.
        """
        self._world.add_account(name)

    def add_upgrade(self, account: str | None = None, *, status: Status = "Queued") -> str:
        """Add an upgrade without devices to an account and return its id.

        Args:
            account: Its account; the first one if left out.
            status: Its state.

        Raises:
            ValueError: There is no such account.
        """
        return self._world.add_upgrade(self._account(account).name, status).id

    def add_campaign(
        self,
        version: Literal["v2", "v3"],
        *,
        account: str | None = None,
        status: CampaignStatus = "CampaignRequestQueued",
        image: str = "FOTA_Verizon_Model-A_02To03_HF",
        start_date: str = "2020-08-21",
        end_date: str = "2020-08-22",
    ) -> str:
        """Add a campaign without devices to an account and return its id.

        Args:
            version: The version of the API that knows it.
            account: Its account; the first one if left out.
            status: Its state.
            image: Name of its software (v2) or firmware (v3).
            start_date: First day, `YYYY-MM-DD`.
            end_date: Last day, `YYYY-MM-DD`.

        Raises:
            ValueError: There is no such account, version, or state of a campaign of this version.
        """
        known = CAMPAIGN_VERSIONS.get(version)
        if known is None or status not in known.stages:
            raise ValueError(f"no version and state of a campaign: {version!r}, {status!r}")
        details = usual_details(version, image) | {"startDate": start_date, "endDate": end_date}
        campaign = self._world.new_campaign(self._account(account).name, known, status, details)
        self._world.add(campaign)
        return campaign.id

    def deactivate_account(self, account: str | None = None) -> None:
        """Answer every call about the account with "Inactive account" from now on.

        Args:
            account: The account; the first one if left out.

        Raises:
            ValueError: There is no such account.
        """
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
        `logins` are those that gave a session; `devices` of an upgrade or campaign are
        its rows, `members` those not rejected; `licenses`, `candidates` and `logging`
        count the devices of each account.
        """
        now = self._world.now()
        access = self._world.access
        return {
            "requests": self._log.counts(),
            "logins": access.logins,
            "refused_logins": access.refused_logins,
            "token_requests": access.token_requests,
            "revocations": access.revocations,
            "locked": access.locked,
            "devices_sent": self._log.devices_sent(),
            "upgrades": _counts(self._world.upgrades, now),
            "campaigns": _counts(self._world.campaigns, now),
            **self._account_counts(now),
        }

    async def start(self) -> None:
        """Begin to listen."""
        await self._listener.start()
        await self._poster.start()

    async def stop(self) -> None:
        """Close the socket and whatever still hangs on it; state is kept."""
        await self._poster.stop()
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

    def _target(self, target_id: str | None) -> Target:
        key = target_id or self.upgrade_id
        return self._world.campaigns.get(key) or self._world.upgrades[key]


def _counts(targets: Mapping[str, Target], now: float) -> dict[str, Any]:
    return {
        target.id: {
            "status": target.status,
            "devices": len(target.rows.current),
            "members": sorted(target.rows.members(now)),
        }
        for target in targets.values()
    }
