"""`openstreamer convert-encore`: eNcore's configuration as one of `openstreamer run`.

What becomes of each key is in `openstreamer.client.encore`; the page is docs/coming-from-encore.md.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from openstreamer.cli.common import examples
from openstreamer.errors import UsageError


@click.command(
    "convert-encore",
    short_help="Write eNcore's configuration as ours, and say what has no counterpart.",
    epilog=examples(
        "openstreamer convert-encore estreamer.conf -o client.toml",
        "openstreamer run --config client.toml --check",
    ),
)
@click.argument("configuration", metavar="ESTREAMER.CONF", default="estreamer.conf")
@click.option("-o", "--out", metavar="FILE", help="Where to write it. [default: standard output]")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def command(configuration: str, out: str | None, force: bool) -> int:
    """Read ESTREAMER.CONF, the JSON file of an eNcore client, and write a file for 'openstreamer run'.

    Servers, events, outputs, log level and the bookmark are carried over. Each key without a counterpart is
    named on standard error with the reason, and again at the end of the file. Relative paths of eNcore belong
    to the directory of its file.
    """
    from openstreamer.client.encore import convert, read

    folder = Path(configuration).absolute().parent
    made = convert(read(configuration), where=configuration, folder=folder)
    text = made.text()
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text, force)
    sys.stdout.flush()
    for note in made.notes:
        click.echo(f"{note.key}: {note.why}", err=True)
    if out is not None:
        count = len(made.notes)
        click.echo(
            f"{out} is written; {count} thing{'s' if count != 1 else ''} could not be carried over.", err=True
        )
        click.echo(f"Check it, then run it: openstreamer run --config {out} --check", err=True)
    return 0


def _write(out: str, text: str, force: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(out, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{out} is there already; say --force to replace it") from None
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from error
