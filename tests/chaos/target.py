"""What the run of a case changes, and how the simulator tells the truth about it."""

from abc import ABC, abstractmethod
from typing import Any, Final

from fota_async import BatchRun, FotaClient
from fota_async.simulator import Simulator

from .case import FIRST, Case

STRANGERS: Final = frozenset(f"{FIRST - 1 - number:015d}" for number in range(30))
"""Devices that nobody asks about, in lists that are read whole."""


class Target(ABC):
    """The list of devices that one case is about."""

    def __init__(self, case: Case, sim: Simulator) -> None:
        self._case = case
        self._sim = sim

    @abstractmethod
    def members(self) -> set[str]:
        """Return the devices in it now."""

    @abstractmethod
    def run(self, client: FotaClient, **options: Any) -> BatchRun:
        """Return the run of the case."""

    @abstractmethod
    def start(self) -> None:
        """Let it take no more changes."""


class _Devices(Target):
    """The devices of an upgrade or of a campaign."""

    def __init__(self, case: Case, sim: Simulator) -> None:
        super().__init__(case, sim)
        self._id = sim.upgrade_id if case.version == "v1" else sim.add_campaign(case.version)
        sim.seed(case.there_before, target_id=self._id)

    def members(self) -> set[str]:
        return self._sim.members(self._id)

    def run(self, client: FotaClient, **options: Any) -> BatchRun:
        api = getattr(client, self._case.version)
        resource = api.upgrades if self._case.version == "v1" else api.campaigns
        change = getattr(resource, f"{self._case.operation}_devices")
        options |= {"settle": True} if self._case.settle else {}
        run: BatchRun = change(self._id, self._case.ids, **options)
        return run

    def start(self) -> None:
        started = "InProgress" if self._case.version == "v1" else "CampaignScheduled"
        self._sim.set_status(self._id, started)


class _Stateless(Target):
    """A list of the account, which always takes changes."""

    def start(self) -> None:
        raise AssertionError("nothing starts here")


class _Licenses(_Stateless):
    def __init__(self, case: Case, sim: Simulator) -> None:
        super().__init__(case, sim)
        sim.license([*STRANGERS, *case.there_before])

    def members(self) -> set[str]:
        return self._sim.licensed()

    def run(self, client: FotaClient, **options: Any) -> BatchRun:
        licenses = getattr(client, self._case.version).licenses
        change = licenses.assign if self._case.operation == "append" else licenses.remove
        run: BatchRun = change(self._case.ids, **options)
        return run


class _Candidates(_Stateless):
    def __init__(self, case: Case, sim: Simulator) -> None:
        super().__init__(case, sim)
        # As if they had always been there: no lag shows the list without them.
        sim._account(None).candidates._add([*STRANGERS, *case.there_before], 0.0)

    def members(self) -> set[str]:
        return self._sim.candidates()

    def run(self, client: FotaClient, **options: Any) -> BatchRun:
        candidates = getattr(client, self._case.version).cancel_candidates
        change = candidates.replace if self._case.replaces else candidates.append
        run: BatchRun = change(self._case.ids, **options)
        return run


_TARGETS: Final = {"devices": _Devices, "licenses": _Licenses, "candidates": _Candidates}


def target_of(case: Case, sim: Simulator) -> Target:
    """Return what a case is about, as it is when the run begins."""
    return _TARGETS[case.about](case, sim)
