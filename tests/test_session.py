"""The session manager: whose pool it is, whose loop, and how it ends."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from helpers import (
    ACCOUNT,
    BEARER,
    CREDENTIALS,
    Stub,
    never,
    read,
    reply,
    upgrade,
)

from fota_async import (
    FotaClient,
    FotaError,
    MisuseError,
    SessionManager,
)
from fota_async.api.upgrades import GET_UPGRADE

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]


@pytest.mark.each_python
async def test_a_borrowed_session_lends_its_connections_and_nothing_else(
    new_stub: NewStub,
) -> None:
    elsewhere = await new_stub()
    cookie = {"Set_Cookie": "ours=1; Path=/"}
    stub = await new_stub(lambda _: reply(upgrade(), **cookie))
    traces = aiohttp.TraceConfig()
    traced: list[str] = []

    async def on_start(_session: Any, _context: Any, params: Any) -> None:
        traced.append(params.method)

    traces.on_request_start.append(on_start)
    async with aiohttp.ClientSession(
        base_url=elsewhere.base_url,
        raise_for_status=True,
        timeout=aiohttp.ClientTimeout(total=1e-6),
        cookies={"theirs": "2"},
        headers={"X-Theirs": "3", "Authorization": "theirs"},
        trust_env=True,
        trace_configs=[traces],
        cookie_jar=aiohttp.CookieJar(unsafe=True),
    ) as http:
        async with FotaClient(
            CREDENTIALS, account=ACCOUNT, base_url=stub.base_url, http=http
        ) as client:
            await read(client)
            stub.script = lambda _: reply({"errorCode": "X"}, 400)
            with pytest.raises(FotaError, match="X"):
                await read(client)
        jar = {cookie.key for cookie in http.cookie_jar}
        connector = http.connector

        assert not http.closed
        assert connector is not None
        assert not connector.closed

    assert elsewhere.requests == []
    assert jar == {"theirs"}
    assert traced == ["POST", "POST", "GET", "GET"]
    assert stub.connections == 1
    for seen in stub.requests:
        assert "cookie" not in seen.headers
        assert "x-theirs" not in seen.headers
        assert seen.headers["authorization"] != "theirs"


async def test_cookies_of_the_server_are_not_sent_back(new_stub: NewStub) -> None:
    stub = await new_stub(lambda _: reply(upgrade(), Set_Cookie="sticky=1; Path=/"))
    # By name: aiohttp's own jar keeps no cookies of an IP address.
    address = stub.base_url.replace("127.0.0.1", "localhost")
    async with FotaClient(CREDENTIALS, account=ACCOUNT, base_url=address) as client:
        await read(client)
        await read(client)

    assert all("cookie" not in seen.headers for seen in stub.requests)


async def test_a_borrowed_session_that_is_closed_is_said_to_be(new_stub: NewStub) -> None:
    stub = await new_stub()
    async with aiohttp.ClientSession() as http:
        client = FotaClient(CREDENTIALS, account=ACCOUNT, base_url=stub.base_url, http=http)
        await read(client)
    with pytest.raises(MisuseError, match=r"borrowed .* closed"):
        await read(client)
    await client.aclose()


async def test_a_session_borrowed_from_another_loop(new_stub: NewStub) -> None:
    stub = await new_stub()
    async with aiohttp.ClientSession() as http:

        async def elsewhere() -> None:
            async with FotaClient(
                CREDENTIALS, account=ACCOUNT, base_url=stub.base_url, http=http
            ) as client:
                await read(client)

        with pytest.raises(MisuseError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, elsewhere())


@pytest.mark.each_python
async def test_a_client_belongs_to_the_loop_of_its_first_use(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    client = new_client(stub)
    await read(client)

    async def elsewhere() -> None:
        await read(client)

    with pytest.raises(MisuseError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, elsewhere())
    await read(client)


@pytest.mark.each_python
async def test_a_closed_client_sends_nothing(new_stub: NewStub) -> None:
    stub = await new_stub()
    async with FotaClient(CREDENTIALS, account=ACCOUNT, base_url=stub.base_url) as client:
        await read(client)
    before = len(stub.requests)
    with pytest.raises(MisuseError, match="closed"):
        await read(client)
    with pytest.raises(MisuseError, match="closed"):
        await client.with_account("another").v2.callbacks.get()
    with pytest.raises(MisuseError, match="closed"):
        async with client:
            pytest.fail("a closed client was entered")
    await client.aclose()

    assert len(stub.requests) == before


async def test_calls_under_way_when_the_client_is_closed_end_with_an_error_of_ours(
    new_stub: NewStub, new_client: NewClient
) -> None:
    reached = asyncio.Event()

    async def hang(seen: Any) -> bytes:
        reached.set()
        return await never(seen)

    stub = await new_stub(hang)
    client = new_client(stub, max_concurrency=2)
    calls = [asyncio.create_task(read(client)) for _ in range(6)]
    await reached.wait()
    await client.aclose()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(result, FotaError) for result in results), results


async def test_a_client_need_not_be_entered(new_stub: NewStub) -> None:
    stub = await new_stub()
    client = FotaClient(CREDENTIALS, account=ACCOUNT, base_url=stub.base_url)
    await read(client)
    await client.aclose()


async def test_entering_and_closing_may_be_done_by_different_tasks(new_stub: NewStub) -> None:
    stub = await new_stub()
    client = FotaClient(CREDENTIALS, account=ACCOUNT, base_url=stub.base_url)
    await asyncio.create_task(client.__aenter__())
    await asyncio.create_task(read(client))
    await asyncio.create_task(client.__aexit__(None, None, None))


async def test_a_session_manager_works_alone(new_stub: NewStub) -> None:
    stub = await new_stub()
    values = {"account": ACCOUNT, "upgrade_id": "an-id"}
    async with SessionManager(CREDENTIALS, base_url=stub.base_url) as session:
        assert (await session.call(GET_UPGRADE, values)).status == "Queued"


SCRIPT = """
import asyncio
from fota_async import Credentials, FotaClient
from fota_async.simulator import Simulator

