"""The pilot rule: few devices until a campaign with the same image has proven itself."""

from collections.abc import Iterable
from math import inf
from typing import Final

from fota_async.simulator import refusals
from fota_async.simulator.campaigns import Campaign
from fota_async.simulator.exchange import Refused
from fota_async.simulator.world import World

MOST: Final = 20
_LEAST: Final = 5
FULL: Final = "Pilot campaign needed: at most 20 devices until 5 to 20 have a success rate of 50 %"
"""Our words. How the 21st device is turned away is not documented."""


def room_in(world: World, campaign: Campaign, now: float) -> float:
    """Return how many devices more the campaign may hold (page "Pilot Campaigns")."""
    if world.rules.pilot == "off" or _is_proven(world, campaign, now):
        return inf
    return MOST - len(campaign.rows.members(now))


def check_request(world: World, campaign: Campaign, ids: Iterable[str], now: float) -> None:
    """Refuse a request that goes beyond the rule, if the whole request is to be refused."""
    if world.rules.pilot != "request":
        return
    new = set(ids) - campaign.rows.members(now)
    if len(new) > room_in(world, campaign, now):
        raise Refused(refusals.invalid_parameter(FULL))


def _is_proven(world: World, campaign: Campaign, now: float) -> bool:
    return any(
        _is_successful(other, now)
        for other in world.campaigns.values()
        if other.account == campaign.account and other.image == campaign.image
    )


def _is_successful(campaign: Campaign, now: float) -> bool:
    devices = successes = 0
    for row in campaign.rows.current.values():
        read = row.at(now)
        devices += read.is_member
        successes += read.status == campaign.version.succeeded.status
        if devices > MOST:
            return False
    return devices >= _LEAST and 2 * successes >= devices
