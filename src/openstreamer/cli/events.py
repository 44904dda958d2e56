"""`openstreamer events`: the event type switches of the server.

An event type that is switched off is neither captured nor sent from then on; nothing captured is deleted, and
it flows again once the type is switched on. A running service follows within a second. Each type is explained
in `docs/event-types.md`. The switches of one client are in `clients events`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openstreamer.cli.changes import note_change
from openstreamer.cli.common import console, examples, state_option
from openstreamer.errors import UsageError

if TYPE_CHECKING:
    from openstreamer.authority import Authority

MEANINGS = {
    "intrusion": "Intrusion events: a rule matched.",
    "packet": "Packets that belong to intrusion events.",
    "extra-data": "Extra data of intrusion events: XFF address, URI, host name, mail addresses.",
    "discovery": "Discovery events: hosts, services, applications and what changed.",
    "correlation": "Correlation events: a correlation rule or an allow list matched.",
    "impact-alert": "Impact flag alerts.",
    "user": "User activity: logins, logouts, new identities.",
    "malware": "Malware events.",
    "file": "File events: a file passed by.",
    "connection": "Connection events: a connection began or ended.",
}
"""What each switch stands for, in the order in which they are shown."""


@click.command(
    "events",
    short_help="Show or set the event type switches.",
    epilog=examples(
        "openstreamer events",
        "openstreamer events disable connection file",
        "openstreamer events enable all",
    ),
)
@click.argument("action", type=click.Choice(["enable", "disable"]), required=False)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@state_option
def command(action: str | None, names: tuple[str, ...], as_json: bool, state: Path | None) -> None:
    """Show the event type switches, or switch types on or off.

    What is off is neither captured nor sent from now on. What was captured before stays, and flows again once
    the type is on. NAME is one of intrusion, packet, extra-data, discovery, correlation, impact-alert, user,
    malware, file, connection; or all.
    """
    offered = role_of(state)
    chosen = [name for name in parse_names(names) if name in offered or "all" not in names]
    missing = [name for name in chosen if name not in offered]
    if missing:
        raise UsageError(
            f"this server is a managed device: it has no {' or '.join(missing)} events, only "
            f"{', '.join(offered)}; 'role' in openstreamer.toml says what it is"
        )
    if action is not None and not chosen:
        raise UsageError(f"name the event types to {action}: {', '.join(MEANINGS)}, or all")
    authority = open_authority(state)
    try:
        if action == "enable":
            enabled = authority.registry.set_server_events(enable=chosen)
            note_change(authority, "event types changed", on=chosen)
        elif action == "disable":
            enabled = authority.registry.set_server_events(disable=chosen)
            note_change(authority, "event types changed", off=chosen)
        else:
            enabled = authority.registry.server_events()
    finally:
        authority.close()
    show_switches(enabled, as_json=as_json, offered=offered)


def role_of(state: Path | None) -> Collection[str]:
    """The event types that the server has by its role."""
    from openstreamer.server import settings as settings_module
    from openstreamer.server.roles import role_events
    from openstreamer.server.state import open_state

    return role_events(settings_module.load(open_state(state).settings))


def parse_names(names: Iterable[str]) -> list[str]:
    """Event types out of arguments: separated by blanks or commas, "all" for all. Raises UsageError."""
    chosen: list[str] = []
    for name in (part.strip() for argument in names for part in argument.split(",")):
        if not name:
            continue
        if name == "all":
            return list(MEANINGS)
        if name not in MEANINGS:
            raise UsageError(f"'{name}' is no event type; there are {', '.join(MEANINGS)}, and all")
        chosen.append(name)
    return chosen


def open_authority(state: Path | None) -> Authority:
    """The authority of a state directory that exists and has a certificate authority."""
    from openstreamer.authority import Authority
    from openstreamer.server.settings import load
    from openstreamer.server.state import open_state

    directory = open_state(state)
    authority = Authority(directory.path).load()
    # Asked only where something is issued: a wrong settings file must not keep a client from being revoked.
    authority.revocation_list_url = lambda: load(directory.settings).certificates.revocation_list_url
    return authority


def show_switches(
    enabled: Collection[str], *, as_json: bool, offered: Collection[str] = tuple(MEANINGS)
) -> None:
    """Print every switch with its position, as a table or as JSON."""
    if as_json:
        click.echo(json.dumps({name: name in enabled for name in MEANINGS if name in offered}))
        return
    out = console()
    if not out.is_terminal:
        for name in offered:
            click.echo(f"{name:13} {'on' if name in enabled else 'off'}")
        return
    from rich.table import Table

    table = Table("event type", "", "meaning", box=None, pad_edge=False)
    for name in offered:
        meaning = MEANINGS[name]
        table.add_row(name, "[green]on[/]" if name in enabled else "[red]off[/]", meaning)
    out.print(table)
