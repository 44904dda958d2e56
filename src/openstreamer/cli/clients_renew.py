"""`openstreamer clients renew`: new certificates, for one client, several, or all that need one.

Who is meant is settled, and found to be renewable, before the first is renewed. Each file is told as it is
written, so that what was done is known also if the next one fails. Rules: `docs/certificates.md`, "Clients".
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openstreamer.cli.changes import note_change
from openstreamer.cli.client_words import moment
from openstreamer.cli.common import examples, password_option, read_password, state_option
from openstreamer.cli.events import open_authority
from openstreamer.cli.private_output import Target, file_name
from openstreamer.errors import AuthorityError, UsageError

if TYPE_CHECKING:
    from openstreamer.authority import Authority, Client

AGAIN = "openstreamer clients download"


@click.command(
    "renew",
    epilog=examples(
        "openstreamer clients renew siem.example.net --out siem.pkcs12",
        "openstreamer clients renew old.example.net --compat --password-file secret.txt --overlap 30",
        "openstreamer clients renew siem.example.net --overlap 0",
        "openstreamer clients renew --expiring 60 --out-dir new-files",
        "openstreamer clients renew --old-ca --out-dir new-files --password-file secret.txt",
    ),
)
@click.argument("hosts", metavar="[HOST]...", nargs=-1)
@click.option(
    "--expiring",
    metavar="DAYS",
    type=click.FloatRange(min=0, max=3650),
    help="Every client whose certificate ends within so many days, or has ended.",
)
@click.option("--old-ca", is_flag=True, help="Every client without a certificate of the CA that issues now.")
@password_option
@click.option(
    "--out",
    metavar="FILE",
    help="Where the file of a single HOST goes. [default: HOST.pkcs12; - is standard output]",
)
@click.option("--out-dir", metavar="DIR", help="Where the files HOST.pkcs12 go. [default: here]")
@click.option("--compat", is_flag=True, help="Old ciphers in the files, for clients with an old OpenSSL.")
@click.option(
    "--overlap",
    metavar="DAYS",
    type=click.FloatRange(min=0, max=3650),
    default=14,
    show_default=True,
    help="How long the present certificate stays good; 0: it ends now, and so do its sessions.",
)
@state_option
def renew(
    hosts: tuple[str, ...],
    expiring: float | None,
    old_ca: bool,
    password_file: str | None,
    out: str | None,
    out_dir: str | None,
    compat: bool,
    overlap: float,
    state: Path | None,
) -> None:
    """Give clients new certificates, each in a new PKCS#12 file.

    All else stays: names, event types, positions. A present certificate stays good for the overlap; give the
    client its new file within that time. Several files made at once have the same password.
    """
    if not hosts and expiring is None and not old_ca:
        raise UsageError("name the clients to renew, or choose them with --expiring DAYS or --old-ca")
    if out is not None and (len(hosts) != 1 or expiring is not None or old_ca or out_dir is not None):
        raise UsageError("--out is the file of one HOST; several go to --out-dir")
    authority = open_authority(state)
    try:
        clients = _chosen(authority, hosts, expiring, old_ca)
        if not clients:
            click.echo("No client needs a new certificate by this choice")
            return
        folder = _folder(out_dir)
        targets = {client.host: out or str(folder / f"{file_name(client.host)}.pkcs12") for client in clients}
        if len(set(targets.values())) < len(targets):
            raise UsageError("two of these clients would have files of the same name: renew them one by one")
        password = read_password(
            password_file, prompt="Password of the PKCS#12 file (empty: none)", confirm=True
        )
        for host, path in targets.items():
            with Target(path, again=f"{AGAIN} {host}") as file:
                file.write(authority.renew(host, password=password, compat=compat, overlap_days=overlap))
            note_change(authority, "client renewed", host=host, overlap_days=overlap)
            if path != "-":
                _tell(authority, host, path, secret=bool(password), one=len(targets) == 1)
    finally:
        authority.close()
    if len(targets) > 1:
        click.echo(f"Renewed {len(targets)} clients; give each its file before the former certificate ends")


def _chosen(authority: Authority, hosts: Iterable[str], expiring: float | None, old_ca: bool) -> list[Client]:
    """The clients that are meant, each once. Raises AuthorityError if one cannot be renewed."""
    from openstreamer.authority import rotation
    from openstreamer.authority.lifetime import ends_within

    registry = authority.registry
    found = {client.host: client for client in (registry.get(host) for host in hosts)}
    for client in found.values():
        if client.revoked is not None:
            raise AuthorityError(f"client {client.host} is revoked: add it again to make a new certificate")
    if expiring is not None:
        now = time.time()
        ending = [client for client in registry.list() if ends_within(now, client.expires, days=expiring)]
        found.update({client.host: client for client in ending})
    if old_ca:
        found.update({host: registry.get(host) for host in rotation.show(authority).not_renewed})
    return list(found.values())


def _folder(out_dir: str | None) -> Path:
    """Where the files go; made if it is not there, for its owner alone."""
    folder = Path(out_dir or "")
    if out_dir is not None:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{out_dir} cannot be made: {error.strerror}") from error
    return folder


def _tell(authority: Authority, host: str, path: str, *, secret: bool, one: bool) -> None:
    former = authority.registry.certificates(host)[-2]
    end = "is no longer good" if former.ends <= time.time() else f"is good until {moment(former.ends)}"
    made = f"Renewed {host}; its new file is {path}{'' if secret else ' (without password)'}"
    if one:
        click.echo(made)
        click.echo(f"Its former certificate {end}")
    else:
        click.echo(f"{made}; its former certificate {end}")
