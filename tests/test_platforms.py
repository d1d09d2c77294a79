"""What holds on Windows and macOS too, as far as another machine can tell."""

import ast
import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any, NoReturn

import pytest
from batch_helpers import client_of, imeis
from helpers import UPGRADE

import fota_async
from fota_async import RunStopped, StopCause, read_journal
from fota_async.callbacks import CallbackReceiver, serve
from fota_async.cli.signals import on_signals
from fota_async.simulator import Faults, SimulatorThread
from fota_async.sqlite_file import file as sqlite_file

ROOT = Path(fota_async.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

OF_ONE_PLATFORM = """
    _winapi fcntl grp msvcrt posix pty pwd readline resource syslog termios tty winreg

    os.O_BINARY os.O_CLOEXEC os.O_DIRECTORY os.O_NOFOLLOW os.O_NONBLOCK os.O_SYNC
    os.chown os.chroot os.fchmod os.fchown os.fdatasync os.fork os.forkpty os.getegid os.geteuid
    os.getgid os.getgroups os.getloadavg os.getpgid os.getpriority os.getsid os.getuid os.killpg
    os.lchown os.mkfifo os.mknod os.nice os.openpty os.pread os.preadv os.pwrite os.pwritev
    os.register_at_fork os.sched_getaffinity os.sched_setaffinity os.sendfile os.setgid os.setsid
    os.setuid os.startfile os.statvfs os.sync os.uname os.wait os.wait3 os.wait4 os.waitid

    signal.SIGALRM signal.SIGBREAK signal.SIGCHLD signal.SIGCONT signal.SIGHUP signal.SIGKILL
    signal.SIGPIPE signal.SIGQUIT signal.SIGSTOP signal.SIGTSTP signal.SIGUSR1 signal.SIGUSR2
    signal.SIGWINCH signal.alarm signal.pause signal.pthread_kill signal.pthread_sigmask
    signal.setitimer signal.siginterrupt signal.sigwait

    select.epoll select.kqueue select.poll socket.AF_UNIX socket.SO_REUSEPORT
    time.clock_gettime time.tzset
"""
NOT_OF_WINDOWS_LOOP = """
    add_reader add_signal_handler add_writer connect_read_pipe connect_write_pipe
    create_unix_connection create_unix_server open_unix_connection remove_reader
    remove_signal_handler remove_writer start_unix_server
"""


def missing_somewhere(source: str) -> set[str]:
    """Return what a module uses that is not there on every platform."""
    used, methods = set[str](), set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                used |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                used |= {module, *(f"{module}.{alias.name}" for alias in names)}
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                used.add(f"{module}.{name}")
        if isinstance(node, ast.Attribute):
            methods.add(node.attr)
    return used & set(OF_ONE_PLATFORM.split()) | methods & set(NOT_OF_WINDOWS_LOOP.split())


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from fcntl import flock",
        "def f():\n    import resource",
        "import os\nos.fork()",
        "from os import getuid",
        "import signal\nprint(signal.SIGKILL)",
        "loop.add_signal_handler(2, stop)",
        "self.loop.add_reader(0, read)",
    ],
)
def test_what_is_not_everywhere_would_be_found(source: str) -> None:
    assert len(missing_somewhere(source)) == 1


def test_nothing_is_used_that_another_platform_lacks() -> None:
    found = {str(one): missing_somewhere(one.read_text(encoding="utf-8")) for one in FILES}

    assert {file: names for file, names in found.items() if names} == {}


def test_every_module_can_be_imported_without_what_windows_lacks() -> None:
    names = [
        ".".join(("fota_async", *file.relative_to(ROOT).with_suffix("").parts)) for file in FILES
    ]
    modules = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    lacking = ["fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"]
    code = (
        "import asyncio, ssl, subprocess, sys\n"  # which have their own ways on Windows
        f"sys.modules.update(dict.fromkeys({lacking}))\n"
        "from importlib import import_module\n"
        f"for name in {modules}: import_module(name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_no_text_is_read_or_written_in_the_encoding_of_the_place() -> None:
    silent = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="read_text" | "write_text" | "fdopen")):
                    opens = True
                case ast.Call(func=ast.Name(id="open"), args=[_, ast.Constant(value=str(mode))]):
                    opens = "b" not in mode
                case ast.Call(func=ast.Name(id="open")):
                    opens = True
                case ast.Call(func=ast.Attribute(attr="open"), args=[ast.Constant(value=str())]):
                    opens = "b" not in node.args[0].value
                case _:
                    opens = False
            if opens and "encoding" not in {keyword.arg for keyword in node.keywords}:
                silent.append(f"{file.relative_to(ROOT)}:{node.lineno}")

    assert silent == []


