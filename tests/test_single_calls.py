"""Calls of one request: what is refused before anything is sent, and how a file is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from contract_calls import UUID
from helpers import Stub, in_turn, reply

from fota_async import ConfigurationError, FotaClient, LostError

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

DAYS: Any = {"start_date": date(2026, 1, 5), "end_date": date(2026, 1, 6)}


async def test_days_in_the_wrong_order_are_refused(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    wrong = {"start_date": DAYS["end_date"], "end_date": DAYS["start_date"]}
    with pytest.raises(ConfigurationError, match="before the start"):
        await new_client(stub).v3.campaigns.change_dates(UUID, **wrong)
    with pytest.raises(ConfigurationError, match="must be dates"):
        await new_client(stub).v2.campaigns.change_dates(
            UUID,
            start_date="2026-01-05",  # type: ignore[arg-type]
            end_date="2026-01-06",  # type: ignore[arg-type]
        )

    assert not stub.requests


def form(path: Path) -> Any:
    given = {"file_version": "1", "make": "M", "model": "M", "local_target_path": "/x"}
    return {"file": path, **given}


async def test_a_large_file_is_never_in_memory_as_a_whole(
    new_stub: NewStub, new_client: NewClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / 'odd "name".bin'
    content = bytes(range(256)) * 4096
    file.write_bytes(content)
    stub = await new_stub(lambda _: reply({"fileName": "x"}))
    sizes = []
    in_thread = asyncio.to_thread

    async def watched(what: Any, *arguments: Any) -> Any:
        sizes.extend(arguments)
        return await in_thread(what, *arguments)

    monkeypatch.setattr("fota_async.bodies.asyncio.to_thread", watched)
    await new_client(stub).v2.files.upload(**form(file))

    (seen,) = stub.asked()
    assert content in seen.body
    assert b'filename="odd %22name%22.bin"' in seen.body
    assert {size for size in sizes if isinstance(size, int)} == {64 * 1024}


async def test_a_file_that_cannot_be_read_is_refused(
    new_stub: NewStub, new_client: NewClient, tmp_path: Path
) -> None:
    stub = await new_stub()
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            await new_client(stub).v2.files.upload(**form(path))

    assert not stub.requests


async def test_an_upload_is_sent_whole_again_after_the_session_ended_and_never_after_a_loss(
    new_stub: NewStub, new_client: NewClient, tmp_path: Path
) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"hello")
    ended = {"errorCode": "X.SessionToken.Expired", "errorMessage": ""}
    stub = await new_stub(in_turn(reply(ended, 400), reply(b"oops", 502)))
    with pytest.raises(LostError):
        await new_client(stub).v2.files.upload(**form(file))

    first, second = stub.asked()
    assert b"hello" in first.body
    assert b"hello" in second.body
