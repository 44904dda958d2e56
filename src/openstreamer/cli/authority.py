"""`openstreamer authority`: the certificates of the server, and the CA that makes them.

Shows them, renews and imports the server's own, changes the CA, writes revocation lists. Everything here
works beside a running service, which follows within a second. Rules: `docs/certificates.md`. How it is done
is in `openstreamer.authority`.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.changes import note_change
from openstreamer.cli.client_words import date, moment
from openstreamer.cli.common import examples, read_password, state_option
from openstreamer.cli.events import open_authority
from openstreamer.cli.private_output import Target
from openstreamer.cli.status_words import count
from openstreamer.cli.tables import show_table
from openstreamer.errors import AuthorityError, UsageError

if TYPE_CHECKING:
    from cryptography import x509

    from openstreamer.authority.certificates import Signed
    from openstreamer.authority.rotation import Overview


@click.group(
    "authority",
    short_help="Show, renew, rotate and import the certificates of the server.",
    epilog=examples(
        "openstreamer authority show",
        "openstreamer authority rotate --overlap 60",
        "openstreamer authority crl --out /etc/haproxy/clients.crl",
    ),
)
def command() -> None:
    """Show and change the certificate of the server and the CA that issues for it and its clients.

    Whoever runs nothing of this gets along too: the service renews its certificate by itself.
    """


@command.command(
    "show",
    short_help="Show the CA, the server's certificate, and who needs a new one.",
    epilog=examples("openstreamer authority show", "openstreamer authority show --json"),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object.")
@state_option
def show(as_json: bool, state: Path | None) -> None:
    """Show the CA, the server's certificate, and which clients still need a certificate of a new CA."""
    from openstreamer.authority import rotation

    authority = open_authority(state)
    try:
        overview = rotation.show(authority)
    finally:
        authority.close()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(overview), indent=2))
        return
    _print_overview(overview, time.time())


def _print_overview(overview: Overview, now: float) -> None:
    from openstreamer.authority.lifetime import in_words

    show_table(
        ("CA", "ROLE", "BEGINS", "ENDS", "SHA-256 FINGERPRINT"),
        [
            (entry.name, entry.role, date(entry.begins), date(entry.expires), entry.fingerprint)
            for entry in overview.authorities
        ],
    )
    if overview.authorities[0].above:
        click.echo(f"It stands below {', then '.join(overview.authorities[0].above)}.")
    server = overview.server
    click.echo("")
    click.echo(f"server certificate:   {in_words(now, server.expires)} ({date(server.expires)})")
    click.echo(f"issued by:            {server.issuer}{'' if server.ours else ' (others; not renewed here)'}")
    click.echo(f"names:                {' '.join(server.names) or '-'}")
    click.echo(f"SHA-256 fingerprint:  {server.fingerprint}")
    if overview.rotation is None:
        if overview.not_renewed:
            click.echo("")
            click.echo("Refused, because their certificates are of a CA that has left:")
            _print_renewals(overview.not_renewed)
        return
    until = overview.rotation.until
    click.echo("")
    click.echo(f"A change to a new CA is under way; the old one {in_words(now, until)} ({moment(until)}).")
    _print_not_renewed(overview.not_renewed)


def _some(hosts: tuple[str, ...]) -> str:
    return ", ".join(hosts[:5]) + (", …" if len(hosts) > 5 else "")


def _print_not_renewed(hosts: tuple[str, ...]) -> None:
    if not hosts:
        click.echo("Every client has a certificate of the new CA: 'openstreamer authority finish'")
        return
    click.echo(f"Without a certificate of the new CA ({len(hosts)}):")
    _print_renewals(hosts)


def _print_renewals(hosts: tuple[str, ...]) -> None:
    for host in hosts:
        click.echo(f"  openstreamer clients renew {host}")
    if len(hosts) > 1:
        click.echo("All of them at once: openstreamer clients renew --old-ca --out-dir DIR")


@command.command(
    "renew-server",
    epilog=examples(
        "openstreamer authority renew-server", "openstreamer authority renew-server --name events.example.net"
    ),
)
@click.option(
    "--name",
    "names",
    metavar="HOST",
    multiple=True,
    help="A further name or address for it. Repeatable; those it has stay.",
)
@click.option("--own", is_flag=True, help="Also in place of one that was imported.")
@state_option
def renew_server(names: tuple[str, ...], own: bool, state: Path | None) -> None:
    """Make a new certificate for the server now, by the same CA.

    Not needed because of time: a running service renews it by itself. Clients notice nothing.
    """
    authority = open_authority(state)
    try:
        authority.renew_server(within_days=None, names=names, replace_imported=own)
        end = authority.files.server().expires
        note_change(authority, "server certificate renewed", expires=end, names=list(names))
    finally:
        authority.close()
    click.echo(f"Renewed the server's certificate; it ends on {date(end)}")


