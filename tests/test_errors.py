"""The exception tree, and the error that each answer means."""

import copy
import pickle
from typing import Any

import pytest
from helpers import credentials_of, modify, reply
from multidict import CIMultiDict

import fota_async
from fota_async import (
    AccountRuns,
    AccountsFailed,
    BatchReport,
    CallError,
    Candidate,
    DevicesFailed,
    ForbiddenError,
    FotaError,
    InvalidRequestError,
    LostError,
    NotFoundError,
    PilotReport,
    PilotStopped,
    RedirectError,
    RefusedError,
    RunStopped,
    ScheduleUnknown,
    ServerError,
    SessionEndedError,
    StopCause,
    SyncStopped,
    ThrottledError,
    TokenRefusedError,
    TooManyDevicesError,
    WaitError,
    errors,
)
from fota_async.api.upgrades import GET_UPGRADE, MODIFY_UPGRADE
from fota_async.models.reports import ListedUpgrade
from fota_async.simulator import Rules
from fota_async.wire.decode import concerns_devices, decode, retry_after


def tree(kind: type[FotaError]) -> list[type[FotaError]]:
    return [kind, *(below for sub in kind.__subclasses__() for below in tree(sub))]


ALL = [kind for kind in dict.fromkeys(tree(FotaError)) if kind.__module__.startswith("fota_async")]


def pickled(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))


OF_CALLS = [kind for kind in ALL if issubclass(kind, CallError)]
OF_WAITS = [kind for kind in ALL if issubclass(kind, WaitError)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_public_and_drawn_in_the_tree(kind: type[FotaError]) -> None:
    assert kind.__name__ in fota_async.__all__
    assert errors.__doc__ is not None
    assert f" {kind.__name__} " in errors.__doc__.replace("\n", "  ") or kind is FotaError


@pytest.mark.each_python
@pytest.mark.parametrize("kind", OF_CALLS)
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_an_error_of_a_call_survives_pickling(kind: type[CallError], again: Any) -> None:
    error = kind(
        "what happened",
        route="GET /x",
        status=418,
        code="C",
        text="T",
        request_id="R",
        body="B",
        sent="maybe",
        retry_after=7.0,
    )
    error.gave_up = True
    error.add_note("a note")
    same = again(error)

    assert type(same) is kind
    assert vars(same) == vars(error)
    assert same.args == error.args
    assert str(same) == str(error) == "GET /x: what happened; request id R; the answer begins 'B'"


@pytest.mark.parametrize("kind", OF_WAITS)
def test_an_error_of_a_wait_survives_pickling(kind: type[WaitError]) -> None:
    error = kind("what happened", target_id="T", wanted="Queued", status="Finished")
    same = pickled(error)

    assert type(same) is kind
    assert (vars(same), str(same)) == (vars(error), "what happened")


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in ALL
        if not issubclass(
            kind,
            (
                *(CallError, WaitError, RunStopped, PilotStopped),
                *(DevicesFailed, SyncStopped, AccountsFailed),
            ),
        )
    ],
)
def test_any_other_error_survives_pickling(kind: type[FotaError]) -> None:
    same = pickled(kind("what happened"))

    assert type(same) is kind
    assert str(same) == "what happened"


async def test_an_error_that_carries_a_report_survives_pickling(
    new_sim: Any, new_client: Any
) -> None:
    sim = await new_sim(rules=Rules(refused={"000000000000002": "Invalid IMEI"}))
    run = new_client(sim).v1.upgrades.append_devices(
        sim.upgrade_id, ["000000000000001", "000000000000002", "12"]
    )
    report: BatchReport = await run
    with pytest.raises(DevicesFailed) as failed:
        report.raise_for_failures()
    stopped = RunStopped("over", report, StopCause.CLOSED)
    candidate = Candidate(ListedUpgrade(sim.upgrade_id), 1, 1)
    unknown = ScheduleUnknown("lost", report, (candidate,))
    for error in (failed.value, stopped, unknown):
        same = pickled(error)
        assert str(same) == str(error)
        assert (same.report.succeeded, same.report.failed, same.report.invalid) == (1, 1, 1)
        assert [o.device_id for o in same.report] == [o.device_id for o in report]
    assert pickled(stopped).cause is StopCause.CLOSED
    assert pickled(unknown).candidates == (candidate,)
    late = PilotStopped("late", PilotReport("T", "Queued", {"1": None}, report), timed_out=True)
    same = pickled(late)
    assert (str(same), same.timed_out, same.pilot.rows) == ("late", True, {"1": None})
    assert same.pilot.report.inputs == report.inputs
    with pytest.raises(AccountsFailed) as not_ok:
        (await AccountRuns({"first": run})).raise_for_failures()
    same = pickled(not_ok.value)
    assert (str(same), str(same.overview)) == (str(not_ok.value), str(not_ok.value.overview))


