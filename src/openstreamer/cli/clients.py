"""`openstreamer clients`: who may connect.

A client is a host with one or more names and addresses; adding it makes its certificate, as one PKCS#12 file.
Everything here works beside a running service, which follows within a second. Rules: `docs/server.md`; the
certificates themselves are made in `openstreamer.authority`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from openstreamer.cli.changes import note_change
from openstreamer.cli.client_words import (
    all_names,
    certificate_as_json,
    certificate_state,
    date,
    event_summary,
    moment,
    state_word,
    to_json,
    to_renew,
    warn_of_names,
    warn_of_role,
)
from openstreamer.cli.clients_also import also
from openstreamer.cli.clients_renew import AGAIN, renew
from openstreamer.cli.common import examples, password_option, read_password, state_option
from openstreamer.cli.events import MEANINGS, open_authority, parse_names, role_of, show_switches
from openstreamer.cli.private_output import Target, file_name
from openstreamer.cli.tables import show_table
from openstreamer.errors import UsageError


@click.group(
    "clients",
    short_help="Say who may connect: add, list, show, download, renew, revoke.",
    epilog=examples(
        "openstreamer clients add siem.example.net 192.0.2.17 --out siem.pkcs12",
        "openstreamer clients list",
        "openstreamer clients renew siem.example.net",
        "openstreamer clients revoke siem.example.net",
    ),
)
def command() -> None:
    """Add, list, show, renew and revoke the hosts that may request events."""


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
        "openstreamer clients add siem.example.net --cert siem.pem",
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
@click.option(
    "--cert",
    metavar="FILE",
    help="Certificate of this server's CA that it has already (PEM); no file is made.",
)
@state_option
def add(
    host: str,
    also: tuple[str, ...],
    password_file: str | None,
    out: str | None,
    compat: bool,
    events: tuple[str, ...],
    no_hostcheck: bool,
    cert: str | None,
    state: Path | None,
) -> None:
    """Let HOST connect, and make its PKCS#12 file.

    HOST is a name or an address, ALSO further ones of the same client (behind NAT: the address that this
    server sees). The password of the file comes from --password-file, $OPENSTREAMER_PASSWORD or a question on
    a terminal; without any of them the file has none.
    """
    chosen = parse_names(events)
    if cert is not None:
        if out or compat or password_file:
            raise UsageError("--out, --compat and --password-file are about a file, and --cert makes none")
        _adopt(host, also, cert, events=chosen or None, hostcheck=not no_hostcheck, state=state)
        return
    target = out or f"{file_name(host)}.pkcs12"
    authority = open_authority(state)
    try:
        password = read_password(
            password_file, prompt="Password of the PKCS#12 file (empty: none)", confirm=True
        )
        with Target(target, again=AGAIN) as file:
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
        note_change(authority, "client added", host=client.host, names=list(all_names(client)))
    finally:
        authority.close()
    if target != "-":
        click.echo(f"Added {host}; its file is {target}{'' if password else ' (without password)'}")
    warn_of_role(chosen, role_of(state))
    if not no_hostcheck:
        warn_of_names(client)


def _adopt(
    host: str,
    also: tuple[str, ...],
    cert: str,
    *,
    events: list[str] | None,
    hostcheck: bool,
    state: Path | None,
) -> None:
    from openstreamer.authority.imports import read_client

    offered = role_of(state)
    authority = open_authority(state)
    try:
        client = authority.adopt(
            host, also, certificate=read_client(cert), events=events, hostcheck=hostcheck
        )
        note_change(authority, "client added", host=client.host, names=list(all_names(client)), cert=cert)
    finally:
        authority.close()
    click.echo(f"Added {client.host} with the certificate it has")
    warn_of_role(events, offered)
    if hostcheck:
        warn_of_names(client)


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
        click.echo(json.dumps([to_json(client) for client in clients], indent=2))
        return
    header = ("HOST", "ALSO", "EVENT TYPES", "EXPIRES", "LAST SEEN", "STATE")
    rows = [
        (
            client.host,
            " ".join(name for name in all_names(client) if name != client.host) or "-",
            event_summary(client),
            date(client.expires),
            moment(client.last_seen),
            state_word(client, authority),
        )
        for client in clients
    ]
    if not rows:
        click.echo("No client may connect yet; add one with 'openstreamer clients add HOST'.", err=True)
        return
    show_table(header, rows)
    for sentence in to_renew(clients, authority, time.time()):
        click.echo(f"openstreamer: {sentence}", err=True)


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
        certificates = authority.registry.certificates(client.host)
    finally:
        authority.close()
    if as_json:
        listed = [certificate_as_json(entry) for entry in certificates]
        click.echo(json.dumps({**to_json(client), "certificates": listed}, indent=2))
        return
    fields = (
        ("host", client.host),
        ("names", " ".join(client.names) or "-"),
        ("addresses", " ".join(client.addresses) or "-"),
        ("networks", " ".join(client.networks) or "-"),
        ("state", state_word(client, authority)),
        ("host check", "on" if client.hostcheck else "off: may connect from anywhere"),
        ("event types", " ".join(name for name in MEANINGS if name in client.events) or "none"),
        ("off on the server", " ".join(sorted(client.events - allowed)) or "-"),
        ("added", moment(client.added)),
        ("certificate expires", moment(client.expires)),
        ("serial number", client.serial),
        ("SHA-256 fingerprint", client.fingerprint),
        ("last seen", moment(client.last_seen)),
        ("last address", client.last_address or "-"),
    )
    for name, value in fields:
        click.echo(f"{name + ':':22}{value}")
    if len(certificates) > 1:
        click.echo("")
        now = time.time()
        show_table(
            ("SERIAL NUMBER", "ISSUED", "EXPIRES", "STATE"),
            [
                (
                    entry.serial,
                    date(entry.issued),
                    date(entry.expires),
                    certificate_state(entry, authority, now),
                )
                for entry in certificates
            ],
            title="certificates, oldest first",
        )


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
        target = out or f"{file_name(client.host)}.pkcs12"
        with Target(target, again=AGAIN) as file:
            file.write(data)
        note_change(authority, "client file downloaded", host=client.host)
    finally:
        authority.close()
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
            note_change(
                authority,
                "event types of a client changed",
                host=client.host,
                **{"off" if action == "disable" else "only" if action == "set" else "on": chosen},
            )
    finally:
        authority.close()
    offered = role_of(state)
    if action not in (None, "disable"):
        warn_of_role(chosen, offered)
    show_switches(client.events, as_json=as_json, offered=offered)


command.add_command(renew)
command.add_command(also)


@command.command("revoke", epilog=examples("openstreamer clients revoke siem.example.net"))
@click.argument("host")
@click.option("--reason", metavar="TEXT", default="", help="Kept with the client.")
@state_option
def revoke(host: str, reason: str, state: Path | None) -> None:
    """Refuse a client from now on; its sessions end within a second."""
    authority = open_authority(state)
    try:
        client = authority.revoke(authority.registry.get(host).host, reason=reason)
        note_change(authority, "client revoked", host=client.host, reason=reason)
    finally:
        authority.close()
    click.echo(f"Revoked {client.host}; it can no longer connect")
