"""A proxy, its name and password kept apart from its address, which errors may show."""

import base64
import urllib.request
from typing import Self

import attrs
from yarl import URL

from fota_async.errors import ConfigurationError


@attrs.frozen
class Proxy:
    """A forward proxy.

    Attributes:
        address: Scheme, host and port.
        headers: What tells the proxy who asks; empty if it did not say it wants to know.
    """

    address: str
    headers: dict[str, str] = attrs.field(repr=False)

    @classmethod
    def at(cls, address: str, *, given_as: str = "proxy") -> Self:
        """Return the proxy at `http://host:port` or `http://name:password@host:port`.

        Args:
            address: The address; `https` for a proxy that itself is reached by TLS.
            given_as: What to call the address in an error; the text may hold a password.

        Raises:
            ConfigurationError: It is no address of a proxy.
        """
        try:
            url = URL(address)
        except (TypeError, ValueError):
            url = URL()
        if url.scheme not in {"http", "https"} or not url.host:
            raise ConfigurationError(
                f"{given_as} must be http://host:port, or http://name:password@host:port with "
                "reserved characters percent-encoded"
            )
        if url.user is None and url.password is None:
            return cls(str(url.origin()), {})
        login = base64.b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()
        return cls(str(url.origin()), {"Proxy-Authorization": f"Basic {login}"})


def proxy_for(base_url: str, *, proxy: str | None, trust_env: bool) -> Proxy | None:
    """Return the proxy that leads to an address, or None.

    Args:
        base_url: Where requests go.
        proxy: Address of a proxy that was given outright.
        trust_env: Whether else to look in the environment (`HTTPS_PROXY`, `NO_PROXY`).

    Raises:
        ConfigurationError: What names a proxy is no address of one.
    """
    if proxy:
        return Proxy.at(proxy)
    # aiohttp's own trust_env would also read .netrc, and then refuse our Authorization header.
    url = URL(base_url)
    if not trust_env or url.host is None or urllib.request.proxy_bypass(url.host):
        return None
    found = urllib.request.getproxies().get(url.scheme)
    return Proxy.at(found, given_as=f"{url.scheme.upper()}_PROXY") if found else None