def test_kinds_that_python_knows() -> None:
    assert issubclass(errors.ConfigurationError, ValueError)
    assert issubclass(errors.MisuseError, RuntimeError)


def fault(code: Any) -> dict[str, Any]:
    return {"fault": {"code": code, "message": "M", "description": "D"}}


def said(code: str) -> dict[str, str]:
    return {"errorCode": code, "errorMessage": "M"}


XML = (
    b'<am:fault xmlns:am="http://wso2.org/apimanager"><am:code>404</am:code>'
    b"<am:type>Status report</am:type><am:message>Not Found</am:message>"
    b"<am:description>Nothing here</am:description></am:fault>"
)
HTML = b"<html><body><p>Use <code>900800</code></p><p>Sorry.</p></body></html>"
EXPIRED = "REQUEST_FAILED.SessionToken.Expired"

ANSWERS: list[tuple[int, Any, type[CallError], str | None, str]] = [
    # The four shapes of the contract's section 4, and what is none of them.
    (400, said("INVALID_PARAMETER"), InvalidRequestError, "INVALID_PARAMETER", "yes"),
    (400, fault("900906"), InvalidRequestError, "900906", "yes"),
    (400, {"error": "invalid_request"}, InvalidRequestError, "invalid_request", "yes"),
    (403, XML, ForbiddenError, "404", "yes"),
    (403, HTML, ForbiddenError, None, "yes"),
    (404, b"", NotFoundError, None, "yes"),
    (404, b"null", NotFoundError, None, "yes"),
    (404, [said("X")], NotFoundError, None, "yes"),
    (422, {"message": "other"}, InvalidRequestError, None, "yes"),
    (409, {"errorCode": None, "errorMessage": 7}, RefusedError, None, "yes"),
    (405, b"\xff\xfe", RefusedError, None, "yes"),
    # The bearer: gateway codes, as text and as numbers.
    (401, fault("900901"), TokenRefusedError, "900901", "no"),
    (401, fault(900901), TokenRefusedError, "900901", "no"),
    (401, fault("900900"), TokenRefusedError, "900900", "no"),
    (401, fault("900905"), TokenRefusedError, "900905", "no"),
    (401, fault("900902"), RefusedError, "900902", "yes"),
    (401, said("900901"), RefusedError, "900901", "yes"),
    (401, b"", RefusedError, None, "yes"),
    (403, fault("900908"), ForbiddenError, "900908", "yes"),
    # The session: by suffix, whatever the service and the status.
    (400, said(f"UnifiedWebService.{EXPIRED}"), SessionEndedError, None, "no"),
    (400, said(EXPIRED), SessionEndedError, EXPIRED, "no"),
    (401, said("Other.INPUT_INVALID.SessionToken.Invalid"), SessionEndedError, None, "no"),
    (400, said("REQUEST_FAILED.SessionToken.Format"), InvalidRequestError, None, "yes"),
    # Throttling.
    (429, b"", ThrottledError, None, "no"),
    (429, HTML, ThrottledError, None, "no"),
    (503, fault("900800"), ThrottledError, "900800", "no"),
    (503, fault(900807), ThrottledError, "900807", "no"),
    (403, fault("900907"), ThrottledError, "900907", "no"),
    (400, said("900800"), InvalidRequestError, "900800", "yes"),
    (503, fault("900808"), ServerError, "900808", "maybe"),
    (503, HTML, ServerError, None, "maybe"),
    # Size.
    (413, HTML, TooManyDevicesError, None, "yes"),
    (
        400,
        said("Unified.INPUT_INVALID.NumberofDevices"),
        TooManyDevicesError,
        None,
        "yes",
    ),
    (400, said("INPUT_INVALID.MaxRequestsExceeded"), TooManyDevicesError, None, "yes"),
    # Servers that fail, and those that point elsewhere.
    (408, b"", ServerError, None, "maybe"),
    (500, said("INTERNAL_ERROR"), ServerError, "INTERNAL_ERROR", "maybe"),
    (502, HTML, ServerError, None, "maybe"),
    (599, b"", ServerError, None, "maybe"),
    (302, b"", RedirectError, None, "yes"),
    (304, b"", RedirectError, None, "yes"),
]


