"""What a proxy's address may be, and what errors say of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import CREDENTIALS, Stub, credentials_of, read
from proxy_helpers import CorporateNetwork
from yarl import URL

from fota_async import ConfigurationError, FotaClient, NotSentError, ProxyError, RetryPolicy
from fota_async.proxy import Proxy, proxy_for
from fota_async.simulator import SimulatorThread

API = "https://thingspace.example"
FAST = RetryPolicy(tries=3, base=0.001, cap=0.002)


def test_name_and_password_are_no_part_of_the_address() -> None:
    proxy = Proxy.at("http://cle%40rk:s%3Acret@proxy.example:3128/")

    assert proxy.address == "http://proxy.example:3128"
    assert proxy.headers == {"Proxy-Authorization": "Basic Y2xlQHJrOnM6Y3JldA=="}
    assert "Y2xl" not in repr(proxy)
    assert Proxy.at("http://proxy.example:3128").headers == {}
    assert Proxy.at("https://proxy.example").address == "https://proxy.example"


@pytest.mark.parametrize(
    "address",
    [
        "proxy.example:3128",
        "clerk:secret@proxy.example",
        "socks5://clerk:secret@p:1",
        "http://",
        "/",
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^proxy must be http://host:port") as refused:
        FotaClient(CREDENTIALS, account="0000123456-00001", proxy=address)
    assert "secret" not in str(refused.value)


def test_the_environment_names_its_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://one.example:1")
    given = proxy_for(API, proxy="http://two.example:2", trust_env=True)
    found = proxy_for(API, proxy=None, trust_env=True)

    assert given is not None
    assert given.address == "http://two.example:2"
    assert found is not None
    assert found.address == "http://one.example:1"
    assert proxy_for(API, proxy=None, trust_env=False) is None
    monkeypatch.setenv("NO_PROXY", "thingspace.example")
    assert proxy_for(API, proxy=None, trust_env=True) is None
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", "secret.example:3128")
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY must be") as refused:
        proxy_for(API, proxy=None, trust_env=True)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [(407, ProxyError, 1), (403, ProxyError, 1), (502, NotSentError, 3), (429, NotSentError, 3)],
)
async def test_what_a_proxy_answers_instead_of_a_connection(
    tmp_path: Path, status: int, kind: type[NotSentError], tries: int
) -> None:
    with SimulatorThread() as sim:
        async with CorporateNetwork(URL(sim.base_url).port or 0, tmp_path) as network:
            network.answer = status
            async with FotaClient(
                credentials_of(sim),
                account=sim.account,
                base_url=network.base_url,
                proxy=network.proxy(),
                retry=FAST,
            ) as fota:
                with pytest.raises(NotSentError, match=rf"proxy .*{status}") as refused:
                    await read(fota)

    assert type(refused.value) is kind
    assert (refused.value.sent, refused.value.status) == ("no", status)
    assert network.refused == tries
    assert "secret" not in str(refused.value)


async def test_without_tls_the_proxy_is_told_who_asks_all_the_same(
    new_stub: Callable[..., object],
) -> None:
    proxy = await new_stub()  # type: ignore[misc]  # the fixture's own type is no public name
    assert isinstance(proxy, Stub)
    proxy.at = {f"http://127.0.0.1:1{path}": script for path, script in proxy.at.items()}
    address = proxy.base_url.replace("//", "//clerk:secret@")
    async with FotaClient(
        CREDENTIALS, account="0402196254-00001", base_url="http://127.0.0.1:1", proxy=address
    ) as client:
        await read(client)

    assert {seen.headers["proxy-authorization"] for seen in proxy.requests} == {
        "Basic Y2xlcms6c2VjcmV0"
    }


@pytest.mark.parametrize("by_tls", [False, True])
async def test_a_tunnel_is_used_again(tmp_path: Path, by_tls: bool) -> None:
    with SimulatorThread() as sim:
        async with CorporateNetwork(
            URL(sim.base_url).port or 0, tmp_path, by_tls=by_tls
        ) as network:
            trust = network.trust()
            async with FotaClient(
                credentials_of(sim),
                account=sim.account,
                base_url=network.base_url,
                proxy=network.proxy(),
                ssl=trust,
            ) as fota:
                for _ in range(5):
                    await read(fota)
                assert len(network.tunnels) == 1
