"""What can go wrong on the way, and how often."""

from typing import Any

import attrs

from fota_async.simulator.limits import not_negative, probability
from fota_async.simulator.routes import ROUTES


def _chance() -> float:
    return attrs.field(default=0.0, validator=probability)


def _seconds(default: float) -> float:
    return attrs.field(default=default, validator=not_negative)


def _ordered(
    _faults: object,
    field: "attrs.Attribute[Any]",
    value: float | tuple[float, float],
) -> None:
    low, high = value if isinstance(value, tuple) else (value, value)
    if not 0 <= low <= high:
        raise ValueError(f"{field.name} needs 0 <= low <= high seconds, got {value!r}")


def _fota_routes(_faults: object, _field: object, names: frozenset[str] | None) -> None:
    unknown = set(names or ()) - {route.name for route in ROUTES if route.is_fota}
    if unknown:
        raise ValueError(f"only takes FOTA routes of the simulator, not {sorted(unknown)}")


@attrs.frozen(kw_only=True)
class Faults:
    """Trouble on the FOTA routes; tokens and logins are spared.

    Unless said otherwise a value is the probability, 0 to 1, that a request meets
    the fault. Each is drawn from a hash of the seed, the fault's name, the request
    (route, path, body) and how often this very request was let through before; never
    from the order of arrival. A request meets one drawn fault at most: the
    first, in the order below, that its draw names.

    >>> simulator.faults = Faults(drop_after=1.0, only=frozenset({"v1_modify_upgrade"}))
    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, ["356938035643809"])
    >>> [(outcome.state.value, outcome.settled) for outcome in report]
    [('succeeded', True)]
    >>> {request.fault for request in simulator.requests if request.fault}
    {'drop_after'}

    Args:
        seed: What all draws hang on.
        only: Names of the routes that may meet a drawn fault or latency; None for
            every FOTA route.
        latency: Seconds before the server acts, for every request; a pair is a range
            to draw from.
        error_before: A 5xx answer; nothing was applied.
        drop_before: The connection closes without an answer; nothing was applied.
        hang_before: No answer ever; nothing was applied.
        throttle: 429 with gateway fault 900800; nothing was applied.
        throttle_seconds: `Retry-After` of those answers.
        expire_token: The bearer ends with this request: answered as expired, nothing applied.
        expire_session: The session ends with this request: likewise.
        redirect: 302 to another host; nothing was applied.
        error_after: A 5xx answer, though the request was applied.
        drop_after: The connection closes without an answer; the request was applied.
        hang_after: No answer ever; the request was applied.
        torn_body: The connection closes in the middle of the body. Applied, as all below.
        html_body: The body is a page of HTML.
        empty_body: There is no body.
        half_json: The HTTP answer is complete, its JSON is cut short.
        wrong_shape: The body is a JSON list where an object belongs.
        null_list: The list of devices is null.
        missing_items: Some devices are left out of the answer.
        odd_status: Some devices have a status word that nobody knows.
        read_lag: `v1_get_upgrade`, the campaign devices reports, the status of licences
            and the cancellation candidates show the devices as they were so many seconds
            ago. Not a draw; `only` does not touch it. Changes made before the lag was set
            show at once.
        late_write: Probability that a call that changes a list of devices, and met
            `drop_before` or `hang_before`, is applied after all, later.
        late_write_seconds: How much later.
        callback_drop: Probability that a callback message is never sent. Drawn from a hash
            of the message; `only` does not touch it, as with the two below.
        callback_repeat: Probability that it is sent twice.
        callback_delay: Seconds until it is sent; a range to draw from, so that messages
            overtake each other.
    """

    seed: int = 0
    only: frozenset[str] | None = attrs.field(default=None, validator=_fota_routes)
    latency: float | tuple[float, float] = attrs.field(default=0.0, validator=_ordered)
    error_before: float = _chance()
    drop_before: float = _chance()
    hang_before: float = _chance()
    throttle: float = _chance()
    throttle_seconds: float = _seconds(1.0)
    expire_token: float = _chance()
    expire_session: float = _chance()
    redirect: float = _chance()
    error_after: float = _chance()
    drop_after: float = _chance()
    hang_after: float = _chance()
    torn_body: float = _chance()
    html_body: float = _chance()
    empty_body: float = _chance()
    half_json: float = _chance()
    wrong_shape: float = _chance()
    null_list: float = _chance()
    missing_items: float = _chance()
    odd_status: float = _chance()
    read_lag: float = _seconds(0.0)
    late_write: float = _chance()
    late_write_seconds: float = _seconds(1.0)
    callback_drop: float = _chance()
    callback_repeat: float = _chance()
    callback_delay: tuple[float, float] = attrs.field(default=(0.0, 0.0), validator=_ordered)

    def reach(self, route: str) -> bool:
        """Return whether requests of the route called `route` may meet a fault."""
        return self.only is None or route in self.only