@pytest.mark.each_python
@pytest.mark.parametrize(("status", "document", "kind", "code", "sent"), ANSWERS)
def test_what_an_answer_means(
    status: int, document: Any, kind: type[CallError], code: str | None, sent: str
) -> None:
    body = reply(document).partition(b"\r\n\r\n")[2]
    with pytest.raises(CallError) as caught:
        decode(MODIFY_UPGRADE, status, CIMultiDict(), body)
    error = caught.value

    assert type(error) is kind
    assert error.sent == sent
    assert error.status == status
    assert f"(status {status})" in str(error)
    assert str(error).startswith("PUT /api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}: ")
    if code is not None:
        assert error.code == code
        assert code in str(error)


def error_of(document: Any, status: int = 400, **headers: str) -> CallError:
    body = reply(document).partition(b"\r\n\r\n")[2]
    with pytest.raises(CallError) as caught:
        decode(GET_UPGRADE, status, CIMultiDict(headers), body)
    return caught.value


def test_texts_are_kept_word_for_word() -> None:
    assert error_of(said("INVALID_PARAMETER")).text == "M"
    assert error_of(fault("1")).text == "D"
    assert error_of({"fault": {"code": "1", "message": "only M"}}).text == "only M"
    assert error_of({"error": "e", "error_description": "E", "cause": "c"}).text == "E"
    assert error_of(XML, 403).text == "Not Found"


def test_an_answer_that_explains_nothing_is_shown_in_part() -> None:
    page = error_of(b"<html>" + b"x" * 1000)

    assert page.body.startswith("<html>xxx")
    assert len(page.body) == 200
    assert "the answer begins '<html>" in str(page)
    assert error_of(said("X")).body == ""
    assert error_of(b"").body == ""


def test_the_servers_name_for_the_request_is_kept() -> None:
    assert error_of(b"", **{"X-Request-ID": "abc"}).request_id == "abc"
    assert error_of(b"").request_id is None
    unreadable = error_of(b"<html>", 200, **{"x-correlation-id": "def"})
    assert unreadable.request_id == "def"
    assert isinstance(unreadable, LostError)


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("17", "", 17.0),
        (" 1.5 ", "", 1.5),
        ("0", "", 0.0),
        ("Thu, 01 Jan 2026 00:01:40 GMT", "Thu, 01 Jan 2026 00:00:00 GMT", 100.0),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:01:40 GMT", 0.0),
        ("Thu, 01 Jan 2026 00:01:40 GMT", "", None),
        ("Thu, 01 Jan 2026 00:01:40 GMT", "yesterday", None),
        ("Thu, 01 Jan 2026 00:01:40", "Thu, 01 Jan 2026 00:00:00 GMT", None),
        ("-5", "", None),
        ("soon", "", None),
        ("nan", "", None),
        ("inf", "", None),
        ("", "", None),
    ],
)
def test_retry_after(value: str, date: str, seconds: float | None) -> None:
    headers = CIMultiDict({"retry-after": value, "date": date})

    assert retry_after(headers) == seconds
    assert error_of(b"", 429, **headers).retry_after == seconds


@pytest.mark.parametrize(
    ("document", "status", "concerns"),
    [
        (said("INVALID_PARAMETER"), 400, True),
        (b"", 422, True),
        (b"", 413, True),
        (said("UnifiedWebService.REQUEST_FAILED.DeviceNotFound"), 404, True),
        (b"", 404, False),
        (b"", 403, False),
        (b"", 405, False),
        (b"", 302, False),
    ],
)
def test_which_refusals_can_be_about_single_devices(
    document: Any, status: int, concerns: bool
) -> None:
    error = error_of(document, status)

    assert isinstance(error, RefusedError)
    assert concerns_devices(error) is concerns


async def test_a_refusal_of_a_server_reaches_the_caller(new_sim: Any, new_client: Any) -> None:
    sim = await new_sim(rules=Rules(poison=frozenset({"000000000000001"})))
    with pytest.raises(InvalidRequestError) as caught:
        await modify(new_client(sim, credentials=credentials_of(sim)), "000000000000001")

    assert type(caught.value).__name__ in errors.__all__
    assert caught.value.text == "Invalid device id format"
    assert caught.value.sent == "yes"
