"""Host profiles from a server: connect, ask host by host or range by range, take the answers, leave.

    for profile in openstreamer.hosts("fmc.example.com", "192.0.2.0/24", pkcs12="client.pkcs12"):
        print(profile.addresses, profile.data)

The session asks for no events: a metadata bit, which the guide names for this, or bit 11 for servers that
would send some unasked. One request goes out at a time. An answer ends with the first message 6 for a single
host, with an empty message 7 for a range, and either way after some seconds without a profile, because no
guide says how a server ends it; Nulls end nothing and do not count as an answer. What comes beside (events
that a flag word asked for) is acknowledged and passed over.

Rules: messages, section 7; traps T15 and T32. Not here: what is in a profile (protocol.host_profiles).
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from openstreamer.client.address import check_port
from openstreamer.client.connection import Connection, SilentPeer, end_of_session
from openstreamer.client.credentials import ClientCredentials, KnownServers, make_context
from openstreamer.errors import DecodeError, OpenStreamerError, UsageError
from openstreamer.layouts.host_requests import BANNERS, HOST_DATA_TYPES, NOTES
from openstreamer.protocol.host_profiles import ProfileEvent, decode_profile
from openstreamer.protocol.messages import NOW, HostDataRequest, MultipleHostData, SingleHostData
from openstreamer.protocol.session_client import ClientSession
from openstreamer.protocol.states import ClientState

SILENCE = 5.0
"""Seconds without a profile after which an answer is taken to be complete."""

_METADATA, _HOST_DATA_ONLY, _EXTENDED = 1 << 20, 1 << 11, 1 << 30
_LEGACY_DATA_TYPE, _DATA_TYPE = 4, 6
_PAIRS = ((21, 4), (131, 2))
"""What an extended session asks for: a server wants a list, and impact alerts are few."""

Notice = Callable[[str], None]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _say_nothing(text: str) -> None:
    pass


class HostTarget(msgspec.Struct, frozen=True):
    """What one request asks for: a host, or all from `start` to `end`. `text` is how it was named."""

    text: str
    start: str
    end: str

    @property
    def is_range(self) -> bool:
        """Whether it is more than one address."""
        return self.start != self.end


def parse_target(text: str) -> HostTarget:
    """An address, two of them joined by a hyphen, or a network as ADDRESS/PREFIX.

    Raises:
        UsageError: it is none of these, or a range that ends before it begins or mixes IPv4 and IPv6.
    """
    try:
        if "/" in text:
            network = ipaddress.ip_network(text.strip(), strict=False)
            first: Address = network[0]
            last: Address = network[-1]
        else:
            begin, hyphen, end = text.partition("-")
            first = ipaddress.ip_address(begin.strip())
            last = ipaddress.ip_address(end.strip()) if hyphen else first
    except ValueError:
        raise UsageError(
            f"{text!r} names no hosts: write an address, FIRST-LAST, or a network as 192.0.2.0/24"
        ) from None
    if first.version != last.version:
        raise UsageError(f"{text!r} mixes IPv4 and IPv6; ask for the two one by one")
    if int(last) < int(first):
        raise UsageError(f"{text!r} ends before it begins")
    if getattr(first, "scope_id", None) or getattr(last, "scope_id", None):
        raise UsageError(f"{text!r} has a zone, which a request has no room for; leave it out")
    return HostTarget(text, str(first), str(last))


class HostSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to connect to, as whom, and how to ask.

    Attributes:
        host, port: the server. credentials: certificate, key, trust. ipv6: connect over IPv6 only.
        notes, banners: ask for what users noted of hosts, and for what their servers say first.
        legacy: ask as clients before 5.0 did: bit 11, data types 4 and 5, IPv4 only, 16 bytes.
        extended: ask for the session with bit 30 and a list of event types.
        flags: a flags word for the session, to be sent as it is.
        data_type: number of a single request of another release; the next one is that of its range.
        silence: seconds without a profile after which an answer is taken to be complete.
        connect_timeout: seconds for connection and handshake, and for the answer to the first message.
        initial_timestamp: the timestamp of the session's request.
        answer_all: answer every message with a Null, as the reference client does.
    """

    host: str
    port: int = 8302
    credentials: ClientCredentials = ClientCredentials()
    ipv6: bool = False
    notes: bool = True
    banners: bool = True
    legacy: bool = False
    extended: bool = False
    flags: int | None = None
    data_type: int | None = None
    silence: float = SILENCE
    connect_timeout: float = 20.0
    initial_timestamp: int = NOW
    answer_all: bool = False

    @property
    def server(self) -> str:
        """How the server is called in messages and lines."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def session_flags(self) -> int:
        """The flags word of the session."""
        if self.flags is not None:
            return self.flags
        if self.legacy:
            return _HOST_DATA_ONLY
        return _METADATA | _EXTENDED if self.extended else _METADATA

    def request(self, target: HostTarget) -> HostDataRequest:
        """The message that asks for a target.

        Raises:
            UsageError: it is an IPv6 address and the legacy form has no room for it.
        """
        if self.legacy and ":" in target.start:
            raise UsageError(f"{target.text!r}: the legacy form of the request has room for IPv4 only")
        data_type = self.data_type
        if data_type is None:
            data_type = _LEGACY_DATA_TYPE if self.legacy else _DATA_TYPE
        flags = (NOTES if self.notes else 0) | (BANNERS if self.banners else 0)
        return HostDataRequest(
            (data_type & ~1) + target.is_range, flags, target.start, target.end, legacy=self.legacy
        )


class HostAnswer(msgspec.Struct):
    """One thing that came of a request: a profile, or a problem in words (`profile` is None then)."""

    target: HostTarget
    profile: ProfileEvent | None = None
    data: bytes = b""
    problem: str = ""


def check_settings(settings: HostSettings, targets: Iterable[HostTarget]) -> None:
    """Raise UsageError for what can be known to be wrong before anything is sent."""
    check_port(settings.port)
    if settings.legacy and settings.extended:
        raise UsageError("a legacy session cannot be an extended one")
    if settings.data_type is not None and settings.data_type & ~1 not in HOST_DATA_TYPES:
        raise UsageError(
            f"there is no host data type {settings.data_type}; there are 0 to {max(HOST_DATA_TYPES) + 1}"
        )
    for target in targets:
        settings.request(target)


class HostSession:
    """A connection that is there for host data requests; use it as a context manager."""

    def __init__(
        self,
        settings: HostSettings,
        known_servers: KnownServers | None = None,
        notice: Notice = _say_nothing,
    ) -> None:
        self._settings = settings
        self._notice = notice
        self._known = known_servers or KnownServers(None)
        self._connection: Connection | None = None
        self._session = ClientSession(
            settings.initial_timestamp,
            settings.session_flags,
            _PAIRS if settings.session_flags & _EXTENDED else None,
            answer_all=settings.answer_all,
        )

    def __enter__(self) -> HostSession:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect and begin the session.

        Raises:
            RefusedError: one side does not accept the other.
            UsageError: the credentials cannot be used.
            TransportError, PeerError, RemoteProtocolError: there is no session.
        """
        settings = self._settings
        context = make_context(settings.credentials)
        self._connection = connection = Connection.open(
            settings.host, settings.port, context, ipv6=settings.ipv6, timeout=settings.connect_timeout
        )
        if context.verify_mode is ssl.CERT_NONE and self._known.check(
            settings.server, connection.peer_certificate()
        ):
            self._notice(
                f"{settings.server} is not known yet and no authority is given: its certificate is trusted"
                " from now on"
            )
        connection.send(self._session.start())
        until = time.monotonic() + settings.connect_timeout
        while self._session.state is ClientState.WAIT_INFORMATION:
            left = until - time.monotonic()
            if left <= 0:
                raise SilentPeer(f"{settings.server} does not answer the request")
            self._hear(left)

    def ask(self, target: HostTarget) -> Iterator[HostAnswer]:
        """Ask for a target and give what comes; the next one may be asked for when this has ended.

        Raises:
            PeerError, RemoteProtocolError, TransportError: the session has ended.
        """
        connection, silence = self._connection, self._settings.silence
        assert connection is not None
        if self._session.error is not None:
            raise end_of_session(self._session.error, self._settings.server)
        connection.send(self._session.send(self._settings.request(target)))
        until = time.monotonic() + silence
        came = 0
        while (left := until - time.monotonic()) > 0:
            for message in self._hear(left):
                if message.data:
                    came += 1
                    yield _read(target, message.data)
                if not message.data or (not target.is_range and isinstance(message, SingleHostData)):
                    if not came:
                        yield HostAnswer(
                            target, problem="no such host" if not target.is_range else "no hosts"
                        )
                    return
        if not target.is_range and came:
            return
        said = "the answer has no end" if came else "no answer"
        yield HostAnswer(target, problem=f"{said} within {silence:g} seconds")

    def _hear(self, seconds: float) -> list[SingleHostData | MultipleHostData]:
        """What the server says about hosts within that time; answers what wants an answer."""
        connection = self._connection
        assert connection is not None
        if self._session.error is not None:
            raise end_of_session(self._session.error, self._settings.server)
        data = connection.receive(max(0.0, seconds))
        if data is None:
            return []
        events = self._session.receive(data, time.monotonic())
        found = [event for event in events if isinstance(event, SingleHostData | MultipleHostData)]
        with contextlib.suppress(OpenStreamerError) if self._session.closed else contextlib.nullcontext():
            connection.send(self._session.acknowledge())
        if self._session.error is not None and not found:
            raise end_of_session(self._session.error, self._settings.server)
        return found

    def close(self) -> None:
        """Leave; never fails."""
        if self._connection is not None:
            self._session.close()
            self._connection.close()
            self._connection = None


