"""The outcomes in a journal: what a report lists without holding it in memory."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path

import attrs
from pyroaring import BitMap64

from fota_async.batch.journal.latest import Codes, Latest, in_order
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import RETURNED, Start
from fota_async.batch.ledger import Column
from fota_async.batch.operation import RECEIVED
from fota_async.batch.states import State, Verdict


@attrs.frozen(kw_only=True)
class JournalOutcomes:
    """The devices that one start of a run has decided or found decided, each time they are read.

    Later entries, of this start and of others, do not show.

    Attributes:
        path: The journal.
        earlier: The starts before this one.
        upto: Number of the last entry that counts.
        among: Devices that the input holds; None where all do.
        awaits: Whether this start waits for what becomes of received devices: they are in its
            hands, until it notes something else.
    """

    path: Path
    earlier: Sequence[Start] = ()
    upto: int = 0
    among: BitMap64 | None = None
    awaits: bool = False

    def __iter__(self) -> Iterator[Column]:
        """Yield the outcomes in the order in which the input was first read.

        Raises:
            JournalError: The file is not there any more, or damaged.
        """
        if not self.upto:
            return
        with JournalReader.open(self.path) as reader:
            codes = Codes(reader.verdicts(), self.earlier)
            for one in in_order(reader, self.upto):
                if (listed := self._listed(one, codes)) is not None:
                    yield codes.column(listed)

    @staticmethod
    def _is_open(verdict: Verdict, of_this_start: bool) -> bool:
        return verdict == RECEIVED if of_this_start else verdict.state is State.PENDING

    def _listed(self, one: Latest, codes: Codes) -> Latest | None:
        of_this_start = one.entry > (self.earlier[-1].entries if self.earlier else 0)
        said = set(one.codes) if isinstance(one.codes, array) else {one.codes}
        listed = {
            code
            for code in said
            if code is not None
            and code != RETURNED
            and (of_this_start or codes.is_final(code, one.entry))
            and not (self.awaits and self._is_open(codes.verdict(code), of_this_start))
        }
        if listed == said and self.among is None:
            return one
        each = one.codes if isinstance(one.codes, array) else repeat(one.codes)
        places = [
            at
            for at, (number, code) in enumerate(zip(one.numbers, each, strict=False))
            if code in listed and (self.among is None or number in self.among)
        ]
        return one.only(places) if places else None
