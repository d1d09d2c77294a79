"""Who may send messages: by address, since ThingSpace does not sign them."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

from fota_async.errors import ConfigurationError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

VENDOR_ADDRESSES: Final = (
    "3.87.163.45",
    "3.91.119.203",
    "54.197.62.209",
    "54.200.43.232",
    "34.216.81.234",
    "137.117.33.109",
    "168.62.173.153",
    "68.128.212.217",
)
"""Where messages come from (vendor page "About Software Management Services API Callback
Notifications"). The page was changed before; its Connectivity twin also names 35.165.205.14.

>>> receiver = CallbackReceiver("events.db", allow=[*VENDOR_ADDRESSES, "35.165.205.14"])
"""


class Callers:
    """Decides who called, and whether it may.

    Args:
        allow: Addresses and networks that messages may come from.
        allow_loopback: Whether this machine may send messages, too.
        trusted_proxies: Addresses and networks of proxies, whose word about their caller counts.

    Raises:
        ConfigurationError: One of them is no address and no network, or every address would count
            as a proxy.
    """

    def __init__(
        self,
        allow: Iterable[str] = VENDOR_ADDRESSES,
        *,
        allow_loopback: bool = False,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        self._allow = _networks("allow", allow)
        self._allow_loopback = allow_loopback
        self._proxies = _networks("trusted_proxies", trusted_proxies)
        if any(network.prefixlen == 0 for network in self._proxies):
            raise ConfigurationError(
                "trusted_proxies must not take in every address: anyone could then claim any"
            )

    @property
    def has_proxies(self) -> bool:
        """Whether messages come by way of a proxy."""
        return bool(self._proxies)

    @property
    def allows_loopback(self) -> bool:
        """Whether this machine may send messages."""
        return self._allow_loopback

    def may_connect(self, peer: str) -> bool:
        """Whether anything from this address can be a message."""
        address = address_of(peer)
        return address is not None and (_among(address, self._proxies) or self.may_send(address))

    def may_send(self, caller: Address | None) -> bool:
        """Whether messages may come from this address."""
        if caller is None:
            return False
        return _among(caller, self._allow) or (self._allow_loopback and caller.is_loopback)

    def caller(self, peer: str, forwarded_for: Sequence[str]) -> Address | None:
        """Return who sent a request: the rightmost address that is not one of our proxies.

        Whatever stands further left was written by that caller, so it may be invented.

        Args:
            peer: The other end of the connection.
            forwarded_for: The values of every X-Forwarded-For header, in their order. The
                Forwarded header does not count: a proxy that writes the one passes on what a caller
                wrote into the other.

        Returns:
            None if nobody can tell.
        """
        chain = [entry for value in forwarded_for for entry in value.split(",")]
        address = address_of(peer)
        while chain and address is not None and _among(address, self._proxies):
            address = address_of(chain.pop())
        return address


def address_of(text: str) -> Address | None:
    """Return the address that a text names, alone or with a port, or None.

    An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _networks(what: str, given: Iterable[str]) -> tuple[Network, ...]:
    if isinstance(given, str):
        raise ConfigurationError(f"{what} must be several texts, not one: [{given!r}]")
    try:
        return tuple(map(ip_network, given))
    except ValueError as error:
        raise ConfigurationError(f"{what}: {error}") from None
