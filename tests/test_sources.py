"""Where device ids come from: anything that yields them, and files as people have them."""

import asyncio
import codecs
import io
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import (
    FakeSession,
    answers,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    report_over,
    run_over,
    trickle,
    write,
)
from simulator_api import until

from fota_async import RunStopped, SourceError, State, StopCause
from fota_async.batch import iterables
from fota_async.batch.source import open_source
from fota_async.batch.text_source import TextSource
from fota_async.events import ProgressEvent
from fota_async.models.device_answers import DeviceAnswers

IDS = ["000000000000001", "490154203237518", "012345678901234"]


class AsyncList:
    """An async iterable that is no generator, and has no `aclose`."""

    def __init__(self, items: list[str]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> "AsyncList":
        return self

    async def __anext__(self) -> str:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


@pytest.mark.each_python
@pytest.mark.parametrize(
    "make",
    [list, tuple, set, frozenset, iter, trickle, AsyncList, lambda ids: dict.fromkeys(ids).keys()],
)
async def test_anything_that_yields_ids_is_a_device_list(make: Callable[[list[str]], Any]) -> None:
    report = await report_over(make(IDS))

    assert sorted(ids_of(report, State.SUCCEEDED)) == sorted(IDS)
    assert report.input_complete


@pytest.mark.each_python
@pytest.mark.parametrize(
    ("content", "column"),
    [
        ("{0}\n{1}\n{2}", None),
        ("{0}\r\n{1}\r\n{2}\r\n", None),
        ("\ufeff{0}\n{1}\n{2}\n", None),
        ("\n\n  {0}\t\n \n{1}\n\n{2}\n\n", None),
        ("imei\n{0}\n{1}\n{2}\n", None),
        ("\ufeffIMEI,site\r\n{0},a\r\n{1},b\r\n{2},c\r\n", None),
        ("\n\nsite;Device_ID\na;{0}\n\nb;{1}\nc;{2}", None),
        ("site\tdeviceid\na\t{0}\nb\t{1}\nc\t{2}\n", None),
        ('"site"," DeviceId "\n"a, or b","{0}"\n"say ""b""","{1}"\n"two\nlines"," {2} "\n', None),
        ("imei,Serial No\n1,{0}\n2,{1}\n3,{2}\n", "serial no"),
        ("device_id,imei\n1,{0}\n2,{1}\n3,{2}\n", None),
    ],
    ids=repr,
)
async def test_a_file_holds_one_id_a_line_or_a_column_of_them(
    tmp_path: Path, content: str, column: str | None
) -> None:
    path = write(tmp_path / "devices.csv", content.format(*IDS))

    report = await report_over(path, column=column)

    assert ids_of(report, State.SUCCEEDED) == IDS
    assert report.inputs == 3


async def test_any_path_object_will_do(tmp_path: Path) -> None:
    path = write(tmp_path / "ids", "\n".join(IDS))

    class Elsewhere:
        def __fspath__(self) -> str:
            return str(path)

    assert ids_of(await report_over(Elsewhere()), State.SUCCEEDED) == IDS


async def test_a_row_too_short_is_an_invalid_input_and_no_more(tmp_path: Path) -> None:
    path = write(tmp_path / "ids.csv", f"site,imei\na,{IDS[0]}\nb\nc,{IDS[1]}\nd\n")

    report = await report_over(path)

    assert ids_of(report, State.SUCCEEDED) == IDS[:2]
    assert (report.inputs, report.invalid, report.duplicates) == (4, 1, 1)


async def test_other_columns_may_hold_any_bytes(tmp_path: Path) -> None:
    rows = [b"imei,site", b"000000000000001,caf\xe9", b"490154203237518,\xff\xfe\x80", b"\xff,x"]
    path = write(tmp_path / "ids.csv", b"\r\n".join(rows))

    report = await report_over(path)

    assert ids_of(report, State.SUCCEEDED) == IDS[:2]
    assert ids_of(report, State.INVALID) == [r"\xff"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
async def test_a_utf_16_file_is_told_by_its_mark(
    tmp_path: Path, mark: bytes, encoding: str, line_end: str
) -> None:
    ids = imeis(30_000)
    rows = line_end.join(["site,imei", *(f"Malmö Ċ,{one}" for one in ids)]) + line_end
    lists = {"table.csv": rows, "plain.txt": line_end.join(ids)}
    for name, text in lists.items():
        source = open_source(write(tmp_path / name, mark + text.encode(encoding)))
        await source.open()
        total, read = source.total, []
        while inputs := await source.read():
            read += inputs
        await source.aclose()

        assert (total, read) == (len(ids), ids)


async def test_the_csv_of_a_report_is_a_device_list(tmp_path: Path) -> None:
    first = await report_over([*IDS, "bad, really", "", "=1+1", 'a\n"b"', "\r"])
    first.to_csv(tmp_path / "report.csv")

    second = await report_over(tmp_path / "report.csv")

    assert ids_of(second, State.SUCCEEDED) == ids_of(first, State.SUCCEEDED) == IDS
    assert (second.inputs, second.invalid) == (first.inputs - first.duplicates, first.invalid)


@pytest.mark.parametrize("device_list", ["490154203237518", "devices.csv", b"490154203237518"])
def test_a_bare_string_is_a_type_error_that_says_what_to_write(device_list: Any) -> None:
    with pytest.raises(TypeError, match=r"\[device_id\].*Path\("):
        run_over(FakeSession(), device_list)


def test_what_yields_nothing_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not int"):
        run_over(FakeSession(), 490154203237518)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("content", "column", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None, "binary"),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0 and so on\n", None, "binary"),
        (IDS[0].encode() + b"\n\0\n", None, "binary"),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0 and so on\n", None, "can be saved as CSV"),
        ("\n".join(IDS).encode("utf-16-le"), None, "binary"),
        ("\n".join(IDS).encode("utf-32"), None, "binary"),
        (codecs.BOM_UTF16_LE + f"imei\n{IDS[0]}\n\0\n".encode("utf-16-le"), None, "binary"),
        (b"imei,site\n1,2\n", "serial", r"no column 'serial'.*\['imei', 'site'\]"),
        (b"490154203237518\n", "imei", "no column 'imei'"),
        (b"7 " * 100_000, "imei", "no column 'imei'"),
    ],
)
async def test_a_file_that_is_no_device_list_is_one_clear_error_and_no_request(
    tmp_path: Path, content: bytes, column: str | None, says: str
) -> None:
    session = FakeSession()
    run = run_over(session, write(tmp_path / "file", content), column=column)

    with pytest.raises(SourceError, match=says):
        await run

    assert session.sent == []
    assert run.report.inputs == 0
    assert_no_task_left()


