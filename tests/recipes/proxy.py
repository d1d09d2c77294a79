"""Behind a corporate proxy that checks TLS with an authority of its own.

`trust_env=True` takes the proxy from `HTTPS_PROXY` and `NO_PROXY`, with a name and a password if it
asks for them (`http://name:password@proxy.example:3128`); `proxy=` names one outright. The
authority is trusted beside the system's. A refusal of the proxy is a `ProxyError`, which holds
neither name nor password.
"""

import ssl
from pathlib import Path

from aiohttp import ClientSession

from fota_async import FotaClient


def trusting(authority: Path) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    trust.load_verify_locations(authority)
    return trust


def client(authority: Path) -> FotaClient:
    return FotaClient.from_env(trust_env=True, ssl=trusting(authority))


def client_on(http: ClientSession, authority: Path, proxy: str) -> FotaClient:
    """A session that is lent gives its connections only, so that the client is told the rest."""
    return FotaClient.from_env(http=http, proxy=proxy, ssl=trusting(authority))
