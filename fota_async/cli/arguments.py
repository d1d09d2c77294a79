"""What several commands take: a device list, an id, a version of the API."""

from typing import Annotated

from cyclopts import Parameter

Flat = Parameter(name="*")
"""Each attribute of a class of options is an option."""

File = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        help="One IMEI a line, or a CSV with a column `imei`, `device_id` or `deviceid`; "
        "`-` reads standard input.",
    ),
]
