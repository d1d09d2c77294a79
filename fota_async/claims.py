"""Which operations are under way on which targets: two opposite ones must not be."""

from collections.abc import Callable

from fota_async.errors import MisuseError


class Claims:
    """What the runs of a session manager have reserved."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], list[str]] = {}

    def claim(self, target: tuple[str, str], operation: str, *, alone: bool) -> Callable[[], None]:
        """Reserve a target for an operation; return what gives it up.

        Args:
            target: Billing account, and what is changed.
            operation: One word; several runs of the same one may go on at once.
            alone: Whether they may not.

        Raises:
            MisuseError: A run of another operation is under way on it, or of the same one and it
                must be alone.
        """
        holders = self._holders.setdefault(target, [])
        if holders and (alone or holders[0] != operation):
            raise MisuseError(
                f"a run of {holders[0]} is under way on {target[1]}; wait for its end before "
                f"{operation}, or their outcomes would depend on chance"
            )
        holders.append(operation)

        def release() -> None:
            holders.remove(operation)
            if not holders:
                self._holders.pop(target, None)

        return release
