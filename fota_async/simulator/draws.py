"""Chance that can be repeated: hashes in place of a random generator.

A generator hands out its numbers in the order of asking, and concurrent
requests ask in no fixed order. A hash of what is decided about depends on
nothing else, so one seed means one course of events.
"""

from collections import Counter
from hashlib import blake2b

import attrs


def share(seed: int, *parts: str | int) -> float:
    """Return a number from 0 up to, never reaching, 1 that only the arguments decide.

    Args:
        seed: What the whole course of events hangs on.
        parts: What this one decision is about.

    """
    text = "\0".join(map(str, (seed, *parts)))
    # Six bytes: the quotient stays exact, so it cannot round up to 1.0.
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


@attrs.frozen
class Draw:
    """What chance decides about one request."""

    seed: int
    request: str
    seen: int

    def share(self, *about: str | int) -> float:
        """Return this request's number for the decision `about`, as `share` does."""
        return share(self.seed, *about, self.request, self.seen)


class Draws:
    """Counts how often each request was seen, so that its repetition draws anew."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def draw(self, seed: int, route: str, path: str, body: bytes) -> Draw:
        """Return the draw of a request that is route, path and body, and count it."""
        request = blake2b(b"\0".join((route.encode(), path.encode(), body)), digest_size=16)
        name = request.hexdigest()
        seen = self._seen[name]
        self._seen[name] += 1
        return Draw(seed=seed, request=name, seen=seen)
