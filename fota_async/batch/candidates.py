"""Candidates: what is scheduled at the API and could be what a lost request asked for."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs

from fota_async.models.campaigns import CampaignV2, CampaignV3
from fota_async.models.reports import ListedUpgrade
from fota_async.wire.timestamp import Timestamp

_COMPARED = (
    "campaign_name",
    "firmware_name",
    "firmware_from",
    "firmware_to",
    "software_name",
    "software_from",
    "software_to",
    "file_name",
    "file_version",
    "start_date",
    "end_date",
)

Listed: TypeAlias = ListedUpgrade | CampaignV2 | CampaignV3


@attrs.frozen
class Candidate:
    """An upgrade or campaign that could be the one whose schedule answer was lost.

    >>> simulator.faults = Faults(drop_after=1.0, only=frozenset({"v1_schedule_upgrade"}))
    >>> image, version = "FOTA_Verizon_Model-A_01To02_HF", "VerizonFirmwareVersion-02"
    >>> days = {"start_date": date(2027, 4, 1), "end_date": date(2027, 4, 8)}
    >>> try:
    ...     await fota.v1.upgrades.schedule(image, version, imeis, **days)
    ... except ScheduleUnknown as unknown:
    ...     candidate = unknown.candidates[0]
    >>> candidate.status, candidate.devices, candidate.of
    ('RequestPending', 3, 3)
    >>> report = await fota.v1.upgrades.append_devices(candidate.id, imeis)
    >>> report.succeeded
    3

    Attributes:
        target: As it was listed.
        devices: How many of the devices that were sent it holds; None if it could not be read.
        of: How many devices were sent.
    """

    target: Listed
    devices: int | None
    of: int

    @property
    def id(self) -> str:
        """Its id."""
        return self.target.id

    @property
    def status(self) -> str:
        """Its state, word for word."""
        return str(self.target.status)

    def __str__(self) -> str:
        known = "devices unread" if self.devices is None else f"{self.devices:,} of {self.of:,}"
        return f"{self.id} ({self.status}, {known})"


def likeliest_first(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return candidates by how many of the devices they hold; unread ones go before empty ones."""
    return tuple(
        sorted(candidates, key=lambda one: 0.5 if one.devices is None else one.devices)[::-1]
    )


def resembles(listed: Listed, asked: object) -> bool:
    """Whether what is listed says nothing else than what was asked for.

    Args:
        listed: An upgrade or campaign. What it leaves out, and dates that cannot be read, do not
            speak against it.
        asked: The body of the request.
    """
    return all(
        _agree(getattr(listed, name, None), getattr(asked, name, None)) for name in _COMPARED
    )


def _agree(listed: object, asked: object) -> bool:
    if listed is None or asked is None:
        return True
    if isinstance(listed, Timestamp):
        moment = listed.parsed
        return moment is None or str(moment.date()) == str(asked)
    return listed == asked


def advice(candidates: Sequence[Candidate] | None, journal: Path | None) -> str:
    """Say what happened to a schedule request that was not answered, and how to go on.

    Args:
        candidates: What it may have made; None if nobody could look.
        journal: Where the run is recorded, if it is.
    """
    if candidates is None:
        found = "nobody could look for what it may have made: list what is pending and queued"
    elif candidates:
        found = f"it may have made {', or '.join(map(str, candidates))}"
    else:
        found = "nothing that it could have made shows yet; it may still land"
    if journal is None:
        then = "append the devices that are unsent in the report to it"
        anew = "schedule anew"
    else:
        then = f"append_devices(its id, the same devices, journal={str(journal)!r}) goes on with it"
        anew = "schedule anew, with a new journal"
    return (
        "a request to schedule was not answered and is not sent again, and nothing was appended; "
        f"{found}. Then {then}; only if it made none, {anew}"
    )
