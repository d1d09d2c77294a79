"""Why devices failed, in the few words that an event has room for."""

import re
from collections import Counter
from heapq import nlargest

from fota_async.batch.ledger import Ledger
from fota_async.batch.states import State

_SHOWN = 3
_LONGEST = 200
_MAYBE_DEVICE = re.compile(r"\d{14,}")
_CHEAP = 50
_LAG = 1.05

Reasons = tuple[tuple[str, int], ...]


class TopReasons:
    """The most frequent reasons of failed devices, for events that are made often.

    Counted anew only when more devices failed, and where there are very many reasons only when a
    twentieth more did: so it costs next to nothing however many devices fail.
    """

    def __init__(self) -> None:
        self._counted = 0
        self._top: Reasons = ()

    def of(self, ledger: Ledger) -> Reasons:
        """Return up to three reasons and how many devices failed for each, the largest first."""
        failed = ledger.states[State.FAILED]
        few = len(ledger.groups) <= _CHEAP
        if failed > self._counted * (1.0 if few else _LAG):
            self._counted = failed
            self._top = _top_of(ledger)
        return self._top


def _top_of(ledger: Ledger) -> Reasons:
    counts: Counter[str] = Counter()
    for verdict, devices in ledger.groups.items():
        if verdict.state is State.FAILED:
            counts[_in_words(verdict.status, verdict.reason)] += devices
    return tuple(nlargest(_SHOWN, counts.items(), key=lambda item: item[1]))


def _in_words(status: str, reason: str) -> str:
    said = ": ".join(filter(None, (status, reason)))
    # Events carry no device id, not even a part of one, and devices of the same reason belong
    # together.
    return _MAYBE_DEVICE.sub("(number)", said)[:_LONGEST]
