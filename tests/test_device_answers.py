"""The per-device answers: the fast reader and the tolerant one say the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_api import imei

from fota_async.models import device_answers
from fota_async.models.device_answers import DeviceAnswers

NAMES = ["deviceId", "DeviceID", "status", "Status", "Reason", "reason", "resultReason", "other"]
values = (
    st.text(max_size=20)
    | st.none()
    | st.integers(-10, 10**17)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(st.integers(), max_size=2)
)
documented = st.fixed_dictionaries(
    {"deviceId": st.text(max_size=20), "status": st.text(max_size=20), "Reason": st.text()},
    optional={"reason": values, "REASON": values, "resultReason": values, "Status": values},
)
of_licenses = st.fixed_dictionaries(
    {"deviceId": st.text(max_size=20), "status": st.text(max_size=20), "resultReason": st.text()},
    optional={"updatedTime": st.text(max_size=9) | st.none(), "reason": values, "Status": values},
)
items = (
    documented | of_licenses | st.dictionaries(st.sampled_from(NAMES), values, max_size=5) | values
)
answers = st.fixed_dictionaries(
    {
        "deviceList": st.lists(documented, max_size=5)
        | st.lists(of_licenses, max_size=5)
        | st.lists(items, max_size=5)
        | values
    },
    optional={"id": values, "devicelist": st.lists(documented, max_size=2) | values},
)


def outcome(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except ValueError as error:
        return str(error)


@given(answers)
@settings(deadline=None, max_examples=100)
def test_both_readers_agree_whatever_the_items(document: Any) -> None:
    body = json.dumps(document).encode()

    assert outcome(DeviceAnswers.from_body, body) == outcome(DeviceAnswers.from_odd_body, body)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(deadline=None, max_examples=100)
def test_both_readers_refuse_what_is_no_answer(body: bytes) -> None:
    assert outcome(DeviceAnswers.from_body, body) == outcome(DeviceAnswers.from_odd_body, body)


@given(st.lists(documented, max_size=5))
@settings(deadline=None)
def test_the_columns_hold_what_the_items_say(listed: Any) -> None:
    read = DeviceAnswers.from_body(json.dumps({"deviceList": listed}).encode())

    assert read.ids == [item["deviceId"] for item in listed]
    assert read.statuses == [item["status"] for item in listed]
    assert read.reasons == [item["Reason"] for item in listed]


@pytest.mark.parametrize(
    "said",
    [
        {"Reason": "success", "new": 1},
        {"resultReason": "success"},
        {"resultReason": "success", "updatedTime": "2021-06-03", "nextAttemptTime": "2021-06-04"},
    ],
)
def test_the_documented_shapes_take_the_fast_way(
    said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: bytes) -> Any:
        pytest.fail("the documented shape took the slow way")

    monkeypatch.setattr(DeviceAnswers, "from_odd_body", never)
    item = {"deviceId": imei(1), "status": "LicenseAssignSuccess", **said}
    body = msgspec.json.encode({"id": "x", "accountName": "y", "deviceList": [item]})

    read = DeviceAnswers.from_body(body)
    assert (read.ids, read.reasons) == ([imei(1)], ["success"])
    assert device_answers.DeviceAnswers is DeviceAnswers


@pytest.mark.parametrize(
    "item", [None, "text", [], {}, {"status": "X"}, {"deviceId": None}, {"deviceId": 1.5}]
)
def test_an_item_that_names_no_device_is_left_out(item: Any) -> None:
    good = {"deviceId": imei(1), "status": "S", "Reason": "R"}
    read = DeviceAnswers.from_body(json.dumps({"deviceList": [item, good]}).encode())

    assert (read.ids, read.statuses, read.reasons) == ([imei(1)], ["S"], ["R"])


def test_an_item_without_a_status_or_reason_has_an_empty_one() -> None:
    rows = [{"deviceId": imei(1)}, {"deviceId": imei(2), "status": None, "Reason": 7}]
    read = DeviceAnswers.from_body(json.dumps({"deviceList": rows}).encode())

    assert (read.statuses, read.reasons) == (["", ""], ["", "7"])