@pytest.mark.parametrize("name", ["nowhere.csv", ".", "a\0b"])
async def test_a_path_that_leads_nowhere_is_one_clear_error(tmp_path: Path, name: str) -> None:
    session = FakeSession()

    with pytest.raises(SourceError, match=r"cannot read .*expected a text file"):
        await run_over(session, tmp_path / name)
    with pytest.raises(SourceError, match="cannot read"):
        async with run_over(session, tmp_path / name) as run:
            assert [outcome async for outcome in run] == []

    assert session.sent == []


@pytest.mark.parametrize("content", ["", "\n \n", "imei\n", "\ufeff", "imei,site\r\n\r\n"])
async def test_an_empty_file_is_an_empty_report(tmp_path: Path, content: str) -> None:
    session = FakeSession()

    report = await run_over(session, write(tmp_path / "ids", content))

    assert (report.inputs, report.requests, session.sent) == (0, 0, [])
    assert report.input_complete
    assert report.ok


async def test_a_line_too_long_for_a_header_is_one_malformed_input(tmp_path: Path) -> None:
    report = await report_over(write(tmp_path / "ids", " ".join(imeis(20_000))))

    assert (report.inputs, report.invalid) == (1, 1)


async def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=write, args=(tmp_path / "pipe", "\n".join(imeis(3000))))
    writer.start()

    report = await report_over(tmp_path / "pipe")
    writer.join()

    assert ids_of(report, State.SUCCEEDED) == imeis(3000)


@pytest.mark.each_python
async def test_a_source_that_breaks_off_loses_nothing_that_came_before() -> None:
    def broken() -> Iterator[str]:
        yield from IDS
        raise ConnectionError("the database went away")

    async def broken_async() -> AsyncIterator[str]:
        for device in broken():
            yield device

    async def cancelled() -> AsyncIterator[str]:
        for device in IDS:
            yield device
        raise asyncio.CancelledError

    for source in (broken(), broken_async(), cancelled()):
        with pytest.raises(RunStopped, match="broke off") as caught:
            await run_over(FakeSession(), source)

        assert caught.value.cause is StopCause.SOURCE
        assert sorted(outcome.device_id for outcome in caught.value.report) == sorted(IDS)
        assert caught.value.report.inputs == len(IDS)
        assert not caught.value.report.input_complete
        assert_law(caught.value.report)
        assert_no_task_left()


async def test_a_file_that_turns_binary_late_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    session = FakeSession()

    with pytest.raises(SourceError, match="binary"):
        await run_over(session, write(tmp_path / "ids", "\n".join(imeis(5000)) + "\n\0"))

    assert session.sent == []


