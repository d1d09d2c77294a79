"""Everything the server knows, without a line of HTTP."""

import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Final

import attrs

from fota_async.clock import Bell, Clock
from fota_async.simulator import examples
from fota_async.simulator.access import Access
from fota_async.simulator.bucket import Bucket
from fota_async.simulator.campaigns import Campaign, Details
from fota_async.simulator.days import Calendar
from fota_async.simulator.device_logging import Logging
from fota_async.simulator.exchange import Answer, Call
from fota_async.simulator.fleet import Device, Fleet
from fota_async.simulator.licenses import Candidates, Licenses
from fota_async.simulator.life import end_of_run, next_move
from fota_async.simulator.messages import Message, of_change
from fota_async.simulator.rules import Rules
from fota_async.simulator.targets import Target
from fota_async.simulator.upgrades import Upgrade
from fota_async.simulator.versions import V1, Stage, Version

Handler = Callable[["World", Call, float], Answer]
"""Carries a call out at the given moment and answers, or raises `Refused`."""

_DATES: Final = frozenset({"startDate", "endDate"})

Write = Callable[[float], object]
"""A write that takes the moment it happens at."""


@attrs.frozen
class Listener:
    """Where messages about an account go, and what v1 shows there."""

    url: str
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)


@attrs.define
class Account:
    """A billing account and what it owns.

    Args:
        name: Its name.
        since: The moment it was made.
        fleet: The devices it lists.
        licenses: Who holds a licence.
        candidates: Who is to lose one first.
        active: Whether it can be used.
        listeners: Who is told of its upgrades and campaigns, by version.
        logging: Which devices log.
        files: The uploaded files by name, in the wire's spelling.

    """

    name: str
    since: float
    fleet: Fleet
    licenses: Licenses
    candidates: Candidates
    active: bool = True
    listeners: dict[str, Listener] = attrs.field(factory=dict)
    logging: Logging = attrs.field(factory=Logging)
    files: dict[str, dict[str, str]] = attrs.field(factory=examples.files)
    bucket: Bucket = attrs.field(factory=Bucket)

    def device(self, device_id: str) -> Device:
        """Return a device, or the likeness of one for an IMEI that is not listed."""
        return self.fleet.get(device_id) or examples.device(device_id, "LWM2M", self.since)


