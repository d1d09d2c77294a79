"""A page of the devices of a campaign, in columns: a campaign has them by the hundred thousand."""

from typing import Self

import attrs
import msgspec

from fota_async.models.reports import CampaignDevicePageV2
from fota_async.wire.convert import structure
from fota_async.wire.decode import parse_json
from fota_async.wire.paging import Page


class _Row(msgspec.Struct, gc=False):
    deviceId: str  # noqa: N815 - the wire's spelling saves msgspec a renaming
    status: str
    resultReason: str  # noqa: N815 - as above


class _Page(msgspec.Struct, gc=False):
    deviceList: list[_Row]  # noqa: N815 - as above
    hasMoreData: bool  # noqa: N815 - as above
    lastSeenDeviceId: str  # noqa: N815 - as above


# No member has a default: one that is spelt otherwise must not be taken for one that is absent.
_typed = msgspec.json.Decoder(_Page)


@attrs.frozen
class CampaignRows(Page[str]):
    """Some of the devices of a campaign, position by position.

    Attributes:
        ids: The devices.
        statuses: Their states, word for word; empty where a row has none.
        reasons: Details, word for word; empty where a row has none.
        more: Whether the API says that more follows.
        cursor: Where the next page begins, if the answer says so.
    """

    ids: list[str]
    statuses: list[str]
    reasons: list[str]
    more: bool | None = None
    cursor: str | None = None

    @property
    def items(self) -> tuple[str, ...]:
        """The devices."""
        return tuple(self.ids)

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read a page, in any of the spellings the vendor shows.

        Raises:
            ValueError: There is no list of devices in it.
        """
        try:
            page = _typed.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return cls.from_odd_body(body)
        return cls(
            [row.deviceId for row in page.deviceList],
            [row.status for row in page.deviceList],
            [row.resultReason for row in page.deviceList],
            page.hasMoreData,
            page.lastSeenDeviceId,
        )

    @classmethod
    def from_odd_body(cls, body: bytes) -> Self:
        """Read a page whatever its spelling; equal to `from_body`, and slower.

        Raises:
            ValueError: There is no list of devices in it.
        """
        # v3 adds nothing but times.
        page = structure(parse_json(body), CampaignDevicePageV2)
        return cls(
            [str(row.device_id) for row in page.items],
            [row.status or "" for row in page.items],
            [row.reason or "" for row in page.items],
            page.more,
            page.cursor,
        )
