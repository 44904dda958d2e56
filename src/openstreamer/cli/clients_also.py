"""`openstreamer clients also`: from where else a client may come, without a new certificate or a new file.

For a client that the host check refuses: one that moved, got a second address, or is seen by an address that
somebody translated. Rules: `docs/clients-and-certificates.md`, "Names, addresses, networks".
"""

from __future__ import annotations

from pathlib import Path

import click

from openstreamer.cli.changes import note_change
from openstreamer.cli.client_words import all_names, warn_of_names
from openstreamer.cli.common import examples, state_option
from openstreamer.cli.events import open_authority
from openstreamer.errors import AuthorityError, UsageError


@click.command(
    "also",
    short_help="Let a client come from further names and addresses.",
    epilog=examples(
        "openstreamer clients also siem.example.net 203.0.113.9",
        "openstreamer clients also collector.example.net 10.20.0.0/16",
        "openstreamer clients also siem.example.net 203.0.113.10 --remove 203.0.113.9",
        "openstreamer clients also siem.example.net --no-hostcheck",
    ),
)
@click.argument("host")
@click.argument("names", metavar="[ALSO]...", nargs=-1)
@click.option(
    "--hostcheck/--no-hostcheck",
    default=None,
    help="Whether its address is compared at all. [default: as it is]",
)
@click.option(
    "--remove",
    "removed",
    metavar="NAME",
    multiple=True,
    help="A name, address or network from which it may no longer come; repeatable.",
)
@state_option
def also(
    host: str,
    names: tuple[str, ...],
    hostcheck: bool | None,
    removed: tuple[str, ...],
    state: Path | None,
) -> None:
    """Let a client also come from further names, addresses or networks.

    Its certificate and its file stay as they are, and a running service knows at once. Networks are given as
    10.20.0.0/16. What is removed counts from the next connection on: sessions that are open go on.
    """
    if not names and not removed and hostcheck is None:
        raise UsageError(f"say from where {host} may come: a name, an address, a network or --no-hostcheck")
    authority = open_authority(state)
    try:
        client = authority.registry.get(host)
        if client.revoked is not None:
            raise AuthorityError(f"client {client.host} is revoked: add it again, with all its names")
        if names or removed:
            client = authority.registry.change_names(client.host, add=names, remove=removed)
        if hostcheck is not None:
            client = authority.registry.set_hostcheck(client.host, hostcheck)
        changed = {"names": list(names)} if names else {}
        if removed:
            changed["removed"] = list(removed)
        if hostcheck is not None:
            changed["hostcheck"] = ["on" if hostcheck else "off"]
        note_change(authority, "names of a client changed", host=client.host, **changed)
    finally:
        authority.close()
    if client.hostcheck:
        click.echo(f"{client.host} may come from {' '.join(all_names(client))}")
        warn_of_names(client)
    else:
        click.echo(f"{client.host} may come from any address")
