"""A session manager on whose behalf workers make tries."""

from collections.abc import Mapping
from ssl import SSLContext
from typing import Any

import attrs
from yarl import URL

from fota_async.credentials import Tokens
from fota_async.errors import ConfigurationError
from fota_async.executor import TryHome


@attrs.define(eq=False)
class Home:
    """A session manager, as the workers know it.

    Attributes:
        number: Its own.
        options: How workers make its tries.
        generations: Numbers of its tokens.
        longest_try: Seconds that a try takes at the most, as the workers say.
    """

    number: int
    options: Mapping[str, Any] = attrs.field(repr=False)
    generations: dict[Tokens, int] = attrs.field(factory=dict, repr=False)
    longest_try: float = 0.0

    def generation_of(self, tokens: Tokens) -> int:
        """Return the number of these tokens; a provider need not count its own."""
        if tokens not in self.generations:
            last = max(self.generations.values(), default=0)
            for old in list(self.generations)[:-1]:
                del self.generations[old]
            self.generations[tokens] = last + 1
        return self.generations[tokens]


def options_of(home: TryHome, on_worker: object) -> Mapping[str, Any]:
    """Return how workers make tries.

    Raises:
        ConfigurationError: Something of it cannot, or must not, be sent to them.
    """
    options = dict(home.wire_options)
    proxy = options["proxy"]
    own = {"ssl": isinstance(options["ssl"], SSLContext), "proxy": bool(proxy and URL(proxy).user)}
    for name in [name for name, is_own in own.items() if is_own]:
        if on_worker is None:
            raise ConfigurationError(
                f"the client's {name} is not sent to workers; have `DaskExecutor(on_worker=...)` "
                "return what they use instead"
            )
        del options[name]
    return options
