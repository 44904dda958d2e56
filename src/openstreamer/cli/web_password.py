"""`openstreamer web-password`: set the password of the web pages again.

Everybody who is logged in has to log in anew, also on a running service. Rules: `docs/web.md`, "Logging in".
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from openstreamer.cli.changes import note_in
from openstreamer.cli.common import examples, read_password, state_option
from openstreamer.errors import MissingExtra


@click.command(
    "web-password",
    short_help="Set the password of the web pages.",
    epilog=examples("openstreamer web-password", "openstreamer web-password --password-file secret.txt"),
)
@click.option(
    "--password-file",
    metavar="F|-",
    help="File whose first line is the new password; - reads it from standard input. [default: a question on "
    "a terminal; elsewhere one is made up and shown]",
)
@state_option
def command(password_file: str | None, state: Path | None) -> None:
    """Set the password of the web pages. Everybody who is logged in has to log in again."""
    from openstreamer.server.state import open_state

    directory = open_state(state)
    password, made_up = choose_password(password_file)
    keep_password(directory.web_password, password, made_up=made_up)
    note_in(directory, "password of the web pages set")


def choose_password(password_file: str | None) -> tuple[str, bool]:
    """The password from a file, from a question on a terminal, or a new one; and whether it was made up.

    Raises:
        MissingExtra: the libraries of the web pages are not installed.
        UsageError: the file cannot be read, or the password is too short.
    """
    try:
        from openstreamer.server.web.passwords import check_password, make_password
    except ImportError as error:
        raise MissingExtra("the password of the web pages", "web") from error
    password: str | None = None
    if password_file is not None:
        password = read_password(password_file) or ""
    elif sys.stdin is not None and sys.stdin.isatty():
        question = "Password of the web pages (empty: make one up)"
        password = click.prompt(
            question, hide_input=True, default="", show_default=False, confirmation_prompt=True, err=True
        )
        password = password or None
    if password is None:
        return make_password(), True
    check_password(password)
    return password, False


def keep_password(path: Path, password: str, *, made_up: bool) -> None:
    """Write the password's hash, and show a password that was made up. Raises StateError."""
    from openstreamer.server.web.passwords import write_password

    write_password(path, password)
    if made_up:
        click.echo(f"Password of the web pages, shown only now: {password}")
    else:
        click.echo("Set the password of the web pages")
