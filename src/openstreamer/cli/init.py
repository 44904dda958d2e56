"""`openstreamer init`: make the state directory with certificates, settings and an empty event log.

Safe to repeat: what is there is never replaced, least of all the certificate authority, on which every
client's certificate rests. Rules: `docs/state-directory.md`.
"""

from __future__ import annotations

from pathlib import Path

import click

from openstreamer.cli.common import examples, state_option
from openstreamer.errors import StateError


@click.command(
    "init",
    short_help="Make the state directory: certificates, settings, event log.",
    epilog=examples("openstreamer init", "openstreamer init --state ./server --name events.example.net"),
)
@state_option
@click.option(
    "--name",
    "names",
    metavar="HOST",
    multiple=True,
    help="Name or address of this server for its certificate, beside those it has anyway. Repeatable.",
)
@click.option("--force", is_flag=True, help="Complete a directory that exists; nothing in it is replaced.")
def command(state: Path | None, names: tuple[str, ...], force: bool) -> None:
    """Make the state directory: certificate authority, server certificate, settings, event log.

    All event types are switched on afterwards, and no client may connect yet: add one with 'openstreamer
    clients add'.
    """
    from openstreamer.authority import Authority
    from openstreamer.server import state as state_module
    from openstreamer.server.settings import template
    from openstreamer.store import open_store

    directory = state_module.find(state)
    made = state_module.exists(directory)
    authority = Authority(directory.path)
    complete = made and authority.exists and directory.settings.exists() and directory.store.exists()
    if complete and not force:
        raise StateError(f"{directory.path} is a state directory already; nothing was changed")
    if made:
        state_module.open_state(directory.path)
    state_module.create(directory)
    if not authority.exists:
        authority.create(names=names)
    authority.complete(names=names)
    if not directory.settings.exists():
        state_module.write_private(directory.settings, template().encode())
    open_store(directory.store).close()
    authority.close()
    verb = "Completed" if made else "Made"
    click.echo(f"{verb} the state directory {directory.path}")
    click.echo("Next: openstreamer clients add HOST, then openstreamer serve")
