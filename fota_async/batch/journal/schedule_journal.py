"""The journal of a request that makes a target: what is noted before the run on it begins."""

import asyncio
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import attrs

from fota_async.batch.device_ids import pack
from fota_async.batch.journal.past import Past, past_of
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import (
    APPEND,
    RETURNED,
    Entry,
    Identity,
    Start,
    verdict_to_row,
)
from fota_async.batch.journal.schema import check_same_run, speaking_of
from fota_async.batch.journal.writer import Durability, JournalWriter, Rows
from fota_async.batch.states import Verdict

T = TypeVar("T")


class ScheduleJournal:
    """Notes that a target is about to be made, and which it became.

    The journal is at first of the run that makes it, then of the run on it. Devices that were about
    to be sent with the request are in doubt until it is answered.

    Args:
        path: The file; None for no record.
        identity: What is to be made.
        durability: What it has to survive.
        preview: Look at the file and touch nothing.

    Attributes:
        past: What became of the devices in earlier starts.
        target: Id of the target, if an earlier start made it, or a run on it was begun.
    """

    def __init__(
        self, path: Path | None, identity: Identity, durability: Durability, *, preview: bool
    ) -> None:
        self.past = Past()
        self.target: str | None = None
        self._path = path
        self._identity = identity
        self._preview = preview
        self._writer = None if path is None else JournalWriter(path, identity, durability)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fota-journal")
        self._start = Start(number=1)
        self._intent = 0
        self._codes = 0

    async def open(self) -> None:
        """Make or open the file, and learn what earlier starts left behind.

        Raises:
            JournalError: It cannot be used; nothing was sent.
        """
        if self._path is not None:
            await self._in_thread(self._look if self._preview else self._open)

    def _open(self) -> None:
        assert self._writer is not None  # noqa: S101 - open() saw to it
        assert self._path is not None  # noqa: S101 - as above
        reader = JournalReader(self._writer.open())
        with speaking_of(self._path):
            self._learn(reader)

    def _look(self) -> None:
        assert self._path is not None  # noqa: S101 - open() saw to it
        with speaking_of(self._path):
            if not self._path.exists() or not self._path.stat().st_size:
                return
        with JournalReader.open(self._path) as reader:
            check_same_run(reader.identities(), self._identity)
            self._learn(reader)

    def _learn(self, reader: JournalReader) -> None:
        last = reader.identities()[-1]
        if last.operation == APPEND:
            self.target = last.target
            return  # its run reads the rest
        self.past = past_of(reader)
        self._codes = len(reader.verdicts())
        number = self.past.starts[-1].number + 1 if self.past.starts else 1
        self._start = Start(number=number, entries=self.past.entries)

    async def intend(self, ids: Sequence[str]) -> None:
        """Return when it is on disk that a request with these devices is about to be sent.

        Raises:
            JournalError: It cannot be noted; the request must not be sent.
        """
        number = self._intent = self._start.entries + 1
        await self._write([Entry(number, 0, number, pack(ids))])

    async def returned(self) -> None:
        """Note that the request was surely not carried out."""
        number = self._start.entries + 1
        await self._write([Entry(number, 0, self._intent, None, RETURNED)])

    async def sent(self, requests: int, seconds: float) -> None:
        """Note what sending took; its outcome is not known."""
        self._start = attrs.evolve(self._start, requests=requests, seconds=seconds)
        await self._write([])

    async def made(
        self,
        target: str,
        ids: Sequence[str],
        verdicts: Sequence[Verdict | None],
        *,
        requests: int,
        seconds: float,
    ) -> None:
        """Return when it is on disk which target was made, and what its answer said of devices.

        Raises:
            JournalError: It cannot be noted.
        """
        self._start = attrs.evolve(self._start, requests=requests, seconds=seconds)
        decided = [(one, of) for one, of in zip(ids, verdicts, strict=True) if of is not None]
        distinct = dict.fromkeys(of for _, of in decided)
        codes = {of: self._codes + number for number, of in enumerate(distinct, 1)}
        entries: list[Entry] = []
        if decided:
            number = self._start.entries + 1
            numbers = pack(one for one, _ in decided)
            each = array("I", (codes[of] for _, of in decided))
            entries.append(Entry(number, 0, number, numbers, codes=each))
        run = Identity(APPEND, self._identity.account, target).to_row()
        await self._write(entries, run=[run], verdicts=codes)

    async def _write(
        self,
        entries: list[Entry],
        *,
        run: Sequence[tuple[object, ...]] = (),
        verdicts: dict[Verdict, int] | None = None,
    ) -> None:
        writer = self._writer
        if writer is None or self._preview:
            return
        start = attrs.evolve(self._start, entries=self._start.entries + len(entries))
        rows = Rows(
            start=start.to_row(),
            run=list(run),
            verdicts=[verdict_to_row(code, one) for one, code in (verdicts or {}).items()],
            entries=[entry.to_row() for entry in entries],
        )
        await self._in_thread(lambda: writer.write(rows))
        self._start = start

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Close the file, so that the run on the target can open it."""
        closing = self._thread.submit(self._writer.close if self._writer else _nothing)
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closing))


def _nothing() -> None:
    """There is no file."""
