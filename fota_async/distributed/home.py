"""The session managers on whose behalf tries are made, as the workers know them."""

from collections.abc import Callable, Mapping
from itertools import count
from ssl import SSLContext
from typing import Any
from weakref import WeakKeyDictionary

import attrs
from yarl import URL

from fota_async.credentials import Tokens
from fota_async.errors import ConfigurationError
from fota_async.executor import TryHome
from fota_async.options import WireOptions


@attrs.define(eq=False)
class Home:
    """A session manager.

    Attributes:
        number: What workers call it.
        options: How they make its tries.
        longest_try: Seconds that a try takes at the most, as the workers say.
    """

    number: int
    options: Mapping[str, Any] = attrs.field(repr=False)
    longest_try: float = 0.0
    _generations: dict[Tokens, int] = attrs.field(factory=dict, repr=False)

    def generation_of(self, tokens: Tokens) -> int:
        """Return the number of these tokens; a provider need not count its own."""
        if tokens not in self._generations:
            last = max(self._generations.values(), default=0)
            for old in list(self._generations)[:-1]:
                del self._generations[old]
            self._generations[tokens] = last + 1
        return self._generations[tokens]


class Homes:
    """All those of one executor.

    Args:
        on_worker: Returns what of their options is different on a worker; None for nothing.
    """

    def __init__(self, on_worker: Callable[[], WireOptions] | None) -> None:
        self._on_worker = on_worker
        self._known: WeakKeyDictionary[TryHome, Home] = WeakKeyDictionary()
        self._numbers = count(1)

    def of(self, session: TryHome) -> Home:
        """Return a session manager as the workers know it.

        Raises:
            ConfigurationError: An option of it cannot, or must not, be sent to them.
        """
        if session not in self._known:
            self._known[session] = Home(next(self._numbers), self._options_of(session))
        return self._known[session]

    def _options_of(self, session: TryHome) -> Mapping[str, Any]:
        options = dict(session.wire_options)
        proxy = options["proxy"]
        has_password = bool(proxy and URL(proxy).user)
        own = {"ssl": isinstance(options["ssl"], SSLContext), "proxy": has_password}
        for name in [name for name, is_own in own.items() if is_own]:
            if self._on_worker is None:
                raise ConfigurationError(
                    f"the client's {name} is not sent to workers; have "
                    "`DaskExecutor(on_worker=...)` return what they use instead"
                )
            del options[name]
        return options
