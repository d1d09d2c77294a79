"""A token bucket: the rate limit of one account."""

import attrs


@attrs.define
class Bucket:
    """Lets through a burst, then a steady rate."""

    _spent: float = 0.0
    _at: float = 0.0

    def take(self, rate: float, burst: int, now: float) -> bool:
        """Return whether one more request may pass.

        Args:
            rate: Requests a second.
            burst: Requests at once.
            now: Seconds of the server's clock.

        """
        self._spent = max(0.0, self._spent - (now - self._at) * rate)
        self._at = now
        # A hair of slack: the division of time into requests does not come out even.
        if self._spent + 1 > burst + 1e-9:
            return False
        self._spent += 1
        return True