@command.command(
    "rotate",
    short_help="Begin to use a new CA, with an overlap for the clients.",
    epilog=examples(
        "openstreamer authority rotate",
        "openstreamer authority rotate --overlap 0",
        "openstreamer authority rotate --ca-cert company-ca.pem --ca-key company-ca.key",
    ),
)
@click.option(
    "--overlap",
    metavar="DAYS",
    type=click.FloatRange(min=0, max=3650),
    default=30,
    show_default=True,
    help="How long the old CA's clients are still let in; 0: not at all from now on (its key was stolen).",
)
@click.option(
    "--ca-cert", metavar="FILE", help="Take this CA (PEM, with those above it) instead of a new one."
)
@click.option("--ca-key", metavar="FILE", help="Its private key (PEM).")
@click.option(
    "--ca-key-password-file", metavar="F|-", help="File whose first line is the password of the key."
)
@state_option
def rotate(
    overlap: float,
    ca_cert: str | None,
    ca_key: str | None,
    ca_key_password_file: str | None,
    state: Path | None,
) -> None:
    """Begin to use a new CA, with time to give every client a new file.

    From now on the new CA issues. Both count until the overlap ends or 'authority finish' ends it; then the
    server's certificate is of the new CA too, and clients that were not renewed are refused.
    """
    from openstreamer.authority import rotation

    ca = read_given_ca(ca_cert, ca_key, ca_key_password_file)
    authority = open_authority(state)
    try:
        begun = rotation.rotate(authority, overlap_days=overlap, ca=ca)
        overview = rotation.show(authority)
        note_change(
            authority, "change of CA begun" if begun else "CA changed", ca=overview.authorities[0].name
        )
    finally:
        authority.close()
    click.echo(f"New clients get certificates of {overview.authorities[0].name} from now on")
    if begun is not None:
        click.echo(f"The old CA counts until {moment(begun.until)}")
    else:
        click.echo("The old CA counts no more; the server's certificate is of the new one")
    _print_not_renewed(overview.not_renewed)


def read_given_ca(ca_cert: str | None, ca_key: str | None, ca_key_password_file: str | None) -> Signed | None:
    """The CA that the options name; None if they name none."""
    from openstreamer.authority import imports

    if ca_cert is None and ca_key is None and ca_key_password_file is None:
        return None
    if ca_cert is None or ca_key is None:
        raise UsageError("a CA needs both --ca-cert and --ca-key")
    password = None if ca_key_password_file is None else read_password(ca_key_password_file)
    return imports.read_ca(ca_cert, ca_key, password=password)


@command.command("finish", epilog=examples("openstreamer authority finish"))
@click.option("--force", is_flag=True, help="Also if that shuts clients out.")
@state_option
def finish(force: bool, state: Path | None) -> None:
    """End a change of CA before its time.

    The server gets a certificate of the new CA, the old one's clients are refused, and its key is deleted. A
    running service does the same by itself at the end of the overlap.
    """
    from openstreamer.authority import rotation

    authority = open_authority(state)
    try:
        overview = rotation.show(authority)
        if overview.rotation is None:
            raise AuthorityError("no change of CA is under way: 'openstreamer authority rotate' begins one")
        left = overview.not_renewed
        if left and not force:
            raise AuthorityError(
                f"{count(len(left), 'client')} would be shut out ({_some(left)}): "
                "renew them ('openstreamer authority show' lists them), or use --force"
            )
        rotation.finish(authority)
        note_change(authority, "change of CA completed", **{"not renewed": list(left)})
    finally:
        authority.close()
    click.echo("Only the new CA counts; the server's certificate is of it, the old key is deleted")
    if left:
        _print_not_renewed(left)


