"""The certificate authority of one state directory: makes, issues, revokes, and decides who is let in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from .clients import Client
from .registry import Registry


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

    registry: Registry

    def __init__(self, state_dir: str | PathLike[str]) -> None:
        raise NotImplementedError

    @property
    def exists(self) -> bool:
        """Whether a CA has been made here."""
        raise NotImplementedError

    def create(self, *, names: Iterable[str] = (), now: float | None = None) -> None:
        """Make CA and server certificate; `names` are further names and addresses of this server.

        Raises AuthorityError if there is a CA already: it is never overwritten.
        """
        raise NotImplementedError

    def load(self) -> Authority:
        """Check that the files are there and open the registry; returns itself. StateError names what is missing."""
        raise NotImplementedError

    def server_context_files(self) -> ServerFiles:
        """Paths for `tls.server_context`."""
        raise NotImplementedError

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
        """Add a client and return its PKCS#12 file.

        Args:
            host: name or address the client connects from.
            also: further names, addresses, or networks in CIDR form.
            password: None for a file without one.
            compat: 3DES and SHA-1, for clients with OpenSSL of the 0.9.8 to 1.0 era.
            events: event classes ticked for it; None for all.

        Raises:
            AuthorityError: the client exists and is not revoked, or a name is none.
        """
        raise NotImplementedError

    def download(self, host: str) -> bytes:
        """The PKCS#12 file of a client once more, as it was issued. AuthorityError if there is none."""
        raise NotImplementedError

    def revoke(self, host: str, *, reason: str = "", now: float | None = None) -> Client:
        """Refuse a client from now on: registry first (other processes see it at once), then the revocation list."""
        raise NotImplementedError

    def check_peer(
        self,
        certificate: bytes | str,
        peer_address: str,
        *,
        resolve: Callable[[str], set[str]] | None = None,
        hostcheck: bool = True,
        now: float | None = None,
    ) -> Client:
        """Decide whether the holder of a certificate may connect from this address. May block on name resolution.

        The same as `authenticate`, then `check_host` unless switched off here or for this client.

        Args:
            certificate: the peer's certificate (DER), already verified by TLS; or its serial number in hex.
            resolve: name -> its addresses (empty set if it does not resolve); by default the system's resolver.

        Raises:
            RefusedError: `cause` is one of "no such client", "revoked", "expired", "unknown CA",
                "name does not match peer", "name does not resolve".
        """
        raise NotImplementedError

    def authenticate(self, certificate: bytes | str, *, now: float | None = None) -> Client:
        """The first half of `check_peer`, without the host check: quick, no name resolution."""
        raise NotImplementedError

    def changed(self) -> bool:
        """Whether clients or switches changed since last asked; see `Registry.changed`."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the files."""
        raise NotImplementedError