@attrs.define
class World:
    """Accounts, upgrades, campaigns, tokens and time.

    Args:
        access: Tokens and sessions.
        rules: How the server behaves.
        clock: Its time.
        calendar: Its days.
        read_lag: Seconds by which a reading of the devices of an upgrade or campaign is behind.
        outbox: Messages for listeners that nobody posted yet.
        stirred: Set when there is something new in the outbox, or in the future.

    """

    access: Access
    rules: Rules
    clock: Clock
    calendar: Calendar
    read_lag: float = 0.0
    accounts: dict[str, Account] = attrs.field(factory=dict)
    upgrades: dict[str, Upgrade] = attrs.field(factory=dict)
    campaigns: dict[str, Campaign] = attrs.field(factory=dict)
    outbox: deque[Message] = attrs.field(factory=deque)
    stirred: Bell = attrs.field(factory=Bell)
    _late: list[tuple[float, int, Write]] = attrs.field(factory=list)
    _order: Iterator[int] = attrs.field(factory=count)
    _scheduled: defaultdict[str, int] = attrs.field(factory=lambda: defaultdict(int))

    def now(self) -> float:
        """Return the moment, after all writes that were due by then have happened."""
        now = self.clock.monotonic()
        while self._late and self._late[0][0] <= now:
            due, _, write = heappop(self._late)
            write(due)
        return now

    def write_late(self, seconds: float, write: Write) -> None:
        """Let `write` happen so many seconds from now.

        Nobody can tell a write that happens when it is due from one that happens when
        somebody next looks, so no task has to wait for it.
        """
        self.write_at(self.clock.monotonic() + seconds, write)

    def write_at(self, moment: float, write: Write) -> None:
        """Let `write` happen at a moment of the server's clock."""
        heappush(self._late, (moment, next(self._order), write))
        self.stirred.set()

    @property
    def next_due(self) -> float | None:
        """The moment of the next write that is to come, or None."""
        return self._late[0][0] if self._late else None

    @property
    def has_listeners(self) -> bool:
        """Whether anybody is told of anything."""
        return any(account.listeners for account in self.accounts.values())

    def listen(self, account: Account, version: str, listener: Listener) -> None:
        """Tell a listener from now on; it replaces the one before."""
        account.listeners[version] = listener
        self.stirred.set()

    def tell(self, message: Message | None) -> None:
        """Put a message into the outbox, if somebody listens."""
        if message and message.version in self.accounts[message.account].listeners:
            self.outbox.append(message)
            self.stirred.set()

    def add_account(self, name: str) -> Account:
        """Add an account without upgrades, and with what every account starts with."""
        now = self.clock.monotonic()
        account = Account(
            name, now, examples.fleet(now), Licenses(examples.LICENSES, now), Candidates(now)
        )
        return self.accounts.setdefault(name, account)

    def add_upgrade(
        self,
        account: str,
        status: str,
        *,
        upgrade_id: str | None = None,
        firmware_name: str = "FOTA_Verizon_Model-A_01To02_HF",
        firmware_to: str = "VerizonFirmwareVersion-02",
        start_date: str = "2018-04-01",
        end_date: str | None = "2018-04-05",
    ) -> Upgrade:
        """Add an upgrade without devices.

        Without `upgrade_id` the id follows from the account and the number of its
        upgrades, so that what is drawn from a request's path can be repeated.
        """
        if upgrade_id is None:
            upgrade_id = self._new_id(account)
        upgrade = Upgrade(
            id=upgrade_id,
            account=account,
            version=V1,
            status=status,
            since=self.clock.monotonic(),
            firmware_name=firmware_name,
            firmware_to=firmware_to,
            start_date=start_date,
            end_date=end_date,
        )
        self.upgrades[upgrade_id] = upgrade
        self.plan(upgrade, upgrade.since)
        return upgrade

    def new_campaign(
        self, account: str, version: Version, status: str, details: Details
    ) -> Campaign:
        """Return a campaign without devices that nobody knows yet; ids as in `add_upgrade`.

        `details` have a `startDate` and an `endDate`, too.
        """
        return Campaign(
            id=self._new_id(f"{account}/{version.name}"),
            account=account,
            version=version,
            status=status,
            since=self.clock.monotonic(),
            start_date=details["startDate"],
            end_date=details["endDate"],
            details={name: details[name] for name in details if name not in _DATES},
        )

    def add(self, campaign: Campaign) -> None:
        """Make a campaign known."""
        self.campaigns[campaign.id] = campaign
        self.plan(campaign, campaign.since)

    def move(self, target: Target, status: str, now: float) -> None:
        """Bring a target into another state, from which its life goes on."""
        target.move_to(status, self.rules, now, self._end_of_run(target, status, now))
        self.plan(target, now)
        self.tell(of_change(target))

    def plan(self, target: Target, now: float) -> None:
        """Let the target move on by itself when its time has come, if targets do."""
        step = next_move(target, self.rules, self.calendar) if self.rules.life_cycle else None
        if step is not None:
            moment, _ = step
            self.write_at(max(moment, now), partial(self._move_on, target, target.since))

    def change_rules(self, rules: Rules) -> None:
        """Go by other rules from now on."""
        now = self.now()
        self.rules = rules
        for target in self.targets():
            self.plan(target, now)

    def _move_on(self, target: Target, since: float, now: float) -> None:
        """Make the move that was planned, unless things have changed since."""
        if target.since != since or not self.rules.life_cycle:
            return
        step = next_move(target, self.rules, self.calendar)
        if step is not None and step[0] > now:
            self.plan(target, now)
        elif step is not None:
            self.move(target, target.version.word(step[1]), now)

    def _end_of_run(self, target: Target, status: str, now: float) -> float:
        if not self.rules.life_cycle or target.version.stages.get(status) is not Stage.RUNNING:
            return inf
        return end_of_run(target, now, self.rules, self.calendar)

    def targets(self) -> Iterator[Target]:
        """Return all upgrades and campaigns, the oldest of each first."""
        yield from self.upgrades.values()
        yield from self.campaigns.values()

    def _new_id(self, series: str) -> str:
        self._scheduled[series] += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{series}/{self._scheduled[series]}"))
