"""What tests of runs on a cluster share: API servers and clusters in processes of their own."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import attrs
import msgspec
from batch_helpers import imeis
from chaos.tap import Tap, readings_show_all_rows

from fota_async import BatchReport, Credentials, FotaClient, RetryPolicy, RunStopped, State
from fota_async.simulator import Faults, Rules, Simulator
from fota_async.simulator.request_log import RequestRecord

USUAL_SIZE = 100_000
"""Devices of all accounts together in the slow tests. `FOTA_CLUSTER_DEVICES=1000000` asks for a
million, which takes about 90 seconds a test on two cores."""
PATIENT = RetryPolicy(tries=8, seconds=300.0, base=0.05, cap=0.5)
"""Where what a cluster shows on web pages goes: a cluster of tests is nobody else's business."""
_SPAWN = multiprocessing.get_context("spawn")


def devices_in_all() -> int:
    """Return how many devices the slow tests send."""
    return int(os.environ.get("FOTA_CLUSTER_DEVICES", USUAL_SIZE))


def batch_size_for(devices: int) -> int:
    """Return the batch size with which each of four accounts sends 250 batches or more."""
    return max(1, min(1000, devices // 1000))


# Accounts and their servers


@attrs.frozen(kw_only=True)
class Enrolment:
    """An account, its devices, and what its server does to them.

    Attributes:
        number: Its own.
        devices: How many.
        rate: Requests a second that the server takes; None for any number.
        told: Whether the client is told that rate, or has to learn it from refusals.
        trouble: How often things go wrong, as a multiple of the usual.
        seed: What chance hangs on.
    """

    number: int
    devices: int
    rate: float | None = None
    told: bool = False
    trouble: float = 1.0
    seed: int = 0

    @property
    def ids(self) -> list[str]:
        return imeis(self.devices, first=self.number * 10_000_000)

    @property
    def credentials(self) -> Credentials:
        mine = f"{self.number}-of-4"
        return Credentials(f"key+{mine}", f"secret/{mine}=", f'user "{mine}"', f"pass wörd&{mine}")

    @property
    def rules(self) -> Rules:
        ids = self.ids
        return Rules(
            refuse_rate=0.01,
            poison=frozenset({ids[len(ids) // 3], ids[-1]}),
            # Whatever is sent again although it was taken shows as a refusal.
            appended_twice="fail",
            rate=self.rate,
            retry_after=0.2,
            seed=self.seed,
        )

    @property
    def faults(self) -> Faults:
        often = self.trouble
        return Faults(
            seed=self.seed + self.number,
            latency=(0.01, 0.06),
            error_before=0.02 * often,
            drop_before=0.02 * often,
            throttle=0.02 * often,
            throttle_seconds=0.1,
            error_after=0.01 * often,
            drop_after=0.02 * often,
            torn_body=0.01 * often,
            half_json=0.01 * often,
            missing_items=0.01 * often,
            odd_status=0.01 * often,
            late_write=0.5,
            late_write_seconds=0.1,
        )

    def expected(self) -> dict[str, State]:
        """Return what must become of each device, whatever goes wrong on the way."""
        rules = self.rules
        refused = {i for i in self.ids if i in rules.poison or rules.refusal(i)}
        return {i: State.FAILED if i in refused else State.SUCCEEDED for i in self.ids}


@attrs.frozen(kw_only=True)
class Truth:
    """What the server of an account knows.

    Attributes:
        members: The devices in the upgrade.
        requests: What came over the wire.
        stats: Its counts.
        bearers: The tokens it gave out.
        sessions: Those of its sessions.
        sent: How often each device was sent.
        decided_and_sent: Devices sent after an answer that left the server had decided them.
        watched_and_sent: Devices sent again after `Servers.watch` named them.
    """

    members: set[str]
    requests: list[RequestRecord]
    stats: dict[str, Any]
    bearers: set[str]
    sessions: set[str]
    sent: dict[str, int]
    decided_and_sent: set[str]
    watched_and_sent: set[str]

    @property
    def arrivals(self) -> list[float]:
        """When requests came that count against a rate, in order."""
        return sorted(one.at for one in self.requests if one.route.startswith("v1_"))

    def most_a_second(self, window: float = 1.0) -> float:
        """Return the most requests a second in any `window` of so many seconds."""
        arrivals, most, first = self.arrivals, 0, 0
        for last, at in enumerate(arrivals):
            while arrivals[first] < at - window:
                first += 1
            most = max(most, last - first + 1)
        return most / window


class _Server:
    """One account's simulator, in the process of the servers."""

    def __init__(self, enrolment: Enrolment, expiries: Sequence[tuple[str, int]]) -> None:
        self.sim = Simulator(faults=enrolment.faults, rules=enrolment.rules)
        access, mine = self.sim._world.access, enrolment.credentials
        access.key, access.secret = mine.key, mine.secret
        access.username, access.password = mine.username, mine.password
        self.tap = Tap.into(self.sim)
        self.bearers: set[str] = set()
        self.sessions: set[str] = set()
        self.watched: set[str] = set()
        self.watched_and_sent: set[str] = set()
        self._before: dict[str, int] = {}
        self._expiries = list(expiries)
        self._respond = self.tap.respond
        self.tap.respond = self._respond_and_expire  # type: ignore[method-assign]

    async def _respond_and_expire(self, call: Any) -> Any:
        if self._expiries and len(self.sim._log._records) >= self._expiries[0][1]:
            what, _ = self._expiries.pop(0)
            getattr(self.sim, what)()
        answer, fault = await self._respond(call)
        if call.route.name == "oauth_create_token":
            self.bearers.add(msgspec.json.decode(answer.content)["access_token"])
        if call.route.name == "session_login":
            self.sessions.add(msgspec.json.decode(answer.content)["sessionToken"])
        return answer, fault

    def watch(self, devices: Iterable[str]) -> None:
        self._look()
        self.watched = set(devices)
        self._before = dict(self.tap.sent)

    def _look(self) -> None:
        sent, before = self.tap.sent, self._before
        self.watched_and_sent |= {i for i in self.watched if sent.get(i, 0) > before.get(i, 0)}

    def truth(self) -> Truth:
        self._look()
        return Truth(
            members=self.sim.members(),
            requests=self.sim.requests,
            stats={n: c for n, c in self.sim.stats().items() if n != "upgrades"},
            bearers=self.bearers,
            sessions=self.sessions,
            sent=self.tap.sent,
            decided_and_sent=self.tap.sent_again,
            watched_and_sent=self.watched_and_sent,
        )


def _serve(
    pipe: Connection, enrolments: list[Enrolment], expiries: Sequence[tuple[str, int]]
) -> None:
    async def serve() -> None:
        servers = [_Server(one, expiries) for one in enrolments]
        async with AsyncExitStack() as stack:
            stack.enter_context(readings_show_all_rows())
            for server in servers:
                await stack.enter_async_context(server.sim)
            pipe.send([server.sim.base_url for server in servers])
            while True:
                what, number, given = await asyncio.to_thread(pipe.recv)
                if what == "stop":
                    return
                if what == "requests":
                    pipe.send(sum(len(server.sim._log._records) for server in servers))
                else:
                    pipe.send(getattr(servers[number], what)(*given))

    with suppress(EOFError):
        asyncio.run(serve())


class Servers:
    """One simulator an account, each with a user and an application of its own, in one process.

    They do not take the time of the process that is tested.
    """

    def __init__(self, enrolments: Sequence[Enrolment], pipe: Connection, urls: list[str]) -> None:
        self.enrolments = list(enrolments)
        self.urls = urls
        self._pipe = pipe
        self._asking = asyncio.Lock()

    async def _ask(self, what: str, number: int = 0, *given: object) -> Any:
        async with self._asking:
            self._pipe.send((what, number, given))
            return await asyncio.to_thread(self._pipe.recv)

    async def requests(self) -> int:
        """Return how many requests came so far, to all."""
        count: int = await self._ask("requests")
        return count

    async def truth(self, number: int) -> Truth:
        """Return what a server knows now."""
        found: Truth = await self._ask("truth", number)
        return found

    async def watch(self, number: int, devices: Iterable[str]) -> None:
        """Have a server tell of these devices, from now on, when they are sent again."""
        await self._ask("watch", number, set(devices))


USUAL_EXPIRIES = (("expire_sessions", 40), ("expire_tokens", 90), ("expire_tokens", 140))
"""What ends at a server, and after how many requests."""


@asynccontextmanager
async def servers_for(
    enrolments: Sequence[Enrolment], expiries: Sequence[tuple[str, int]] = USUAL_EXPIRIES
) -> AsyncIterator[Servers]:
    """Run the servers of accounts."""
    here, there = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(there, list(enrolments), expiries), daemon=True)
    process.start()
    there.close()
    try:
        yield Servers(enrolments, here, await asyncio.to_thread(here.recv))
    finally:
        with suppress(OSError):
            here.send(("stop", 0, ()))
        await asyncio.to_thread(process.join, 20)
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join)
        here.close()
        process.close()


# Runs


def client_of(enrolment: Enrolment, url: str, **options: Any) -> FotaClient:
    """Return the client of an account."""
    if enrolment.told:
        options.setdefault("max_rate", enrolment.rate)
    return FotaClient(
        enrolment.credentials,
        account=Simulator.account,
        base_url=url,
        **{"timeout": 10.0, "retry": PATIENT, **options},
    )


async def enrol(
    enrolment: Enrolment, url: str, *, client: dict[str, Any] | None = None, **options: Any
) -> BatchReport:
    """Append the devices of an account; return the report, of a run that stopped, too."""
    async with client_of(enrolment, url, **(client or {})) as fota:
        run = fota.v1.upgrades.append_devices(
            Simulator.upgrade_id,
            enrolment.ids,
            **{"settle_delay": 0.5, "max_rounds": 1000, "batch_size": 1000, **options},
        )
        try:
            return await run
        except RunStopped as stopped:
            return stopped.report


def law_is_kept(report: BatchReport) -> bool:
    """Whether every input is counted once."""
    counted = sum(getattr(report, state.value) for state in State)
    return report.inputs == counted + report.duplicates


def is_as_expected(enrolment: Enrolment, report: BatchReport, truth: Truth) -> str:
    """Return what is wrong with a run that went to its end; empty if nothing is."""
    expected = enrolment.expected()
    states = {one.device_id: one.state for one in report}
    good = {i for i, state in expected.items() if state is State.SUCCEEDED}
    odd = {i: state for i, state in states.items() if state is not expected.get(i)}
    return "; ".join(
        what
        for what, is_wrong in {
            f"stopped: {report.stopped} {report.groups}": report.stopped is not None,
            f"the law: {report}": not law_is_kept(report) or report.inputs != len(expected),
            f"states: {len(odd)}, {dict(list(odd.items())[:5])}": bool(odd)
            or states.keys() != expected.keys(),
            f"members: {len(truth.members ^ good)} differ": truth.members != good,
        }.items()
        if is_wrong
    )


@attrs.frozen(kw_only=True)
class Shown:
    """What came of the run of one account.

    Attributes:
        enrolment: The account.
        report: What the library says.
        truth: What the server says.
        seconds: How long it took.
    """

    enrolment: Enrolment
    report: BatchReport
    truth: Truth
    seconds: float

    @property
    def logins(self) -> int:
        count: int = self.truth.stats["logins"]
        return count

    @property
    def token_requests(self) -> int:
        count: int = self.truth.stats["token_requests"]
        return count

    def __str__(self) -> str:
        truth, sent = self.truth, sum(self.truth.sent.values())
        refused = sum(one.status == 429 and not one.fault for one in truth.requests)
        arrivals = truth.arrivals
        span = arrivals[-1] - arrivals[0] if arrivals else 0.0
        return (
            f"account {self.enrolment.number}: {self.report.inputs} devices, "
            f"{self.report.succeeded} succeeded, {self.report.failed} failed, "
            f"{self.report.unknown} unknown, {self.report.unsent} unsent in {self.seconds:.1f} s; "
            f"{self.logins} logins, {self.token_requests} token requests; "
            f"{len(arrivals)} requests in {span:.1f} s, {len(arrivals) / (span or 1):.1f}/s, most "
            f"in 1 s {truth.most_a_second():.0f}, in 5 s {truth.most_a_second(5):.1f}/s of "
            f"{self.enrolment.rate}/s ({'told' if self.enrolment.told else 'not told'}), "
            f"{refused} above it; {sent / self.report.inputs:.3f} sends a device, most "
            f"{max(truth.sent.values(), default=0)}"
        )


def show(result: Shown) -> None:
    """Print the figures of a run."""
    print(result)  # noqa: T201 - for whoever runs these tests with `-s`


async def shown(enrolment: Enrolment, servers: Servers, **options: Any) -> Shown:
    """Run an account's enrolment to its end and set its report beside the truth."""
    number = servers.enrolments.index(enrolment)
    began = time.monotonic()
    report = await enrol(enrolment, servers.urls[number], **options)
    seconds = time.monotonic() - began
    await asyncio.sleep(0.2)  # what lands late has landed
    truth = await servers.truth(number)
    return Shown(enrolment=enrolment, report=report, truth=truth, seconds=seconds)
