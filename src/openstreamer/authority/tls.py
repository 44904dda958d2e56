"""TLS contexts for both ends, and the pin of a server's certificate. Importing this loads `ssl`.

Rules: section 10 of the protocol docs (mutual TLS by the server's own CA, host names not checked by clients).
"""

from __future__ import annotations

import ssl
from os import PathLike

from .authority import ServerFiles
from .pkcs12 import Credentials


def server_context(files: ServerFiles, *, minimum: str = "1.2") -> ssl.SSLContext:
    """Context for a listener that requires a client certificate of our CA.

    Args:
        minimum: lowest TLS version, "1.2" or "1.3"; "1.0" and "1.1" also lower the security level for very old
            clients.
    """
    raise NotImplementedError


def client_context(
    credentials: Credentials,
    *,
    minimum: str = "1.2",
    verify: bool = True,
    check_hostname: bool = False,
    key_log: str | PathLike[str] | None = None,
) -> ssl.SSLContext:
    """Context for a client; verifies the server by the CA in the credentials.

    Args:
        verify: False where a pin takes the CA's place: check it with `check_pin` before the first byte is sent.
        key_log: file to write session secrets to, for looking into a capture.

    Raises:
        AuthorityError: the credentials have no CA certificate and `verify` is on, or they cannot be loaded.
    """
    raise NotImplementedError


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER) as lower-case hex: the form of a pin."""
    raise NotImplementedError


def check_pin(certificate: bytes | None, pin: str) -> None:
    """Raise RefusedError (cause "pin") unless the server's certificate (DER) is the pinned one."""
    raise NotImplementedError