def _read(target: HostTarget, data: bytes) -> HostAnswer:
    try:
        return HostAnswer(target, decode_profile(data), data)
    except DecodeError as error:
        return HostAnswer(target, data=data, problem=f"a profile that cannot be decoded: {error}")


def ask_all(
    settings: HostSettings,
    targets: Iterable[HostTarget],
    known_servers: KnownServers | None = None,
    notice: Notice = _say_nothing,
) -> Iterator[HostAnswer]:
    """Connect, ask for each target in turn, leave. Raises as `HostSession` does."""
    with HostSession(settings, known_servers, notice) as session:
        for target in targets:
            yield from session.ask(target)


def hosts(
    host: str,
    *targets: str,
    port: int = 8302,
    pkcs12: str | None = None,
    password: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    ca: str | None = None,
    notes: bool = True,
    banners: bool = True,
    legacy: bool = False,
    extended: bool = False,
    flags: int | None = None,
    data_type: int | None = None,
    silence: float = SILENCE,
    ipv6: bool = False,
    notice: Notice = _say_nothing,
) -> Iterator[ProfileEvent]:
    """The profiles of hosts that a server knows, one by one as they come.

    Args:
        host: name or address of the server.
        targets: addresses, ranges as "192.0.2.1-192.0.2.9", networks as "2001:db8::/64".
        port: port of the server.
        pkcs12: the file that the server's operator made for this client.
        password: the password of that file.
        cert: certificate of this client (PEM), instead of pkcs12.
        key: its key (PEM), if it is not in the same file.
        ca: authority of the server's certificate (PEM); wins over the one in pkcs12.
        notes: ask for what users noted of the hosts.
        banners: ask for what the hosts' servers say first.
        legacy: ask as clients before 5.0 did, IPv4 only.
        extended: begin the session with flag bit 30.
        flags: a request flags word for the session, to be sent as it is.
        data_type: number of a single request of another release; the next one is that of its range.
        silence: seconds without a profile after which an answer is taken to be complete.
        ipv6: connect over IPv6 only.
        notice: called with a sentence for each target that brings nothing, and for what cannot be decoded.

    Raises:
        UsageError: an argument is wrong; at once, the others when the first profile is asked for.
        RefusedError: one side does not accept the other.
        PeerError, RemoteProtocolError, TransportError: the session ended.
    """
    settings = HostSettings(
        host=host,
        port=port,
        credentials=ClientCredentials(
            pkcs12=pkcs12, password=password, certificate=cert, key=key, authority=ca
        ),
        ipv6=ipv6,
        notes=notes,
        banners=banners,
        legacy=legacy,
        extended=extended,
        flags=flags,
        data_type=data_type,
        silence=silence,
    )
    wanted = [parse_target(text) for text in targets]
    check_settings(settings, wanted)
    return _profiles(settings, wanted, notice)


def _profiles(settings: HostSettings, targets: list[HostTarget], notice: Notice) -> Iterator[ProfileEvent]:
    for answer in ask_all(settings, targets, notice=notice):
        if answer.profile is not None:
            yield answer.profile
        else:
            notice(f"{answer.target.text}: {answer.problem}")
