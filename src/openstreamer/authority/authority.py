"""The certificate authority of one state directory: makes, issues, revokes, and decides who is let in.

Files in `STATE/authority/`, all 0600 in a directory of 0700:

    ca.pem         certificate and private key of the CA; this file makes the directory an authority
    server.pem     certificate and private key of the server
    trusted.pem    certificates against which clients are verified, and which they get with theirs
    revoked.pem    revocation list, for programs that want one; the service itself asks the registry
    clients.db     the registry

A certificate and its key share a file so that replacing them is one step.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from openstreamer.errors import AuthorityError, RefusedError, StateError, UsageError

from .clients import Client, Names, check_host, parse_events, parse_names
from .files import write_private
from .pkcs12 import write_pkcs12
from .registry import Registry, normalise_serial

if TYPE_CHECKING:
    from cryptography import x509

    from .certificates import Signed


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """PEM files for a TLS listener; pass it to `tls.server_context`."""

    certificate: Path
    private_key: Path
    """May be the same file as `certificate`."""
    trusted: Path
    """Certificates of the authority, against which clients are verified."""


class Authority:
    """CA, server certificate and client registry in `STATE/authority/`.

    `now` is epoch seconds everywhere, by default the clock's.
    """

    def __init__(self, state_dir: str | PathLike[str]) -> None:
        self.directory = Path(state_dir) / "authority"
        self._ca_file = self.directory / "ca.pem"
        self._server_file = self.directory / "server.pem"
        self._trusted_file = self.directory / "trusted.pem"
        self._revoked_file = self.directory / "revoked.pem"
        self._registry: Registry | None = None
        self._signer: Signed | None = None
        self._trusted: tuple[x509.Certificate, ...] = ()

    # Set-up

    @property
    def exists(self) -> bool:
        """Whether a CA has been made here."""
        return self._ca_file.exists()

    @property
    def registry(self) -> Registry:
        """The client registry; opened at first use."""
        if self._registry is None:
            if not self.exists:
                raise StateError(f"there is no CA in {self.directory}: make one with `openstreamer init`")
            self._registry = Registry(self.directory / "clients.db")
        return self._registry

    def create(self, *, names: Iterable[str] = (), now: float | None = None) -> None:
        """Make CA, server certificate and an empty registry.

        Args:
            names: names and addresses of this server, beside those found by `local_names`.

        Raises:
            AuthorityError: there is a CA already: it is never overwritten.
            UsageError: one of the names is none.
        """
        from .certificates import make_ca

        given = parse_names([*names, *local_names()])
        self._refuse_existing()
        moment = _seconds(now)
        ca = make_ca(moment)
        registry = Registry(self.directory / "clients.db")
        with contextlib.ExitStack() as stack:
            stack.callback(registry.close)
            # Two programs may do this at once: only one gets the lock while there is no CA.
            stack.enter_context(registry.locked())
            self._refuse_existing()
            self._write_server(ca, given, moment)
            write_private(self._trusted_file, ca.certificate_pem)
            # Last, because its presence says that all is there.
            write_private(self._ca_file, ca.certificate_pem + ca.key_pem, replace=False)

    def complete(self, *, names: Iterable[str] = (), now: float | None = None) -> list[Path]:
        """Make what is missing beside the CA, from the CA; return the files made.

        Raises:
            StateError: the CA itself is missing.
            AuthorityError: it cannot be used.
        """
        made = []
        given = parse_names([*names, *local_names()])
        with self.registry.locked():
            if not self._trusted_file.exists():
                write_private(self._trusted_file, self._ca().certificate_pem)
                made.append(self._trusted_file)
            if not self._server_file.exists():
                self._write_server(self._ca(), given, _seconds(now))
                made.append(self._server_file)
        return made

    def load(self) -> Authority:
        """Check that the files are there and open the registry; return itself.

        Called again, it forgets the certificates read before, so that replaced files count.

        Raises:
            StateError: names what is missing and what to do about it.
        """
        for file in (self._ca_file, self._server_file, self._trusted_file):
            if not file.exists():
                how = "openstreamer init --force" if self.exists else "openstreamer init"
                raise StateError(f"{file} is missing: make it with `{how}`, or restore a backup")
        _ = self.registry
        self._signer, self._trusted = None, ()
        return self

    def server_context_files(self) -> ServerFiles:
        """Return the paths for `tls.server_context`."""
        return ServerFiles(self._server_file, self._server_file, self._trusted_file)

    def renew_server(
        self, *, within_days: float = 30, names: Iterable[str] = (), now: float | None = None
    ) -> bool:
        """Make a new server certificate if the present one ends within so many days; say whether it did.

        It keeps the names and addresses and takes on those given. Listeners go on with the old one until they
        make a new context.
        """
        from .certificates import load_signed, subject_names

        present = load_signed(_read(self._server_file), str(self._server_file))
        moment = _seconds(now)
        if present.expires - moment > within_days * 86400:
            return False
        kept = parse_names([*subject_names(present.certificate), *names])
        with self.registry.locked():
            self._write_server(self._ca(), kept, moment)
        return True

    # Clients

    def issue(
        self,
        host: str,
        also: Iterable[str] = (),
        *,
        password: str | None = None,
        compat: bool = False,
        events: Iterable[str] | None = None,
        hostcheck: bool = True,
        now: float | None = None,
    ) -> bytes:
        """Add a client and return its PKCS#12 file. A client that was revoked gets a new certificate.

        Args:
            host: name or address the client connects from.
            also: further names, addresses, or networks in CIDR form. Networks count in the host check,
                but they cannot stand in a certificate.
            password: None for a file without one.
            compat: 3DES and SHA-1, for clients with OpenSSL of the 0.9.8 to 1.0 era.
            events: event classes ticked for it; None for all.
            hostcheck: False: connections are not compared with the names and addresses.

        Raises:
            AuthorityError: the client exists and is not revoked.
            UsageError: a name or an event class is none.
        """
        from .certificates import make_client

        names = parse_names([host, *also])
        first = parse_names([host])
        if first.networks:
            raise UsageError(f"{host} is a network: name the client by a host name or an address")
        host = (first.names + first.addresses)[0]
        ticked = None if events is None else parse_events(events)
        self._refuse_active(host)
        moment = _seconds(now)
        ca = self._ca()
        signed = make_client(ca, host, names.names, names.addresses, moment)
        content = write_pkcs12(signed, list(self._authorities()), name=host, password=password, compat=compat)
        self.registry.add(
            host,
            names,
            serial=signed.serial,
            fingerprint=signed.fingerprint,
            issued=moment,
            expires=signed.expires,
            pkcs12=content,
            events=ticked,
            hostcheck=hostcheck,
        )
        return content

    def download(self, host: str) -> bytes:
        """Return the PKCS#12 file of a client once more, as it was issued.

        Raises:
            AuthorityError: there is no such client, or it is revoked.
        """
        content = self.registry.pkcs12(host)
        if content is None:
            raise AuthorityError(f"client {host} is revoked: add it again to make a new certificate")
        return content

    def revoke(self, host: str, *, reason: str = "", now: float | None = None) -> Client:
        """Refuse a client from now on.

        The registry comes first, where running services see it at once; then the revocation list is written.
        """
        moment = _seconds(now)
        client = self.registry.revoke(host, now=moment, reason=reason)
        self.write_revocation_list(now=moment)
        return client

    def write_revocation_list(self, *, now: float | None = None) -> Path:
        """Write `revoked.pem` from the registry and return its path. It is to be renewed within 30 days."""
        from .certificates import make_revocation_list

        ca = self._ca()
        with self.registry.locked():
            revoked = [(entry.serial, entry.revoked or 0) for entry in self.registry.revoked_certificates()]
            content = make_revocation_list(ca, revoked, self.registry.revision(), _seconds(now))
            write_private(self._revoked_file, content)
        return self._revoked_file

    # The decision

    def check_peer(
        self,
        certificate: bytes | str | None,
        peer_address: str,
        *,
        resolve: Callable[[str], set[str]] | None = None,
        hostcheck: bool = True,
        now: float | None = None,
    ) -> Client:
        """Decide whether the holder of a certificate may connect from this address.

        The same as `authenticate`, then `clients.check_host`, which may block on name resolution.

        Args:
            certificate: the peer's certificate (DER), already verified by TLS; or its serial number in hex.
            resolve: name -> its addresses (empty set if it has none); by default the system's resolver.
            hostcheck: False: the address does not matter, for any client.

        Raises:
            RefusedError: `cause` is "no certificate", "unknown CA", "no such client", "revoked", "expired",
                "name does not match peer" or "name does not resolve".
        """
        client = self.authenticate(certificate, now=now)
        if hostcheck:
            check_host(client, peer_address, resolve)
        return client

    def authenticate(self, certificate: bytes | str | None, *, now: float | None = None) -> Client:
        """The first half of `check_peer`: whose certificate is it, and is it good? Quick.

        Raises:
            RefusedError: as in `check_peer`, but for the last two causes.
        """
        from .certificates import is_issued_by, parse_certificate

        if not certificate:
            raise RefusedError("the peer showed no certificate", cause="no certificate")
        fingerprint = None
        if isinstance(certificate, str):
            serial = normalise_serial(certificate)
        else:
            parsed = parse_certificate(certificate)
            if parsed is None or not is_issued_by(parsed, self._authorities()):
                raise RefusedError(
                    "the peer's certificate was not issued by this server's CA: make one with "
                    "`openstreamer clients add`",
                    cause="unknown CA",
                )
            serial = f"{parsed.serial_number:x}"
            fingerprint = _fingerprint(parsed)
        found = self.registry.find(serial)
        if found is None or (fingerprint is not None and fingerprint != found[1].fingerprint):
            raise RefusedError(
                f"the certificate with serial number {serial} belongs to no client of this server",
                cause="no such client",
            )
        client, issued = found
        if issued.revoked is not None:
            raise RefusedError(f"the certificate of client {client.host} was revoked", cause="revoked")
        if issued.expires < _seconds(now):
            raise RefusedError(
                f"the certificate of client {client.host} has expired: revoke the client and add it again",
                cause="expired",
            )
        return client

    def changed(self) -> bool:
        """Say whether clients or switches changed since last asked; see `Registry.changed`."""
        return self.registry.changed()

    def close(self) -> None:
        """Let go of the files."""
        if self._registry is not None:
            self._registry.close()
            self._registry = None

    def __enter__(self) -> Authority:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_existing(self) -> None:
        if self.exists:
            raise AuthorityError(f"there is a CA in {self.directory} already: it is never overwritten")

    def _refuse_active(self, host: str) -> None:
        """Spare the making of a key that the registry would refuse in the end."""
        for client in self.registry.list():
            if client.host == host:
                raise AuthorityError(f"there is a client {host} already: revoke it first")

    def _ca(self) -> Signed:
        from .certificates import load_signed

        if self._signer is None:
            if not self.exists:
                raise StateError(f"there is no CA in {self.directory}: make one with `openstreamer init`")
            self._signer = load_signed(_read(self._ca_file), str(self._ca_file))
        return self._signer

    def _authorities(self) -> tuple[x509.Certificate, ...]:
        from .certificates import load_certificates

        if not self._trusted:
            self._trusted = tuple(load_certificates(_read(self._trusted_file), str(self._trusted_file)))
        return self._trusted

    def _write_server(self, ca: Signed, names: Names, moment: int) -> None:
        from .certificates import make_server

        server = make_server(ca, names.names, names.addresses, moment)
        write_private(self._server_file, server.certificate_pem + server.key_pem)


def local_names() -> list[str]:
    """Return names and addresses of this machine that are known without asking a name server."""
    name = socket.gethostname()
    found = [name] if _is_name(name) else []
    found += ["localhost", "127.0.0.1", "::1"]
    # Connecting a datagram socket sends nothing; it only chooses the address that faces outwards.
    for family, outside in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))
            found.append(str(probe.getsockname()[0]))
    return found


def _is_name(name: str) -> bool:
    try:
        return bool(parse_names([name]).names)
    except UsageError:
        return False


def _fingerprint(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuthorityError(f"cannot read {path}: {error.strerror or error}") from error


def _seconds(now: float | None) -> int:
    return int(time.time() if now is None else now)
