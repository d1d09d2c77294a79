"""What the wire saw."""

from collections import Counter, defaultdict

import attrs

from fota_async.simulator.exchange import Answer, Call, Delivery


@attrs.frozen(kw_only=True)
class RequestRecord:
    """One request and what it was told.

    >>> for request in simulator.requests:
    ...     print(request.method, request.route, request.status, request.devices)
    POST oauth_create_token 200 0
    POST session_login 200 0
    PUT v1_modify_upgrade 200 3

    Args:
        seq: Its place in the order of arrival, from 0.
        at: When it had arrived, in seconds of the server's clock.
        route: Name of its route, or "unknown".
        method: HTTP verb.
        status: The status it was answered; None if no answer was sent. A torn answer
            has its status.
        devices: Devices it carried, as sent.
        fault: The fault it met, or None.
    """

    seq: int
    at: float
    route: str
    method: str
    status: int | None
    devices: int
    fault: str | None


class RequestLog:
    """Keeps a record of every request."""

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._arrived = 0

    def arrive(self) -> int:
        """Return the number of a request that has just arrived."""
        self._arrived += 1
        return self._arrived - 1

    def add(self, seq: int, at: float, call: Call, answer: Answer, fault: str | None) -> None:
        """Record what a request was told, before the telling."""
        silent = answer.delivery in {Delivery.DROPPED, Delivery.NEVER}
        self._records.append(
            RequestRecord(
                seq=seq,
                at=at,
                route=call.route.name,
                method=call.route.method,
                status=None if silent else answer.status,
                devices=len(call.device_ids),
                fault=fault,
            )
        )

    def records(self) -> list[RequestRecord]:
        """Return all records in the order of arrival."""
        return sorted(self._records, key=lambda record: record.seq)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return, by route, how often each fault or, without one, each status came up."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for record in self._records:
            counts[record.route][record.fault or str(record.status)] += 1
        return {route: dict(outcomes) for route, outcomes in counts.items()}

    def devices_sent(self) -> int:
        """Return how many devices all requests carried."""
        return sum(record.devices for record in self._records)
