"""Answers that say the same of all devices: comparing them says what decoding them does."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_api import imei

from fota_async.models.device_answers import DeviceAnswers, answers_about

words = st.text(max_size=12) | st.sampled_from(["AddDeviceSucceed", 'a "quoted" word', "é", "}],["])
members = st.dictionaries(
    st.sampled_from(["status", "Reason", "resultReason", "extra", "items", "deviceid"]),
    words | st.none() | st.lists(st.dictionaries(st.just("deviceId"), words, max_size=1)),
    max_size=4,
)
spacings = st.sampled_from([(",", ":"), (", ", ": "), (",\n  ", " : ")])


def decoded(body: bytes) -> DeviceAnswers | None:
    try:
        return DeviceAnswers.from_body(body)
    except ValueError:
        return None


def an_answer(ids: list[str], *, said: dict[str, Any], before: bool = False) -> dict[str, Any]:
    items = [{**said, "deviceId": one} if before else {"deviceId": one, **said} for one in ids]
    return {"accountName": "0000123456-00001", "deviceList": items}


@given(
    count=st.integers(2, 30),
    said=members,
    spacing=spacings,
    before=st.booleans(),
    escape=st.booleans(),
    odd=st.sampled_from(
        [
            *["", "one other", "first other", "last other", "missing", "twice", "order"],
            *["listed before", "three of all", "numbers"],
        ]
    ),
    damage=st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3)) | st.none(),
)
@settings(deadline=None, max_examples=400)
def test_whatever_is_read_by_comparing_is_what_decoding_says(
    *,
    count: int,
    said: dict[str, Any],
    spacing: tuple[str, str],
    before: bool,
    escape: bool,
    odd: str,
    damage: tuple[float, bytes, int] | None,
) -> None:
    ids = [imei(number) for number in range(count)]
    answer = an_answer(ids, said=said, before=before)
    items = answer["deviceList"]
    places = {"one other": count // 2, "first other": 0, "last other": -1}
    if odd in places:
        items[places[odd]]["status"] = "AddDeviceFail"
    elif odd == "missing":
        items.pop()
    elif odd == "twice":
        items.append(items[0])
    elif odd == "order":
        items.reverse()
    elif odd == "listed before":
        answer = {"asked": ids, **answer}
    elif odd == "three of all":
        answer = {"asked": ids, **answer, "deviceList": items[:3]}
    elif odd == "numbers":
        for item in items:
            item["deviceId"] = int(item["deviceId"])
    body = json.dumps(answer, separators=spacing, ensure_ascii=escape).encode()
    if damage:
        at = int(damage[0] * len(body))
        body = body[:at] + damage[1] + body[at + damage[2] :]

    compared = DeviceAnswers.from_regular_body(body, ids)

    assert compared is None or compared == decoded(body)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_an_ordinary_answer_is_compared(kind: type[bytes]) -> None:
    ids = [imei(number) for number in range(1000)]
    said = {"status": "AddDeviceSucceed", "Reason": "Device added Successfully"}
    body = kind(json.dumps(an_answer(ids, said=said)).encode())

    assert DeviceAnswers.from_regular_body(body, ids) == DeviceAnswers.from_body(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"deviceList":[]}',
        json.dumps({"deviceList": [{"deviceId": imei(0)}] * 9}).encode(),
        json.dumps({"deviceList": [{"deviceId": imei(0)}], "x": "y" * 10**6}).encode(),
        ('{"deviceList":["' + '",["'.join(map(imei, range(9))) + '"]]]}').encode(),
    ],
)
def test_what_is_not_regular_is_left_to_decoding(body: bytes) -> None:
    assert DeviceAnswers.from_regular_body(body, [imei(number) for number in range(9)]) is None


@pytest.mark.parametrize("failed", [0, 1, 2, 4, 7, 8])
@pytest.mark.parametrize("before", [True, False])
def test_one_device_of_which_something_else_is_said_is_heard(failed: int, *, before: bool) -> None:
    ids = [imei(number) for number in range(9)]
    answer = an_answer(ids, said={"status": "AddDeviceSucceed", "Reason": ""}, before=before)
    answer["deviceList"][failed]["status"] = "AddDeviceFail"

    with pytest.raises(StopIteration) as end:
        next(answers_about(ids)(json.dumps(answer).encode()))

    assert [one == "AddDeviceFail" for one in end.value.value.statuses] == [
        place == failed for place in range(9)
    ]


@pytest.mark.parametrize("listed", ["message", "asked", "devicelist", "deviceList"])
def test_devices_named_beside_the_answer_are_not_answered(listed: str) -> None:
    ids = [imei(number) for number in range(9)]
    answer = an_answer(ids, said={"status": "AddDeviceSucceed", "Reason": ""})
    named: object = ", ".join(ids) if listed == "message" else answer["deviceList"]
    answered = json.dumps({"deviceList": answer["deviceList"][:3]})
    body = (json.dumps({listed: named})[:-1] + "," + answered[1:]).encode()
    steps = answers_about(ids)(body)

    with pytest.raises(StopIteration) as end:
        next(steps)

    assert end.value.value.ids == ids[:3]


def test_a_number_that_is_no_json_is_no_answer() -> None:
    ids = [str(990003425730535 + number) for number in range(8)] + ["012345678901234"]
    body = json.dumps(an_answer(ids, said={"status": "AddDeviceSucceed", "Reason": ""})).encode()
    for one in ids:
        body = body.replace(b'"%s"' % one.encode(), one.encode())

    with pytest.raises(ValueError, match="no JSON"):
        next(answers_about(ids)(body))


def test_an_answer_that_is_not_regular_is_read_all_the_same() -> None:
    ids = [imei(number) for number in range(5)]
    answer = an_answer(ids, said={"status": "AddDeviceSucceed", "Reason": ""})
    answer["deviceList"][3]["status"] = "AddDeviceFail"
    steps = answers_about(ids)(json.dumps(answer).encode())

    with pytest.raises(StopIteration) as end:
        next(steps)

    assert end.value.value.statuses[3] == "AddDeviceFail"
