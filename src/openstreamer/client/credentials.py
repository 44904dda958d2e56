"""What a client shows to a server, and how it knows the server: certificate, key, trust.

Normally all of it comes out of the PKCS#12 file that the server's operator made: certificate and key of the
client, and the authority that the server's certificate must come from. Without an authority (separate
files, or a PKCS#12 without one) the server's certificate is pinned on first use: its fingerprint is kept in
the file `known-servers` beside the position, and another certificate is refused from then on. Host names
are not checked, because servers of the product have certificates that are not made for it.

Keys: the TLS library reads them from files only. They go into an anonymous file in memory where the system
has such, else into a file only the user can read that is gone before the function returns.

Rules: messages, section 10.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping

import msgspec

from openstreamer.errors import OpenStreamerError, RefusedError, UsageError
from openstreamer.protocol.messages import ALPN_NAME


class ClientCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """Where certificate, key and authority are found.

    Attributes:
        pkcs12: path of the PKCS#12 file.
        password: its password; None for none.
        certificate, key: paths of PEM files, instead of a PKCS#12.
        authority: path of a PEM file; wins over what the PKCS#12 holds.
        key_log: path of a file to which TLS session secrets are appended, for Wireshark; a test aid.
    """

    pkcs12: str | None = None
    password: str | None = None
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None
    key_log: str | None = None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


@contextlib.contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """A path that holds these bytes while the block runs, readable by this user alone."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("openstreamer", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{descriptor}"
    else:  # pragma: no cover - systems without anonymous files
        descriptor, path = tempfile.mkstemp(prefix="openstreamer-")
    try:
        os.write(descriptor, content)
        yield path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):  # pragma: no cover
            os.unlink(path)


def make_context(credentials: ClientCredentials) -> ssl.SSLContext:
    """The TLS settings for these credentials. `verify_mode` CERT_NONE says: the certificate is to be pinned.

    Raises:
        UsageError: a file cannot be read, the password is wrong, key and certificate do not belong together.
    """
    certificate, key, authority = b"", b"", b""
    if credentials.pkcs12 is not None:
        from openstreamer.authority.pkcs12 import read_pkcs12

        try:
            unpacked = read_pkcs12(credentials.pkcs12, credentials.password)
        except OpenStreamerError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            raise UsageError(f"cannot read {credentials.pkcs12}: {error.strerror}") from error
        certificate, key, authority = (
            unpacked.certificate_pem,
            unpacked.private_key_pem,
            unpacked.ca_pem or b"",
        )
    if credentials.certificate is not None:
        certificate = _read(credentials.certificate)
        key = _read(credentials.key) if credentials.key is not None else certificate
    if credentials.authority is not None:
        authority = _read(credentials.authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.11 in Debian 12 sets this for OpenSSL 3: it makes a crash look like a peer that took its leave.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    context.check_hostname = False
    context.set_alpn_protocols([ALPN_NAME])
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(cadata=authority.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
            where = credentials.authority or credentials.pkcs12
            raise UsageError(f"{where}: the certificate of the authority cannot be read") from error
    else:
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        _load_chain(context, certificate, key, credentials)
    if credentials.key_log is not None:
        try:
            # OpenSSL would make the file readable for everybody.
            os.close(os.open(credentials.key_log, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            context.keylog_filename = credentials.key_log
        except OSError as error:
            raise UsageError(f"cannot write the key log {credentials.key_log}: {error.strerror}") from error
    return context


def _load_chain(
    context: ssl.SSLContext, certificate: bytes, key: bytes, credentials: ClientCredentials
) -> None:
    def no_question() -> str:
        return credentials.password or ""

    try:
        with _private_file(certificate.rstrip(b"\n") + b"\n" + key) as path:
            context.load_cert_chain(path, password=no_question)
    except (ssl.SSLError, ValueError) as error:
        where = credentials.pkcs12 or credentials.certificate
        reason = getattr(error, "reason", None)
        if reason == "KEY_VALUES_MISMATCH":
            raise UsageError(f"{where}: key and certificate do not belong together") from error
        raise UsageError(f"{where}: certificate or key cannot be used ({reason or error})") from error


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER), as people compare it."""
    digest = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


class KnownServers:
    """The file of pinned certificates: a line a server, `HOST:PORT sha256 FINGERPRINT`."""

    def __init__(
        self, path: str | os.PathLike[str] | None, *, known: Mapping[str, str] | None = None
    ) -> None:
        """`path` None: in memory only; `known`: fingerprints by server, for callers that keep them."""
        self.path = None if path is None else os.fspath(path)
        self._memory: dict[str, str] = dict(known or {})

    def _load(self) -> dict[str, str]:
        known = dict(self._memory)
        if self.path is not None:
            with contextlib.suppress(FileNotFoundError):
                with open(self.path, encoding="utf-8") as file:
                    for line in file:
                        parts = line.split()
                        if len(parts) == 3 and parts[1] == "sha256":
                            known[parts[0]] = parts[2]
        return known

    def pinned(self, server: str) -> str | None:
        """The fingerprint that is pinned for this server; None if none is."""
        return self._load().get(server)

    def check(self, server: str, certificate: bytes) -> bool:
        """Compare with the pinned certificate of this server; pin it if there is none, and return true then.

        Raises:
            RefusedError: it is another certificate than before.
        """
        found = fingerprint(certificate)
        pinned = self._load().get(server)
        if pinned == found:
            return False
        if pinned is not None:
            where = f"the line of {server} in {self.path}" if self.path else "the pin"
            raise RefusedError(
                f"{server} shows another certificate than before (now {found}): if its operator says it was"
                f" renewed, remove {where} and connect again; otherwise somebody else answers in its place"
            )
        self._memory[server] = found
        if self.path is not None:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, f"{server} sha256 {found}\n".encode())
            finally:
                os.close(descriptor)
        return True
