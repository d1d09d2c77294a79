"""How fast a run goes just now, and how long it still takes; durations in words."""

from collections import deque

_WINDOW = 30.0
_APART = 0.5
_SHORTEST = 5.0
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Pace:
    """The rate of the last half minute, not the mean of the whole run.

    All moments are of the same clock, in seconds.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque()
        self._done = 0

    def note(self, moment: float, done: int) -> None:
        """Note how many are done at a moment."""
        notes = self._notes
        self._done = done
        # Far enough apart to be few, however often something is done.
        if not notes or moment - notes[-1][0] >= _APART:
            notes.append((moment, done))
        self._forget(moment)

    def rate(self, moment: float) -> float | None:
        """Return how many are done in a second; None while nobody can tell."""
        self._forget(moment)
        if not self._notes:
            return None
        began, before = self._notes[0]
        span = moment - began
        return (self._done - before) / span if span > _APART else None

    def left(self, moment: float, remaining: int) -> float | None:
        """Return the seconds that so many take at this rate; None while nobody can tell."""
        rate = self.rate(moment)
        if not rate or moment - self._notes[0][0] < _SHORTEST:
            return None
        return remaining / rate

    def _forget(self, moment: float) -> None:
        # The newest note that is older than the window stays: what came since is counted from it.
        while len(self._notes) > 1 and self._notes[1][0] <= moment - _WINDOW:
            self._notes.popleft()


def duration(seconds: float) -> str:
    """Return a duration in words, as exact as a person wants it."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 100 * _MINUTE:
        return f"{whole / _MINUTE:.0f} min"
    if whole < 2 * _DAY:
        hours, rest = divmod(whole, _HOUR)
        return f"{hours} h {rest // _MINUTE} min"
    return f"{whole / _DAY:.0f} days"
