"""The options of a session manager."""

import ssl as ssl_module
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypedDict

from fota_async.clock import Clock
from fota_async.credentials import TokenProvider
from fota_async.events import EventHook
from fota_async.retry import RetryPolicy
from fota_async.transport import HttpSession


class WireOptions(TypedDict, total=False):
    """Those of `SessionOptions` that say how a single try is made; see there."""

    base_url: str
    timeout: float
    connect_timeout: float
    max_answer_bytes: int
    proxy: str | None
    trust_env: bool
    ssl: ssl_module.SSLContext | bool
    user_agent: str


class SessionOptions(TypedDict, total=False):
    """Keyword options of `SessionManager` and of `fota_async.FotaClient`.

    >>> options: SessionOptions = {"timeout": 60.0, "max_rate": 20, "retry": RetryPolicy(tries=3)}
    >>> async with FotaClient.from_env(environ=environ, **options) as client:
    ...     client.session.max_concurrency
    100
    """

    base_url: str
    """Scheme, host and port of the API; HTTPS unless the host is loopback."""
    http: HttpSession | None
    """A session whose connection pool to borrow; it is never closed, and none of its settings
    apply. None (the default) owns a pool."""
    timeout: float
    """Seconds of one try without a byte of an answer; its body may take ten times as long in all.
    Default 30."""
    connect_timeout: float
    """Seconds of one try to connect. Default 10."""
    deadline: float | None
    """Seconds of a whole call, waits included; None for no end. Default 300. Not for runs."""
    max_concurrency: int
    """The most requests in flight at once, over all accounts. How many there are is learned from
    the answers, for each account. Default 100."""
    max_rate: float | None
    """The most requests a second, over all accounts, evenly spread; None (the default) for what
    the answers allow. Token and login requests do not count."""
    max_answer_bytes: int
    """The largest answer, after decompression. Default 1 GiB."""
    retry: RetryPolicy
    """How often and how long a call is tried, and the longest pause it accepts."""
    proxy: str | None
    """Address of a proxy, `http://host:port`, with `name:password@` before the host if it asks who
    is there. Neither is ever part of an error."""
    trust_env: bool
    """Take the proxy from `HTTPS_PROXY` and `NO_PROXY` when `proxy` names none. Default False."""
    ssl: ssl_module.SSLContext | bool
    """Certificates to trust; True (the default) for the system's."""
    user_agent: str
    """What to call ourselves."""
    logout_on_close: bool
    """End the session on close. Default False: other clients of this user may share it."""
    on_event: EventHook | None
    """Gets every event of `fota_async.events`; it should return at once."""
    around_login: Callable[[], AbstractAsyncContextManager[object]] | None
    """Makes what is entered before each login and left when `on_event` has heard of its outcome:
    so processes of one user can log in one after the other. What entering raises ends the calls
    that wait for the login, which is not sent. Without effect where `tokens` is given."""
    clock: Clock
    """Time; for tests."""
    tokens: TokenProvider | None
    """Where tokens come from, instead of from credentials."""
