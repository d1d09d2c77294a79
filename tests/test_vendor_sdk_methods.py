"""Each Software Management method of the vendor's SDK can read what the simulator says.

What it sends comes from the examples of `openapi.yaml`, found by verb and path.
"""

import importlib
import inspect
import io
import re
from datetime import date
from typing import Any

import msgspec
import pytest
from campaign_api import contract
from simulator_api import Api
from test_simulator_contract import prepare
from vendor_sdk import METHODS, Method, Sdk
from verizon.api_helper import APIHelper
from verizon.utilities.file_wrapper import FileWrapper

from fota_async.clock import ManualClock
from fota_async.simulator import Simulator

# Those that the examples ask about.
DEVICES = ["900000000000001", "990013907835573", "356938035643809"]
NO_ANSWER = {"disable_logging_for_devices", "disable_device_logging"}


def shape(path: str) -> str:
    """Return a path with its parameters nameless, since the SDK names them in its own way."""
    return re.sub(r"{\w+}", "{}", path)


OPERATIONS = {
    (verb.upper(), shape(path)): content
    for path, verbs in contract()["paths"].items()
    for verb, content in verbs.items()
}


def operation_of(method: Method) -> Any:
    return OPERATIONS[method.verb, shape(f"/api/fota/{method.version}{method.path}")]


@pytest.fixture
async def ready(api: Api, sim: Simulator, clock: ManualClock) -> dict[str, Any]:
    """Let every list hold something; return what the arguments of methods may be."""
    await prepare(api, sim, clock)
    finished = sim.add_upgrade()
    ended = [sim.add_campaign(version) for version in ("v2", "v3")]
    for target in (finished, *ended, sim.upgrade_id):
        sim.seed(DEVICES, None, target)
    sim.set_status(finished, "Finished")
    for campaign in ended:
        sim.set_status(campaign, "CampaignEnded")
    campaigns = {version: sim.add_campaign(version) for version in ("v2", "v3")}
    for campaign in campaigns.values():
        sim.seed(DEVICES, None, campaign)
    clock.turn(600)
    file = io.BytesIO(b"content")
    file.name = "config.txt"  # type: ignore[attr-defined]  # as a file on disk has it
    return {
        "account": sim.account,
        "upgrade_id": sim.upgrade_id,
        "campaign_id": campaigns,
        "fileupload": FileWrapper(file, content_type="text/plain"),
        "upgrade_status": "Queued",
        "campaign_status": "CampaignRequestQueued",
        "service": "Fota",
        "protocol": "LWM2M",
        "distribution_type": "HTTP",
        "start_index": "0",
        "file_version": "1.0",
        "make": "Verizon",
        "model": "Model-A",
        "local_target_path": "/data",
    }


def arguments(method: Method, function: Any, ready: dict[str, Any]) -> dict[str, Any]:
    given = {}
    for name in inspect.signature(function).parameters:
        if name in {"acc", "account_name"}:
            given[name] = ready["account"]
        elif name == "campaign_id":
            given[name] = ready["campaign_id"][method.version]
        elif name.startswith("last_seen_"):
            given[name] = "0"
        elif name in {"device_id", "device_ids"}:
            (given[name],) = (
                parameter["example"]
                for parameter in operation_of(method)["parameters"]
                if parameter["name"] in {"deviceId", "deviceIds"}
            )
        elif name == "body":
            given[name] = body_of(method)
        else:
            given[name] = ready[name]
    return given


def body_of(method: Method) -> Any:
    """Return the example of a body as a model of the SDK."""
    assert method.body
    examples = operation_of(method)["requestBody"]["content"]["application/json"]["examples"]
    example = next(iter(examples.values()))["value"]
    file = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", method.body).lower()
    return getattr(importlib.import_module(f"verizon.models.{file}"), method.body).from_dictionary(
        example
    )


def assert_whole(model: Any, raw: Any, at: str) -> None:
    """Whatever the SDK needs is in the answer, and has arrived in its models."""
    if isinstance(raw, list):
        assert len(model) == len(raw), at
        for place, (one, inner) in enumerate(zip(model, raw, strict=True)):
            assert_whole(one, inner, f"{at}[{place}]")
    elif hasattr(model, "_names"):
        optional = getattr(model, "_optionals", ())
        for attribute, name in model._names.items():
            # The SDK takes what is empty for absent.
            if raw.get(name) or attribute not in optional:
                assert name in raw, f"{at}.{name} is missing"
                assert_whole(getattr(model, attribute), raw[name], f"{at}.{name}")
    else:
        assert model is not APIHelper.SKIP, at
        assert model is not None or raw in ("", False, 0), at


def test_there_is_a_method_for_each_operation() -> None:
    ours = {
        operation["operationId"]
        for (_, path), operation in OPERATIONS.items()
        if path.startswith("/api/fota/")
    }

    assert len(METHODS) == 71
    assert {operation_of(method)["operationId"] for method in METHODS} == ours


# v1 remembers six months, and its first upgrade is of this day.
@pytest.mark.fota_simulator(today=date(2018, 4, 1))
@pytest.mark.filterwarnings("ignore:.* is deprecated:deprecation.DeprecatedWarning")
@pytest.mark.parametrize("method", METHODS, ids=str)
async def test_the_sdk_reads_the_answer(
    method: Method, ready: dict[str, Any], sim: Simulator
) -> None:
    sdk = Sdk(sim)
    await sdk.log_in()
    function = getattr(sdk.client, method.controller)
    function = getattr(function, method.name)
    answer = await sdk.ask(function, **arguments(method, function, ready))

    assert answer.status_code == 200
    if method.name in NO_ANSWER:
        assert answer.text == ""
        return
    raw = msgspec.json.decode(answer.text)
    assert raw, "nothing to read"
    assert_whole(answer.body, raw, "$")
    for name, value in raw.items() if isinstance(raw, dict) else ():
        assert value != [], f"$.{name} is empty: nothing is known of its items"
