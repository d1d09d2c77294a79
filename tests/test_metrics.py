"""What Prometheus is told: the truth about runs and requests, and no id in any label."""

import asyncio
import math
import sys
from collections.abc import Awaitable, Callable

import pytest
from batch_helpers import imeis
from helpers import ACCOUNT, FAST, UPGRADE, Events, counts, read
from prometheus_client import CollectorRegistry, generate_latest

from fota_async import ConfigurationError, FotaClient, RunStopped
from fota_async.clock import ScaledClock
from fota_async.events import LimitEvent, PauseEvent, RequestEvent, RetryEvent
from fota_async.observe import PrometheusMetrics, fan_out
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]
TROUBLE = Faults(
    seed=3, drop_after=0.1, error_after=0.1, throttle=0.1, torn_body=0.05, expire_token=0.02
)
APPEND = {"operation": "append"}
GET = {"method": "GET", "route": "/api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def total(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """Return the sum of the samples called `name` that have these labels."""
    return sum(
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels.items() >= labels.items()
    )


async def test_the_counters_agree_with_report_and_events_under_trouble(
    new_sim: NewSim, new_client: NewClient, registry: CollectorRegistry
) -> None:
    clock, events = ScaledClock(500), Events()
    devices = imeis(400)
    rules = Rules(refused=dict.fromkeys(devices[:7], "Device not found"))
    sim = await new_sim(faults=TROUBLE, rules=rules, clock=clock)
    hook = fan_out(events, PrometheusMetrics(registry))
    client = new_client(sim, clock=clock, on_event=hook)
    upgrades = client.v1.upgrades
    added = upgrades.append_devices(UPGRADE, [*devices, "x", devices[9]], batch_size=10)
    more = upgrades.append_devices(UPGRADE, imeis(90, first=2000), batch_size=10)
    reports = await asyncio.gather(added, more)

    for state in ("succeeded", "failed", "pending", "invalid", "unknown", "unsent"):
        told = total(registry, "fota_devices_total", **APPEND, state=state)
        assert told == sum(getattr(report, state) for report in reports), state
    assert total(registry, "fota_devices_total", state="failed") == 7
    assert total(registry, "fota_runs_total", **APPEND, end="done") == 2
    assert total(registry, "fota_active_runs") == 0

    requests = events.of(RequestEvent)
    assert total(registry, "fota_requests_total") == len(requests)
    assert total(registry, "fota_request_duration_seconds_count") == len(requests)
    lost = [event for event in requests if event.error == "ConnectionLostError"]
    assert total(registry, "fota_requests_total", error="ConnectionLostError") == len(lost) > 0
    assert total(registry, "fota_requests_total", status="5xx") > 0
    assert total(registry, "fota_requests_total", status="none") > 0
    assert total(registry, "fota_retries_total") == len(events.of(RetryEvent)) > 0
    pauses = events.of(PauseEvent)
    assert total(registry, "fota_pauses_total") == len(pauses) > 0
    paused = sum(event.seconds for event in pauses)
    assert total(registry, "fota_pause_seconds_total") == pytest.approx(paused)
    assert total(registry, "fota_tokens_total", kind="bearer", action="refused") > 0
    assert total(registry, "fota_batches_total", outcome="lost") > 0
    last = events.of(LimitEvent)[-1]
    assert total(registry, "fota_requests_in_flight_limit") == last.limit
    assert total(registry, "fota_requests_per_second_limit") == (last.rate or math.inf)

    shown = generate_latest(registry).decode()
    assert ACCOUNT not in shown
    assert UPGRADE not in shown
    assert not [device for device in devices if device in shown]


async def test_requests_are_told_by_the_template_of_their_route(
    new_sim: NewSim, new_client: NewClient, registry: CollectorRegistry
) -> None:
    client = new_client(await new_sim(), on_event=PrometheusMetrics(registry))
    await read(client)
    await read(client)

    assert total(registry, "fota_requests_total", **GET, status="2xx", error="") == 2
    assert total(registry, "fota_request_duration_seconds_count", **GET) == 2


async def test_devices_are_counted_while_the_run_goes_on(
    new_sim: NewSim, new_client: NewClient, registry: CollectorRegistry
) -> None:
    client = new_client(await new_sim(), on_event=PrometheusMetrics(registry))
    run = client.v1.upgrades.append_devices(UPGRADE, imeis(5000), batch_size=1)
    async with run:
        async for _ in run:
            break
        assert 0 < total(registry, "fota_devices_total", state="succeeded") < 5000
        assert total(registry, "fota_active_runs", **APPEND) == 1
    assert run.report.succeeded == total(registry, "fota_devices_total", state="succeeded")
    assert run.report.unsent == total(registry, "fota_devices_total", state="unsent") > 0
    assert total(registry, "fota_runs_total", end="interrupted") == 1


async def test_receipts_that_became_outcomes_are_not_counted_as_pending(
    new_sim: NewSim, new_client: NewClient, registry: CollectorRegistry
) -> None:
    clock = ScaledClock(500)
    sim = await new_sim(clock=clock, rules=Rules(report_delay=30.0))
    campaign = sim.add_campaign("v2")
    client = new_client(sim, clock=clock, on_event=PrometheusMetrics(registry))
    report = await client.v2.campaigns.append_devices(campaign, imeis(15), settle=True)

    assert report.succeeded == 15
    assert total(registry, "fota_devices_total", state="succeeded") == 15
    assert total(registry, "fota_devices_total", state="pending") == 0


async def test_a_run_that_is_stopped_is_counted_by_its_cause(
    new_sim: NewSim, new_client: NewClient, registry: CollectorRegistry
) -> None:
    sim = await new_sim(rules=Rules(refuse_rate=1.0))
    client = new_client(sim, retry=FAST, on_event=PrometheusMetrics(registry))
    with pytest.raises(RunStopped):
        await client.v1.upgrades.append_devices(UPGRADE, imeis(50), batch_size=1, max_failures=3)

    assert total(registry, "fota_runs_total", end="max_failures") == 1
    assert counts(sim)["v1_modify_upgrade"] == total(registry, "fota_requests_total", method="PUT")


def limit(account: str, limit: int, rate: float | None) -> LimitEvent:
    return LimitEvent(account=account, limit=limit, rate=rate)


def test_limits_are_sums_unless_accounts_may_be_named() -> None:
    plain, named = CollectorRegistry(), CollectorRegistry()
    hook = fan_out(PrometheusMetrics(plain), PrometheusMetrics(named, accounts=True))
    for event in (limit("a", 8, None), limit("b", 5, 2.5), limit("a", 4, 1.5)):
        hook(event)

    assert total(plain, "fota_requests_in_flight_limit") == 9
    assert total(plain, "fota_requests_per_second_limit") == 4.0
    assert "account" not in generate_latest(plain).decode()
    assert total(named, "fota_requests_in_flight_limit", account="b") == 5
    assert total(named, "fota_requests_per_second_limit", account="a") == 1.5


def test_a_second_one_on_the_same_registry_is_refused_in_words(registry: CollectorRegistry) -> None:
    PrometheusMetrics(registry)
    with pytest.raises(ConfigurationError, match="one PrometheusMetrics for each registry"):
        PrometheusMetrics(registry)


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'fota_async\[metrics\]'"):
        PrometheusMetrics()
