"""The examiner: finds out what a refused batch means before it is divided.

A batch can be refused because of one device in it, because the target is closed, or because the
request itself is wrong whatever it carries. Dividing helps in the first case only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fota_async.batch.errors import StopCause
from fota_async.batch.news import cancel_all
from fota_async.batch.operation import Operation
from fota_async.batch.pieces import Batch
from fota_async.batch.reader import TargetReader
from fota_async.batch.refusals import PROBES, Alike, pick_spread
from fota_async.batch.stopping import Stopper
from fota_async.batch.work import Work
from fota_async.clock import Clock
from fota_async.errors import AuthError, CallError, RefusedError

Probe = Callable[[list[Batch]], Awaitable[list[RefusedError | None]]]
"""Sends single devices; returns for each its refusal, or None for any other end."""

_PILOT_DEVICES, _PILOT_REFUSALS = 20, 3


class Examiner:
    """Decides what happens to the refused batches of one run.

    Args:
        operation: What the run does.
        work: Where refused batches wait, and their halves go.
        alike: Counts refusals.
        reader: Reads the target.
        stopper: Is told why the run must stop.
        clock: Whose seconds count.
        settle_delay: Seconds between two readings.
        probe: Sends single devices.
    """

    def __init__(
        self,
        *,
        operation: Operation,
        work: Work,
        alike: Alike,
        reader: TargetReader,
        stopper: Stopper,
        clock: Clock,
        settle_delay: float,
        probe: Probe,
    ) -> None:
        self._operation = operation
        self._work = work
        self._alike = alike
        self._reader = reader
        self._stopper = stopper
        self._clock = clock
        self._settle_delay = settle_delay
        self._probe_devices = probe
        self._large_refusals = 0
        self._probed = False
        self._large_refusal: RefusedError | None = None
        self.anything_answered = False

    def refused(self, batch: Batch, error: RefusedError) -> None:
        """Count a refusal of a batch that could be for want of a pilot."""
        if self.anything_answered or len(batch.ids) <= _PILOT_DEVICES:
            return
        last = self._large_refusal
        alike = last is not None and (last.status, last.code) == (error.status, error.code)
        self._large_refusals = self._large_refusals + 1 if alike else 1
        self._large_refusal = error

    @property
    def _wants_pilot(self) -> bool:
        """Whether the refusals look like the pilot rule.

        Campaigns hold at most 20 devices until a pilot with their firmware succeeded (vendor page
        "Pilot Campaigns"); how the 21st is turned away is not documented.
        """
        has_rule = self._operation.pilot_rule is not None
        return has_rule and not self.anything_answered and self._large_refusals >= _PILOT_REFUSALS

    def _stop_for_want_of_pilot(self) -> None:
        error, rule = self._large_refusal, self._operation.pilot_rule
        self._stopper.stop_for(StopCause.REFUSED, f"{error}; {rule}", error)

    @property
    def has_work(self) -> bool:
        """Whether something was refused that nobody has decided about."""
        something_left = self._work.refused or not self._work.nothing_to_send
        return bool(self._work.refused or (self._alike.suspicious and something_left))

    async def examine(self) -> None:
        """Decide about every refused batch; whoever calls has held the work, this releases it."""
        try:
            while self.has_work and not self._stopper.stopped:
                if any(not batch.examined for batch in self._work.refused):
                    await self._look_at_target()
                elif self._wants_pilot:
                    self._stop_for_want_of_pilot()
                elif self._alike.suspicious:
                    await self._probe()
                else:
                    self._divide()
        finally:
            self._work.release()

    def _divide(self) -> None:
        refused, self._work.refused = self._work.refused, []
        self._work.put_first([half for batch in refused for half in batch.halves()])

    async def _look_at_target(self) -> None:
        waiting = list(self._work.refused)
        if self._reader.can_tell_state and not self._reader.is_fresh(self._settle_delay):
            await self._read_target()
        if self._reader.last is not None:
            self._stopper.saw(self._reader.last)
        for batch in waiting:
            batch.examined = True

    async def _look_again(self) -> None:
        if self._reader.can_tell_state:
            with suppress(CallError):  # the refusals say enough
                self._stopper.saw(await self._reader.read())

    async def _read_target(self) -> None:
        try:
            await self._reader.read()
        except RefusedError:
            await self._clock.sleep(self._settle_delay)
            await self._read_again()
        except AuthError as error:
            self._stopper.stop_because_of(error)
        except CallError:
            pass  # nothing was learned about the target; dividing still finds the devices

    async def _read_again(self) -> None:
        try:
            await self._reader.read()
        except (AuthError, RefusedError) as error:
            self._stopper.stop_because_of(error)
        except CallError:
            pass  # as above: a lost answer is no second refusal

    async def _probe(self) -> None:
        """Send single devices, some of what is refused and some of what is still to come."""
        while self._work.in_flight and not self._stopper.stopped:
            await self._work.news.wait()
        if not self._alike.suspicious or self._stopper.stopped:
            return
        await self._fill()
        if self._work.opening:
            self._probe_one_by_one()
            return
        probes = self._pick()
        refusals = await self._probe_devices(probes)
        alike = [error for error in refusals if error is not None and self._alike.is_alike(error)]
        if self._work.nothing_to_send:
            return
        # Devices of batches refused before say nothing about a request that others got answered.
        telling = not self.anything_answered or any(not probe.examined for probe in probes)
        if refusals and len(alike) == len(refusals) and telling:
            # The target may have closed since it was read.
            await self._look_again()
            self._stopper.stop_for(
                StopCause.REFUSED,
                f"the API refuses the request itself, whatever devices it carries: {alike[0]}",
                alike[0],
            )
        else:
            self._alike.cleared()

    def _probe_one_by_one(self) -> None:
        """Let single devices be sent next, since nothing may be sent beside an opening request."""
        if self._probed:
            self._stopper.stop_for(
                StopCause.REFUSED,
                "the API refuses the first request, whatever devices it carries; "
                "nothing was changed",
            )
            return
        self._probed = True
        probes = self._pick()
        self._divide()
        self._work.put_first(probes)
        self._alike.suspect_after(len(probes))

    async def _fill(self) -> None:
        """Have some devices at hand that are still to come, unless the source is slow."""
        filling = asyncio.create_task(self._work.feed.fill(PROBES))
        enough = asyncio.create_task(self._clock.sleep(self._settle_delay))
        try:
            await asyncio.wait({filling, enough}, return_when=asyncio.FIRST_COMPLETED)
            if filling.done():
                filling.result()
        finally:
            await cancel_all({filling, enough})

    def _pick(self) -> list[Batch]:
        refused = [*self._work.refused, *(b for b in self._work.again if b.examined)]
        to_come = [b for b in self._work.again if not b.examined]
        fresh = min(len(self._work.feed.waiting), PROBES)
        of_others = PROBES // 2 if refused and (to_come or fresh) else PROBES
        probes = _singles(refused, of_others)
        probes += _singles(to_come, PROBES - len(probes))
        wanted = pick_spread(self._work.feed.waiting, PROBES - len(probes))
        self._work.feed.take_out(wanted)
        probes += [self._work.new_batch([device]) for device in wanted]
        self._work.refused = [batch for batch in self._work.refused if batch.ids]
        self._work.again = type(self._work.again)(b for b in self._work.again if b.ids)
        return probes


def _singles(batches: list[Batch], wanted: int) -> list[Batch]:
    """Take single devices out of batches, spread evenly over them."""
    owner = {device: batch for batch in batches for device in batch.ids}
    singles: list[Batch] = []
    for device in pick_spread(list(owner), wanted):
        owner[device].ids.remove(device)
        singles.append(owner[device].part([device]))
    return singles
