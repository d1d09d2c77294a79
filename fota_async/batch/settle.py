"""Doubts, and how readings of the target settle them: decisions without I/O and without a clock.

Reads may lag and lost requests may land late, so one reading is not enough. A device that an
append put into the list counts when seen once, in a reading made `settle_delay` after the loss was
noticed. Everything else must be seen twice, `settle_delay` apart, the first time no earlier.
"""

from collections.abc import Callable, Iterable, Iterator

import attrs

from fota_async.batch.pieces import Batch
from fota_async.batch.reading import SEND_AGAIN, Decision, Reading, Row
from fota_async.batch.states import State, Verdict

_OLDEST = 30.0


@attrs.define
class Doubt:
    """Devices of one batch whose fate is not known.

    Attributes:
        batch: The batch they were part of.
        ids: The devices.
        why: How the doubt arose.
        noticed: When.
        refusal: Set for a device that was refused after having been sent before: it is settled,
            and never sent again.
        seen: What the last reading showed of all of them, if there was one.
        seen_at: When.
    """

    batch: Batch
    ids: list[str]
    why: str
    noticed: float
    refusal: Verdict | None = None
    seen: Decision | None = None
    seen_at: float = 0.0

    def next_reading(self, settle_delay: float) -> float:
        """Return the earliest moment of a reading that counts."""
        return (self.noticed if self.seen is None else self.seen_at) + settle_delay


@attrs.frozen
class Settled:
    """Devices of one batch that need no further reading: they have a verdict, or are sent again."""

    batch: Batch
    ids: list[str]
    decision: Decision


class Doubts:
    """All doubts of a run.

    Args:
        decide: What a row of a reading means for the operation.
        present_counts: Whether a device seen in the list needs no second reading.
        settle_delay: Seconds that reads may lag and lost requests may take.
        batch_size: So many doubts are reason enough for a reading.
        max_rounds: How often a device is sent again.
    """

    def __init__(
        self,
        decide: Callable[[Row | None], Decision],
        *,
        present_counts: bool,
        settle_delay: float,
        batch_size: int,
        max_rounds: int,
    ) -> None:
        self._decide = decide
        self._present_counts = present_counts
        self._settle_delay = settle_delay
        self._batch_size = batch_size
        self._max_rounds = max_rounds
        self._doubts: list[Doubt] = []

    def __len__(self) -> int:
        return sum(len(doubt.ids) for doubt in self._doubts) if self._doubts else 0

    def __iter__(self) -> Iterator[Doubt]:
        return iter(self._doubts)

    def add(self, doubt: Doubt) -> None:
        """Take a doubt in."""
        self._doubts.append(doubt)

    def wanted(self) -> set[str]:
        """Return the devices to ask about."""
        return {device for doubt in self._doubts for device in doubt.ids}

    def is_due(self, now: float, *, nothing_else: bool) -> bool:
        """Whether it is time to plan a reading.

        Args:
            now: Moment of the clock.
            nothing_else: Whether the run waits for nothing but its doubts.
        """
        return bool(self._doubts) and (
            nothing_else
            or len(self) >= self._batch_size
            or now >= self.next_due
            or any(doubt.seen is not None for doubt in self._doubts)
        )

    @property
    def oldest(self) -> float:
        """When the oldest doubt was noticed."""
        return min(doubt.noticed for doubt in self._doubts)

    @property
    def next_due(self) -> float:
        """When age alone makes a reading due."""
        return self.oldest + _OLDEST

    @property
    def best_moment(self) -> float:
        """The earliest moment at which a reading counts for every doubt there is now."""
        return max(doubt.next_reading(self._settle_delay) for doubt in self._doubts)

    def settle(self, reading: Reading) -> list[Settled]:
        """Return what a reading decides; the rest stays in doubt."""
        settled: list[Settled] = []
        rest: list[Doubt] = []
        for doubt in self._doubts:
            if reading.started < doubt.next_reading(self._settle_delay):
                rest.append(doubt)
                continue
            for decision, ids in by_decision(doubt.ids, reading, self._decide):
                if counts(decision, doubt.seen, present_counts=self._present_counts):
                    settled.append(self._settled(doubt, ids, decision))
                else:
                    rest.append(attrs.evolve(doubt, ids=ids, seen=decision, seen_at=reading.ended))
        self._doubts = rest
        return settled

    def last_look(self, reading: Reading | None, why: str) -> list[Settled]:
        """Return what one reading shows, if there is one; the rest becomes `unknown`.

        For a run that must end: what a single reading shows of a success or a rejection counts.
        """
        settled: list[Settled] = []
        for doubt in self._doubts:
            groups: Iterable[tuple[Decision, list[str]]] = [(SEND_AGAIN, doubt.ids)]
            if reading is not None:
                groups = by_decision(doubt.ids, reading, self._decide)
            for decision, ids in groups:
                if decision is SEND_AGAIN:
                    unknown = Verdict(State.UNKNOWN, reason=f"{doubt.why}; {why}")
                    settled.append(Settled(doubt.batch, ids, unknown))
                else:
                    settled.append(Settled(doubt.batch, ids, decision))
        self._doubts = []
        return settled

    def _settled(self, doubt: Doubt, ids: list[str], decision: Decision) -> Settled:
        if decision is SEND_AGAIN:
            if doubt.refusal is not None:
                decision = attrs.evolve(doubt.refusal, settled=True)
            elif doubt.batch.rounds >= self._max_rounds:
                times = doubt.batch.rounds + 1
                decision = Verdict(
                    State.UNKNOWN, reason=f"{doubt.why}; sent {times} times without effect"
                )
        return Settled(doubt.batch, ids, decision)


def by_decision(
    ids: Iterable[str], reading: Reading, decide: Callable[[Row | None], Decision]
) -> Iterable[tuple[Decision, list[str]]]:
    """Return what a reading means for devices, those together for which it means the same."""
    groups: dict[Decision, list[str]] = {}
    for device in ids:
        groups.setdefault(decide(reading.rows.get(device)), []).append(device)
    return groups.items()


def counts(decision: Decision, seen: Decision | None, *, present_counts: bool) -> bool:
    """Whether a decision stands: it was seen before, or being present is enough.

    Args:
        decision: What a reading means.
        seen: What the one before it meant, if there was one.
        present_counts: Whether a device seen in the list needs no second reading.
    """
    if seen is not None and _outcome(seen) == _outcome(decision):
        return True
    return present_counts and isinstance(decision, Verdict) and decision.state is State.SUCCEEDED


def _outcome(decision: Decision) -> object:
    """Return what two readings must agree on; the words may differ."""
    return decision.state if isinstance(decision, Verdict) else decision
