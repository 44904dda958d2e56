"""Who may connect: the certificate authority, PKCS#12 files, the client registry, revocation.

`authority.Authority` ties it together, on the `foundation` of CA and server certificate; `clients` holds the
data and the host check, `registry` and `register` keep it, `certificates` and `pkcs12` make and read what
`cryptography` signs, `keys` knows the files, `admission` decides, `tls` makes the listener's context.
`rotation`, `imports` and `revocation` are what is done to an authority now and then; `lifetime` says when.
Importing this package does not load `cryptography` or `ssl`: they come in with the first certificate.
"""

from __future__ import annotations

from .admission import Admission
from .authority import Authority
from .clients import EVENT_CLASSES, Certificate, Client
from .foundation import ServerFiles
from .pkcs12 import Credentials, read_pem, read_pkcs12
from .registry import Registry

__all__ = [
    "EVENT_CLASSES",
    "Admission",
    "Authority",
    "Certificate",
    "Client",
    "Credentials",
    "Registry",
    "ServerFiles",
    "read_pem",
    "read_pkcs12",
]
