"""Reports as files: for spreadsheets, for programs, and a page to show to others."""

from fota_async.reports.files import write_report
from fota_async.reports.record import RunRecord

__all__ = ["RunRecord", "write_report"]