def test_every_file_has_a_name_that_windows_and_macos_can_hold() -> None:
    names = [str(file.relative_to(ROOT)).casefold() for file in FILES]
    assert len(set(names)) == len(names)
    devices = {"aux", "con", "nul", "prn", *(f"{p}{n}" for p in ("com", "lpt") for n in range(10))}
    assert not [file for file in FILES if file.stem.casefold() in devices]


class WindowsLoop(asyncio.SelectorEventLoop):
    """An event loop without what the one of Windows does not have."""

    def _missing(self, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError

    add_signal_handler = remove_signal_handler = _missing
    add_reader = add_writer = remove_reader = remove_writer = _missing
    create_unix_connection = create_unix_server = _missing
    connect_read_pipe = connect_write_pipe = _missing


def run_on_windows_loop(main: Callable[[], Any]) -> Any:
    with asyncio.Runner(loop_factory=WindowsLoop) as runner:
        return runner.run(main())


def test_a_run_with_a_journal_needs_nothing_of_a_loop_that_windows_lacks(tmp_path: Path) -> None:
    journal = tmp_path / "enrol.db"

    async def main() -> None:
        with pytest.raises(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, print)
        async with client_of(sim) as client:
            devices = tmp_path / "fleet.csv"
            devices.write_bytes("\r\n".join(["imei", *imeis(500)]).encode())
            report = await client.v1.upgrades.append_devices(
                UPGRADE, devices, batch_size=50, journal=journal
            )
        assert report.succeeded == 500

    with SimulatorThread() as sim:
        run_on_windows_loop(main)
        assert sim.members() == set(imeis(500))
    assert read_journal(journal).succeeded == 500


def test_callbacks_are_served_on_such_a_loop(tmp_path: Path) -> None:
    async def main() -> bytes:
        receiver = CallbackReceiver(tmp_path / "events.db", allow_loopback=True)
        async with serve(receiver, host="127.0.0.1", port=0) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            body = b'{"type": "upgradeFinished"}'
            head = f"POST /v2 HTTP/1.0\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
        return answer

    assert run_on_windows_loop(main).split(b" ", 2)[1] == b"200"


@pytest.mark.parametrize(
    ("sent", "counts_as"),
    [("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM), ("SIGBREAK", signal.SIGTERM)],
)
def test_signals_stop_a_run_on_such_a_loop(
    monkeypatch: pytest.MonkeyPatch, sent: str, counts_as: signal.Signals
) -> None:
    if not hasattr(signal, "SIGBREAK"):  # which only Windows has; another one stands in for it
        monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR2, raising=False)
    number = getattr(signal, sent)
    before = signal.getsignal(number)

    async def main() -> None:
        async with client_of(sim) as client:
            run = client.v1.upgrades.append_devices(UPGRADE, imeis(3), grace=0.01)
            with on_signals(run.stop) as received:
                async with run:
                    signal.raise_signal(number)
                    with pytest.raises(RunStopped) as stopped:
                        await run
        assert received.signal is counts_as
        assert stopped.value.cause is StopCause.INTERRUPTED

    with SimulatorThread(faults=Faults(hang_before=1.0)) as sim:
        run_on_windows_loop(main)
    assert signal.getsignal(number) == before


def test_a_file_of_another_machine_is_refused_in_words() -> None:
    local, remote = PureWindowsPath("C:/fleet/a b.db"), PureWindowsPath("//server/share/enrol.db")

    assert sqlite_file._address(local) == "file:///C:/fleet/a%20b.db"
    with pytest.raises(sqlite_file.UnusableFileError, match="use a local disk"):
        sqlite_file._address(remote)
