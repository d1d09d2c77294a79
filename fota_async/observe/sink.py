"""Where events go: to the logger, and to one hook or several."""

import logging
import re
from typing import Any

import attrs

from fota_async.events import (
    Event,
    EventHook,
    JournalEvent,
    PauseEvent,
    PilotEvent,
    RetryEvent,
    RunEndedEvent,
    RunStartedEvent,
    TokenEvent,
    UnknownMemberEvent,
    WorkersEvent,
    logger,
)

_LEVELS = {
    JournalEvent: logging.INFO,
    PilotEvent: logging.INFO,
    RunStartedEvent: logging.INFO,
    RunEndedEvent: logging.INFO,
    TokenEvent: logging.INFO,
    PauseEvent: logging.WARNING,
    RetryEvent: logging.INFO,
    UnknownMemberEvent: logging.INFO,
    WorkersEvent: logging.WARNING,
}


def event_sink(hook: EventHook | None) -> EventHook:
    """Return the one place events go to: the logger `fota_async`, then `hook`.

    A record has a short text, and as attributes `fota_event`, the kind in a word or two, and each
    member of the event behind `fota_`, for handlers that write them as they are:
    `fota_event="request"`, `fota_status=200`, `fota_seconds=0.034`.

    A hook that raises is logged and never harms the call or run that told it something.
    """

    def tell(event: Event) -> None:
        level = _LEVELS.get(type(event), logging.DEBUG)
        if logger.isEnabledFor(level):
            _log(level, event)
        if hook is not None:
            _hand(hook, event)

    return tell


def is_heard(hook: EventHook | None) -> bool:
    """Whether anyone hears of the events that are told often; else they need not be made."""
    return hook is not None or logger.isEnabledFor(logging.DEBUG)


def fan_out(*hooks: EventHook) -> EventHook:
    """Return a hook that hands every event to each of `hooks`, in this order.

    One that raises is logged, and the others hear of the event all the same.

    >>> heard, kinds = [], set()
    >>> hook = fan_out(heard.append, lambda event: kinds.add(type(event).__name__))
    >>> async with FotaClient.from_env(environ=environ, on_event=hook) as client:
    ...     images = await client.v1.firmware.list()
    >>> len(heard) >= len(kinds), sorted(kinds)
    (True, ['RequestEvent', 'TokenEvent'])
    """

    def tell(event: Event) -> None:
        for hook in hooks:
            _hand(hook, event)

    return tell


def _hand(hook: EventHook, event: Event) -> None:
    try:
        hook(event)
    except Exception:  # noqa: BLE001 - whatever it is, it is the hook's and not the call's
        logger.exception("the on_event hook raised; the event was %s", event)


def _log(level: int, event: Event) -> None:
    kind, members = kind_of(event), attrs.asdict(event)
    said = ", ".join(
        f"{name}={round(value, 3) if isinstance(value, float) else value}"
        for name, value in members.items()
        if value not in {None, ""}
    )
    # Every name has our prefix: LogRecord refuses some, and hosts have a `status` of their own.
    extra: dict[str, Any] = {f"fota_{name}": value for name, value in members.items()}
    logger.log(level, "%s: %s", kind, said, extra={"fota_event": kind, **extra})


def kind_of(event: Event) -> str:
    """Return what an event is about: `run_started` for a `RunStartedEvent`."""
    name = type(event).__name__.removesuffix("Event")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
