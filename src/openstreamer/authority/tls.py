"""TLS contexts for both ends, and the pin of a server's certificate. Importing this loads `ssl`.

Rules: section 10 of the protocol docs: mutual TLS by the server's own CA, TLS 1.2 at least, host names not
checked by clients because servers' certificates are not made for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import ssl
import tempfile
import warnings
from os import PathLike

from openstreamer.errors import AuthorityError, ConfigurationError, RefusedError

from .authority import ServerFiles
from .pkcs12 import Credentials

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}

_SERVER_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES256:ECDHE+AES128:!aNULL:!SHA1:!AESCCM"
_OLD_CIPHERS = "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0"


def server_context(files: ServerFiles, *, minimum: str = "1.2") -> ssl.SSLContext:
    """Make a context for a listener that requires a client certificate of our CA.

    Whether that certificate was revoked, and whether this peer may use it, is for `Authority.check_peer` to
    say, after the handshake and before anything is sent.

    Args:
        minimum: lowest TLS version, "1.2" or "1.3". "1.0" and "1.1" are for very old clients only: they also
            allow weak ciphers and short keys.

    Raises:
        AuthorityError: a file is missing or does not hold what it should.
        ConfigurationError: no such version.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _set_minimum(context, minimum, _SERVER_CIPHERS)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(files.certificate, files.private_key)
        context.load_verify_locations(files.trusted)
    except (OSError, ssl.SSLError) as error:
        raise AuthorityError(f"cannot use the certificates in {files.certificate.parent}: {error}") from error
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    credentials: Credentials,
    *,
    minimum: str = "1.2",
    verify: bool = True,
    check_hostname: bool = False,
    key_log: str | PathLike[str] | None = None,
) -> ssl.SSLContext:
    """Make a context for a client; it verifies the server by the CA in the credentials.

    Args:
        minimum: lowest TLS version, as for `server_context`; "1.0" and "1.1" also accept weak certificates of
            old servers.
        verify: False where a pin takes the CA's place: use `check_pin` before the first byte is sent.
        check_hostname: whether the server's certificate must also hold the name connected to.
        key_log: file to which session secrets are written, for looking into a capture.

    Raises:
        AuthorityError: the credentials have no CA certificate although `verify` is on, or cannot be used.
        ConfigurationError: no such version.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _set_minimum(context, minimum, None)
    # Python 3.11 in Debian 12 sets this for OpenSSL 3: it makes a crash look like a peer that took its leave.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    context.check_hostname = check_hostname and verify
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    # The certificate that came with ours is the anchor, whether or not another one signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if verify:
        if not credentials.ca_pem:
            raise AuthorityError(
                "there is no CA certificate to verify the server with: give one, or pin the server's own"
            )
        try:
            context.load_verify_locations(cadata=credentials.ca_pem.decode("ascii", "ignore"))
        except (ValueError, ssl.SSLError) as error:
            raise AuthorityError(f"the CA certificate cannot be used: {error}") from error
    _load_own(context, credentials)
    if key_log is not None:
        try:
            # OpenSSL would make the file readable for everybody.
            os.close(os.open(key_log, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            context.keylog_filename = os.fspath(key_log)
        except OSError as error:
            raise ConfigurationError(
                f"cannot write session secrets: {error.strerror or error}", where=os.fspath(key_log)
            ) from error
    return context


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER) as lower-case hex: the form of a pin."""
    return hashlib.sha256(certificate).hexdigest()


def check_pin(certificate: bytes | None, pin: str) -> None:
    """Compare the server's certificate (DER) with the pinned fingerprint; colons and case do not matter.

    Raises:
        RefusedError: another certificate (cause "pin"), or none.
    """
    wanted = pin.strip().lower().removeprefix("sha256:").replace(":", "")
    found = fingerprint(certificate) if certificate else "none"
    if not hmac.compare_digest(wanted.encode(), found.encode()):
        raise RefusedError(
            f"the server's certificate is not the one that was pinned (its SHA-256 is {found}): if it was "
            "replaced on purpose, remove the pin",
            cause="pin",
        )


def _set_minimum(context: ssl.SSLContext, minimum: str, ciphers: str | None) -> None:
    version = _VERSIONS.get(minimum)
    if version is None:
        raise ConfigurationError(f"TLS version {minimum!r} is not one of {', '.join(_VERSIONS)}")
    if version < ssl.TLSVersion.TLSv1_2:
        ciphers = _OLD_CIPHERS
    if ciphers is not None:
        context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        # The old versions are deprecated, which whoever asks for them knows.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version


def _load_own(context: ssl.SSLContext, credentials: Credentials) -> None:
    """Load certificate and key, which `ssl` takes from files only.

    The file is private, exists for a moment, and its key is encrypted under a password that never leaves this
    process: were the process killed just then, what it leaves would be of no use.
    """
    from cryptography.hazmat.primitives import serialization

    password = secrets.token_bytes(32).hex().encode()
    try:
        key = serialization.load_pem_private_key(credentials.private_key_pem, None)
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
    except (ValueError, TypeError) as error:
        raise AuthorityError(f"the client's private key cannot be used: {error}") from error
    descriptor, path = tempfile.mkstemp(prefix="openstreamer-")
    try:
        with open(descriptor, "wb") as file:
            file.write(credentials.certificate_pem + key_pem)
        context.load_cert_chain(path, password=password)
    except (OSError, ssl.SSLError) as error:
        raise AuthorityError(f"the client's certificate and key cannot be used: {error}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
