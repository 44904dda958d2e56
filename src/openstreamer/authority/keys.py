"""The files of an authority: what lies in each, read and written whole.

In `STATE/authority/`, all 0600 in a directory of 0700:

    ca.pem         the CA that issues: its certificate, those above it, its key; this file makes the directory
                   an authority
    old-ca.pem     the same of the CA that leaves, while one takes over from another
    server.pem     certificate of the server, those between it and its root, its key
    server-ca.pem  CA certificates above a server certificate that others made; not there otherwise
    trusted.pem    certificates of the CAs whose clients are let in
    former.pem     certificates of CAs that have left: their clients get as far as being told why not
    revoked.pem    revocation lists, for programs that want them; the service itself asks the registry
    clients.db     the registry

A certificate and its key share a file so that replacing them is one step. Nothing is decided here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from openstreamer.errors import AuthorityError, StateError

from .files import write_private

if TYPE_CHECKING:
    from cryptography import x509

    from .certificates import Signed


class KeyFiles:
    """The files in one directory. Certificates are read once; again after `forget` or a change made here."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self.old_ca_file = directory / "old-ca.pem"
        self.server_file = directory / "server.pem"
        self.server_ca_file = directory / "server-ca.pem"
        self.trusted_file = directory / "trusted.pem"
        self.former_file = directory / "former.pem"
        self.revoked_file = directory / "revoked.pem"
        self.registry_file = directory / "clients.db"
        self._signed: dict[Path, Signed] = {}
        self._certificates: dict[Path, tuple[x509.Certificate, ...]] = {}

    def forget(self) -> None:
        """Read the files anew when they are needed next."""
        self._signed = {}
        self._certificates = {}

    def signature(self) -> tuple[object, ...]:
        """Return something that differs once a file was replaced. Quick."""
        files = (self.ca_file, self.server_file, self.server_ca_file, self.trusted_file, self.former_file)
        found: list[object] = []
        for file in files:
            try:
                about = os.stat(file)
                found.append((about.st_ino, about.st_mtime_ns, about.st_size))
            except OSError:
                found.append(None)
        return tuple(found)

    # Reading

    def ca(self) -> Signed:
        """The CA that issues. Raises StateError if there is none."""
        if not self.ca_file.exists():
            raise StateError(f"there is no CA in {self.directory}: make one with `openstreamer init`")
        return self._load_signed(self.ca_file)

    def old_ca(self) -> Signed | None:
        """The CA that leaves."""
        return self._load_signed(self.old_ca_file) if self.old_ca_file.exists() else None

    def server(self) -> Signed:
        """The server's certificate with its key; as it is now."""
        from .certificates import load_signed

        return load_signed(read_file(self.server_file), str(self.server_file))

    def trusted(self) -> tuple[x509.Certificate, ...]:
        """The CAs whose clients are let in."""
        return self._load_certificates(self.trusted_file)

    def counts(self, issuer: str) -> bool:
        """Whether the CA whose certificate has this SHA-256 is one whose clients are let in."""
        from .certificates import fingerprint_of

        return not issuer or any(fingerprint_of(entry) == issuer for entry in self.trusted())

    def former(self) -> tuple[x509.Certificate, ...]:
        """The CAs that have left."""
        return self._load_certificates(self.former_file) if self.former_file.exists() else ()

    def server_ca(self) -> tuple[x509.Certificate, ...]:
        """The CAs above a server certificate that others made."""
        return self._load_certificates(self.server_ca_file) if self.server_ca_file.exists() else ()

    def handed_out(self) -> tuple[x509.Certificate, ...]:
        """The CA certificates that a client gets with its own: those by which it knows the server.

        First the issuer's, whose chain old programs build; then those that leave or are others'.
        """
        found: dict[x509.Certificate, None] = {}
        for signed in (self.ca(), self.old_ca()):
            if signed is not None:
                found.update(dict.fromkeys((signed.certificate, *signed.chain)))
        found.update(dict.fromkeys(self.server_ca()))
        return tuple(found)

    # Writing

    def write_ca(self, ca: Signed, *, replace: bool) -> None:
        """Write the CA that issues."""
        write_private(self.ca_file, ca.file_pem, replace=replace)
        self.forget()

    def write_old_ca(self, ca: Signed) -> None:
        """Write the CA that leaves."""
        write_private(self.old_ca_file, ca.file_pem)
        self.forget()

    def delete_old_ca(self) -> None:
        """Delete the CA that has left, key and all."""
        with contextlib.suppress(FileNotFoundError):
            self.old_ca_file.unlink()
        self.forget()

    def write_server(self, server: Signed) -> None:
        """Write the server's certificate."""
        write_private(self.server_file, server.file_pem)

    def write_trusted(self, certificates: Iterable[x509.Certificate]) -> None:
        """Write whose clients are let in."""
        self._write(self.trusted_file, certificates)

    def write_former(self, certificates: Iterable[x509.Certificate]) -> None:
        """Write which CAs have left."""
        self._write(self.former_file, certificates)

    def write_server_ca(self, certificates: Iterable[x509.Certificate]) -> None:
        """Write which CAs stand above a server certificate that others made; none takes the file away."""
        listed = tuple(certificates)
        if listed:
            self._write(self.server_ca_file, listed)
        else:
            with contextlib.suppress(FileNotFoundError):
                self.server_ca_file.unlink()
            self.forget()

    def _write(self, file: Path, certificates: Iterable[x509.Certificate]) -> None:
        from .certificates import to_pem

        write_private(file, to_pem(dict.fromkeys(certificates)))
        self.forget()

    def _load_signed(self, file: Path) -> Signed:
        from .certificates import load_signed

        if file not in self._signed:
            self._signed = {**self._signed, file: load_signed(read_file(file), str(file))}
        return self._signed[file]

    def _load_certificates(self, file: Path) -> tuple[x509.Certificate, ...]:
        from .certificates import load_certificates

        found = self._certificates.get(file)
        if found is None:
            found = tuple(load_certificates(read_file(file), str(file)))
            self._certificates = {**self._certificates, file: found}
        return found


def read_file(path: Path) -> bytes:
    """Read a file. Raises AuthorityError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuthorityError(f"cannot read {path}: {error.strerror or error}") from error
