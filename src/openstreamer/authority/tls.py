"""The TLS context of a listener. Importing this loads `ssl`.

Rules: section 10 of the protocol docs: mutual TLS by the server's own CA, TLS 1.2 at least. Not here: the
client's side, which also serves people whose files come from elsewhere (client/credentials.py).
"""

from __future__ import annotations

import contextlib
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

from openstreamer.errors import AuthorityError, ConfigurationError

from .authority import ServerFiles

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
    _set_minimum(context, minimum)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    with _usable(files.certificate, "or remove it and make a new one with `openstreamer init --force`"):
        context.load_cert_chain(files.certificate, files.private_key)
    with _usable(files.trusted, "or restore a backup"):
        context.load_verify_locations(files.trusted)
    if files.former is not None and files.former.exists():
        with _usable(files.former, "or restore a backup"):
            context.load_verify_locations(files.former)
    context.verify_mode = ssl.CERT_REQUIRED
    # A CA below somebody else's root is the end of the way here: others below that root are nothing to us.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@contextlib.contextmanager
def _usable(path: Path, advice: str) -> Iterator[None]:
    """Say which file OpenSSL cannot use, and what to do; its own words do not."""
    try:
        yield
    except (OSError, ssl.SSLError) as error:
        reason = "it does not hold what it should" if isinstance(error, ssl.SSLError) else error.strerror
        raise AuthorityError(f"cannot use {path} ({reason}): put back a copy, {advice}") from error


def _set_minimum(context: ssl.SSLContext, minimum: str) -> None:
    version = _VERSIONS.get(minimum)
    if version is None:
        raise ConfigurationError(f"TLS version {minimum!r} is not one of {', '.join(_VERSIONS)}")
    context.set_ciphers(_OLD_CIPHERS if version < ssl.TLSVersion.TLSv1_2 else _SERVER_CIPHERS)
    with warnings.catch_warnings():
        # The old versions are deprecated, which whoever asks for them knows.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
