"""The answer of calls that only say whether they worked."""

from typing import Self

import attrs

from fota_async.wire.convert import member, structure
from fota_async.wire.decode import parse_json


@attrs.frozen
class SuccessFlag:
    """`{"success": true}`; an empty answer means the same."""

    success: bool | None = member("success")

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the flag.

        Raises:
            ValueError: It is no such object, or says false.
        """
        flag = structure(parse_json(body), cls)
        if flag.success is False:
            raise ValueError("it says success: false")
        return flag
