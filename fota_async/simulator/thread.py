"""The simulator in a thread of its own: for callers in any event loop, or in none."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial, wraps
from inspect import getattr_static, iscoroutinefunction
from types import TracebackType
from typing import Any, Self

import anyio.to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from fota_async.simulator.simulator import Simulator


class SimulatorThread(Simulator):
    """A simulator that serves from a thread of its own.

    For a blocking client, another process, or any event loop. It takes what `Simulator` takes,
    and can be asked and told what a `Simulator` can, from any thread. `start` and `stop` may be
    awaited in between, for an outage.

    >>> import json
    >>> import urllib.request
    >>> with SimulatorThread(rules=Rules(rate=50)) as sim:
    ...     with urllib.request.urlopen(f"{sim.base_url}/__stats") as answer:
    ...         stats = json.load(answer)
    >>> stats["logins"]
    0
    """

    _portal: BlockingPortal | None = None
    _running: ExitStack | None = None
    _thread: int | None = None

    def __enter__(self) -> Self:
        """Begin to listen."""
        if self._running is not None:
            raise RuntimeError("the simulator is running already")
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal("asyncio"))
            portal.call(super().start)
            stack.callback(portal.call, super().stop)
            self._thread = portal.call(threading.get_ident)
            self._portal = portal
            self._running = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the socket and end the thread; state is kept."""
        running, self._running, self._portal = self._running, None, None
        if running is not None:
            running.close()

    async def start(self) -> None:
        """Begin to listen."""
        await anyio.to_thread.run_sync(self.__enter__)

    async def stop(self) -> None:
        """Close the socket and whatever still hangs on it; state is kept."""
        await anyio.to_thread.run_sync(self.__exit__, None, None, None)

    def _there(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        portal = self._portal
        if portal is None or threading.get_ident() == self._thread:
            return function(self, *args, **options)
        return portal.call(partial(function, self, *args, **options))


def _carried_out_there(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def carry_out(self: SimulatorThread, *args: Any, **options: Any) -> Any:
        return self._there(function, *args, **options)

    return carry_out


# Whatever the simulator can be asked, what is still to come included: its state must not change
# under the hands of who looks at it.
for _name in dir(Simulator):
    _member = getattr_static(Simulator, _name)
    if _name.startswith("_") or iscoroutinefunction(_member):
        continue
    if isinstance(_member, property):
        _set = _member.fset and _carried_out_there(_member.fset)
        _member = property(_member.fget and _carried_out_there(_member.fget), _set)
        setattr(SimulatorThread, _name, _member)
    elif callable(_member):
        setattr(SimulatorThread, _name, _carried_out_there(_member))
