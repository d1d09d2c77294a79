"""Receipts: devices that the API took without a word on each. No I/O and no clock.

They are looked for in the target's list again and again, less and less often. What does not show
within a limit of time stays `pending`; nothing that was received is ever sent again.
"""

from collections.abc import Callable, Iterator

import attrs

from fota_async.batch.pieces import Batch
from fota_async.batch.reading import SEND_AGAIN, Decision, Reading, Row
from fota_async.batch.settle import Settled, by_decision, counts
from fota_async.batch.states import State, Verdict

_FIRST_INTERVAL, _LONGEST_INTERVAL = 0.1, 60.0
_REST = 4.0
"""Between two readings so many times as long as a reading takes: it can be thousands of pages."""


@attrs.define(eq=False)
class Receipt:
    """Devices of one batch that were received and do not show yet.

    Attributes:
        batch: The batch they were part of.
        ids: The devices.
        since: When they were received.
        seen: What the last reading showed of all of them, if it showed something.
        seen_at: When.
    """

    batch: Batch
    ids: list[str]
    since: float
    seen: Verdict | None = None
    seen_at: float = 0.0

    def next_reading(self, settle_delay: float) -> float:
        """Return the earliest moment of a reading that counts."""
        return (self.since if self.seen is None else self.seen_at) + settle_delay


class Receipts:
    """All receipts of a run whose devices do not show yet.

    Args:
        decide: What a row of a reading means; `SEND_AGAIN` says here: it does not show yet.
        present_counts: Whether a device seen in the list needs no second reading.
        settle_delay: Seconds that reads may lag.
        limit: Seconds that a device is waited for.
    """

    def __init__(
        self,
        decide: Callable[[Row | None], Decision],
        *,
        present_counts: bool,
        settle_delay: float,
        limit: float,
    ) -> None:
        self._decide = decide
        self._present_counts = present_counts
        self._settle_delay = settle_delay
        self._limit = limit
        self._receipts: dict[Receipt, None] = {}
        self._interval = 0.0
        self._rested = self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._receipts)

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self._receipts)

    def add(self, receipt: Receipt) -> None:
        """Take a receipt in."""
        if not self._receipts:
            self._interval = max(_FIRST_INTERVAL, self._settle_delay)
        self._receipts[receipt] = None

    def wanted(self) -> set[str]:
        """Return the devices to ask about."""
        return {device for receipt in self._receipts for device in receipt.ids}

    @property
    def next_moment(self) -> float:
        """When to read next; receipts that come in meanwhile make it no earlier."""
        delay = self._settle_delay
        moments = [max(min(r.since for r in self._receipts) + delay, self._not_before)]
        if seen := [r.seen_at for r in self._receipts if r.seen is not None]:
            moments.append(max(min(seen) + delay, self._rested))
        return min(moments)

    def read(self, started: float, ended: float) -> None:
        """Note that the target was read, or that reading it failed."""
        self._rested = ended + _REST * (ended - started)
        newest = max((receipt.since for receipt in self._receipts), default=ended)
        # At the limit of the newest nobody waits any longer.
        over = max(newest + self._limit, ended + self._settle_delay)
        self._not_before = min(max(ended + self._interval, self._rested), over)
        self._interval = max(self._interval, min(2 * self._interval, _LONGEST_INTERVAL))

    def settle(self, reading: Reading) -> Iterator[list[Settled]]:
        """Yield, receipt by receipt, what a reading shows or what is waited for no longer.

        Whoever takes it may pause in between, for other receipts too. The rest stays.
        """
        for receipt in tuple(self._receipts):
            if reading.started < receipt.next_reading(self._settle_delay):
                continue
            del self._receipts[receipt]
            settled: list[Settled] = []
            for decision, ids in by_decision(receipt.ids, reading, self._decide):
                part = attrs.evolve(receipt, ids=ids, seen=None)
                if not isinstance(decision, Verdict):
                    if reading.started >= receipt.since + self._limit:
                        why = f"it does not show after {self._limit:g} s (settle_limit)"
                        settled.append(_pending(part, why))
                    else:
                        self._receipts[part] = None
                elif counts(decision, receipt.seen, present_counts=self._present_counts):
                    settled.append(Settled(receipt.batch, ids, decision))
                else:
                    part.seen, part.seen_at = decision, reading.ended
                    self._receipts[part] = None
            yield settled

    def last_look(self, reading: Reading | None, why: str) -> list[Settled]:
        """Return what one reading shows, if there is one; the rest is waited for no longer."""
        settled: list[Settled] = []
        for receipt in self._receipts:
            if reading is None:
                settled.append(_pending(receipt, why))
                continue
            for decision, ids in by_decision(receipt.ids, reading, self._decide):
                if decision is SEND_AGAIN:
                    settled.append(_pending(attrs.evolve(receipt, ids=ids), why))
                else:
                    settled.append(Settled(receipt.batch, ids, decision))
        self._receipts.clear()
        return settled


def _pending(receipt: Receipt, why: str) -> Settled:
    reason = f"taken with a receipt; {why}"
    return Settled(receipt.batch, receipt.ids, Verdict(State.PENDING, reason=reason))
