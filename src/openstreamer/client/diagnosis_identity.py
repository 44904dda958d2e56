"""The steps of a check that look at certificates: the client's own files, the server's, the name check.

Everything here can be known without the server's help: whether the PKCS#12 file opens and what it holds,
whether its certificate is still good, which authority it trusts, and whether this machine's address is one
that the certificate's name leads to, which servers check before they say a word.

Rules: messages, sections 1.1 (name check) and 10 (certificates, PKCS#12).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from openstreamer.client.credentials import ClientCredentials, fingerprint, make_context
from openstreamer.client.diagnosis_finding import Finding
from openstreamer.errors import OpenStreamerError, UsageError

if TYPE_CHECKING:
    from cryptography import x509

SOON = timedelta(days=14)
"""A certificate that ends within this time deserves a word."""

_PBE = bytes.fromhex("2a864886f70d010c01")
_OLD_CIPHERS = {6: "RC2 with 40 bits", 5: "RC2 with 128 bits", 3: "3DES", 4: "3DES with two keys", 1: "RC4"}
"""Last byte of the object identifier in PKCS#12 -> the cipher (RFC 7292, appendix C)."""

GET_FILE = (
    "fetch it from the server's operator: 'openstreamer clients download HOST' here, System > Integration >"
    " eStreamer on a management center"
)


class CertificateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What people want to know of a certificate."""

    subject: str
    issuer: str
    serial: str
    begins: datetime
    ends: datetime
    names: tuple[str, ...]
    key: str
    signature: str
    fingerprint: str
    now: datetime

    @property
    def unusable(self) -> bool:
        """Whether it is not valid at this moment, by this machine's clock."""
        return not self.begins <= self.now <= self.ends

    def lines(self) -> tuple[str, ...]:
        """All but the subject, a line each."""
        return (
            f"issued by {self.issuer}, serial {self.serial}",
            f"valid from {self.begins:%Y-%m-%d} to {self.ends:%Y-%m-%d}",
            f"names: {', '.join(self.names) or 'none but the subject'}",
            f"key: {self.key}, signed with {self.signature}",
            f"SHA-256: {self.fingerprint}",
        )

    def for_programs(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "not_before": self.begins.isoformat(),
            "not_after": self.ends.isoformat(),
            "names": list(self.names),
            "key": self.key,
            "signature": self.signature,
            "sha256": self.fingerprint,
        }


def facts_of(der: bytes) -> CertificateFacts | None:
    """What a certificate (DER) says; None if it cannot be read."""
    from cryptography import x509

    try:
        return _facts(x509.load_der_x509_certificate(der))
    except ValueError:
        return None


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding

    from openstreamer.authority.certificates import subject_names

    try:
        public = certificate.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            key = f"RSA {public.key_size}"
        elif isinstance(public, ec.EllipticCurvePublicKey):
            key = f"EC {public.curve.name}"
        else:
            key = type(public).__name__.removeprefix("_").removesuffix("PublicKey")
    except (ValueError, UnsupportedAlgorithm):
        key = "a key of unknown kind"
    try:
        digest = certificate.signature_hash_algorithm
        signature = digest.name.upper() if digest is not None else "own digest"
    except UnsupportedAlgorithm:
        signature = "unknown digest"
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string() or "(no subject)",
        issuer=certificate.issuer.rfc4514_string() or "(no issuer)",
        serial=f"{certificate.serial_number:x}",
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        names=tuple(dict.fromkeys(subject_names(certificate))),
        key=key,
        signature=signature,
        fingerprint=fingerprint(certificate.public_bytes(Encoding.DER)),
        now=datetime.now(UTC),
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def validity(facts: CertificateFacts, whose: str) -> tuple[str, str]:
    """What is wrong with the dates of a certificate, and what to do; empty if nothing is."""
    clock = f"this machine's clock says {_minute(facts.now)}"
    if facts.now < facts.begins:
        said = f"it is valid from {_minute(facts.begins)} on, and {clock}"
        return said, "set the clock of this machine, or that of the machine where the certificate was made"
    if facts.now > facts.ends:
        return (
            f"it expired on {_minute(facts.ends)} ({clock})",
            "renew the server's certificate; our own server does so when it is started"
            if whose == "server"
            else "let the server's operator add this client anew, and use the new PKCS#12 file",
        )
    if facts.ends - facts.now < SOON:
        return f"it expires in {(facts.ends - facts.now).days} days", "have a new one made in time"
    return "", ""


