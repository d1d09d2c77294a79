"""Whose turn it is among those who wait on behalf of several runs. No I/O, no clock."""

import asyncio
from collections import deque
from collections.abc import Hashable
from heapq import heappop, heappush
from itertools import count

from fota_async.pacing import Departure


class Turn:
    """Somebody's wait for a place; `departure` is there when it came."""

    def __init__(self, flow: "_Flow") -> None:
        self.departure: Departure | None = None
        self.awake: asyncio.Future[None] | None = None
        self.flow = flow

    def wake(self) -> None:
        """Let it look again."""
        if self.awake is not None and not self.awake.done():
            self.awake.set_result(None)


class _Flow:
    """Who waits on behalf of the same run; `tag` is the round that its next turn belongs to."""

    def __init__(self, step: float) -> None:
        self.turns: deque[Turn] = deque()
        self.tag = 0.0
        self.step = step
        self.listed = False


class Turns:
    """Turns of a flow go first come first served, and flows in rounds.

    A flow that comes new is the first of the round, so it waits for one turn of each other flow at
    most; it has one turn a round as all others have. Single calls together, whose key is None, have
    two: a service that asks for little is not to queue because fleets are enrolled beside it.
    """

    def __init__(self) -> None:
        self._flows: dict[Hashable, _Flow] = {}
        self._order: list[tuple[float, int, int, _Flow]] = []
        self._numbers = count()
        self._round = 0.0
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def ask(self, key: Hashable) -> Turn:
        """Return a turn that has to wait."""
        flow = self._flows.get(key)
        if flow is None:
            flow = self._flows[key] = _Flow(0.5 if key is None else 1.0)
        turn = Turn(flow)
        flow.turns.append(turn)
        self._waiting += 1
        if not flow.listed:
            flow.tag = max(flow.tag, self._round)
            self._list(flow, rank=0)
        return turn

    def withdraw(self, turn: Turn) -> None:
        """Forget one that waits."""
        turn.flow.turns.remove(turn)
        self._count_one_less()

    def next(self) -> Turn:
        """Return whose turn it is, who then waits no more."""
        self._drop_empty()
        tag, _, _, flow = heappop(self._order)
        flow.listed = False
        turn = flow.turns.popleft()
        self._round = tag
        flow.tag = tag + flow.step
        if flow.turns:
            self._list(flow, rank=1)
        self._count_one_less()
        return turn

    def first(self) -> Turn:
        """Return whose turn it will be."""
        self._drop_empty()
        return self._order[0][3].turns[0]

    def _list(self, flow: _Flow, *, rank: int) -> None:
        flow.listed = True
        heappush(self._order, (flow.tag, rank, next(self._numbers), flow))

    def _drop_empty(self) -> None:
        while not self._order[0][3].turns:
            heappop(self._order)[3].listed = False

    def _count_one_less(self) -> None:
        self._waiting -= 1
        if not self._waiting:  # nobody competes, so the rounds begin anew
            self._flows.clear()
            self._order.clear()
            self._round = 0.0
