"""What OpenTelemetry is told: a span of each try below its run, real times, and no id anywhere."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
from batch_helpers import imeis
from helpers import ACCOUNT, UPGRADE, Events, Seen, Stub, drop, in_turn, read, reply, upgrade
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from fota_async import ConfigurationError, FotaClient, RunStopped
from fota_async.clock import ScaledClock
from fota_async.events import RequestEvent
from fota_async.observe import OpenTelemetryTracing, fan_out
from fota_async.simulator import Faults, Rules, Simulator

NewStub = Callable[..., Awaitable[Stub]]
NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]
TROUBLE = Faults(
    seed=5, drop_after=0.1, error_after=0.1, throttle=0.1, torn_body=0.05, expire_token=0.03
)
TEMPLATE = "/api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}"


class Spans:
    """A provider that keeps the spans it is given."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("the host")

    def all(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        return [s for s in self.all() if s.parent and s.parent.span_id == parent.context.span_id]


@pytest.fixture
def spans() -> Spans:
    return Spans()


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


async def test_a_single_call_is_a_span_of_each_try_below_what_is_current(
    new_stub: NewStub, new_client: NewClient, spans: Spans
) -> None:
    before = time.time_ns()
    stub = await new_stub(in_turn(drop, reply(upgrade())))
    client = new_client(stub, on_event=OpenTelemetryTracing(spans.provider))
    with spans.tracer.start_as_current_span("host"):
        await read(client)

    (host,) = spans.named("host")
    lost, answered = spans.named(f"GET {TEMPLATE}")
    assert {span.name for span in spans.below(host)} == {
        "POST /api/ts/v1/oauth2/token",
        "POST /api/m2m/v1/session/login",
        f"GET {TEMPLATE}",
    }
    common = {
        "http.request.method": "GET",
        "url.template": TEMPLATE,
        "server.address": "127.0.0.1",
        "server.port": int(stub.base_url.rpartition(":")[2]),
    }
    assert attributes(lost) == {**common, "error.type": "ConnectionLostError"}
    assert lost.status.status_code is StatusCode.ERROR
    assert attributes(answered) == {
        **common,
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    assert answered.status.status_code is StatusCode.UNSET
    assert lost.kind is answered.kind is SpanKind.CLIENT
    moments = [before, lost.start_time, lost.end_time, answered.start_time, answered.end_time]
    assert moments == sorted(moments)
    assert answered.end_time is not None
    assert answered.end_time <= time.time_ns()


async def test_a_span_lasts_as_long_as_its_try_whatever_the_clock_of_the_client(
    new_stub: NewStub, new_client: NewClient, spans: Spans
) -> None:
    took = 0

    async def slowly(_: Seen) -> bytes:
        nonlocal took
        began = time.time_ns()
        await asyncio.sleep(0.05)
        took = time.time_ns() - began
        return reply(upgrade())

    tracing = OpenTelemetryTracing(spans.provider)
    before = time.time_ns()
    await read(new_client(await new_stub(slowly), clock=ScaledClock(100), on_event=tracing))
    whole = time.time_ns() - before

    (span,) = spans.named(f"GET {TEMPLATE}")
    assert took <= span.end_time - span.start_time <= whole


async def test_every_try_of_concurrent_runs_under_trouble_is_below_its_own_run(
    new_sim: NewSim, new_client: NewClient, spans: Spans
) -> None:
    clock, events = ScaledClock(500), Events()
    sim = await new_sim(faults=TROUBLE, clock=clock)
    hook = fan_out(events, OpenTelemetryTracing(spans.provider))
    client = new_client(sim, clock=clock, on_event=hook)
    lists = [imeis(150, first=1 + 1000 * number) for number in range(3)]

    async def enrol(number: int) -> None:
        with spans.tracer.start_as_current_span(f"host {number}"):
            run = client.v1.upgrades.append_devices(UPGRADE, lists[number], batch_size=10)
            assert (await run).succeeded == 150

    await asyncio.gather(*map(enrol, range(3)))

    tries = [span for span in spans.all() if span.kind is SpanKind.CLIENT]
    assert len(tries) == len(events.of(RequestEvent))
    runs = spans.named("append")
    assert len(runs) == 3
    below = [spans.below(run) for run in runs]
    assert sum(map(len, below)) == len(tries)
    for number in range(3):
        (host,) = spans.named(f"host {number}")
        assert [span.name for span in spans.below(host)] == ["append"]
    for run, mine in zip(runs, below, strict=True):
        found = attributes(run)
        assert found["fota.inputs"] == found["fota.succeeded"] == 150
        puts = [span for span in mine if span.name.startswith("PUT")]
        assert len(puts) >= found["fota.requests"] >= 15
        assert all(
            run.start_time <= span.start_time <= span.end_time <= run.end_time for span in mine
        )
    statuses = {attributes(span).get("http.response.status_code") for span in tries}
    assert {None, 200, 429} <= statuses
    assert max(attributes(span).get("http.request.resend_count", 0) for span in tries) > 0

    shown = " ".join(span.to_json() for span in spans.all())
    assert ACCOUNT not in shown
    assert UPGRADE not in shown
    assert not [device for devices in lists for device in devices if device in shown]


async def test_the_runs_of_a_sync_are_below_it(
    new_sim: NewSim, new_client: NewClient, spans: Spans
) -> None:
    sim = await new_sim()
    sim.seed(imeis(5))
    client = new_client(sim, on_event=OpenTelemetryTracing(spans.provider))
    await client.v1.upgrades.sync_devices(UPGRADE, imeis(5, first=4), max_removals=5)

    (sync,) = spans.named("sync_devices")
    below = [span.name for span in spans.below(sync)]
    assert {"append", "remove", f"GET {TEMPLATE}"} <= set(below)
    assert sync.parent is None


async def test_a_run_that_is_stopped_is_an_error_with_its_cause(
    new_sim: NewSim, new_client: NewClient, spans: Spans
) -> None:
    sim = await new_sim(rules=Rules(refuse_rate=1.0))
    client = new_client(sim, on_event=OpenTelemetryTracing(spans.provider))
    with pytest.raises(RunStopped):
        await client.v1.upgrades.append_devices(UPGRADE, imeis(50), batch_size=1, max_failures=3)

    (run,) = spans.named("append")
    assert attributes(run)["fota.stopped"] == attributes(run)["error.type"] == "max_failures"
    assert run.status.status_code is StatusCode.ERROR


async def test_a_hook_that_comes_in_the_middle_of_a_run_finds_a_place_for_its_tries(
    new_sim: NewSim, new_client: NewClient, spans: Spans
) -> None:
    events = Events()
    await new_client(await new_sim(), on_event=events).v1.upgrades.append_devices(UPGRADE, imeis(3))
    tracing = OpenTelemetryTracing(spans.provider)
    for event in events[1:]:
        tracing(event)

    tries = events.of(RequestEvent)
    assert [span.name for span in spans.all()] == [event.route for event in tries]


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'fota_async\[otel\]'"):
        OpenTelemetryTracing()