class Identity:
    """The client's own certificate and whom it trusts, as far as they can be used."""

    def __init__(self) -> None:
        self.credentials: ClientCredentials | None = None
        self.certificate: CertificateFacts | None = None
        self.authorities: list[CertificateFacts] = []
        self.usable = False

    def explain_distrust(self, code: int, shown: CertificateFacts | None) -> tuple[str, str]:
        """Why the server's certificate does not pass (OpenSSL's code), and what to do."""
        if code in (9, 10) and shown is not None:
            return validity(shown, "server")
        advice = (
            "use the PKCS#12 file (or --ca) that belongs to this server; if the server was set up anew,"
            " fetch the client's file again"
        )
        if shown is None or not self.authorities:
            return "it was signed by an authority that is not in the client's file", advice
        ours = ", ".join(facts.subject for facts in self.authorities)
        if shown.issuer in [facts.subject for facts in self.authorities]:
            return (
                f"it names {shown.issuer} as its authority, but was signed with another key of that name",
                advice,
            )
        return f"it comes from {shown.issuer}; the client's file knows {ours}", advice

    def explain_refusal(self, sentence: str) -> str:
        """Why the server may have refused the client's certificate, from what can be seen here."""
        own = self.certificate
        if own is None:
            return ""
        if own.unusable:
            return validity(own, "client")[0]
        said = f"the client's certificate is {own.subject} from {own.issuer}, serial {own.serial}"
        if "authority" in sentence and self.authorities:
            return f"{said}; the server trusts another authority: was it set up anew, or is it another one?"
        return said


def read_identity(credentials: ClientCredentials | None, identity: Identity) -> Iterator[Finding]:
    """Read what the client shows to servers, into `identity`."""
    if credentials is None:
        yield Finding(
            step="client",
            mark="failed",
            status=2,
            text="no client certificate is given",
            cause="servers let nobody in without one",
            advice=f"give the file with --pkcs12 FILE (or --cert and --key); {GET_FILE}",
        )
        return
    identity.credentials = credentials
    where = credentials.pkcs12 or credentials.certificate or ""
    try:
        old = _read_files(credentials, identity)
        make_context(credentials)
    except OpenStreamerError as error:
        cause, advice = _file_trouble(where, credentials, str(error))
        yield Finding(step="client", mark="failed", status=2, text=str(error), cause=cause, advice=advice)
        return
    identity.usable = True
    own = identity.certificate
    assert own is not None
    if old:
        yield Finding(
            step="client",
            mark="warning",
            text=f"{where} is encrypted with {old}",
            cause="it was made in the old form, which OpenSSL 3 opens with its legacy provider only",
            advice="this client reads it; for others, make it anew (without --compat)",
        )
    problem, advice = validity(own, "client")
    yield Finding(
        step="client",
        mark="failed" if own.unusable else "warning" if problem else "ok",
        status=3 if own.unusable else 0,
        text=f"{where}: {own.subject}",
        more=own.lines(),
        cause=problem,
        advice=advice,
        details=own.for_programs(),
    )


