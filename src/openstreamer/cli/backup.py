"""`openstreamer backup`: all that a server keeps, as one file, while the service runs.

What is in the file, and how it is made, is in `openstreamer.server.backup`. Rules: `docs/operations.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from openstreamer.cli.changes import note_in
from openstreamer.cli.common import examples, state_option


@click.command(
    "backup",
    short_help="Write all that the server keeps to a file.",
    epilog=examples(
        "openstreamer backup openstreamer.tar.gz",
        "openstreamer backup openstreamer.tar.gz --without-events --force",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--without-events", is_flag=True, help="Leave out the event log, by far the largest part.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there already.")
@state_option
def command(file: Path, without_events: bool, force: bool, state: Path | None) -> None:
    """Write settings, certificates, clients and event log to FILE; the service may run.

    FILE holds the private keys: it is readable to you alone, and should stay so. It appears when it is
    whole; until then as much space again is needed beside it. 'openstreamer restore FILE' puts it in place.
    """
    from openstreamer.server import backup
    from openstreamer.server.state import open_state

    progress = Progress()
    directory = open_state(state)
    manifest = backup.make(
        directory, file.absolute(), events=not without_events, replace=force, progress=progress
    )
    progress.end()
    note_in(directory, "backup written", file=str(file.absolute()))
    count = len(manifest.members)
    click.echo(f"{file}: {count} files, {manifest.bytes} bytes, packed to {file.stat().st_size}")
    if without_events:
        click.echo("the event log is not in it; inputs read their files from the start after a restore")


class Progress:
    """A line on a terminal that says how far a large event log has got."""

    def __init__(self) -> None:
        self._shown = ""
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how much of how many bytes is done."""
        line = f"{what}: {100 * done // max(total, 1)} %"
        if self._terminal and total >= 1 << 24 and line != self._shown:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self._shown = line

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
