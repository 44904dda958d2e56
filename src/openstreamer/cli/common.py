"""What the commands share: options, passwords, the console, and how an error becomes a sentence and a status.

Not here: what a command does. Heavy libraries (rich, ssl, asyncio, cryptography) are imported inside the
functions that need them, so that `--help` and wrong usage answer at once. Rules: `docs/cli.md`.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from openstreamer.errors import OpenStreamerError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

PASSWORD_VARIABLE = "OPENSTREAMER_PASSWORD"
"""Environment variable that holds the password of a PKCS#12 file."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


_STATE = "openstreamer.state"
"""Where click's context, shared by a group and its commands, keeps what `--state` said before the command."""


def _remembered_state(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None:
        ctx.meta[_STATE] = value
    return ctx.meta.get(_STATE)


def state_option(function: _Function) -> _Function:
    """Add `--state DIR`; the command gets `state: Path | None`, for `openstreamer.server.state.find`."""
    return click.option(
        "--state",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        callback=_remembered_state,
        help="State directory. [default: $OPENSTREAMER_STATE, else /var/lib/openstreamer for root, "
        "else the user's data directory]",
    )(function)


def add_state_option(group: click.Group) -> None:
    """Let `--state DIR` stand before the command of a group too; the command's own goes first."""
    group.params.append(
        click.Option(
            ["--state"],
            metavar="DIR",
            type=click.Path(file_okay=False, path_type=Path),
            callback=_remembered_state,
            expose_value=False,
            help="State directory, for the commands that use one.",
        )
    )


def password_option(function: _Function) -> _Function:
    """Add `--password-file F|-`; the command gets `password_file: str | None` and calls `read_password`."""
    return click.option(
        "--password-file",
        metavar="F|-",
        help="File whose first line is the password of the PKCS#12 file; - reads it from standard input. "
        f"[default: ${PASSWORD_VARIABLE}]",
    )(function)


def read_password(
    password_file: str | None, *, prompt: str | None = None, confirm: bool = False
) -> str | None:
    """The password, or None if there is none.

    Looked for in this order: the first line of `password_file` (`-` is standard input), the environment
    variable, and, only if `prompt` is given and standard input is a terminal, a question (an empty answer
    means none). `confirm`: it is a new one, so a question is asked twice and a file must hold one. Raises
    UsageError if the file cannot be read.
    """
    if password_file is not None:
        password = _first_line(password_file)
        if confirm and not password:
            raise UsageError(
                f"the first line of {'standard input' if password_file == '-' else password_file} is empty: "
                "write a password there, or leave --password-file out for none"
            )
        return password
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE] or None
    if prompt is not None and sys.stdin is not None and sys.stdin.isatty():
        answer: str = click.prompt(
            prompt, hide_input=True, default="", show_default=False, confirmation_prompt=confirm, err=True
        )
        return answer or None
    return None


def _first_line(password_file: str) -> str | None:
    try:
        if password_file == "-":
            line = sys.stdin.readline()
        else:
            with open(password_file, encoding="utf-8") as stream:
                line = stream.readline()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read the password from {password_file}: {reason}") from error
    return line.rstrip("\r\n") or None


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or standard error; it writes plain text where that is no terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def examples(*lines: str) -> str:
    """Text for `epilog=`: the given command lines under a heading, kept as they are."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\b\n" + heading + "\n" + "\n".join(f"  {line}" for line in lines)


def add_debug_option(command: click.Command) -> None:
    """Let `command` and its subcommands take `--debug`, unless they declare it themselves."""
    if not any("--debug" in parameter.opts for parameter in command.params):
        command.params.append(
            click.Option(
                ["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error."
            )
        )
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            add_debug_option(subcommand)


def report(error: BaseException, *, debug: bool = False, program: str = "openstreamer") -> int:
    """Write one sentence about `error` to standard error and return the exit status that belongs to it.

    `program` is the name that the sentence begins with.
    """
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if _is_broken_pipe(error):
        _silence_standard_output()
        return 1
    if debug:
        traceback.print_exception(error)
    sentence, status = _describe(error, program)
    print(sentence, file=sys.stderr)
    return status


def _describe(error: BaseException, program: str) -> tuple[str, int]:
    if isinstance(error, OpenStreamerError):
        return f"{program}: {error}", error.exit_status
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx is not None else program
        return f"{path}: {error.format_message().rstrip('.')}; see '{path} --help'", error.exit_code
    if isinstance(error, click.ClickException):
        return f"{program}: {error.format_message()}", error.exit_code
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename is not None else ""
        return f"{program}: {error.strerror}{where}", 1
    name = type(error).__name__
    return f"{program}: unexpected {name}: {error} (a fault of the program; --debug shows where)", 1


def _is_broken_pipe(error: BaseException | None) -> bool:
    """Whether the reader of our output has left, as `openstreamer ... | head` does."""
    while error is not None:
        if isinstance(error, BrokenPipeError):
            return True
        error = error.__cause__
    return False


def _silence_standard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
