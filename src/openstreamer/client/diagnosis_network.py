"""The steps of a check that look at the network: names, ports, and the TLS handshake seen from outside.

The handshake is made with a context that trusts everybody, so that the server's certificate can be shown
also where it is not to be trusted, and its bytes are kept: they tell who answers where no TLS server does,
and hold the certificate where the server ends the handshake (TLS 1.2 sends it in the clear). No data is
sent over that connection.

Rules: RFC 5246, section 7.4.2 (the message Certificate).
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import re
import socket
import ssl
import time
import warnings
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import msgspec

from openstreamer.client.connection import UnknownHost, connect_tcp, resolve
from openstreamer.client.diagnosis_finding import Finding
from openstreamer.errors import TransportError
from openstreamer.protocol.messages import ALPN_NAME

if TYPE_CHECKING:
    from openstreamer.client.diagnosis_identity import Identity

BANNER_SECONDS = 2.0
"""How long a server that is no TLS server may take to say what it is."""

MOST_ADDRESSES = 16

Address = tuple[socket.AddressFamily, Any]

_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EHOSTDOWN)


class Reached(msgspec.Struct):
    """A connection to try the handshake on, and the local address it was made from."""

    socket: socket.socket
    address: str
    local: str


class Probe(msgspec.Struct):
    """What a handshake showed.

    Attributes:
        version, cipher: what was agreed; empty if the handshake did not succeed.
        certificates: the server's chain (DER), its own first. answer: what came that is not TLS.
        words: why it failed, in OpenSSL's words. silent: nothing came at all until the time was over.
    """

    version: str = ""
    cipher: str = ""
    certificates: list[bytes] = []
    answer: bytes = b""
    words: str = ""
    silent: bool = False
    no_common_version: bool = False

    @property
    def spoke_tls(self) -> bool:
        """Whether there is a TLS server with which going on makes sense."""
        return bool(self.version or self.certificates)


def lookup(host: str, port: int, *, ipv6: bool) -> Generator[Finding, None, list[Address]]:
    """Look the name up; gives the addresses in the order in which a client tries them."""
    try:
        found = resolve(host, port, ipv6=ipv6)
    except UnknownHost as error:
        others = _other_family(host, port) if ipv6 else []
        yield Finding(
            step="name",
            mark="failed",
            status=1,
            text=str(error).partition(";")[0],
            cause=f"it has only {', '.join(others)}" if others else "no name server and no hosts file has it",
            advice="leave out --ipv6" if others else "check the spelling, or give the address instead",
        )
        return []
    except TransportError as error:
        yield Finding(
            step="name",
            mark="failed",
            status=1,
            text=str(error),
            cause="the name server of this machine does not answer",
            advice="check /etc/resolv.conf and the network, or give the address instead",
        )
        return []
    addresses = list({address[0]: (family, address) for family, address in found}.values())[:MOST_ADDRESSES]
    texts = [str(address[0]) for _, address in addresses]
    literal = texts == [host] or _is_address(host)
    yield Finding(
        step="name",
        mark="ok",
        text=f"{host} is an address" if literal else f"{host} has the addresses {', '.join(texts)}",
        details={"addresses": texts},
    )
    return addresses


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _other_family(host: str, port: int) -> list[str]:
    with contextlib.suppress(TransportError):
        return [str(address[0]) for _, address in resolve(host, port, ipv6=False)]
    return []


def attempts(addresses: list[Address], port: int, timeout: float) -> Generator[Finding, None, Reached | None]:
    """Connect to each address; gives the first connection that came about, which a client would use."""
    reached: Reached | None = None
    failures: list[Finding] = []
    for family, address in addresses:
        began = time.monotonic()
        raw = socket.socket(family, socket.SOCK_STREAM)
        try:
            raw.settimeout(timeout if reached is None else min(timeout, 3.0))
            raw.connect(address)
        except OSError as error:
            raw.close()
            failures.append(_no_connection(str(address[0]), port, error, timeout))
            continue
        local = str(raw.getsockname()[0])
        took = (time.monotonic() - began) * 1000
        yield Finding(
            step="connect",
            mark="ok",
            text=f"{address[0]} port {port} answers in {took:.0f} ms (from {local})",
            details={"address": str(address[0]), "local": local, "milliseconds": round(took, 1)},
        )
        if reached is None:
            reached = Reached(raw, str(address[0]), local)
        else:
            raw.close()
    for failure in failures:
        # Where another address answers, clients come through, only later.
        yield failure if reached is None else msgspec.structs.replace(failure, mark="warning", status=0)
    return reached


def _no_connection(address: str, port: int, error: OSError, timeout: float) -> Finding:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        what = f"no answer within {timeout:g} s"
        cause = "a firewall drops the packets, or no machine has this address"
        advice = f"let TCP port {port} through from this machine to the server; check the address"
    elif error.errno == errno.ECONNREFUSED:
        what = "connection refused"
        cause = "the machine is there, but nothing listens at this port (or a firewall says no)"
        advice = (
            "start the server ('openstreamer serve', or enable eStreamer on the management center),"
            " and check the port"
        )
    elif error.errno in _NO_ROUTE:
        what = f"no route ({error.strerror})"
        cause = "this machine knows no way to that network"
        advice = "check the address and this machine's network" + (
            "; there seems to be no IPv6 here" if ":" in address else ""
        )
    elif error.errno in (errno.EACCES, errno.EPERM):
        what = f"not permitted ({error.strerror})"
        cause = "a packet filter on this machine forbids it"
        advice = f"allow outgoing connections to port {port}"
    else:
        what = error.strerror or str(error)
        cause, advice = "", "check the network between here and the server"
    return Finding(
        step="connect",
        mark="failed",
        status=1,
        text=f"{address} port {port}: {what}",
        cause=cause,
        advice=advice,
        details={"address": address},
    )


def trusting_context(identity: Identity | None) -> ssl.SSLContext:
    """A context that accepts any server, and shows the client's certificate where there is one."""
    from openstreamer.client.credentials import make_context

    if identity is not None and identity.usable and identity.credentials is not None:
        context = make_context(identity.credentials)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols([ALPN_NAME])
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def probe(
    raw: socket.socket, identity: Identity | None, timeout: float, context: ssl.SSLContext | None = None
) -> Probe:
    """Shake hands over a fresh connection, believing everything, and say what was seen."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine = (context or trusting_context(identity)).wrap_bio(incoming, outgoing)
    received = bytearray()
    seen = Probe()
    until = time.monotonic() + timeout
    try:
        while True:
            try:
                engine.do_handshake()
                raw.sendall(outgoing.read())
                break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                raw.settimeout(max(0.05, until - time.monotonic()))
                data = raw.recv(65536)
                received += data
                if data:
                    incoming.write(data)
                else:
                    incoming.write_eof()
    except TimeoutError:
        seen.silent = not received
        seen.words = "no answer in time"
    except ssl.SSLError as error:
        seen.words = "" if isinstance(error, ssl.SSLEOFError) else _words(error)
        seen.no_common_version = any(
            part in (error.reason or "")
            for part in ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "HANDSHAKE_FAILURE", "NO_CIPHERS")
        )
    except OSError as error:
        seen.words = error.strerror or str(error)
    else:
        cipher = engine.cipher()
        seen.version = engine.version() or ""
        seen.cipher = cipher[0] if cipher else ""
        seen.certificates = [engine.getpeercert(binary_form=True) or b""]
        return seen
    seen.certificates = certificates_in(bytes(received))
    if not seen.certificates and not _looks_like_tls(received):
        seen.answer = bytes(received) or (b"" if seen.silent else _banner(raw))
    return seen


def _words(error: ssl.SSLError) -> str:
    reason = (error.reason or str(error)).lower().replace("_", " ")
    return re.sub(r"^(tlsv1|sslv3|tlsv13) ", "", reason)


def _banner(raw: socket.socket) -> bytes:
    """What a server says by itself that did not understand a word; nothing where it has closed."""
    with contextlib.suppress(OSError):
        raw.settimeout(BANNER_SECONDS)
        return raw.recv(1024)
    return b""


def _looks_like_tls(received: bytes | bytearray) -> bool:
    return len(received) >= 3 and received[0] in (20, 21, 22, 23) and received[1] == 3


def certificates_in(received: bytes) -> list[bytes]:
    """The chain of a message Certificate in the clear, as in handshakes before TLS 1.3; DER."""
    handshake = bytearray()
    position = 0
    while position + 5 <= len(received) and received[position + 1] == 3:
        length = int.from_bytes(received[position + 3 : position + 5])
        if received[position] == 22:
            handshake += received[position + 5 : position + 5 + length]
        elif received[position] == 20:
            break  # what follows is encrypted
        position += 5 + length
    position = 0
    while position + 4 <= len(handshake):
        length = int.from_bytes(handshake[position + 1 : position + 4])
        body = bytes(handshake[position + 4 : position + 4 + length])
        if handshake[position] == 11 and len(body) == length:
            return _certificate_list(body)
        position += 4 + length
    return []


def _certificate_list(body: bytes) -> list[bytes]:
    found = []
    position = 3
    while position + 3 <= len(body):
        length = int.from_bytes(body[position : position + 3])
        found.append(body[position + 3 : position + 3 + length])
        position += 3 + length
    return [der for der in found if der[:1] == b"\x30"]


_SERVICES: tuple[tuple[bytes, str], ...] = (
    (rb"^SSH-", "an SSH server"),
    (rb"^HTTP/|^<!DOCTYPE|^<html", "a web server without TLS"),
    (rb"^220[ -].*(SMTP|mail)", "a mail server"),
    (rb"^220[ -]", "an FTP or mail server"),
    (rb"^\* OK", "an IMAP server"),
    (rb"^\+OK", "a POP3 server"),
    (rb"^RFB ", "a VNC server"),
    (rb"^.\x00\x00\x00\x0a\d", "a MySQL server"),
    (rb"^\x00\x01\x00[\x00-\x09]\x00\x00", "an eStreamer server without TLS"),
)


def describe_answer(answer: bytes) -> tuple[str, str]:
    """Who answered, by its first bytes, in words; and what to do."""
    line = answer.split(b"\n")[0].rstrip()[:60].decode("latin-1")
    shown = "".join(letter if letter.isprintable() else "." for letter in line).strip()
    for pattern, name in _SERVICES:
        if re.match(pattern, answer, re.IGNORECASE | re.DOTALL):
            return f"{name} answers ({shown!r})", "check the port; servers of this protocol use 8302"
    return f"it answers {shown!r}", "check host and port; servers of this protocol use 8302"


def old_tls(host: str, port: int, ipv6: bool, timeout: float) -> str:
    """What a server agrees to that accepts no version and cipher of today; empty if nothing either."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLError, ValueError, OSError, TransportError):
        with warnings.catch_warnings():
            # That these are out of date is just what is to be found out.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with connect_tcp(host, port, ipv6=ipv6, timeout=timeout) as raw:
            seen = probe(raw, None, timeout, context)
        if seen.version:
            return f"{seen.version} with {seen.cipher}"
    return ""