class Watched(io.BytesIO):
    """Bytes that note which threads read them."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.threads: set[int] = set()

    def readinto(self, buffer: Any) -> int:
        self.threads.add(threading.get_ident())
        return super().readinto(buffer)

    def read1(self, size: int | None = -1) -> bytes:
        self.threads.add(threading.get_ident())
        return super().read1(size)

    def read(self, size: int | None = -1) -> bytes:
        self.threads.add(threading.get_ident())
        return super().read(size)


async def test_a_file_is_read_and_closed_in_other_threads_than_the_event_loops() -> None:
    content = Watched("\n".join(imeis(100_000)).encode())
    source = TextSource(lambda: io.TextIOWrapper(content, "utf-8"), None, drains=True)

    report = await report_over(source)

    assert report.succeeded == 100_000
    assert content.threads
    assert threading.get_ident() not in content.threads
    assert content.closed


async def test_progress_knows_the_total_of_a_list_and_of_a_file(tmp_path: Path) -> None:
    totals = []
    for devices in (imeis(7), write(tmp_path / "a.csv", "imei\n" + "\n".join(imeis(5))), iter(IDS)):
        session = FakeSession()
        await run_over(session, devices)
        [total] = {event.total for event in session.events if isinstance(event, ProgressEvent)}
        totals.append(total)

    assert totals == [7, 5, None]


async def test_a_source_that_raises_when_it_is_closed_does_not_cost_the_report() -> None:
    async def devices() -> AsyncIterator[str]:
        try:
            for device in imeis(3000):
                yield device
        finally:
            raise ConnectionError("already closed")

    async with run_over(FakeSession(), devices()) as run:
        async for _ in run:
            break

    assert_law(run.report)
    assert run.report.stopped == "interrupted"
    assert_no_task_left()


async def test_what_was_read_while_nobody_waited_for_it_any_more_is_counted() -> None:
    pulled = 0

    def devices() -> Iterator[str]:
        nonlocal pulled
        for device in imeis(5000):
            pulled += 1
            yield device

    session = FakeSession()
    async with run_over(session, devices()) as run:
        await until(lambda: pulled > 0)

    assert run.report.inputs == pulled
    assert_law(run.report)


def test_a_source_may_be_given_in_place_of_a_list() -> None:
    source = open_source(IDS)

    assert open_source(source) is source  # type: ignore[arg-type]  # a Source is no list


@pytest.mark.parametrize("before", [1, 2000])
async def test_a_quote_that_is_never_closed_swallows_no_device(tmp_path: Path, before: int) -> None:
    rows = [*(f"{device},a" for device in imeis(before)), f'{IDS[1]},"b', f"{IDS[2]},c"]
    path = write(tmp_path / "ids.csv", "\n".join(["imei,site", *rows, ""]))

    with pytest.raises(
        RunStopped, match=rf" {before + 1} lines below the header of .*ids\.csv.*quote"
    ) as caught:
        await run_over(FakeSession(), path)

    report = caught.value.report
    assert caught.value.cause is StopCause.SOURCE
    assert isinstance(caught.value.__cause__, SourceError)
    assert sorted(outcome.device_id for outcome in report) == imeis(before)
    assert not report.input_complete
    assert_law(report)


async def test_outcomes_come_before_a_source_that_trickles_has_given_a_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(iterables, "_PATIENCE", 0.0)
    seen = asyncio.Event()

    async def devices() -> AsyncIterator[str]:
        yield IDS[0]
        await seen.wait()
        for device in IDS[1:]:
            yield device

    async with asyncio.timeout(5), run_over(FakeSession(), devices(), batch_size=1) as run:
        stream = aiter(run)
        first = await anext(stream)
        seen.set()
        rest = [outcome async for outcome in stream]

    assert [outcome.device_id for outcome in (first, *rest)] == IDS


async def test_a_list_that_is_slow_to_give_holds_up_the_event_loop_no_longer_than_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(iterables, "_QUICK", 0.0)
    pulled = 0
    pulled_by_then: list[int] = []

    def devices() -> Iterator[str]:
        nonlocal pulled
        for device in imeis(2000):
            pulled += 1
            yield device

    async def answer(ids: list[str]) -> DeviceAnswers:
        pulled_by_then.append(pulled)
        return answers(ids)

    report = await run_over(FakeSession(answer), devices(), batch_size=10)

    assert report.succeeded == 2000
    assert pulled_by_then[0] < 200


class Boundless:
    """Looks as if it had a length."""

    def __len__(self) -> int:
        raise TypeError("a query knows no length")

    def __iter__(self) -> Iterator[str]:
        return iter(IDS)


async def test_a_length_that_cannot_be_had_is_not_missed() -> None:
    session = FakeSession()

    report = await run_over(session, Boundless())

    assert ids_of(report, State.SUCCEEDED) == IDS
    assert {e.total for e in session.events if isinstance(e, ProgressEvent)} == {None}
