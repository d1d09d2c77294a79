"""What a message says, whatever its shape."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fota_async.callbacks import (
    CallbackEvent,
    FirmwareListEvent,
    UpgradeFinishedEvent,
    UpgradeProgressEvent,
    UpgradeScheduledEvent,
)
from fota_async.callbacks.events import read_event

MOMENT = datetime(2018, 4, 1, 16, 3, tzinfo=UTC)


def read(raw: dict[str, Any], version: str = "v1") -> CallbackEvent:
    return read_event(raw, id=7, received=MOMENT, version=version, repeat=False)


def test_a_list_of_firmware() -> None:
    item = {
        "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
        "participantName": "0402196254-00001",
        "launchDate": "2018-04-01T16:03:00.000Z",
        "releaseNote": "",
        "model": "Model-A",
        "make": "Verizon",
        "fromVersion": "VerizonFirmwareVersion-01",
        "toVersion": "VerizonFirmwareVersion-02",
    }

    event = read(
        {"accountName": "0402196254-00001", "type": "firmwareList", "firmwareList": [item]}
    )

    assert isinstance(event, FirmwareListEvent)
    assert event.account == "0402196254-00001"
    assert event.target_id is None
    (firmware,) = event.firmware
    assert firmware.firmware_name == "FOTA_Verizon_Model-A_01To02_HF"
    assert firmware.to_version == "VerizonFirmwareVersion-02"
    assert firmware.launch_date is not None
    assert firmware.launch_date.parsed == MOMENT


def test_a_scheduled_upgrade() -> None:
    said = {"firmwareName": "F", "upgradeId": "u-1", "startDate": "2018-04-01"}

    event = read({"type": "upgradeScheduled", "firmwareList": [], "upgradeScheduled": said})

    assert isinstance(event, UpgradeScheduledEvent)
    assert (event.target_id, event.firmware_name, event.start_date) == ("u-1", "F", "2018-04-01")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"type": "upgradeProgress"}, UpgradeProgressEvent),
        ({"type": "upgradeFinished"}, UpgradeFinishedEvent),
        ({"Type": "UpgradeFinished"}, UpgradeFinishedEvent),
        ({"type": "campaignAborted"}, CallbackEvent),
        ({"type": None}, CallbackEvent),
        ({"type": 5}, CallbackEvent),
        ({"type": ["upgradeFinished"]}, CallbackEvent),
        ({}, CallbackEvent),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_a_type_is_known_or_delivered_all_the_same(
    raw: dict[str, Any], kind: type[CallbackEvent], version: str
) -> None:
    event = read(raw, version)

    assert type(event) is kind
    assert event.raw == raw
    given = raw.get("type", raw.get("Type"))
    assert event.type == (given if isinstance(given, str) else None)
    assert event.version == version


@pytest.mark.parametrize(
    ("raw", "target_id"),
    [
        ({"upgradeId": "u"}, "u"),
        ({"campaignId": "c"}, "c"),
        ({"id": "i"}, "i"),
        ({"id": "i", "campaignId": "c", "upgradeId": "u"}, "u"),
        ({"id": "i", "campaignId": "c"}, "c"),
        ({"id": "i", "campaign": {"campaignId": "c"}}, "c"),
        ({"campaign": {"id": "c"}, "campaignId": "top"}, "top"),
        ({"campaign": {"id": "c"}}, "c"),
        ({"CampaignID": "c"}, "c"),
        ({"id": 17}, "17"),
        ({"upgradeId": "", "id": "i"}, "i"),
        ({"upgradeId": None, "data": {"upgradeId": "u"}}, "u"),
        ({"id": True}, None),
        ({"id": {"id": "inner"}}, "inner"),
        ({"data": {"data": {"id": "too deep"}}}, None),
        ({"firmwareList": [{"id": "of an item"}]}, None),
        ({}, None),
    ],
)
def test_the_id_of_the_upgrade_or_campaign_is_looked_for(
    raw: dict[str, Any], target_id: str | None
) -> None:
    assert read(raw).target_id == target_id


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "firmwareList", "firmwareList": "none"},
        {"type": "firmwareList", "firmwareList": None},
        {"type": "firmwareList", "firmwareList": [None, {}, {"firmwareName": 5}, []]},
        {"type": "upgradeScheduled", "upgradeScheduled": "soon"},
        {"type": "upgradeScheduled", "upgradeScheduled": {"startDate": 5, "firmwareName": []}},
        {"type": "upgradeScheduled"},
        {"accountName": 5, "type": "upgradeFinished"},
    ],
)
def test_members_of_another_shape_are_left_out_and_kept_in_raw(raw: dict[str, Any]) -> None:
    event = read(raw)

    assert event.raw == raw
    assert not getattr(event, "firmware", ())
    assert getattr(event, "start_date", None) is None
    assert getattr(event, "firmware_name", None) is None
    assert event.account is None


def test_an_event_can_be_compared_and_kept_in_a_set_and_does_not_show_the_message() -> None:
    event = read({"type": "x", "deviceId": "356938035643809"})

    assert len({event, read({"type": "x", "deviceId": "356938035643809"})}) == 1
    assert "356938035643809" not in repr(event)
    assert event.to_dict()["received"] == "2018-04-01T16:03:00+00:00"
