"""A list that the API hands out in pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

from fota_async.errors import DecodeError
from fota_async.wire.paging import FIRST, Page, Positions

T = TypeVar("T")
P_co = TypeVar("P_co", bound=Page[Any], covariant=True)


class Pages(Generic[P_co]):
    """A long list: iterate over its items, over its pages, or await its first page.

    Nothing is sent before that, and each time begins anew. What is read while the list changes may
    miss items or show some twice.

    >>> async for device in fota.v3.devices.list():
    ...     print(device.device_id, device.model)
    356938035643809 BG96
    356938035643817 BG96
    356938035643825 BG96
    >>> page = await fota.v3.devices.list()
    >>> len(page.items), page.more
    (3, False)

    Raises:
        CallError: A page could not be read; `DecodeError` also where an answer says that more
            follows, and names no place that was not read before.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[P_co]], route: str) -> None:
        self._fetch = fetch
        self._route = route

    def __await__(self) -> Generator[Any, Any, P_co]:
        return self._fetch(FIRST).__await__()

    async def pages(self) -> AsyncIterator[P_co]:
        """Iterate over the pages, each with its items and with what else the answer holds.

        Raises:
            CallError: A page could not be read.
            DecodeError: It says that more follows, and names no place that was not read before.
        """
        positions = Positions()
        more = True
        while more:
            page = await self._fetch(positions.here)
            yield page
            try:
                more = positions.advance(page)
            except ValueError as error:
                raise DecodeError(f"the answer is no page: {error}", route=self._route) from None

    async def __aiter__(self: "Pages[Page[T]]") -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    def __repr__(self) -> str:
        return f"<Pages of {self._route}>"
