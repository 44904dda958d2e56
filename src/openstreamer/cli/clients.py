"""`openstreamer clients`: who may connect.

A client is a host with one or more names and addresses; adding it makes its certificate, as one PKCS#12 file.
Everything here works beside a running service, which follows within a second. Rules: `docs/server.md`; the
certificates themselves are made in `openstreamer.authority`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.common import console, examples, password_option, read_password, state_option
from openstreamer.cli.events import MEANINGS, open_authority, parse_names, show_switches
from openstreamer.errors import OutputError, UsageError

if TYPE_CHECKING:
    from openstreamer.authority import Client


@click.group(
    "clients",
    short_help="Say who may connect: add, list, show, download, revoke.",
    epilog=examples(
        "openstreamer clients add siem.example.net 192.0.2.17 --out siem.pkcs12",
        "openstreamer clients list",
        "openstreamer clients revoke siem.example.net",
    ),
)
def command() -> None:
    """Add, list, show and revoke the hosts that may request events."""


class _AddCommand(click.Command):
    """Takes `--events intrusion packet`: every event type that follows belongs to the option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given: list[str] = []
        rest = list(args)
        while rest:
            given.append(rest.pop(0))
            if given[-1] == "--events" and rest:
                given.append(rest.pop(0))
                while rest and (rest[0] in MEANINGS or rest[0] == "all"):
                    given += ["--events", rest.pop(0)]
        return super().parse_args(ctx, given)


@command.command(
    "add",
    cls=_AddCommand,
    epilog=examples(
        "openstreamer clients add 192.0.2.17",
        "openstreamer clients add siem.example.net 10.1.2.3 2001:db8::3 --password-file secret.txt",
        "openstreamer clients add old.example.net --compat --events intrusion packet",
    ),
)
@click.argument("host")
@click.argument("also", nargs=-1)
@password_option
@click.option(
    "--out", metavar="FILE", help="Where the file goes. [default: HOST.pkcs12; - is standard output]"
)
@click.option("--compat", is_flag=True, help="Old ciphers in the file, for clients with an old OpenSSL.")
@click.option(
    "--events",
    "events",
    metavar="NAME…",
    multiple=True,
    help="Event types this client may get. [default: all]",
)
@click.option("--no-hostcheck", is_flag=True, help="Let this client connect from any address.")
@state_option
def add(
    host: str,
    also: tuple[str, ...],
    password_file: str | None,
    out: str | None,
    compat: bool,
    events: tuple[str, ...],
    no_hostcheck: bool,
    state: Path | None,
) -> None:
    """Let HOST connect, and make its PKCS#12 file.

    HOST is a name or an address, ALSO further ones of the same client (behind NAT: the address that this
    server sees). The password of the file comes from --password-file, $OPENSTREAMER_PASSWORD or a question on
    a terminal; without any of them the file has none.
    """
    chosen = parse_names(events)
    target = out or f"{_file_name(host)}.pkcs12"
    authority = open_authority(state)
    try:
        password = read_password(
            password_file, prompt="Password of the PKCS#12 file (empty: none)", confirm=True
        )
        with _Target(target) as file:
            data = authority.issue(
                host,
                also,
                password=password,
                compat=compat,
                events=chosen or None,
                hostcheck=not no_hostcheck,
            )
            file.write(data)
        client = authority.registry.get(host)
    finally:
        authority.close()
    if target != "-":
        click.echo(f"Added {host}; its file is {target}{'' if password else ' (without password)'}")
    if not no_hostcheck:
        _warn_of_names(client)


@command.command("list", epilog=examples("openstreamer clients list", "openstreamer clients list --json"))
@click.option("--revoked", is_flag=True, help="Also those that were revoked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list of objects.")
@state_option
def list_clients(revoked: bool, as_json: bool, state: Path | None) -> None:
    """List the clients."""
    authority = open_authority(state)
    try:
        clients = authority.registry.list(revoked=revoked)
    finally:
        authority.close()
    if as_json:
        click.echo(json.dumps([_as_json(client) for client in clients], indent=2))
        return
    header = ("HOST", "ALSO", "EVENT TYPES", "EXPIRES", "LAST SEEN", "STATE")
    rows = [
        (
            client.host,
            " ".join(name for name in _all_names(client) if name != client.host) or "-",
            _event_summary(client),
            _date(client.expires),
            _moment(client.last_seen),
            _state_word(client),
        )
        for client in clients
    ]
    if not rows:
        click.echo("No client may connect yet; add one with 'openstreamer clients add HOST'.", err=True)
        return
    _print_table(header, rows)


@command.command("show", epilog=examples("openstreamer clients show siem.example.net --json"))
@click.argument("host")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object.")
@state_option
def show(host: str, as_json: bool, state: Path | None) -> None:
    """Show all that is known of one client."""
    authority = open_authority(state)
    try:
        client = authority.registry.get(host)
        allowed = authority.registry.allowed_events(client)
    finally:
        authority.close()
    if as_json:
        click.echo(json.dumps(_as_json(client), indent=2))
        return
    fields = (
        ("host", client.host),
        ("names", " ".join(client.names) or "-"),
        ("addresses", " ".join(client.addresses) or "-"),
        ("networks", " ".join(client.networks) or "-"),
        ("state", _state_word(client)),
        ("host check", "on" if client.hostcheck else "off: may connect from anywhere"),
        ("event types", " ".join(name for name in MEANINGS if name in client.events) or "none"),
        ("off on the server", " ".join(sorted(client.events - allowed)) or "-"),
        ("added", _moment(client.added)),
        ("certificate expires", _moment(client.expires)),
        ("serial number", client.serial),
        ("SHA-256 fingerprint", client.fingerprint),
        ("last seen", _moment(client.last_seen)),
        ("last address", client.last_address or "-"),
    )
    for name, value in fields:
        click.echo(f"{name + ':':22}{value}")


