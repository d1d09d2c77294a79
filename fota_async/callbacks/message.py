"""The body of a message: strict JSON in, the text to store out. No I/O, no clock."""

import hmac
import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from math import isfinite
from typing import Any, NoReturn

import attrs

from fota_async.errors import ConfigurationError
from fota_async.wire.convert import fold_names, spellings_of

REPLACED = "***"
_CREDENTIALS = spellings_of({"username": ["username"], "password": ["password"]})
_BOM = b"\xef\xbb\xbf"


class UnreadableError(ValueError):
    """A body is no message. The text says why, and holds nothing of the body."""


def _is_text(_: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"the callback credentials lack a {attribute.name}")


@attrs.frozen(repr=False)
class CallbackCredentials:
    """What a v1 listener was registered with, and what every v1 message then brings.

    A weak secret: the service sends it in clear text inside the body. Choose one that opens
    nothing else.

    >>> CallbackCredentials("listener", "opens-nothing-else")
    CallbackCredentials(***)

    Args:
        username: User name of the registration.
        password: Password of the registration.

    Raises:
        ConfigurationError: One of them is empty or no text.
    """

    username: str = attrs.field(validator=_is_text)
    password: str = attrs.field(validator=_is_text)

    def __repr__(self) -> str:
        return "CallbackCredentials(***)"

    def are_in(self, raw: Mapping[str, Any]) -> bool:
        """Whether a message brings them; takes as long whatever it brings.

        Args:
            raw: The message.
        """
        given = fold_names(raw, _CREDENTIALS)
        # Not `and`: the second is compared even if the first is wrong.
        return bool(
            _same(given.get("username"), self.username)
            & _same(given.get("password"), self.password)
        )


def _same(given: object, expected: str) -> bool:
    text = given if isinstance(given, str) else ""
    # Of digests, since a comparison of texts would take longer for those of the right length.
    return hmac.compare_digest(_digest(text), _digest(expected))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def read_body(body: bytes, max_depth: int) -> dict[str, Any]:
    """Return the object that a body holds.

    Args:
        body: Bytes of a request.
        max_depth: How deep objects and lists may stand in one another, the outermost included.

    Raises:
        UnreadableError: It is not UTF-8 or not JSON, no object, nested too deeply, names a member
            twice, or holds NaN or another number that JSON or a double cannot hold.
    """
    try:
        raw = json.loads(
            body.removeprefix(_BOM).decode(),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_float,
        )
    except UnicodeDecodeError:
        raise UnreadableError("not UTF-8") from None
    except RecursionError:
        raise UnreadableError("nested too deeply") from None
    except UnreadableError:
        raise
    except ValueError:
        raise UnreadableError("not JSON") from None
    if not isinstance(raw, dict):
        raise UnreadableError("not a JSON object")
    if any(depth > max_depth for depth, _ in _containers(raw)):
        raise UnreadableError("nested too deeply")
    return raw


def without_credentials(raw: dict[str, Any]) -> dict[str, Any]:
    """Replace what every `username` and `password` holds, at any depth; return `raw` itself.

    Whether the receiver knows credentials or not: they are somebody's. Nothing is replaced in a
    message without them.
    """
    for _, container in _containers(raw):
        if isinstance(container, dict):
            for name in container:
                if name.lower() in _CREDENTIALS:
                    container[name] = REPLACED
    return raw


def canonical(raw: Mapping[str, Any]) -> str:
    """Return the text to store: ASCII, the same for all messages that say the same."""
    return json.dumps(raw, sort_keys=True, separators=(",", ":"))


def digest_of(version: str, text: str) -> bytes:
    """Return what tells messages apart, and whether a stored one is whole."""
    return blake2b(f"{version} {text}".encode(), digest_size=16).digest()


def _containers(outermost: Any) -> Iterator[tuple[int, Any]]:
    """Yield every object and list, with its depth, without recursion."""
    waiting = [(1, outermost)]
    while waiting:
        depth, container = waiting.pop()
        yield depth, container
        values = container.values() if isinstance(container, dict) else container
        waiting += [(depth + 1, value) for value in values if isinstance(value, dict | list)]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError("a member is there twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise UnreadableError("a number that JSON does not have")


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise UnreadableError("a number that no double holds")
    return number
