"""Whose messages are taken: addresses, proxies, and what callers say of themselves."""

from typing import Any

import pytest

from fota_async import ConfigurationError
from fota_async.callbacks import VENDOR_ADDRESSES
from fota_async.callbacks.callers import Callers, address_of

VENDOR = VENDOR_ADDRESSES[0]


def may(callers: Callers, peer: str, *forwarded_for: str) -> bool:
    return callers.may_send(callers.caller(peer, forwarded_for))


def test_the_vendors_addresses_are_allowed_and_nobody_else() -> None:
    callers = Callers()

    assert len(VENDOR_ADDRESSES) == 8
    for address in VENDOR_ADDRESSES:
        assert may(callers, address)
        assert may(callers, f"::ffff:{address}")
    for address in ("127.0.0.1", "::1", "8.8.8.8", "3.87.163.46", "::", "", "unix", "3.87.163.45x"):
        assert not may(callers, address)
        assert not callers.may_connect(address)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "allowed"),
    [
        ("10.0.0.1", [VENDOR], True),
        ("::ffff:10.0.0.1", [f"::ffff:{VENDOR}"], True),
        ("10.0.0.1", [f"8.8.8.8, {VENDOR}"], True),
        ("10.0.0.1", [f"{VENDOR}, 8.8.8.8"], False),
        ("10.0.0.1", [VENDOR, "8.8.8.8"], False),
        ("10.0.0.1", ["8.8.8.8", VENDOR], True),
        ("10.0.0.1", [f"{VENDOR}, 10.0.0.9"], True),
        ("10.0.0.1", [f"{VENDOR},8.8.8.8,10.0.0.9"], False),
        ("10.0.0.1", [f"{VENDOR}:4711"], True),
        ("10.0.0.1", [f" {VENDOR} "], True),
        ("10.0.0.1", [f"{VENDOR}, unknown"], False),
        ("10.0.0.1", [f"{VENDOR},"], False),
        ("10.0.0.1", [""], False),
        ("10.0.0.1", ["127.0.0.1"], False),
        ("10.0.0.1", [f"{VENDOR}, 127.0.0.1"], False),
        ("10.0.0.1", ["10.0.0.2"], False),
        ("10.0.0.1", [], False),
        ("8.8.8.8", [VENDOR], False),
        ("127.0.0.1", [VENDOR], False),
        (VENDOR, ["8.8.8.8"], True),
        ("2001:db8::7", [f"[::ffff:{VENDOR}]:443"], True),
        ("2001:db8::7", ["2001:db9::1"], False),
    ],
)
def test_a_proxy_is_believed_and_nobody_else(
    peer: str, forwarded_for: list[str], allowed: bool
) -> None:
    callers = Callers(trusted_proxies=["10.0.0.0/24", "2001:db8::/64"])

    assert may(callers, peer, *forwarded_for) is allowed


def test_a_proxy_on_this_machine_does_not_make_everybody_this_machine() -> None:
    callers = Callers(allow_loopback=True, trusted_proxies=["127.0.0.1"])

    assert may(callers, "127.0.0.1", VENDOR)
    assert not may(callers, "127.0.0.1", "8.8.8.8")
    assert not may(callers, "127.0.0.1", "127.0.0.1, 8.8.8.8")
    assert may(callers, "127.0.0.1")
    assert may(callers, "::1")
    assert not may(Callers(trusted_proxies=["127.0.0.1"]), "127.0.0.1")
    assert Callers(trusted_proxies=["127.0.0.1"]).may_connect("127.0.0.1")


def test_addresses_and_networks_can_be_replaced() -> None:
    callers = Callers(["35.165.205.14", "192.0.2.0/24", "2001:db8::/32"])

    assert may(callers, "35.165.205.14")
    assert may(callers, "192.0.2.77")
    assert may(callers, "2001:db8:1::1")
    assert not may(callers, VENDOR)
    assert may(Callers(["0.0.0.0/0"]), "8.8.8.8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"allow": ["thingspace.verizon.com"]}, "allow: 'thingspace.verizon.com'"),
        ({"allow": "3.87.163.45"}, "allow must be several texts"),
        ({"allow": ["10.0.0.1/8"]}, "host bits"),
        ({"trusted_proxies": ["10.0.0.0/33"]}, "trusted_proxies"),
        ({"trusted_proxies": ["0.0.0.0/0"]}, "every address"),
        ({"trusted_proxies": ["::/0"]}, "every address"),
    ],
)
def test_what_is_no_address_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Callers(**given)


def test_an_address_is_read_with_and_without_a_port() -> None:
    assert str(address_of("192.0.2.1:80")) == "192.0.2.1"
    assert str(address_of("[2001:db8::1]:80")) == "2001:db8::1"
    assert str(address_of("2001:db8::1")) == "2001:db8::1"
    assert str(address_of("fe80::1%eth0")) == "fe80::1%eth0"
    for text in ("", "unknown", "_hidden", "192.0.2", "192.0.2.1:80:90", "192.0.2.1/24", "1"):
        assert address_of(text) is None