@command.command(
    "download", epilog=examples("openstreamer clients download siem.example.net --out siem.pkcs12")
)
@click.argument("host")
@click.option(
    "--out", metavar="FILE", help="Where the file goes. [default: HOST.pkcs12; - is standard output]"
)
@state_option
def download(host: str, out: str | None, state: Path | None) -> None:
    """Write the PKCS#12 file of a client once more, as it was made."""
    authority = open_authority(state)
    try:
        client = authority.registry.get(host)
        data = authority.download(client.host)
    finally:
        authority.close()
    target = out or f"{_file_name(client.host)}.pkcs12"
    with _Target(target) as file:
        file.write(data)
    if target != "-":
        click.echo(f"Wrote {target}")


@command.command(
    "events",
    epilog=examples(
        "openstreamer clients events siem.example.net",
        "openstreamer clients events siem.example.net disable connection",
    ),
)
@click.argument("host")
@click.argument("action", type=click.Choice(["enable", "disable", "set"]), required=False)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@state_option
def events(host: str, action: str | None, names: tuple[str, ...], as_json: bool, state: Path | None) -> None:
    """Show or set the event types that one client may get.

    A type must be on here and in 'openstreamer events', and the client must ask for it.
    """
    chosen = parse_names(names)
    if action is not None and not chosen:
        raise UsageError(f"name the event types to {action}, or all; 'openstreamer events' lists them")
    authority = open_authority(state)
    try:
        registry = authority.registry
        client = registry.get(host)
        if action is not None:
            rest = [name for name in MEANINGS if name not in chosen]
            client = registry.set_events(
                client.host,
                enable=chosen if action != "disable" else (),
                disable=chosen if action == "disable" else rest if action == "set" else (),
            )
    finally:
        authority.close()
    show_switches(client.events, as_json=as_json)


@command.command("revoke", epilog=examples("openstreamer clients revoke siem.example.net"))
@click.argument("host")
@click.option("--reason", metavar="TEXT", default="", help="Kept with the client.")
@state_option
def revoke(host: str, reason: str, state: Path | None) -> None:
    """Refuse a client from now on; its sessions end within a second."""
    authority = open_authority(state)
    try:
        client = authority.revoke(authority.registry.get(host).host, reason=reason)
    finally:
        authority.close()
    click.echo(f"Revoked {client.host}; it can no longer connect")


class _Target:
    """A file written 0600 and put in place only when all went well; "-" is standard output."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._data = b""
        if path != "-":
            parent = Path(path).absolute().parent
            if not parent.is_dir():
                raise OutputError("there is no such directory", target=str(parent))
            if not os.access(parent, os.W_OK):
                raise OutputError("no permission to write there", target=str(parent))

    def __enter__(self) -> _Target:
        return self

    def write(self, data: bytes) -> None:
        self._data += data

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self._path == "-":
            sys.stdout.buffer.write(self._data)
            sys.stdout.buffer.flush()
            return
        from openstreamer.server.state import write_private

        try:
            write_private(Path(self._path).absolute(), self._data)
        except OSError as error:
            raise OutputError(
                f"cannot be written ({error.strerror}); 'openstreamer clients download' gives the file again",
                target=self._path,
            ) from error


def _file_name(host: str) -> str:
    """A host as a file name: what a shell or a file system may trip over becomes an underscore."""
    return (
        "".join(letter if letter.isalnum() or letter in ".-_" else "_" for letter in host).lstrip(".") or "_"
    )


def _warn_of_names(client: Client) -> None:
    """Say which names of a client do not resolve here, since it is known by its address."""
    for name in client.names:
        if not _resolves(name):
            elsewhere = client.addresses or client.networks
            click.echo(
                f"openstreamer: {name} does not resolve here; until it does, this client "
                + ("can connect only from its other addresses" if elsewhere else "is refused")
                + " (add its address, or use --no-hostcheck)",
                err=True,
            )


def _resolves(name: str) -> bool:
    if name.startswith("*"):
        return True
    try:
        return bool(socket.getaddrinfo(name, None))
    except OSError:
        return False


def _all_names(client: Client) -> tuple[str, ...]:
    return (*client.names, *client.addresses, *client.networks)


def _event_summary(client: Client) -> str:
    missing = [name for name in MEANINGS if name not in client.events]
    if not missing:
        return "all"
    if len(missing) <= 3:
        return "all but " + " ".join(missing)
    return " ".join(name for name in MEANINGS if name in client.events) or "none"


def _state_word(client: Client) -> str:
    if client.revoked is not None:
        return f"revoked {_date(client.revoked)}"
    if client.expires <= time.time():
        return "expired"
    return "may connect" if client.hostcheck else "may connect from anywhere"


def _date(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _moment(seconds: int | None) -> str:
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _as_json(client: Client) -> dict[str, Any]:
    return {
        "host": client.host,
        "names": list(client.names),
        "addresses": list(client.addresses),
        "networks": list(client.networks),
        "host_check": client.hostcheck,
        "events": [name for name in MEANINGS if name in client.events],
        "added": client.added,
        "revoked": client.revoked,
        "expires": client.expires,
        "serial": client.serial,
        "fingerprint": client.fingerprint,
        "last_seen": client.last_seen,
        "last_address": client.last_address or None,
        "position": client.position,
    }


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    out = console()
    if out.is_terminal:
        from rich.table import Table

        table = Table(*(name.lower() for name in header), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