@command.command(
    "crl",
    short_help="Write the revocation list, for other programs.",
    epilog=examples(
        "openstreamer authority crl",
        "openstreamer authority crl --out clients.crl",
        "openstreamer authority crl --form der --ca old --out old.crl",
    ),
)
@click.option("--out", metavar="FILE", default="-", help="Where it goes. [default: standard output]")
@click.option("--form", type=click.Choice(["pem", "der"]), default="pem", show_default=True, help="Its form.")
@click.option(
    "--ca",
    "which",
    type=click.Choice(["all", "new", "old"]),
    help="Whose list, while the CA changes. [default: all in PEM, the new one's in DER]",
)
@state_option
def crl(out: str, form: str, which: str | None, state: Path | None) -> None:
    """Write the revocation list, for other programs that let clients in (a TLS proxy, for example).

    It names what was revoked, and what was renewed once its overlap is over. It is good for 30 days; a
    running service keeps a fresh one in authority/revoked.pem of the state directory.
    """
    from openstreamer.authority import revocation

    authority = open_authority(state)
    try:
        lists = revocation.make_lists(authority, now=int(time.time()))
    finally:
        authority.close()
    which = which or ("all" if form == "pem" else "new")
    if which == "old" and len(lists) == 1:
        raise UsageError("there is no old CA: no change of CA is under way")
    chosen = {"all": lists, "new": lists[:1], "old": lists[1:]}[which]
    if form == "der" and len(chosen) > 1:
        raise UsageError("DER holds one list: choose with --ca new or --ca old")
    with Target(out) as file:
        file.write(_encoded(chosen, form))
    if out != "-":
        click.echo(f"Wrote {out} ({sum(len(entry) for entry in chosen)} certificates)")


def _encoded(lists: list[x509.CertificateRevocationList], form: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    from openstreamer.authority.revocation import pem

    return pem(lists) if form == "pem" else lists[0].public_bytes(Encoding.DER)


@command.command(
    "import-server",
    short_help="Show a certificate of another CA to clients and browsers.",
    epilog=examples(
        "openstreamer authority import-server --cert web.pem --key web.key --chain company.pem --announce",
        "openstreamer authority import-server --cert web.pem --key web.key --chain company.pem",
    ),
)
@click.option("--cert", "certificate", metavar="FILE", required=True, help="The certificate (PEM).")
@click.option("--key", metavar="FILE", required=True, help="Its private key (PEM).")
@click.option("--chain", metavar="FILE", help="The CA certificates above it, up to the root (PEM).")
@click.option("--key-password-file", metavar="F|-", help="File whose first line is the password of the key.")
@click.option(
    "--announce",
    is_flag=True,
    help="Only hand its CA out with clients' files from now on; the certificate itself is not shown yet.",
)
@click.option("--force", is_flag=True, help="Also if clients cannot verify it.")
@state_option
def import_server(
    certificate: str,
    key: str,
    chain: str | None,
    key_password_file: str | None,
    announce: bool,
    force: bool,
    state: Path | None,
) -> None:
    """Show a certificate to clients and browsers that another CA made.

    Clients verify it by the CA certificates in their PKCS#12 file, so those above it must be there: first
    announce them and renew each client, then import. It is not renewed here; the log warns before it ends.
    """
    from openstreamer.authority import imports

    password = None if key_password_file is None else read_password(key_password_file)
    authority = open_authority(state)
    try:
        signed = imports.read_server(
            certificate, key, chain=chain, password=password, own=authority.files.handed_out()
        )
        about = imports.examine_server(authority, signed)
        details: dict[str, Any] = {"names": list(about.names), "expires": signed.expires}
        if announce:
            imports.announce_server(authority, signed)
            note_change(authority, "CA of a server certificate announced", **details)
        else:
            if about.strangers and not force:
                raise AuthorityError(
                    f"{count(len(about.strangers), 'client')} could not verify this certificate "
                    f"({_some(about.strangers)}): use "
                    "--announce, renew them with 'openstreamer clients renew', then import; or use --force"
                )
            imports.import_server(authority, signed)
            note_change(authority, "server certificate imported", **details)
    finally:
        authority.close()
    if announce:
        click.echo("Files of clients that are added or renewed from now on hold its CA")
        for host in about.strangers:
            click.echo(f"  openstreamer clients renew {host}")
        return
    renewed = "the service renews it" if about.ours else "renewing it is up to you"
    click.echo(f"The server now shows this certificate; it ends on {date(signed.expires)}, {renewed}")
    if not about.names_us:
        names = " ".join(about.names) or "nothing"
        click.echo(
            f"openstreamer: it is made for {names}, not for a name or address of this machine; browsers warn",
            err=True,
        )
