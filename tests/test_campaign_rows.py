"""A page of the devices of a campaign: the fast reader and the tolerant one say the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_api import imei

from fota_async.models import campaign_rows
from fota_async.models.campaign_rows import CampaignRows

texts = st.text(max_size=20)
rows = st.fixed_dictionaries(
    {"deviceId": texts, "status": texts, "resultReason": texts},
    optional={"updatedTime": texts, "other": st.none() | st.integers()},
)
odd_rows = st.fixed_dictionaries(
    {"deviceId": texts | st.integers(0, 10**15 - 1)},
    optional={"Status": texts, "resultReason": texts | st.none() | st.integers()},
)
pages = st.fixed_dictionaries(
    {"deviceList": st.lists(rows, max_size=4) | st.lists(odd_rows, max_size=4) | st.none()},
    optional={
        "hasMoreData": st.booleans() | st.none(),
        "hasMoreFlag": st.booleans(),
        "lastSeenDeviceId": texts | st.none() | st.integers(0, 10**15 - 1),
        "totalDevice": st.integers(0, 10),
    },
)


def outcome(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except ValueError:
        return "refused"


@given(pages)
@settings(deadline=None, max_examples=200)
def test_both_readers_agree_whatever_the_rows(document: Any) -> None:
    body = json.dumps(document).encode()

    assert outcome(CampaignRows.from_body, body) == outcome(CampaignRows.from_odd_body, body)


def test_the_documented_spelling_takes_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> Any:
        raise AssertionError("the slow way was taken")

    monkeypatch.setattr(campaign_rows, "structure", slow)
    row = {"deviceId": imei(1), "status": "Accepted", "resultReason": ""}
    page = {"deviceList": [row], "hasMoreData": True, "lastSeenDeviceId": imei(1)}

    read = CampaignRows.from_body(json.dumps(page).encode())

    assert (read.ids, read.statuses, read.reasons) == ([imei(1)], ["Accepted"], [""])
    assert (read.items, read.more, read.cursor) == ((imei(1),), True, imei(1))


def test_a_flag_that_is_spelt_otherwise_is_not_overlooked() -> None:
    row = {"deviceId": imei(1), "status": "Accepted", "resultReason": ""}
    page = {"deviceList": [row], "hasMoreFlag": True, "lastseendeviceid": 1}

    read = CampaignRows.from_body(json.dumps(page).encode())

    assert (read.more, read.cursor) == (True, imei(1))


@pytest.mark.parametrize("document", [{}, [], {"deviceList": [{"status": "Accepted"}]}, 7])
def test_what_is_no_page_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"\$"):
        CampaignRows.from_body(json.dumps(document).encode())


def test_a_null_list_is_an_empty_page() -> None:
    assert CampaignRows.from_body(b'{"deviceList": null, "hasMoreData": false}').items == ()
