"""A batch: the devices of one request, and what their earlier requests left behind."""

from array import array

import attrs

from fota_async.batch.device_ids import pack
from fota_async.batch.states import Verdict
from fota_async.executor import Tally


@attrs.define(eq=False)
class Batch:
    """The devices of one request.

    Attributes:
        place: Place in the input.
        ids: Its devices, each once.
        tally: What its requests did on the wire.
        sent: Whether a request with these devices was on the wire before.
        lost: Whether such a request got no answer that decides; it may have been applied.
        rounds: How often it was sent again after settling, or for a temporary failure.
        examined: Whether the target's state was read since it was first refused.
        fallback: What becomes of its devices if the run ends before they are sent again.
        why: Why it waits.
        entry: Number of the journal entry that says that these devices are about to be sent.
        gone: Whether the input does not hold them any more: they are settled, never sent, and in
            no count.
    """

    place: int
    ids: list[str]
    tally: Tally = attrs.field(factory=Tally)
    sent: bool = False
    lost: bool = False
    rounds: int = 0
    examined: bool = False
    fallback: Verdict | None = None
    why: str = ""
    entry: int | None = None
    gone: bool = False
    _numbers: "array[int] | None" = attrs.field(default=None, alias="numbers")

    @property
    def numbers(self) -> "array[int]":
        """Its device ids, packed; ids are only ever taken out, so their number tells a change."""
        if self._numbers is None or len(self._numbers) != len(self.ids):
            self._numbers = pack(self.ids)
        return self._numbers

    def part(self, ids: list[str]) -> "Batch":
        """Return a batch of some of these devices, with the same past."""
        return attrs.evolve(self, ids=ids, tally=Tally(), entry=None, numbers=None)

    def cut(self, size: int) -> list["Batch"]:
        """Return parts of at most `size` devices."""
        return [self.part(self.ids[at : at + size]) for at in range(0, len(self.ids), size)]

    def halves(self) -> list["Batch"]:
        """Return two parts."""
        return self.cut((len(self.ids) + 1) // 2)
