"""Traces for OpenTelemetry, made of events."""

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fota_async._version import __version__
from fota_async.events import (
    Event,
    ProgressEvent,
    RequestEvent,
    RunEndedEvent,
    RunStartedEvent,
)
from fota_async.observe.packages import needed

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

_COUNTS = (
    *("inputs", "succeeded", "failed", "pending", "invalid", "unknown", "unsent", "duplicates"),
    *("requests", "retries"),
)


class OpenTelemetryTracing:
    """A hook that makes a span of each run and of each try of a request. Needs the extra `otel`.

    A run's span has the name of its operation, and in the end the counts of its report
    (`fota.succeeded` and so on) and, if it ended early, the cause (`fota.stopped`). A try's span
    follows the semantic conventions for HTTP clients; its name and `url.template` are the route,
    never the address, which holds ids. Tries of a run are its children; it is itself a child of the
    span that was current when it was started, and so is the try of a single call. Tokens that are
    fetched belong to whoever needed them first. One hook may serve several clients.

    >>> from opentelemetry.sdk.trace import TracerProvider
    >>> from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    >>> from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    >>> spans, provider = InMemorySpanExporter(), TracerProvider()
    >>> provider.add_span_processor(SimpleSpanProcessor(spans))
    >>> hook = OpenTelemetryTracing(provider)
    >>> async with FotaClient.from_env(environ=environ, on_event=hook) as client:
    ...     report = await client.v1.upgrades.append_devices(upgrade_id, imeis)
    >>> [span.name for span in spans.get_finished_spans()][-2:]
    ['PUT /api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}', 'append']

    Args:
        tracer_provider: Where spans go; None for the provider of the process.

    Raises:
        ConfigurationError: opentelemetry-api is missing.
    """

    def __init__(self, tracer_provider: "TracerProvider | None" = None) -> None:
        self._trace = needed("opentelemetry.trace", "otel")
        self._tracer = self._trace.get_tracer("fota_async", __version__, tracer_provider)
        self._runs: dict[int | None, Span] = {}

    def __call__(self, event: Event) -> None:
        """Begin, fill or end a span."""
        match event:
            case RequestEvent():
                self._request(event)
            case RunStartedEvent():
                self._runs[event.run] = self._tracer.start_span(
                    event.operation, context=self._within(event.parent)
                )
            case ProgressEvent(finished=True) if event.run in self._runs:
                counts = {f"fota.{name}": getattr(event, name) for name in _COUNTS}
                self._runs[event.run].set_attributes(counts)
            case RunEndedEvent() if event.run in self._runs:
                self._end_run(event, self._runs.pop(event.run))

    def _request(self, event: RequestEvent) -> None:
        method, _, template = event.route.partition(" ")
        host, port = _address(event.server)
        attributes = {
            "http.request.method": method,
            "url.template": template,
            "server.address": host,
            "server.port": port,
        }
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        if event.resends:
            attributes["http.request.resend_count"] = event.resends
        if event.error:
            attributes["error.type"] = event.error
        span = self._tracer.start_span(
            event.route,
            context=self._within(event.run),
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes,
            start_time=round(event.started * 1e9),
        )
        if event.error:
            self._fail(span)
        span.end()

    def _end_run(self, event: RunEndedEvent, span: "Span") -> None:
        if event.stopped:
            span.set_attribute("fota.stopped", event.stopped)
        if why := event.error or event.stopped:
            span.set_attribute("error.type", why)
            self._fail(span)
        span.end()

    def _within(self, run: int | None) -> "Context | None":
        span = self._runs.get(run)
        return None if span is None else self._trace.set_span_in_context(span)

    def _fail(self, span: "Span") -> None:
        span.set_status(self._trace.StatusCode.ERROR)


@lru_cache
def _address(server: str) -> tuple[str, int]:
    parts = urlsplit(server)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
