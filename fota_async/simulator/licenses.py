"""The licences of an account, and the devices that are to lose theirs first."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import attrs

from fota_async.simulator.rules import Rules

SUCCESS = "Success"
PREEXISTING = "Device license preexisting"
UNLICENSED = "No license attached to device"
UNKNOWN_DEVICE = "Device does not exist."
USED_UP = "No license available"
"""Made up: what happens when no licence is left is not documented."""


@attrs.frozen
class Verdict:
    """What became of one device.

    Args:
        device_id: Its id.
        done: Whether it is as it was asked for.
        reason: Why, or that it succeeded.

    """

    device_id: str
    done: bool
    reason: str


@attrs.define
class Licenses:
    """Who holds a licence.

    Args:
        total: Licences bought.
        updated: The moment `total` last changed.

    """

    total: int
    updated: float
    _held: dict[str, float] = attrs.field(factory=dict)
    _sorted: Sequence[str] | None = None

    @property
    def used(self) -> int:
        """How many devices hold one."""
        return len(self._held)

    def __contains__(self, device_id: str) -> bool:
        return device_id in self._held

    def ids(self) -> Sequence[str]:
        """Return the devices that hold one, ascending."""
        if self._sorted is None:
            self._sorted = sorted(self._held)
        return self._sorted

    def since(self, device_id: str) -> float:
        """Return the moment a device got the licence it holds."""
        return self._held[device_id]

    def assign(self, ids: Iterable[str], rules: Rules, now: float) -> list[Verdict]:
        """Give a licence to each device as long as there are any."""
        verdicts = []
        for device_id in ids:
            if device_id in self._held:
                verdict = Verdict(device_id, True, PREEXISTING)
            elif (reason := rules.refusal(device_id)) is not None:
                verdict = Verdict(device_id, False, reason)
            elif self.used >= self.total:
                verdict = Verdict(device_id, False, USED_UP)
            else:
                self._held[device_id] = now
                verdict = Verdict(device_id, True, SUCCESS)
            verdicts.append(verdict)
        self._sorted = None
        return verdicts

    def give(self, ids: Iterable[str], now: float) -> None:
        """Let devices hold a licence without asking."""
        self._held.update(dict.fromkeys(ids, now))
        self._sorted = None

    def remove(
        self, ids: Iterable[str], in_use: Callable[[str, float], str | None]
    ) -> list[Verdict]:
        """Take back the licence of each device that did not use it.

        Args:
            ids: The devices.
            in_use: Given a device and the moment it got its licence, tells why it has to
                keep it; None lets it go.

        """
        verdicts = []
        for device_id in ids:
            since = self._held.get(device_id)
            if since is None:
                verdict = Verdict(device_id, False, UNLICENSED)
            elif (reason := in_use(device_id, since)) is not None:
                verdict = Verdict(device_id, False, reason)
            else:
                del self._held[device_id]
                verdict = Verdict(device_id, True, SUCCESS)
            verdicts.append(verdict)
        self._sorted = None
        return verdicts

    def resize(self, total: int, first: Iterable[str], now: float) -> None:
        """Change how many are bought.

        Args:
            total: Licences bought from now on.
            first: Devices that lose theirs first; the oldest assignments follow.
            now: The moment.

        """
        self.total, self.updated = total, now
        oldest = sorted(self._held, key=self._held.__getitem__)
        for device_id in list(chain(first, oldest)):
            if self.used <= total:
                break
            self._held.pop(device_id, None)
        self._sorted = None


@attrs.define
class Candidates:
    """The cancellation candidates: who loses a licence first, in this order.

    Args:
        updated: The moment the list last changed.

    """

    updated: float
    _ids: dict[str, None] = attrs.field(factory=dict)
    _listed: Sequence[str] | None = None

    def ids(self) -> Sequence[str]:
        """Return the devices in the order in which they came."""
        if self._listed is None:
            self._listed = list(self._ids)
        return self._listed

    def replace(self, ids: Iterable[str], now: float) -> None:
        """Make `ids` the list."""
        self._ids.clear()
        self.append(ids, now)

    def append(self, ids: Iterable[str], now: float) -> None:
        """Add `ids` at the end; those that are on the list keep their place."""
        self._ids.update(dict.fromkeys(ids))
        self._listed = None
        self.updated = now
