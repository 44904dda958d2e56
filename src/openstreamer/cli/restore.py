"""`openstreamer restore`: a state directory from a backup.

What is checked, and how files get to their places, is in `openstreamer.server.restoring`. Rules:
`docs/operations.md`.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from openstreamer.cli.changes import note_in
from openstreamer.cli.common import examples, state_option


@click.command(
    "restore",
    short_help="Make a state directory from a backup.",
    epilog=examples(
        "openstreamer restore openstreamer.tar.gz",
        "openstreamer restore openstreamer.tar.gz --state /srv/openstreamer",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@state_option
def command(file: Path, state: Path | None) -> None:
    """Make a state directory from FILE, which 'openstreamer backup' has written.

    The directory must be empty or new. Everything is checked before anything is put in place. Clients keep
    their certificates and go on from their position. Only one of the two servers may then be used.
    """
    from openstreamer.cli.backup import Progress
    from openstreamer.server.restoring import restore
    from openstreamer.server.state import find

    directory = find(state)
    progress = Progress()
    manifest = restore(file, directory, progress=progress)
    progress.end()
    note_in(directory, "backup restored", file=str(file.absolute()), made=int(manifest.made))
    made = datetime.datetime.fromtimestamp(manifest.made).astimezone()
    click.echo(
        f"restored {len(manifest.members)} files of {made:%Y-%m-%d %H:%M:%S} (version {manifest.program}) "
        f"to {directory.path}"
    )
