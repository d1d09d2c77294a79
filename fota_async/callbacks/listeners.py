"""Who wants to be told, within this process, that a message about a target was stored."""

from collections.abc import Callable
from typing import TypeAlias

from fota_async.callbacks.events import CallbackEvent
from fota_async.events import logger

Tell: TypeAlias = Callable[[CallbackEvent], object]


class Listeners:
    """Those who wait for news of upgrades and campaigns."""

    def __init__(self) -> None:
        self._by_target: dict[str, dict[object, Tell]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_target)

    def add(self, target_id: str, tell: Tell) -> Callable[[], None]:
        """Tell somebody of a target from now on; return what ends it."""
        key, mine = target_id.lower(), object()
        self._by_target.setdefault(key, {})[mine] = tell

        def remove() -> None:
            telling = self._by_target.get(key, {})
            telling.pop(mine, None)
            if not telling:
                self._by_target.pop(key, None)

        return remove

    def tell(self, event: CallbackEvent, text: str) -> None:
        """Tell all who wait for news of what an event is about.

        Args:
            event: What came.
            text: All of it. Where a message of a type that nobody documents has its id is not
                known, but it will be somewhere.
        """
        if event.target_id is not None:
            targets = [event.target_id.lower()]
        else:
            text = text.lower()
            targets = [key for key in self._by_target if key in text]
        for tell in [one for key in targets for one in self._by_target.get(key, {}).values()]:
            try:
                tell(event)
            except Exception:  # noqa: BLE001 - it is not ours
                # The message is stored: whoever was to be told has other ways to learn of it.
                logger.exception("whoever waits for %r could not be told", event.target_id)
