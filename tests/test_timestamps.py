"""Dates and times: the text is kept, and read in each of the vendor's layouts."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fota_async.models import DeviceV1, Timestamp
from fota_async.wire.convert import structure, unstructure

MOMENTS = {
    "2018-04-01": datetime(2018, 4, 1),  # noqa: DTZ001 - it names no zone
    "2018-04-01T16:03:00.000Z": datetime(2018, 4, 1, 16, 3, tzinfo=UTC),
    "2022-10-05T21:05:01.19Z": datetime(2022, 10, 5, 21, 5, 1, 190_000, tzinfo=UTC),
    "2022-10-06T18:35:00Z": datetime(2022, 10, 6, 18, 35, tzinfo=UTC),
    "2022-10-06T18:35:00.123456789Z": datetime(2022, 10, 6, 18, 35, 0, 123_456, tzinfo=UTC),
    "2022-10-06T20:35:00+02:00": datetime(2022, 10, 6, 18, 35, tzinfo=UTC),
    "2021-06-03 00:03:56.079 +0000 UTC": datetime(2021, 6, 3, 0, 3, 56, 79_000, tzinfo=UTC),
    "2022-01-04 02:45:00.67 +0000 UTC": datetime(2022, 1, 4, 2, 45, 0, 670_000, tzinfo=UTC),
    "2020-08-31 00:00:00 +0000 UTC": datetime(2020, 8, 31, tzinfo=UTC),
    "2020-08-30 19:00:00 -0500 EST": datetime(2020, 8, 31, tzinfo=UTC),
    "10/22/2020 19:35:07": datetime(2020, 10, 22, 19, 35, 7),  # noqa: DTZ001 - it names no zone
    "06 Oct 22 18:05 UTC": datetime(2022, 10, 6, 18, 5, tzinfo=UTC),
}


@pytest.mark.each_python
@pytest.mark.parametrize("text", MOMENTS)
def test_each_layout_is_read_and_its_text_kept(text: str) -> None:
    parsed = Timestamp(text).parsed

    assert parsed == MOMENTS[text]
    assert parsed is not None
    assert (parsed.tzinfo is None) == (MOMENTS[text].tzinfo is None)
    assert Timestamp(text) == text
    assert str(Timestamp(text)) == text


@pytest.mark.parametrize("text", ["01/01/1900 0:0:0", "01/01/1900 00:00:00"])
def test_a_device_never_upgraded_has_no_moment(text: str) -> None:
    assert Timestamp(text).is_never
    assert Timestamp(text).parsed is None
    assert not Timestamp("10/22/2020 19:35:07").is_never


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2018-13-01", "2018-02-30", "25/25/2020 0:0:0", "2018-04-01T25:00:00Z",
     "2018-04-01T16:03:00+99:00", "0000-01-01", "2018-04-01x", "06 Xyz 22 18:05 UTC"],
)  # fmt: skip
def test_what_is_no_time_is_none_and_no_error(text: str) -> None:
    assert Timestamp(text).parsed is None
    assert Timestamp(text) == text


@given(st.text() | st.from_regex(r"\d{1,4}[-/]\d\d?[-/]\d{1,4}[T ]\d\d?:\d\d?:\d\d?.{0,12}"))
def test_no_text_is_an_error(text: str) -> None:
    assert Timestamp(text).parsed is None or isinstance(Timestamp(text).parsed, datetime)
    assert Timestamp.in_prose(text) is None or Timestamp.in_prose(text) in text


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 9))
def test_a_moment_comes_back_from_both_of_its_usual_layouts(moment: datetime, digits: int) -> None:
    fraction = f".{moment.microsecond:06d}000"[: digits + 1] if digits else ""
    kept = int(f"{fraction[1:]:0<6}"[:6]) if digits else 0
    wanted = moment.replace(microsecond=kept)
    whole = moment.replace(microsecond=0, tzinfo=None)

    assert Timestamp(f"{whole.isoformat()}{fraction}Z").parsed == wanted
    assert Timestamp(f"{whole.isoformat(' ')}{fraction} +0000 UTC").parsed == wanted


def test_a_time_is_found_in_prose() -> None:
    text = (
        "Upgrade pending, the device upgrade is estimated to be scheduled for 06 Oct 22 18:05 UTC"
    )
    found = Timestamp.in_prose(text)

    assert found == "06 Oct 22 18:05 UTC"
    assert found is not None
    assert found.parsed == datetime(2022, 10, 6, 18, 5, tzinfo=UTC)
    assert Timestamp.in_prose("success") is None


def test_a_time_goes_through_models_and_pickles() -> None:
    device = structure({"deviceId": "1", "upgradeTime": "01/01/1900 0:0:0"}, DeviceV1)
    assert device.upgrade_time is not None
    assert device.upgrade_time.is_never
    assert type(unstructure(device)["upgradeTime"]) is str
    again = pickle.loads(pickle.dumps(device))
    assert again == device
    assert isinstance(again.upgrade_time, Timestamp)


def test_times_with_zones_can_be_compared() -> None:
    one, other = Timestamp("2022-10-06T18:35:00Z"), Timestamp("06 Oct 22 18:05 UTC")
    assert one.parsed is not None
    assert other.parsed is not None
    assert one.parsed - other.parsed == timedelta(minutes=30)
