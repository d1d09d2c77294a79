"""The converter: strict about values, tolerant about spellings, open about enumerations."""

import copy
import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_api import imei

from fota_async import ConfigurationError, FirmwareUpgrade, UpgradeDevice, UpgradeStatus
from fota_async.models.auth import BearerToken
from fota_async.models.success import SuccessFlag
from fota_async.models.upgrades import ScheduleUpgrade
from fota_async.wire.convert import device_id, fold_names, spellings_of, structure, unstructure
from fota_async.wire.route import get


@pytest.mark.each_python
@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}])
def test_a_text_is_a_text(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\$\.access_token"):
        structure({"access_token": value, "token_type": "Bearer"}, BearerToken)


@pytest.mark.each_python
@pytest.mark.parametrize("value", ["false", "true", 0, 1, [], {}])
def test_a_truth_is_a_truth(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\$\.success"):
        structure({"success": value}, SuccessFlag)


@pytest.mark.parametrize("value", ["3600", 3600.5, True, []])
def test_a_number_is_a_number(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\$\.expires_in"):
        structure({"access_token": "x", "token_type": "Bearer", "expires_in": value}, BearerToken)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (
            {"deviceList": [{"deviceId": imei(1)}, {"deviceId": None}]},
            r"\$\.device_list\[1\]\.device_id",
        ),
        ({"deviceList": [{"deviceId": imei(1), "status": 7}]}, r"\$\.device_list\[0\]\.status"),
        ({"deviceList": [{"deviceId": True}]}, r"\$\.device_list\[0\]\.device_id"),
        ({"deviceList": ["x"]}, r"\$\.device_list\[0\]"),
        ({"deviceList": {}}, r"\$\.device_list"),
        ({"deviceList": [], "status": 7}, r"\$\.status"),
        ([], r"\$"),
        (None, r"\$"),
    ],
)
def test_what_does_not_fit_names_its_member(document: Any, path: str) -> None:
    with pytest.raises(ValueError, match=path):
        structure(document, FirmwareUpgrade)


def test_null_is_as_good_as_absent_where_a_member_may_be_absent() -> None:
    upgrade = structure({"deviceList": [], "status": None, "endDate": None}, FirmwareUpgrade)

    assert upgrade == FirmwareUpgrade(device_list=())


@pytest.mark.parametrize("text", ["SomethingNew", "", "queued", "Ünïcode", "None"])
@pytest.mark.each_python
def test_an_unknown_state_keeps_its_text_whatever_is_done_with_it(text: str) -> None:
    status = structure({"deviceList": [], "status": text}, FirmwareUpgrade).status
    assert isinstance(status, UpgradeStatus)
    for same in (status, pickle.loads(pickle.dumps(status)), copy.deepcopy(status)):
        assert same == text
        assert str(same) == text
        assert same.value == text
        assert hash(same) == hash(text)
        assert json.dumps(same) == json.dumps(text)
        assert not same.is_known
        assert same.is_open is None
    assert text not in [str(member) for member in UpgradeStatus]


def test_a_known_state_is_its_member() -> None:
    status = structure({"deviceList": [], "status": "Queued"}, FirmwareUpgrade).status

    assert status is UpgradeStatus.QUEUED
    assert pickle.loads(pickle.dumps(status)) is status
    assert [s for s in UpgradeStatus if s.is_open] == ["RequestPending", "Queued"]
    assert all(s.is_known for s in UpgradeStatus)


@given(st.integers(0, 10**15 - 1))
def test_a_device_id_as_a_number_is_padded(number: int) -> None:
    padded = device_id(number)

    assert len(padded) == 15
    assert int(padded) == number


@pytest.mark.parametrize("value", [None, True, 1.0, [], {}])
def test_what_is_no_device_id(value: Any) -> None:
    with pytest.raises(TypeError):
        device_id(value)


def test_of_several_spellings_the_preferred_one_wins_in_any_order() -> None:
    spellings = spellings_of({"reason": ["Reason", "resultReason"]})
    values = {"Reason": 1, "REASON": 2, "resultReason": 3, "RESULTREASON": 4}
    while values:
        best = min(values.values())
        assert fold_names(values, spellings) == {"reason": best}
        assert fold_names(dict(reversed(values.items())), spellings) == {"reason": best}
        del values[next(iter(values))]


def test_a_body_has_the_wires_spelling_and_no_absent_members() -> None:
    body = ScheduleUpgrade(
        account_name="0000123456-00001",
        firmware_name="F",
        firmware_to="2",
        start_date="2018-04-01",
        device_list=(imei(1),),
    )

    assert json.loads(json.dumps(unstructure(body))) == {
        "accountName": "0000123456-00001",
        "firmwareName": "F",
        "firmwareTo": "2",
        "startDate": "2018-04-01",
        "deviceList": [imei(1)],
    }
    assert unstructure(attrs.evolve(body, end_date="2018-04-05"))["endDate"] == "2018-04-05"


def test_models_are_frozen_hashable_and_can_be_pickled() -> None:
    upgrade = FirmwareUpgrade(
        device_list=(UpgradeDevice(device_id(imei(1)), "S", "R"),),
        status=UpgradeStatus("SomethingNew"),
    )
    same = pickle.loads(pickle.dumps(upgrade))

    assert same == upgrade
    assert hash(same) == hash(upgrade)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        upgrade.status = None  # type: ignore[misc]


ROUTE = get("/api/{account}/upgrade/{upgrade_id}", str)


@pytest.mark.parametrize("value", ["", ".", "..", " x", "x ", "a\nb", "a\0b", "\ud800", None, 7])
def test_a_value_that_would_change_the_path_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="upgrade_id"):
        ROUTE.fill(account="x", upgrade_id=value)


@given(st.text(min_size=1, max_size=20))
def test_no_value_leaves_its_segment(value: str) -> None:
    try:
        path = ROUTE.fill(account="a", upgrade_id=value)
    except ConfigurationError:
        return
    _, api, account, upgrade, last = path.split("/")

    assert (api, account, upgrade) == ("api", "a", "upgrade")
    assert last not in {"", ".", ".."}
    assert not set("?#\\ ;{}\r\n") & set(last)
    assert path.isascii()
