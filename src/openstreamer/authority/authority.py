"""The certificate authority of one state directory: makes, issues, revokes, and decides who is let in.

The certificates of CA and server are in `foundation`, what lies in which file in `keys`, the registry in
`registry`. How one CA takes over from another is in `rotation`, what comes from elsewhere in `imports`,
revocation lists in `revocation`; they work on an `Authority`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from openstreamer.errors import AuthorityError, OpenStreamerError, RefusedError, UsageError

from . import admission, revocation
from .admission import Admission
from .clients import Client, Names, check_host, parse_events, parse_names
from .foundation import Foundation, ServerFiles, local_names, seconds
from .lifetime import DAY
from .pkcs12 import write_pkcs12

if TYPE_CHECKING:
    from cryptography import x509

    from .certificates import Signed

__all__ = ["Admission", "Authority", "ServerFiles", "local_names"]

OVERLAP_DAYS = 14
"""How long a client's former certificate is good after it was renewed, unless told otherwise."""


class Authority(Foundation):
    """CA, server certificate and client registry in `STATE/authority/`.

    `now` is epoch seconds everywhere, by default the clock's.
    """

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
        host, names = self._names_of(host, also)
        ticked = None if events is None else parse_events(events)
        self._refuse_active(host)
        moment = seconds(now)
        signed, content = self._make_client(host, names, password=password, compat=compat, moment=moment)
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
            issuer=self._issuer(),
            handed=self._handed(),
        )
        return content

    def renew(
        self,
        host: str,
        *,
        password: str | None = None,
        compat: bool = False,
        overlap_days: float = OVERLAP_DAYS,
        now: float | None = None,
    ) -> bytes:
        """Give a client a new certificate and return its PKCS#12 file; the client stays as it is otherwise.

        Args:
            overlap_days: how long its former certificates stay good; 0: they end at once.

        Raises:
            AuthorityError: there is no such client, or it is revoked.
        """
        client = self.registry.get(host)
        if client.revoked is not None:
            raise AuthorityError(f"client {client.host} is revoked: add it again to make a new certificate")
        moment = seconds(now)
        names = Names(client.names, client.addresses, client.networks)
        signed, content = self._make_client(
            client.host, names, password=password, compat=compat, moment=moment
        )
        self.registry.renew(
            client.host,
            serial=signed.serial,
            fingerprint=signed.fingerprint,
            issued=moment,
            expires=signed.expires,
            until=moment + int(overlap_days * DAY),
            pkcs12=content,
            issuer=self._issuer(),
            handed=self._handed(),
        )
        return content

    def adopt(
        self,
        host: str,
        also: Iterable[str] = (),
        *,
        certificate: x509.Certificate,
        events: Iterable[str] | None = None,
        hostcheck: bool = True,
        now: float | None = None,
    ) -> Client:
        """Add a client that has a certificate of our CA already, which was made elsewhere.

        Raises:
            AuthorityError: the client exists, or the certificate cannot be used; says why.
            UsageError: a name or an event class is none.
        """
        from .certificates import fingerprint_of, issuer_of
        from .imports import check_client

        host, names = self._names_of(host, also)
        ticked = None if events is None else parse_events(events)
        self._refuse_active(host)
        moment = seconds(now)
        issuer = issuer_of(certificate, self.files.trusted())
        if issuer is None:
            raise AuthorityError(
                "this certificate was not issued by this server's CA: add the client without it"
            )
        check_client(certificate, now=moment)
        return self.registry.add(
            host,
            names,
            serial=f"{certificate.serial_number:x}",
            fingerprint=fingerprint_of(certificate),
            issued=moment,
            expires=int(certificate.not_valid_after_utc.timestamp()),
            events=ticked,
            hostcheck=hostcheck,
            issuer=fingerprint_of(issuer),
        )

    def download(self, host: str) -> bytes:
        """Return the PKCS#12 file of a client once more, as it was issued.

        Raises:
            AuthorityError: there is no such client, or it is revoked.
        """
        content = self.registry.pkcs12(host)
        if content is None:
            client = self.registry.get(host)
            if client.revoked is None:
                raise AuthorityError(
                    f"client {client.host} has its certificate from elsewhere: renew it here"
                )
            raise AuthorityError(f"client {host} is revoked: add it again to make a new certificate")
        return content

    def revoke(self, host: str, *, reason: str = "", now: float | None = None) -> Client:
        """Refuse a client from now on.

        The registry comes first, where running services see it at once; then the revocation list is written.
        """
        moment = seconds(now)
        client = self.registry.revoke(host, now=moment, reason=reason)
        self.write_revocation_list(now=moment)
        return client

    def write_revocation_list(self, *, now: float | None = None) -> Path:
        """Write `revoked.pem` from the registry and return its path; see `revocation.write`."""
        return revocation.write(self, now=seconds(now))

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
            RefusedError: `cause` is "no certificate", "unknown CA", "former CA", "no such client", "revoked",
                "replaced", "expired", "name does not match peer" or "name does not resolve".
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
        return self.identify(certificate, now=now).client

    def identify(self, certificate: bytes | str | None, *, now: float | None = None) -> Admission:
        """The same as `authenticate`, with the certificate and until when it is good.

        Raises:
            RefusedError: as in `authenticate`.
        """
        return admission.identify(self.files, self.registry, certificate, now=seconds(now))

    def identify_each(
        self, certificates: Iterable[bytes], *, now: float | None = None
    ) -> dict[bytes, Admission | OpenStreamerError]:
        """`identify` for many certificates: for each the answer, or why there is none."""
        answers: dict[bytes, Admission | OpenStreamerError] = {}
        for certificate in certificates:
            try:
                answers[certificate] = self.identify(certificate, now=now)
            except (RefusedError, AuthorityError) as error:
                answers[certificate] = error
        return answers

    def _refuse_active(self, host: str) -> None:
        """Spare the making of a key that the registry would refuse in the end."""
        for client in self.registry.list():
            if client.host == host:
                raise AuthorityError(
                    f"there is a client {host} already: renew it for a new file, or revoke it first"
                )

    @staticmethod
    def _names_of(host: str, also: Iterable[str]) -> tuple[str, Names]:
        """The one form of a client's name, and all its names."""
        names = parse_names([host, *also])
        first = parse_names([host])
        if first.networks:
            raise UsageError(f"{host} is a network: name the client by a host name or an address")
        return (first.names + first.addresses)[0], names

    def _make_client(
        self, host: str, names: Names, *, password: str | None, compat: bool, moment: int
    ) -> tuple[Signed, bytes]:
        from .certificates import make_client

        ca = self.files.ca()
        signed = make_client(ca, host, names.names, names.addresses, moment, list_url=self.list_url(ca))
        authorities = list(self.files.handed_out())
        return signed, write_pkcs12(signed, authorities, name=host, password=password, compat=compat)

    def _issuer(self) -> str:
        return self.files.ca().fingerprint

    def _handed(self) -> list[str]:
        from .certificates import fingerprint_of

        return [fingerprint_of(entry) for entry in self.files.handed_out()]
