"""Reading some rows of a large answer piece by piece says what plain decoding says."""

import json
from collections.abc import Generator
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_api import imei

from fota_async.models.upgrade_rows import UpgradeRows, _read_whole, read_rows, read_upgrade
from fota_async.models.upgrades import FirmwareUpgrade
from fota_async.wire.convert import structure
from fota_async.wire.decode import parse_json
from fota_async.wire.slices import in_slices

T = TypeVar("T")

NASTY = st.sampled_from(["},{", "}, {", '"},{"', "]", '"deviceList":[', "\\", '"', "é", "", "x"])
TEXTS = st.lists(NASTY, max_size=4).map("".join)
IDS = st.integers(1, 30).map(imei)
SPACES = st.sampled_from(["", " ", "\n", "\r\n\t"])


def any_case(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name, name.lower(), name.upper(), name[0].upper() + name[1:]])


NESTED = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["deviceList", "a", "deviceId"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {draw(any_case("deviceId")): draw(IDS | st.integers(1, 30))}
    if draw(st.booleans()):
        row["extra"] = draw(NESTED)
    row[draw(any_case("status"))] = draw(TEXTS | st.none())
    for name in ("resultReason", "Reason", "reason"):
        if draw(st.integers(0, 3)) == 0:
            row[name] = draw(TEXTS)
            break
    return row


@st.composite
def plain_rows(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {"deviceId": draw(IDS), "status": draw(TEXTS)}
    if draw(st.booleans()):
        row["resultReason"] = draw(TEXTS)
    if draw(st.integers(0, 5)) == 0:
        row["extra"] = draw(NESTED)
    return row


def written(document: Any, space: str) -> bytes:
    separators = (f"{space},{space}", f"{space}:{space}")
    return json.dumps(document, separators=separators, ensure_ascii=False).encode()


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    devices = draw(
        st.lists(plain_rows(), max_size=6) | st.lists(rows(), max_size=6) | st.none() | NESTED
    )
    members = [(draw(any_case("deviceList")), devices)] if draw(st.integers(0, 9)) else []
    members += [("status", draw(st.sampled_from(["Queued", "InProgress", "Odd", None])))]
    members += [(f"other{n}", draw(NESTED)) for n in range(draw(st.integers(0, 2)))]
    # The list comes first, last or between; JSON keeps the order of a dict.
    body = written(dict(draw(st.permutations(members))), draw(SPACES))
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body


def outcome(reading: Any) -> Any:
    try:
        return reading()
    except ValueError:
        return None


def to_its_end(body: bytes, wanted: set[str]) -> tuple[UpgradeRows, int]:
    return run_to_its_end(read_rows(body, wanted))


def run_to_its_end(steps: Generator[None, None, T]) -> tuple[T, int]:
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, pauses
        pauses += 1


@pytest.mark.each_python
@settings(max_examples=400, deadline=None)
@given(bodies(), st.sets(IDS), st.sampled_from([1, 40, 200, 65_536]))
def test_reading_in_slices_says_what_plain_decoding_says(
    body: bytes, wanted: set[str], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fota_async.wire.slices._SLICE", size)
        sliced = outcome(lambda: to_its_end(body, wanted)[0])

    assert sliced == outcome(lambda: _read_whole(body, wanted))


@pytest.mark.each_python
@settings(max_examples=400, deadline=None)
@given(bodies(), st.sampled_from([1, 40, 200, 65_536]))
def test_an_upgrade_read_in_slices_is_the_one_read_in_one_go(body: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fota_async.wire.slices._SLICE", size)
        sliced = outcome(lambda: run_to_its_end(read_upgrade(body))[0])

    assert sliced == outcome(lambda: structure(parse_json(body), FirmwareUpgrade))


def big(count: int, text: str = "success") -> bytes:
    devices = [
        {"deviceId": imei(n), "status": "Device Accepted", "resultReason": text}
        for n in range(count)
    ]
    return json.dumps({"id": "x", "status": "Queued", "deviceList": devices}).encode()


@pytest.mark.parametrize("text", ["success", "a},{b", '"},{"' * 3])
def test_a_big_body_is_read_with_pauses(text: str) -> None:
    body = big(20_000, text)

    read, pauses = to_its_end(body, {imei(0), imei(9_999), imei(19_999), imei(20_000)})

    assert pauses >= len(body) // 200_000
    assert read.rows == {imei(n): ("Device Accepted", text) for n in (0, 9_999, 19_999)}
    assert read.status == "Queued"


def test_no_item_is_lost_or_doubled_where_it_is_cut() -> None:
    decoder = msgspec.json.Decoder(list[Any])
    slices = list(in_slices(big(5_000), "deviceList", decoder))

    assert len(slices) > 3
    assert [item["deviceId"] for part in slices for item in part] == [imei(n) for n in range(5_000)]


def test_a_list_inside_another_member_is_not_the_upgrades() -> None:
    inner = [{"deviceId": imei(1), "status": "Device Accepted"}]
    body = json.dumps({"none": [], "deviceList": None, "old": {"deviceList": inner}}).encode()

    assert to_its_end(body, {imei(1)})[0].rows == {}


@pytest.mark.parametrize("spelling", ["resultReason", "Reason", "reason"])
def test_a_reason_is_read_in_each_spelling_of_the_vendors_pages(spelling: str) -> None:
    row = {"deviceId": imei(1), "status": "Device Rejected", spelling: "Invalid IMEI"}
    body = json.dumps({"status": "Queued", "deviceList": [row]}).encode()

    assert to_its_end(body, {imei(1)})[0].rows == {imei(1): ("Device Rejected", "Invalid IMEI")}


DEEP = b'{"x":%s,"deviceList":[]}' % (b"[" * 20_000 + b"]" * 20_000)
DEEP_ROW = b'{"deviceList":[{"deviceId":"1","status":"s","x":%s}]}' % (
    b"[" * 20_000 + b"]" * 20_000
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"status":"Queued"}',
        b'{"deviceList":' + b"[" * 100_000,
        DEEP,
        DEEP_ROW,
    ],
    ids=["empty", "list", "html", "no list", "endless", "deep", "deep row"],
)
def test_what_is_no_upgrade_is_an_error_of_one_kind(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_its_end(body, {imei(1)})


@pytest.mark.parametrize("devices", [b"[]", b"null"])
def test_an_upgrade_without_devices_has_no_rows(devices: bytes) -> None:
    read, _ = to_its_end(b'{"status":"Queued","deviceList":%s}' % devices, {imei(1)})

    assert read == UpgradeRows(read.status, {})
