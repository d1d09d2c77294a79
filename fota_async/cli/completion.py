"""`fota completion`: what lets a shell complete commands and options."""

from typing import Literal

from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces

_BASH_ENDS = "complete -F _fota fota"


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a script that lets a shell complete commands, options and their values.

    Have it read at each start: bash by a line in ~/.bashrc that says `source` and the file, zsh by
    a file named _fota in a folder of its fpath, fish by a file
    ~/.config/fish/completions/fota.fish. It tells of this version, so print it anew after an
    update.

    Example: fota completion bash > ~/.fota-completion.bash

    Args:
        shell: Which shell.
    """
    # Every command is loaded to be described, which nobody else should have to wait for.
    from fota_async.cli.app import make_app  # noqa: PLC0415 - it knows of this module by name

    script = make_app().generate_completion(prog_name="fota", shell=shell)
    # Where it knows nothing to offer, files are what is asked for.
    script = script.replace(_BASH_ENDS, f"{_BASH_ENDS[:9]}-o default {_BASH_ENDS[9:]}")
    return Exit.DONE if print_pieces([script]) else Exit.ERROR
