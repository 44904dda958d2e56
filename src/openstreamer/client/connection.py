"""One TLS connection to a server: open it, receive large pieces, send small ones.

A plain blocking socket with the TLS engine beside it (memory BIO): one system call fetches up to 256 KiB,
which are then decrypted in one go, and waiting can be ended by `Stop`. Every failure becomes one of our
errors here: who refused whom, what is unreachable, what broke. It knows nothing of messages.

Rules: messages, sections 1.1 and 10 (TLS, certificates), 1.4 (dead links).
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Any, cast

from openstreamer.client.stop import Stop
from openstreamer.errors import (
    OpenStreamerError,
    PeerError,
    RefusedError,
    RemoteProtocolError,
    TransportError,
)

_RECEIVE = 256 * 1024
_PLAIN = 512 * 1024
_RECORD = 17 * 1024

_NO_ADDRESS = frozenset(
    getattr(socket, name)
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY", "EAI_FAMILY")
    if hasattr(socket, name)
)

_OUR_VERDICTS = {
    10: "it has expired",
    18: "it is self-signed",
    19: "it leads to another authority",
    20: "it was signed by another authority",
    21: "it was signed by another authority",
    26: "it is not meant for a server",
    62: "it is for another host",
}

_THEIR_VERDICTS = {
    "UNKNOWN_CA": "it does not know the authority that signed the client's certificate",
    "CERTIFICATE_REVOKED": "the client's certificate is revoked",
    "CERTIFICATE_EXPIRED": "the client's certificate has expired",
    "CERTIFICATE_UNKNOWN": "it does not accept the client's certificate",
    "BAD_CERTIFICATE": "it does not accept the client's certificate",
    "UNSUPPORTED_CERTIFICATE": "it does not accept a certificate of this kind",
    "CERTIFICATE_REQUIRED": "it wants a client certificate and was given none",
    "ACCESS_DENIED": "it denies access to this client",
    "DECRYPT_ERROR": "it could not check the client's signature",
}


class LostConnection(TransportError):
    """The connection ended; `on_purpose` if the peer took leave in TLS, which a crash does not."""

    def __init__(self, message: str, *, on_purpose: bool) -> None:
        super().__init__(message)
        self.on_purpose = on_purpose


class UnknownHost(TransportError):
    """The name of the server has no address."""


class SilentPeer(TransportError):
    """Nothing came for so long that the link is taken for dead."""


def handshake_error(error: ssl.SSLError, server: str) -> OpenStreamerError:
    """Our error for an error of the TLS engine."""
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        verdict = _OUR_VERDICTS.get(error.verify_code, error.verify_message)
        return RefusedError(
            f"the certificate of {server} is not to be trusted: {verdict}; use the PKCS#12 file (or"
            " --ca) that belongs to this server"
        )
    for name, meaning in _THEIR_VERDICTS.items():
        if reason.endswith(f"ALERT_{name}"):
            return RefusedError(
                f"{server} refuses this client: {meaning}; let its operator add the client, and use the"
                " new PKCS#12 file"
            )
    if reason in (
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "UNKNOWN_PROTOCOL",
        "RECORD_LAYER_FAILURE",
        "PACKET_LENGTH_TOO_LONG",
    ):
        return RemoteProtocolError(f"{server} does not speak TLS on this port; check host and port")
    if (
        reason.endswith(("ALERT_PROTOCOL_VERSION", "ALERT_HANDSHAKE_FAILURE"))
        or reason == "UNSUPPORTED_PROTOCOL"
    ):
        return RefusedError(f"{server} and this client have no TLS version and cipher in common ({reason})")
    return LostConnection(f"TLS with {server} failed: {reason or error}", on_purpose=False)


def end_of_session(error: OpenStreamerError, server: str) -> OpenStreamerError:
    """What the protocol says a session ended with, for people: who it was, and where to look."""
    if isinstance(error, PeerError):
        return PeerError(error.code, error.text, peer=server)
    if isinstance(error, RemoteProtocolError):
        return RemoteProtocolError(
            f"{server} breaks the protocol: {error}; 'openstreamer test {server}' looks closer",
            code=error.code,
        )
    return error


def resolve(host: str, port: int, *, ipv6: bool) -> list[tuple[socket.AddressFamily, Any]]:
    """All addresses of a host, in the system's order; only IPv6 ones if asked for.

    Raises:
        UnknownHost: there is none.
        TransportError: the name service does not answer.
    """
    family = socket.AF_INET6 if ipv6 else socket.AF_UNSPEC
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_ADDRESS:
            kind = "IPv6 address" if ipv6 else "address"
            raise UnknownHost(f"there is no {kind} for {host!r}; check the name") from error
        raise TransportError(f"{host!r} cannot be looked up just now: {error.strerror}") from error
    except UnicodeError as error:
        raise UnknownHost(f"{host!r} is no host name") from error
    return [(socket.AddressFamily(family), address) for family, _, _, _, address in found]


def connect_tcp(host: str, port: int, *, ipv6: bool, timeout: float) -> socket.socket:
    """A TCP connection to the first address of the host that answers.

    Raises:
        TransportError: none does; says for each why.
    """
    failures = []
    for family, address in resolve(host, port, ipv6=ipv6):
        raw = socket.socket(family, socket.SOCK_STREAM)
        try:
            raw.settimeout(timeout)
            raw.connect(address)
        except OSError as error:
            raw.close()
            reason = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error))
            failures.append(f"{address[0]}: {reason}")
            continue
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 6)):
            if hasattr(socket, option):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return raw
    raise TransportError(f"cannot connect to port {port} of {host} ({'; '.join(failures)})")


class Connection:
    """An open connection, after the handshake."""

    def __init__(
        self,
        raw: socket.socket,
        engine: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server: str,
    ) -> None:
        self._raw = raw
        self._engine = engine
        self._incoming = incoming
        self._outgoing = outgoing
        self._server = server
        self._cipher_text = memoryview(bytearray(_RECEIVE))
        self._plain_text = memoryview(bytearray(_PLAIN))
        self._ended = False

    @classmethod
    def open(
        cls,
        host: str,
        port: int,
        context: ssl.SSLContext,
        *,
        ipv6: bool = False,
        timeout: float = 20.0,
    ) -> Connection:
        """Connect and shake hands.

        Raises:
            RefusedError: one side does not accept the other's certificate.
            RemoteProtocolError: the other side does not speak TLS.
            TransportError: everything else that prevents it.
        """
        server = f"{host}:{port}"
        raw = connect_tcp(host, port, ipv6=ipv6, timeout=timeout)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        connection = cls(raw, context.wrap_bio(incoming, outgoing), incoming, outgoing, server)
        try:
            connection._shake_hands(timeout)
        except BaseException:
            raw.close()
            raise
        return connection

    def _shake_hands(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        try:
            while True:
                try:
                    self._engine.do_handshake()
                    self._flush()
                    return
                except ssl.SSLWantReadError:
                    self._flush()
                    self._raw.settimeout(max(0.05, until - time.monotonic()))
                    received = self._raw.recv_into(self._cipher_text)
                    if received:
                        self._incoming.write(self._cipher_text[:received])
                    else:
                        self._incoming.write_eof()
        except ssl.SSLError as error:
            with contextlib.suppress(OSError):
                self._flush()
            if isinstance(error, ssl.SSLEOFError):
                raise TransportError(f"{self._server} broke off the TLS handshake") from error
            raise handshake_error(error, self._server) from error
        except TimeoutError as error:
            raise TransportError(f"{self._server} does not answer the TLS handshake") from error
        except OSError as error:
            raise TransportError(f"{self._server} broke off the TLS handshake: {error.strerror}") from error

    def fileno(self) -> int:
        """The socket, for a poll."""
        return self._raw.fileno()

    def peer_certificate(self) -> bytes:
        """The server's certificate, DER."""
        return self._engine.getpeercert(binary_form=True) or b""

    def describe(self) -> str:
        """TLS version and cipher, for people."""
        cipher = self._engine.cipher()
        return f"{self._engine.version()}, {cipher[0] if cipher else 'no cipher'}"

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._raw.settimeout(60.0)
            self._raw.sendall(self._outgoing.read())

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            RefusedError: the peer had closed, and its last words say that it does not accept our certificate.
            LostConnection: the peer is gone, or has not taken anything for a minute.
        """
        if not data:
            return
        try:
            self._engine.write(data)
            self._flush()
        except ssl.SSLError as error:
            raise handshake_error(error, self._server) from error
        except OSError as error:
            self._hear_last_words()
            raise lost_error(error, self._server) from error

    def _hear_last_words(self) -> None:
        """The peer takes nothing any more; what it said before may be an alert that tells why."""
        self._raw.settimeout(0.2)
        with contextlib.suppress(LostConnection):
            while True:
                self._fetch()
                self._decrypted()

    def receive(self, timeout: float, stop: Stop | None = None) -> bytes | None:
        """What has arrived, up to half a MiB; None if nothing does in time or the end is asked for.

        Args:
            timeout: seconds to wait; 0 takes only what is there.

        Raises:
            LostConnection: the peer has closed, or the network has.
            RefusedError: the peer says, after the handshake, that it does not accept our certificate.
        """
        data = self._decrypted()
        if data:
            return data
        until = time.monotonic() + timeout
        poll = select.poll()
        poll.register(self._raw, select.POLLIN)
        if stop is not None:
            poll.register(stop.fileno(), select.POLLIN)
        while True:
            left = until - time.monotonic()
            ready = poll.poll(max(0, round(left * 1000)))
            if stop is not None and stop.requested:
                return None
            if not ready:
                return None
            self._fetch()
            data = self._decrypted()
            if data:
                return data

    def _fetch(self) -> None:
        try:
            received = self._raw.recv_into(self._cipher_text)
        except OSError as error:
            raise lost_error(error, self._server) from error
        if received:
            self._incoming.write(self._cipher_text[:received])
        else:
            self._incoming.write_eof()

    def _decrypted(self) -> bytes:
        """All plain text that the fetched bytes hold; an end is reported once the text before it is taken."""
        filled = 0
        plain = self._plain_text
        try:
            while filled <= _PLAIN - _RECORD:
                count = cast(int, self._engine.read(_RECORD, plain[filled:]))
                if not count:
                    self._ended = True
                    break
                filled += count
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLError as error:
            if filled:
                return bytes(plain[:filled])
            if isinstance(error, ssl.SSLEOFError):
                raise LostConnection(f"lost the connection to {self._server}", on_purpose=False) from error
            raise handshake_error(error, self._server) from error
        if self._outgoing.pending:
            with contextlib.suppress(OSError):
                self._flush()
        if filled:
            return bytes(plain[:filled])
        if self._ended:
            raise LostConnection(f"{self._server} closed the connection", on_purpose=True)
        return b""

    def close(self) -> None:
        """Take leave in TLS, then close; never fails."""
        with contextlib.suppress(OSError, ValueError):
            self._engine.unwrap()
        with contextlib.suppress(OSError):
            self._raw.settimeout(1.0)
            self._raw.sendall(self._outgoing.read())
        self._raw.close()


def lost_error(error: OSError, server: str) -> LostConnection:
    """Our error for a connection that the system reports as broken."""
    reason = "it takes nothing" if isinstance(error, TimeoutError) else (error.strerror or str(error))
    return LostConnection(f"lost the connection to {server} ({reason})", on_purpose=False)
