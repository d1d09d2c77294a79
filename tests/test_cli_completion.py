"""The TAB key completes commands and options, in a real shell."""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cli_helpers import Fota, runner

BASH = shutil.which("bash") or "/bin/bash"


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def script(fota: Fota, tmp_path: Path) -> Path:
    code, stdout, stderr = fota("completion", "bash")
    assert (code, stderr) == (0, "")
    file = tmp_path / "fota.bash"
    file.write_text(stdout)
    return file


def offered(script: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    typed = " ".join(f"'{word}'" for word in words)
    code = (
        f'source "{script}"; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _fota; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [BASH, "--norc", "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.split()


def typed(script: Path, keys: str, wanted: str, folder: Path) -> str:
    """Return what an interactive bash shows after these keys, once it shows what is wanted."""
    terminal, inside = pty.openpty()
    shell = subprocess.Popen(
        [BASH, "--norc", "--noprofile", "-i"],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        cwd=folder,
        env={**os.environ, "TERM": "dumb", "INPUTRC": os.devnull},
        start_new_session=True,
    )
    os.close(inside)
    shown, until = "", time.monotonic() + 20
    try:
        os.write(terminal, f"source '{script}'\n{keys}".encode())
        while wanted not in shown and time.monotonic() < until:
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096).decode(errors="replace")
    finally:
        shell.kill()
        shell.wait(10)
        os.close(terminal)
    return shown


def test_commands_options_and_values_are_completed(script: Path) -> None:
    assert offered(script, "fota", "app") == ["append"]
    assert offered(script, "fota", "licenses", "candidates", "re") == ["replace"]
    assert offered(script, "fota", "append", "--jou") == ["--journal"]
    assert offered(script, "fota", "append", "--api", "") == ["v2", "v3"]
    assert {"append", "completion", "upgrades"} <= set(offered(script, "fota", ""))


def test_the_tab_key_completes_in_an_interactive_shell(script: Path, tmp_path: Path) -> None:
    assert "fota append " in typed(script, "fota app\t", "fota append ", tmp_path)


def test_the_tab_key_completes_files(script: Path, tmp_path: Path) -> None:
    (tmp_path / "fleet-of-spring.csv").touch()

    assert "fleet-of-spring.csv" in typed(script, "fota append fle\t", ".csv", tmp_path)


@pytest.mark.parametrize(
    ("shell", "mark"), [("zsh", "#compdef fota"), ("fish", "complete -c fota")]
)
def test_other_shells_have_theirs(fota: Fota, shell: str, mark: str) -> None:
    code, stdout, _ = fota("completion", shell)

    assert code == 0
    assert mark in stdout
    assert "append" in stdout
