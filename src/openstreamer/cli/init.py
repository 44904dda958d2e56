"""`openstreamer init`: make the state directory with certificates, settings and an empty event log.

Safe to repeat: what is there is never replaced, least of all the certificate authority, on which every
client's certificate rests. Rules: `docs/state-directory.md`.
"""

from __future__ import annotations

from pathlib import Path

import click

from openstreamer.cli.changes import note_in
from openstreamer.cli.common import examples, state_option
from openstreamer.errors import MissingExtra, StateError


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
@click.option(
    "--role",
    type=click.Choice(["management-center", "managed-device"]),
    help="What the server is: a managed device has intrusion events, packets and extra data only; a "
    "Management Center has all. Later it is 'role' in openstreamer.toml. [default: management-center]",
)
@click.option(
    "--password-file",
    metavar="F|-",
    help="File whose first line is the password of the web pages; - reads it from standard input. "
    "[default: a question on a terminal; elsewhere one is made up and shown]",
)
@click.option(
    "--ca-cert",
    metavar="FILE",
    help="Issue with this CA (PEM, with those above it up to the root) instead of one of its own.",
)
@click.option("--ca-key", metavar="FILE", help="The private key of that CA (PEM).")
@click.option(
    "--ca-key-password-file", metavar="F|-", help="File whose first line is the password of the key."
)
@click.option("--force", is_flag=True, help="Complete a directory that exists; nothing in it is replaced.")
def command(
    state: Path | None,
    names: tuple[str, ...],
    role: str | None,
    password_file: str | None,
    ca_cert: str | None,
    ca_key: str | None,
    ca_key_password_file: str | None,
    force: bool,
) -> None:
    """Make the state directory: certificate authority, server certificate, settings, event log.

    All event types are switched on afterwards, and no client may connect yet: add one with 'openstreamer
    clients add'.
    """
    from openstreamer.authority import Authority
    from openstreamer.cli.authority import read_given_ca
    from openstreamer.cli.web_password import keep_password
    from openstreamer.server import state as state_module
    from openstreamer.server.settings import load
    from openstreamer.server.settings_manual import template
    from openstreamer.store import open_store

    directory = state_module.find(state)
    made = state_module.exists(directory)
    authority = Authority(directory.path)
    authority.revocation_list_url = lambda: load(directory.settings).certificates.revocation_list_url
    complete = made and authority.exists and directory.settings.exists() and directory.store.exists()
    if complete and not force:
        raise StateError(f"{directory.path} is a state directory already; nothing was changed")
    if made:
        state_module.open_state(directory.path)
    if role is not None and directory.settings.exists():
        raise StateError(f"{directory.settings} exists: set 'role' in its section [server] instead")
    ca = read_given_ca(ca_cert, ca_key, ca_key_password_file)
    if ca is not None and authority.exists:
        raise StateError(f"{directory.path} has a CA already; 'openstreamer authority rotate' changes it")
    password = _choose_password(
        password_file is not None or not directory.web_password.exists(), password_file
    )
    state_module.create(directory)
    if not authority.exists:
        authority.create(names=names, ca=ca)
    authority.complete(names=names)
    if not directory.settings.exists():
        text = template({"server.role": role} if role is not None else None)
        state_module.write_private(directory.settings, text.encode())
    open_store(directory.store).close()
    authority.close()
    verb = "Completed" if made else "Made"
    click.echo(f"{verb} the state directory {directory.path}")
    note_in(directory, f"state directory {verb.lower()}", names=list(names), role=role or "")
    if password is not None:
        keep_password(directory.web_password, password[0], made_up=password[1])
        note_in(directory, "password of the web pages set")
    click.echo("Next: openstreamer clients add HOST, then openstreamer serve")


def _choose_password(wanted: bool, password_file: str | None) -> tuple[str, bool] | None:
    """The password of the web pages and whether it was made up; None where their libraries are missing."""
    from openstreamer.cli.web_password import choose_password

    if not wanted:
        return None
    try:
        return choose_password(password_file)
    except MissingExtra:
        if password_file is not None:
            raise
        return None
