"""The limits of a receiver."""

from typing import Any

import attrs

from fota_async.errors import ConfigurationError


def _above(least: float) -> Any:
    def check(_: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Not `<`, which is false of NaN, too.
        if (
            not is_number
            or not value >= least
            or (attribute.type is int and not isinstance(value, int))
        ):
            kind = "a whole number" if attribute.type is int else "a number"
            raise ConfigurationError(
                f"{attribute.name} must be {kind} from {least:g}, not {value!r}"
            )

    return check


@attrs.frozen(kw_only=True)
class ReceiverOptions:
    """The limits of a receiver. The vendor documents none of them; they are our choices.

    >>> options = ReceiverOptions(max_bytes=64 * 1024, tries=5, keep_handled=10_000)
    >>> receiver = CallbackReceiver("events.db", options=options)

    Attributes:
        max_bytes: The largest message, after decompression.
        max_seconds: How long the body of a message may take to arrive.
        max_depth: How deep objects and lists may stand in one another.
        max_store_bytes: How large the store may grow; beyond that messages are turned away with
            503. Its log comes on top, 16 MB and at times more.
        keep_handled: How many handled messages the store remembers, the latest ones. A message is
            a `repeat` of what it remembers.
        concurrency: How many handlers run at once.
        tries: How often a message is handled in vain before it is dead.
        backoff: Seconds that a message waits at most after its first failure; they double each
            time.
        max_backoff: Seconds that it waits at most after any failure.
        handler_seconds: How long an async handler may take; it is cancelled then, and has failed. A
            function that is not async cannot be ended, and the process does not exit before it.
        grace: Seconds that running handlers get when the receiver closes.
    """

    max_bytes: int = attrs.field(default=1024**2, validator=_above(1))
    max_seconds: float = attrs.field(default=10.0, validator=_above(0.001))
    max_depth: int = attrs.field(default=32, validator=_above(1))
    max_store_bytes: int = attrs.field(default=1024**3, validator=_above(65536))
    keep_handled: int = attrs.field(default=100_000, validator=_above(0))
    concurrency: int = attrs.field(default=8, validator=_above(1))
    tries: int = attrs.field(default=12, validator=_above(1))
    backoff: float = attrs.field(default=1.0, validator=_above(0))
    max_backoff: float = attrs.field(default=600.0, validator=_above(0))
    handler_seconds: float = attrs.field(default=300.0, validator=_above(0.001))
    grace: float = attrs.field(default=10.0, validator=_above(0))
