"""Every public name, where it comes from; `fota_async` shows them on first use."""

from fota_async._version import __version__
from fota_async.api.campaign_devices import modify_campaign_v2, modify_campaign_v3
from fota_async.api.cancel_candidates import store_candidates
from fota_async.api.devices import read_device_details
from fota_async.api.firmware import sync_firmware
from fota_async.api.licenses import change_licenses
from fota_async.api.logging import switch_logging
from fota_async.api.pages import Pages
from fota_async.api.pilot import PilotResult
from fota_async.api.schedule import ScheduledCampaign, ScheduledUpgrade
from fota_async.api.upgrades import modify_upgrade
from fota_async.api.watching import DeviceChange, TargetChange
from fota_async.batch.account_runs import AccountRuns
from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.candidates import Candidate
from fota_async.batch.device_ids import DeviceSet
from fota_async.batch.errors import (
    AccountsFailed,
    DevicesFailed,
    PilotStopped,
    RunStopped,
    ScheduleUnknown,
    StopCause,
    SyncRefused,
    SyncStopped,
)
from fota_async.batch.journal.read_journal import read_journal
from fota_async.batch.overview import Overview
from fota_async.batch.pilot import PilotReport
from fota_async.batch.recheck import Change
from fota_async.batch.report import BatchReport
from fota_async.batch.run import BatchRun
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.states import DeviceOutcome, State
from fota_async.batch.sync import SyncPlan, SyncReport
from fota_async.batch.totals import Totals
from fota_async.client import FotaClient
from fota_async.credentials import Credentials, TokenProvider, Tokens
from fota_async.errors import (
    AnswerTimeoutError,
    AnswerTooLargeError,
    AuthError,
    CallError,
    CertificateError,
    ConfigurationError,
    ConnectionLostError,
    DeadlineError,
    DecodeError,
    ForbiddenError,
    FotaError,
    InvalidRequestError,
    JournalError,
    LoginLostError,
    LoginRefusedError,
    LostError,
    MisuseError,
    NeverReached,
    NotFoundError,
    NotSentError,
    ProxyError,
    RedirectError,
    RefusedError,
    RegistrationError,
    Sent,
    ServerError,
    SessionEndedError,
    SourceError,
    StoreError,
    ThrottledError,
    TokenRefusedError,
    TooManyDevicesError,
    WaitError,
    WaitTimeout,
)
from fota_async.models import (
    Callback,
    CampaignStatus,
    FirmwareUpgrade,
    Timestamp,
    TimeWindow,
    UpgradeDevice,
    UpgradeStatus,
)
from fota_async.models.auth import NewPassword
from fota_async.options import SessionOptions
from fota_async.reports import RunRecord, write_report
from fota_async.retry import RetryPolicy
from fota_async.session import SessionManager

__all__ = [
    "AccountRuns",
    "AccountsFailed",
    "AnswerTimeoutError",
    "AnswerTooLargeError",
    "AuthError",
    "BatchReport",
    "BatchRun",
    "CallError",
    "Callback",
    "CampaignStatus",
    "Candidate",
    "CertificateError",
    "Change",
    "ConfigurationError",
    "ConnectionLostError",
    "Credentials",
    "DeadlineError",
    "DecodeError",
    "DeviceBatcher",
    "DeviceChange",
    "DeviceOutcome",
    "DeviceSet",
    "DevicesFailed",
    "FirmwareUpgrade",
    "ForbiddenError",
    "FotaClient",
    "FotaError",
    "InvalidRequestError",
    "JournalError",
    "LoginLostError",
    "LoginRefusedError",
    "LostError",
    "MisuseError",
    "NeverReached",
    "NewPassword",
    "NotFoundError",
    "NotSentError",
    "Overview",
    "Pages",
    "PilotReport",
    "PilotResult",
    "PilotStopped",
    "ProxyError",
    "RedirectError",
    "RefusedError",
    "RegistrationError",
    "RetryPolicy",
    "RunOptions",
    "RunRecord",
    "RunStopped",
    "ScheduleRun",
    "ScheduleUnknown",
    "ScheduledCampaign",
    "ScheduledUpgrade",
    "Sent",
    "ServerError",
    "SessionEndedError",
    "SessionManager",
    "SessionOptions",
    "SourceError",
    "State",
    "StopCause",
    "StoreError",
    "SyncPlan",
    "SyncRefused",
    "SyncReport",
    "SyncStopped",
    "TargetChange",
    "ThrottledError",
    "TimeWindow",
    "Timestamp",
    "TokenProvider",
    "TokenRefusedError",
    "Tokens",
    "TooManyDevicesError",
    "Totals",
    "UpgradeDevice",
    "UpgradeStatus",
    "WaitError",
    "WaitTimeout",
    "__version__",
    "change_licenses",
    "modify_campaign_v2",
    "modify_campaign_v3",
    "modify_upgrade",
    "read_device_details",
    "read_journal",
    "store_candidates",
    "switch_logging",
    "sync_firmware",
    "write_report",
]
