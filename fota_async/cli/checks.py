"""What `fota doctor` looks at, from the proxy to the callbacks, each on what those before found."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import attrs

from fota_async.auth import FETCH_BEARER
from fota_async.cli.advice import advised
from fota_async.cli.calls import version
from fota_async.client import FotaClient
from fota_async.errors import (
    CallError,
    CertificateError,
    ConfigurationError,
    FotaError,
    RefusedError,
)
from fota_async.events import Event, TokenEvent
from fota_async.proxy import proxy_for
from fota_async.transport import Request, Transport

State = Literal["ok", "warn", "fail", "skipped"]

NAMES = (
    *("proxy", "server", "tls", "clock", "credentials", "account"),
    *("callbacks v1", "callbacks v2", "callbacks v3"),
)
"""Of all checks, in order."""

_SKEW = timedelta(seconds=60)
_SOON = timedelta(days=14)
_VERSIONS: tuple[Literal["v1", "v2", "v3"], ...] = ("v1", "v2", "v3")
_SERVICE = "fota"
_PROBE_BYTES = 1 << 24


@attrs.frozen
class Check:
    """What one look found.

    Attributes:
        name: What was looked at.
        state: `ok`; `warn`: it may do harm; `fail`: commands cannot work so; `skipped`: something
            before it failed.
        message: What is there, and what to do about it.
    """

    name: str
    state: State
    message: str


def check_proxy(base_url: str, *, trust_env: bool) -> Check:
    """Tell which proxy the environment names for an address, and whether it is used."""
    try:
        named = proxy_for(base_url, proxy=None, trust_env=True)
    except ConfigurationError as error:
        return Check("proxy", "fail" if trust_env else "warn", str(error))
    if named is None:
        return Check("proxy", "ok", "the environment names none for this address")
    shown = named.address
    if trust_env:
        return Check("proxy", "ok", f"everything goes through {shown}")
    return Check(
        "proxy",
        "warn",
        f"the environment names {shown}, and it is not used: where nothing gets out without it, "
        "give --trust-env, or set trust_env = true in the file of settings",
    )


def check_clock(date: str | None, now: datetime) -> Check:
    """Hold the clock of this machine against the server's.

    Args:
        date: The Date header of its answer.
        now: What this machine took it to be when that came.
    """
    try:
        servers = parsedate_to_datetime(date or "")
    except ValueError:
        return Check("clock", "warn", "the server does not tell its time")
    if servers.tzinfo is None:
        servers = servers.replace(tzinfo=UTC)
    ahead = now - servers
    if abs(ahead) <= _SKEW:
        return Check("clock", "ok", f"within {_SKEW.seconds} s of the server's")
    way = "ahead of" if ahead > timedelta() else "behind"
    return Check(
        "clock",
        "warn",
        f"this machine is {abs(ahead) // timedelta(seconds=1)} s {way} the server: have it set its "
        "clock from the network; certificates and the dates of schedules depend on it",
    )


def check_certificate(ends: datetime, now: datetime) -> Check:
    """Tell until when a certificate that was accepted is good."""
    if ends - now > _SOON:
        return Check("tls", "ok", f"the certificate is trusted, and good until {ends:%Y-%m-%d}")
    return Check(
        "tls",
        "warn",
        f"the certificate ends on {ends:%Y-%m-%d %H:%M} UTC: whoever runs the server must renew it",
    )


async def check_server(base_url: str, patience: float, *, trust_env: bool) -> AsyncGenerator[Check]:
    """Ask for something that needs no secret: is there a server, which one, and what time has it.

    Args:
        base_url: Scheme, host and port.
        patience: Seconds to wait for an answer.
        trust_env: Whether to go through the proxy of the environment.
    """
    transport = Transport(
        base_url,
        http=None,
        timeout=patience,
        connect_timeout=min(patience, 10.0),
        max_answer_bytes=_PROBE_BYTES,
        proxy=None,
        trust_env=trust_env,
        ssl=True,
        user_agent="fota_async doctor",
    )
    try:
        with advised():
            answer = await transport.send(Request("GET", FETCH_BEARER.path, {}))
    except CertificateError as error:
        yield Check("tls", "fail", str(error))
        return
    except CallError as error:
        yield Check("server", "fail", str(error))
        return
    finally:
        await transport.aclose()
    now = datetime.now(UTC)
    if answer.status >= 500:
        words = f"{base_url} answers with status {answer.status}: it may be down for a while"
        yield Check("server", "warn", words)
    else:
        yield Check("server", "ok", f"{base_url} answers")
    yield await _tls(base_url, patience, now, behind_proxy=trust_env)
    yield check_clock(answer.headers.get("Date"), now)


async def _tls(base_url: str, patience: float, now: datetime, *, behind_proxy: bool) -> Check:
    if base_url.startswith("http:"):
        return Check(
            "tls", "warn", "there is none, which is right only for a server on this machine"
        )
    if behind_proxy and proxy_for(base_url, proxy=None, trust_env=True):
        return Check("tls", "ok", "the certificate is trusted; through a proxy its end is not seen")
    try:
        async with asyncio.timeout(patience):
            return check_certificate(await _end_of_certificate(base_url), now)
    except (OSError, TimeoutError, KeyError):
        return Check("tls", "ok", "the certificate is trusted; when it ends could not be read")


async def _end_of_certificate(base_url: str) -> datetime:
    address = urlsplit(base_url)
    context = ssl.create_default_context()
    _, writer = await asyncio.open_connection(address.hostname, address.port or 443, ssl=context)
    try:
        ends = writer.get_extra_info("peercert")["notAfter"]
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    finally:
        writer.transport.abort()


class AccountChecks:
    """Looks at what needs a login: credentials, account, callbacks. There is one login at most."""

    def __init__(self) -> None:
        self._logged_in = False

    def hear(self, event: Event) -> None:
        """Hear that a login succeeded."""
        if event == TokenEvent(kind="session", action="fetched"):
            self._logged_in = True

    async def of(self, client: FotaClient) -> AsyncGenerator[Check]:
        """Yield what is found.

        Args:
            client: Tells `hear` its events.
        """
        account = await self._account(client)
        if not self._logged_in:
            yield attrs.evolve(account, name="credentials")
            return
        yield Check("credentials", "ok", "key and secret gave a token, and the login a session")
        yield account
        if account.state == "fail":
            return
        for api in _VERSIONS:
            yield await self._callback(client, api)

    async def _account(self, client: FotaClient) -> Check:
        first: Check | None = None
        for api in _VERSIONS:
            try:
                with advised():
                    found = await version(client, api).subscriptions.get()
            except CallError as error:
                first = first or Check("account", "fail", str(error))
                if not isinstance(error, RefusedError):
                    break
            else:
                paid = f": {found.purchase_type}" if found.purchase_type else ""
                return Check("account", "ok", f"{client.account} has a subscription{paid}")
        assert first is not None  # noqa: S101 - the loop returned otherwise
        return first

    async def _callback(self, client: FotaClient, api: Literal["v1", "v2", "v3"]) -> Check:
        name = f"callbacks {api}"
        try:
            url = await _registered(client, api)
        except RefusedError as error:
            return Check(name, "warn", f"{error}; does the account have {api}?")
        except FotaError as error:
            return Check(name, "fail", str(error))
        if url is None:
            return Check(name, "ok", "none is registered; `fota callbacks register` does")
        return Check(name, "ok", f"{url} is registered")


async def _registered(client: FotaClient, api: Literal["v1", "v2", "v3"]) -> str | None:
    if api == "v1":
        listeners = await client.v1.callbacks.list()
        ours = [one.url for one in listeners if (one.name or _SERVICE).lower() == _SERVICE]
        return ", ".join(ours) or None
    listener = await (client.v2 if api == "v2" else client.v3).callbacks.get()
    return None if listener is None else listener.url
