"""Who may connect: the certificate authority, PKCS#12 files, the client registry, revocation.

`authority.Authority` ties it together; `clients` holds the data and the host check, `registry` keeps it,
`certificates` and `pkcs12` make and read what `cryptography` signs, `tls` makes the contexts for both ends.
Importing this package does not load `cryptography` or `ssl`: they come in with the first certificate.
"""

from __future__ import annotations

from .authority import Authority, ServerFiles
from .clients import EVENT_CLASSES, Certificate, Client
from .pkcs12 import Credentials, read_pem, read_pkcs12
from .registry import Registry

__all__ = [
    "EVENT_CLASSES",
    "Authority",
    "Certificate",
    "Client",
    "Credentials",
    "Registry",
    "ServerFiles",
    "read_pem",
    "read_pkcs12",
]