def _read_files(credentials: ClientCredentials, identity: Identity) -> str:
    """Fill `identity`; gives the cipher of a PKCS#12 file of the old form. Raises OpenStreamerError."""
    from openstreamer.authority.certificates import load_certificates
    from openstreamer.authority.pkcs12 import read_pem, read_pkcs12

    old = ""
    if credentials.pkcs12 is not None:
        found = read_pkcs12(credentials.pkcs12, credentials.password)
        old = old_cipher(_content(credentials.pkcs12))
    else:
        assert credentials.certificate is not None
        found = read_pem(credentials.certificate, credentials.key, password=credentials.password)
    authority = found.ca_pem
    if credentials.authority is not None:
        authority = _content(credentials.authority)
    identity.certificate = _facts(load_certificates(found.certificate_pem, "the certificate")[0])
    if authority:
        where = credentials.authority or credentials.pkcs12 or ""
        identity.authorities = [_facts(each) for each in load_certificates(authority, where)]
    return old


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def old_cipher(content: bytes) -> str:
    """The cipher of a PKCS#12 file that only old programs use, in words; empty for one of today."""
    found = content.find(_PBE)
    if found < 0:
        return ""
    return _OLD_CIPHERS.get(content[found + len(_PBE)], "")


def _file_trouble(where: str, credentials: ClientCredentials, sentence: str) -> tuple[str, str]:
    if not os.path.exists(where):
        return "there is no such file", f"give its path with --pkcs12; {GET_FILE}"
    if not os.access(where, os.R_OK):
        return "this user may not read it", "run as the user who owns it, or let this one read it"
    if "encryption" in sentence:
        return (
            "it is encrypted in a form that this machine's OpenSSL does not offer",
            f"openssl pkcs12 -legacy -in {where} -out client.pem -nodes, then --cert client.pem",
        )
    if "needs its password" in sentence:
        return "no password was given", "--password-file FILE, or $OPENSTREAMER_PASSWORD"
    if "this password" in sentence:
        return (
            "the password is another one, or the file was damaged on its way (text-mode transfers do that)",
            f"check the password; or {GET_FILE}",
        )
    if "TOO_SMALL" in sentence or "TOO_WEAK" in sentence:
        return (
            "key or signature are too short for today's TLS",
            "let the server's operator make a new certificate (2048 bits, SHA-256 or better)",
        )
    if "belong together" in sentence:
        return "certificate and key are of two different clients", "give the key that was made with it"
    return "", GET_FILE


def name_check(identity: Identity, local: str, *, let_in: bool) -> Iterator[Finding]:
    """Whether the address this machine connects from is one that the certificate stands for."""
    own = identity.certificate
    if own is None:
        return
    names = own.names or _common_names(own.subject)
    local = local.partition("%")[0]
    agree = False
    parts = []
    for name in names:
        addresses = _addresses(name)
        agree = agree or _same(local, addresses)
        if addresses != [name]:
            parts.append(f"{name} ({', '.join(addresses) or 'does not resolve here'})")
        else:
            parts.append(name)
    said = f"the certificate is for {', '.join(parts) or 'nobody'}; this machine connects from {local}"
    if agree:
        yield Finding(
            step="name-check",
            mark="ok",
            text=f"{said}: they agree",
            cause=""
            if let_in
            else "so the name check should pass, unless the server resolves names otherwise or sees another"
            " address (NAT); a client that was revoked is refused in the same way",
            details={"names": list(names), "local": local},
        )
        return
    yield Finding(
        step="name-check",
        mark="note" if let_in else "failed",
        status=0 if let_in else 3,
        text=f"{said}: they do not agree",
        cause="the server let it in, so it knows this address too ('openstreamer clients also'), checks no"
        " names, sees another address (NAT) or resolves the name otherwise"
        if let_in
        else "a server closes without a word if the certificate's name does not lead to the address it sees",
        advice=""
        if let_in
        else "let the server's operator add the client under the address that the server sees"
        f" (without NAT: 'openstreamer clients add {local}'), or mend the name's address",
        details={"names": list(names), "local": local},
    )


def _common_names(subject: str) -> tuple[str, ...]:
    return tuple(part.partition("=")[2] for part in subject.split(",") if part.startswith("CN="))


def _addresses(name: str) -> list[str]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


def _same(local: str, addresses: list[str]) -> bool:
    try:
        mine = ipaddress.ip_address(local)
    except ValueError:
        return False
    for text in addresses:
        try:
            if ipaddress.ip_address(text) == mine:
                return True
        except ValueError:
            continue
    return False
