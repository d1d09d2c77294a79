"""Random requests, right and wrong ones, by schemathesis: the simulator answers as documented.

Which of them it should accept is not asked here, see `EXCLUDED`.
"""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks
from simulator_api import Api
from test_simulator_contract import prepare

from fota_async.clock import ManualClock
from fota_async.simulator import Simulator

pytestmark = pytest.mark.slow

SCHEMA = schemathesis.openapi.from_path(Path(__file__).parent / "wire" / "openapi.yaml")
EXCLUDED = [
    # A gateway answers 400 with 900906, "no such resource" (section 4.3 of the contract).
    checks.unsupported_method,
    # The schemas are looser than the service: a cursor has to be a device's, a campaign has to be
    # open, a start may not lie after its end, twenty devices may log at once.
    checks.positive_data_acceptance,
    # (What a file campaign reads like is not documented at all, so there is none.)
    # They are also stricter than what a stand-in should take: other spellings and letter cases,
    # null or nothing for what may be absent, members that nobody knows (section 10, "accept").
    checks.negative_data_rejection,
]
BASIC = {"oauth_create_token", "oauth_revoke_token"}


@pytest.fixture
async def ready(api: Api, sim: Simulator, clock: ManualClock) -> dict[str, Any]:
    """Let every list hold something; return what stands in paths."""
    await prepare(api, sim, clock)
    campaigns = {version: sim.add_campaign(version) for version in ("v2", "v3")}
    return {"headers": api.headers, "basic": api.basic, "campaigns": campaigns}


@SCHEMA.parametrize()
@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_answer_is_one_of_those_documented(
    case: Any, ready: dict[str, Any], sim: Simulator
) -> None:
    version = case.path.split("/")[3]
    known = {
        "account": sim.account,
        "upgradeId": sim.upgrade_id,
        "campaignId": ready["campaigns"].get(version),
    }
    # Nothing but the account's name would ever be looked at.
    for name in known.keys() & (case.path_parameters or {}).keys():
        case.path_parameters[name] = known[name]
    basic = case.operation.definition.raw["operationId"] in BASIC
    headers = ready["basic"] if basic else ready["headers"]
    case.call_and_validate(base_url=sim.base_url, headers=headers, excluded_checks=EXCLUDED)
