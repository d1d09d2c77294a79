"""Pages: what an answer says of its place in a long list, and where the next page begins."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

FIRST = "0"
"""Where every list begins (wire contract, "Pagination")."""


class Page(ABC, Generic[T_co]):
    """A part of a long list.

    Attributes:
        by_number: Whether a position is the number of items before it, so that the next one is
            known even where an answer does not name it.
    """

    __slots__ = ()

    by_number: ClassVar[bool] = False

    @property
    @abstractmethod
    def items(self) -> tuple[T_co, ...]:
        """What the list has on this page."""

    @property
    @abstractmethod
    def more(self) -> bool | None:
        """Whether the API says that more follows; no word means no."""

    @property
    def cursor(self) -> str | None:
        """Where the next page begins, if the answer says so."""
        return None


class Positions:
    """Goes through the positions of a list, and never in a circle.

    Attributes:
        here: Position of the page to ask for.
    """

    def __init__(self) -> None:
        self.here = FIRST
        self._seen = {FIRST}

    def advance(self, page: Page[object]) -> bool:
        """Move on to what follows `page`; return whether anything does.

        Raises:
            ValueError: The answer says that more follows, and not where, or nowhere new.
        """
        if not page.more:
            return False
        if not page.items:
            raise ValueError("it says that more follows a page without items")
        following = page.cursor
        if not following:
            if not (page.by_number and self.here.isdigit()):
                raise ValueError("it says that more follows, and not where")
            following = str(int(self.here) + len(page.items))
        if following in self._seen:
            raise ValueError(f"it says that more follows at {following}, which was read before")
        self._seen.add(following)
        self.here = following
        return True