async def main(fail):
    async with Simulator() as sim:
        credentials = Credentials(sim.key, sim.secret, sim.username, sim.password)
        try:
            async with FotaClient(
                credentials, account=sim.account, base_url=sim.base_url
            ) as client:
                report = await client.v1.upgrades.append_devices(
                    sim.upgrade_id, [f"{n:015d}" for n in range(1, 21)], batch_size=5
                )
                assert report.succeeded == 20
                await client.v1.upgrades.get(sim.upgrade_id)
                if fail:
                    raise KeyError("the caller's own")
        except KeyError:
            pass
    print("done")

for fail in (False, True):
    asyncio.run(main(fail), debug=fail)
"""


@pytest.mark.each_python
def test_closing_leaves_nothing_for_python_to_complain_about(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "done\ndone\n", "")


async def test_the_environments_proxy_is_used_when_asked_and_netrc_never(
    new_stub: NewStub,
    new_client: NewClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    proxy, stub = await new_stub(), await new_stub()
    proxy.at = {f"{stub.base_url}{path}": script for path, script in proxy.at.items()}
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy.base_url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    await read(new_client(stub))
    assert proxy.requests == []
    assert len(stub.asked()) == 1

    await read(new_client(stub, trust_env=True))
    async with aiohttp.ClientSession(trust_env=True) as http:
        await read(new_client(stub, http=http))
        await asyncio.sleep(0)
    assert len(stub.asked()) == 2
    (through,) = [seen for seen in proxy.requests if "/api/fota/" in seen.path]
    for seen in (through, *stub.asked()):
        assert seen.headers["authorization"] == f"Bearer {BEARER}"

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    await read(new_client(stub, trust_env=True))
    assert len(stub.asked()) == 3


async def test_a_proxy_that_is_given_is_used(new_stub: NewStub) -> None:
    proxy = await new_stub()
    proxy.at = {f"http://127.0.0.1:1{path}": script for path, script in proxy.at.items()}
    async with FotaClient(
        CREDENTIALS, account=ACCOUNT, base_url="http://127.0.0.1:1", proxy=proxy.base_url
    ) as client:
        await read(client)

    assert all(seen.path.startswith("http://127.0.0.1:1/api/") for seen in proxy.requests)
