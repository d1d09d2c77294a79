"""Metrics for Prometheus, made of events."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fota_async.errors import ConfigurationError
from fota_async.events import (
    BatchEvent,
    Event,
    LimitEvent,
    PauseEvent,
    ProgressEvent,
    RequestEvent,
    RetryEvent,
    RunEndedEvent,
    RunStartedEvent,
    TokenEvent,
)
from fota_async.observe.packages import needed

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_STATES = ("succeeded", "failed", "pending", "invalid", "unknown", "unsent")
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class PrometheusMetrics:
    """A hook that counts for Prometheus. Needs the extra `metrics`.

    | metric | labels |
    | --- | --- |
    | `fota_requests_total` | `method`, `route`, `status` (`2xx`, or `none`), `error` |
    | `fota_request_duration_seconds`, a histogram | `method`, `route` |
    | `fota_retries_total` | `method`, `route` |
    | `fota_tokens_total` | `kind`, `action` |
    | `fota_pauses_total`, `fota_pause_seconds_total` | |
    | `fota_requests_in_flight_limit`, `fota_requests_per_second_limit` | `account`, if asked for |
    | `fota_batches_total` | `operation`, `outcome` |
    | `fota_devices_total` | `operation`, `state` |
    | `fota_runs_total` | `operation`, `end`: `done`, `error` or the cause of a `RunStopped` |
    | `fota_active_runs` | `operation` |

    A `route` is a template and holds no id; `error` is the name of an error of `fota_async`,
    `CancelledError`, or empty. Devices are counted as outcomes come in, pending ones at the end of
    their run; those that an earlier start of a journal decided count again. Without the label
    `account` the limits are sums over all accounts, a rate that no throttling has set yet being
    `+Inf`. One hook may serve several clients. What shows the registry is up to you, for instance
    `prometheus_client.start_http_server(9000)`.

    >>> from prometheus_client import CollectorRegistry
    >>> registry = CollectorRegistry()
    >>> hook = PrometheusMetrics(registry)
    >>> async with FotaClient.from_env(environ=environ, on_event=hook) as client:
    ...     report = await client.v1.upgrades.append_devices(upgrade_id, imeis)
    >>> registry.get_sample_value(
    ...     "fota_devices_total", {"operation": "append", "state": "succeeded"}
    ... )
    3.0

    Args:
        registry: Where the metrics are kept; None for the registry of the process.
        accounts: Whether the limits name the account.

    Raises:
        ConfigurationError: prometheus-client is missing, or the registry has these metrics already.
    """

    def __init__(
        self, registry: "CollectorRegistry | None" = None, *, accounts: bool = False
    ) -> None:
        prometheus = needed("prometheus_client", "metrics")
        registry = prometheus.REGISTRY if registry is None else registry

        def new(kind: str, name: str, about: str, *labels: str, **more: Any) -> Any:
            return getattr(prometheus, kind)(
                f"fota_{name}", about, labels, registry=registry, **more
            )

        limits = ("account",) if accounts else ()
        route = ("method", "route")
        try:
            self._requests = new("Counter", "requests", "Requests.", *route, "status", "error")
            self._seconds = new(
                "Histogram",
                "request_duration_seconds",
                "Seconds from a request to its answer.",
                *route,
                buckets=_SECONDS,
            )
            self._retries = new("Counter", "retries", "Requests tried again.", *route)
            self._tokens = new("Counter", "tokens", "What happened to tokens.", "kind", "action")
            self._pauses = new("Counter", "pauses", "Pauses that the API asked for.")
            self._paused = new("Counter", "pause_seconds", "Their seconds.")
            self._limit = new(
                "Gauge", "requests_in_flight_limit", "Requests allowed at once.", *limits
            )
            self._rate = new(
                "Gauge", "requests_per_second_limit", "Requests allowed a second.", *limits
            )
            self._batches = new(
                "Counter", "batches", "What was decided about batches.", "operation", "outcome"
            )
            self._devices = new(
                "Counter", "devices", "Devices with an outcome.", "operation", "state"
            )
            self._runs = new("Counter", "runs", "Runs that ended.", "operation", "end")
            self._active = new("Gauge", "active_runs", "Runs under way.", "operation")
        except ValueError as error:
            raise ConfigurationError(
                f"one PrometheusMetrics for each registry, shared by all clients: {error}"
            ) from error
        self._accounts = accounts
        self._limits: dict[str, tuple[float, float]] = {}
        self._counted: dict[int | None, dict[str, int]] = {}
        self._hear: dict[type[Event], Callable[[Any], None]] = {
            RequestEvent: self._request,
            RetryEvent: self._retry,
            TokenEvent: self._token,
            PauseEvent: self._pause,
            LimitEvent: self._limited,
            BatchEvent: self._batch,
            ProgressEvent: self._progress,
            RunStartedEvent: self._run_started,
            RunEndedEvent: self._run_ended,
        }

    def __call__(self, event: Event) -> None:
        """Count an event."""
        hear = self._hear.get(type(event))
        if hear is not None:
            hear(event)

    def _request(self, event: RequestEvent) -> None:
        method, _, route = event.route.partition(" ")
        status = "none" if event.status is None else f"{event.status // 100}xx"
        self._requests.labels(method, route, status, event.error or "").inc()
        self._seconds.labels(method, route).observe(event.seconds)

    def _retry(self, event: RetryEvent) -> None:
        method, _, route = event.route.partition(" ")
        self._retries.labels(method, route).inc()

    def _token(self, event: TokenEvent) -> None:
        self._tokens.labels(event.kind, event.action).inc()

    def _pause(self, event: PauseEvent) -> None:
        self._pauses.inc()
        self._paused.inc(event.seconds)

    def _limited(self, event: LimitEvent) -> None:
        now = event.limit, math.inf if event.rate is None else event.rate
        if self._accounts:
            gauges = self._limit.labels(event.account), self._rate.labels(event.account)
        else:
            gauges = self._limit, self._rate
            self._limits[event.account] = now
            limits, rates = zip(*self._limits.values(), strict=True)
            now = sum(limits), sum(rates)
        for gauge, value in zip(gauges, now, strict=True):
            gauge.set(value)

    def _batch(self, event: BatchEvent) -> None:
        self._batches.labels(event.operation, event.outcome).inc()

    def _progress(self, event: ProgressEvent) -> None:
        counted = self._counted.setdefault(event.run, dict.fromkeys(_STATES, 0))
        for state in _STATES:
            count: int = getattr(event, state)
            # Pending devices become others while the run waits for them; no counter goes back.
            if count > counted[state] and (event.finished or state != "pending"):
                self._devices.labels(event.operation, state).inc(count - counted[state])
                counted[state] = count
        if event.finished:
            del self._counted[event.run]

    def _run_started(self, event: RunStartedEvent) -> None:
        self._active.labels(event.operation).inc()

    def _run_ended(self, event: RunEndedEvent) -> None:
        self._counted.pop(event.run, None)
        self._active.labels(event.operation).dec()
        end = event.stopped or ("error" if event.error else "done")
        self._runs.labels(event.operation, end).inc()
