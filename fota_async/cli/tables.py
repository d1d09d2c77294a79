"""Answers as tables, for a person at a terminal."""

import sys
from collections.abc import Sequence
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fota_async import models
from fota_async.batch.states import DeviceOutcome
from fota_async.cli.plain import members
from fota_async.printable import printable

_CAMPAIGN = ("campaign_name", "start_date", "end_date", "status")
_HISTORY = ("start_date", "status", "reason")

COLUMNS: dict[type, tuple[str, ...]] = {
    models.CheckIn: ("device_id", "client_type", "result", "failure_type", "time_completed"),
    models.CampaignV2: ("id", "software_name", "file_name", *_CAMPAIGN),
    models.CampaignV3: ("id", "firmware_name", *_CAMPAIGN),
    models.DeviceDetailsV3: (
        *("device_id", "firmware", "protocol", "status", "request_status", "result_reason"),
        "last_connection_time",
    ),
    models.DeviceFirmware: ("device_id", "firmware_version", "update_time", "status", "reason"),
    models.DeviceLog: ("device_id", "log_time", "log_type", "event_log", "binary_log_filename"),
    models.DeviceUpgradeV1: ("id", "firmware_from", "firmware_to", *_HISTORY),
    models.DeviceUpgradeV2: ("id", "software_name", *_HISTORY),
    models.DeviceUpgradeV3: ("campaign_id", "firmware_name", *_HISTORY),
    models.DeviceV1: (
        *("device_id", "make", "model", "firmware", "fota_eligible", "license_assigned"),
        "upgrade_time",
    ),
    models.DeviceV2: (
        *("device_id", "make", "model", "distribution_type", "fota_eligible"),
        *("license_assigned", "software_list", "upgrade_time"),
    ),
    models.DeviceV3: (
        *("device_id", "make", "model", "firmware", "protocol", "status"),
        *("fota_eligible", "license_assigned", "upgrade_time"),
    ),
    models.FirmwareV1: ("firmware_name", "make", "model", "from_version", "to_version"),
    models.FirmwareV3: ("firmware_name", "make", "model", "firmware_from", "firmware_to"),
    models.ListedUpgrade: ("id", "firmware_name", "firmware_to", "start_date", "status"),
    models.Software: ("software_name", "make", "model", "distribution_type", "launch_date"),
    models.UploadedFile: ("file_name", "file_version", "make", "model", "local_target_path"),
    DeviceOutcome: ("device_id", "state", "status", "reason"),
}
"""What a list shows of each item, where all of it would not fit; JSON has everything."""

_DEVICE_ID = "device_id"
_IDS = {_DEVICE_ID, "id", "campaign_id"}


def list_table(items: Sequence[Any]) -> str:
    """Return a list as a table; its items are of one kind."""
    kind = type(items[0])
    if not attrs.has(kind):
        return _rendered((_DEVICE_ID,), [(one,) for one in items])
    names = COLUMNS.get(kind) or tuple(field.name for field in attrs.fields(kind))
    told = [members(item) for item in items]
    return _rendered(names, [[one[name] for name in names] for one in told])


def answer_table(answer: Any) -> str:
    """Return one answer: a line for each value, then its devices as a table of their own."""
    lines, lists = [], []
    for name, value in members(answer).items():
        if name == "device_list" and value:
            lists.append(value)
        elif value is not None and value != ():
            lines.append((name, value))
    return "".join([_rendered((), lines), *(f"\n{list_table(one)}" for one in lists)])


def _rendered(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    table = Table(box=None, pad_edge=False, show_header=bool(header), header_style="bold")
    cells = [[_as_text(value) for value in row] for row in rows]
    for place, name in enumerate(header or ("name", "value")):
        # An id that is cut or broken is of no use.
        whole = max((len(row[place]) for row in cells), default=0) if name in _IDS else None
        table.add_column(name, min_width=whole, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console = Console(file=sys.stdout)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _as_text(value: Any) -> str:
    """Return a value as one cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(_as_text(one) for one in value)
    if isinstance(value, models.TimeWindow):
        return f"{value.start_time}-{value.end_time}"
    if attrs.has(type(value)):
        return " ".join(filter(None, (_as_text(one) for one in members(value).values())))
    return printable(str(value))
