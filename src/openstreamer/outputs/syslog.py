"""Events as syslog messages: RFC 5424 or 3164, over UDP, TCP, TLS or to the local log service.

`-f` says where to: `udp://HOST:PORT`, `tcp://HOST:PORT`, `tls://HOST:PORT`, a path, or nothing for the local
service. A message holds the event in words, as CEF, as JSON, or in the words of the reference client.
Messages in a connection are counted (RFC 6587, 3.4.1), so that nothing in an event can end one and begin
another.

`group=120` is the reference client's rule: alerts of low priority are held, and the last of each rule is sent
with its count every so many seconds, at the end too. A position remembers what is held.

Delivery: a batch counts as taken when the log server's machine has acknowledged it (TCP, TLS), when the
local service has it, or when it has been sent (UDP, which promises nothing). After a lost connection the
whole batch is sent again; the event's id tells which messages stand there twice. Not here: connections
(senders.py), the fields of an event (mappings).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from openstreamer.outputs.interface import IS_FILE, Guarantee, OutputFull
from openstreamer.outputs.mappings import cef, text
from openstreamer.outputs.mappings.describe import Described
from openstreamer.outputs.messages import Counted, MessageOutput
from openstreamer.outputs.senders import Sender, TlsFiles, make_sender, parse_address, shortened
from openstreamer.outputs.terminal import harmless
from openstreamer.protocol.records import json_line
from openstreamer.version import __version__

Facility = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
]  # fmt: skip
SeverityChoice = Literal[
    "auto", "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"
]
FACILITIES: tuple[str, ...] = Facility.__args__  # type: ignore[attr-defined]
SEVERITIES: tuple[str, ...] = SeverityChoice.__args__[1:]  # type: ignore[attr-defined]

STRUCTURED_ID = "openstreamer@32473"
"""Name of the structured data; 32473 is the number kept for examples (RFC 5612), we have none of our own."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SyslogConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the syslog output."""

    format: Annotated[
        Literal["rfc5424", "rfc3164"],
        msgspec.Meta(description="Form of a message; the local service always gets the old one."),
    ] = "rfc5424"
    content: Annotated[
        Literal["plain", "cef", "json", "reference"],
        msgspec.Meta(
            description="What a message says: names and values, CEF, JSON, the reference client's words."
        ),
    ] = "plain"
    facility: Annotated[Facility, msgspec.Meta(description="Facility of all messages.")] = "user"
    severity: Annotated[
        SeverityChoice, msgspec.Meta(description="Severity of all messages; auto: by what the event says.")
    ] = "auto"
    tag: Annotated[
        str,
        msgspec.Meta(description="Name of the program in a message.", pattern="^[!-~]{1,48}$"),
    ] = "openstreamer"
    hostname: Annotated[
        str,
        msgspec.Meta(description="Name of the machine in a message; empty: this one's.", pattern="^[!-~]*$"),
    ] = ""
    group: Annotated[
        int,
        msgspec.Meta(
            description="Hold alerts of low priority, tell each rule's last with its count after so many"
            " seconds; 0 sends all at once.",
            ge=0,
        ),
    ] = 0
    framing: Annotated[
        Literal["octets", "lines"],
        msgspec.Meta(description="How messages stand in a TCP or TLS connection: counted, or one a line."),
    ] = "octets"
    limit: Annotated[
        int, msgspec.Meta(description="The most bytes that a message may have.", ge=480, le=1 << 20)
    ] = 8192
    oversize: Annotated[
        Literal["auto", "cut", "refuse"],
        msgspec.Meta(
            description="What becomes of a longer one: it is cut, or refused and told; auto: JSON is refused,"
            " because nobody can read half of it, all else is cut."
        ),
    ] = "auto"
    ca: Annotated[
        str,
        msgspec.Meta(
            description="Authority of the log server's certificate (PEM); empty: the system's.", extra=IS_FILE
        ),
    ] = ""
    certificate: Annotated[
        str, msgspec.Meta(description="Certificate to show to the log server (PEM).", extra=IS_FILE)
    ] = ""
    key: Annotated[
        str, msgspec.Meta(description="Its key (PEM), if it is not in the same file.", extra=IS_FILE)
    ] = ""
    server_name: Annotated[
        str, msgspec.Meta(description="Name that the certificate must bear, if not the one in the address.")
    ] = ""
    verify: Annotated[
        bool, msgspec.Meta(description="Check the log server's certificate; no: anybody can pose as it.")
    ] = True


_GUARANTEES = {
    "connection": Guarantee(
        where="over TCP, TLS",
        taken="the log server's machine has acknowledged its last byte",
        after="none is missing that reached that machine and was read there; some may come twice",
        may_lose=True,
        may_repeat=True,
    ),
    "local": Guarantee(
        where="to the local service",
        taken="the local service has it",
        after="none is missing, some may come twice",
        may_lose=False,
        may_repeat=True,
    ),
    "udp": Guarantee(
        where="over UDP",
        taken="it has been sent",
        after="some may be missing, and nobody can tell; some may come twice",
        may_lose=True,
        may_repeat=True,
    ),
}


class SyslogOutput(MessageOutput):
    """`-o syslog`."""

    Config = SyslogConfig
    title = "messages for a log server (RFC 5424, RFC 3164; UDP, TCP, TLS, local)"
    example = "openstreamer stream SERVER -o syslog -f tls://logs.example.org"
    guarantees = tuple(_GUARANTEES.values())

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        assert isinstance(config, SyslogConfig)
        super().__init__(config, target, config.group)
        self._settings = config
        self._address = parse_address(target)
        self._sender: Sender | None = None
        self._frame = self._framing()
        longest = _LONGEST_DATAGRAM if self._address.transport == "udp" else config.limit
        self._limit = min(config.limit, longest)
        self._refuses = config.oversize == "refuse" or (
            config.oversize == "auto" and config.content == "json"
        )

    @classmethod
    def complete_target(cls, target: str) -> str:
        return str(parse_address(target))

    def guarantee(self) -> Guarantee:
        return _GUARANTEES.get(self._address.transport, _GUARANTEES["connection"])

    def connect(self) -> None:
        settings = self._settings
        files = TlsFiles(
            authority=settings.ca, certificate=settings.certificate, key=settings.key, verify=settings.verify
        )
        self._sender = make_sender(self._address, files, settings.server_name)

    def deliver(self, events: list[Counted]) -> None:
        assert self._sender is not None
        limit = self._limit
        messages = []
        for event, count in events:
            message = self._message(event, count)
            if len(message) > limit:
                if self._refuses:
                    self.refuse(event, f"{len(message)} bytes are more than the limit of {limit}")
                    continue
                message = shortened(message, limit)
            messages.append(self._frame(message))
        # offered again, they are refused again
        try:
            self._sender.send(messages)
            self._sender.flush()
        except OutputFull:
            self.forget_refused()
            raise

    def disconnect(self) -> None:
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def _framing(self) -> Callable[[bytes], bytes]:
        if self._address.transport in ("udp", "local"):
            return lambda message: message
        if self._settings.framing == "lines":
            return lambda message: message + b"\n"
        return lambda message: b"%d %s" % (len(message), message)

    def _content(self, event: Described, count: int) -> str:
        content = self._settings.content
        if content == "cef":
            return cef.cef_line(event, _CEF_HEAD, count)
        if content == "json":
            return json_line(event.event, event.server, dict(event.names)).decode().rstrip("\n")
        return text.plain(event, count) if content == "plain" else text.reference(event, count)

    def _message(self, event: Described, count: int) -> bytes:
        settings = self._settings
        if settings.severity == "auto":
            severity = event.syslog_severity
        else:
            severity = SEVERITIES.index(settings.severity)
        priority = FACILITIES.index(settings.facility) * 8 + severity
        content = self._content(event, count)
        seconds = event.seconds or int(time.time())
        if self._address.transport == "local":
            return f"<{priority}>{_old_time(seconds)} {settings.tag}[{_PROCESS}]: {content}".encode()
        hostname = settings.hostname or _hostname()
        if settings.format == "rfc3164":
            short = hostname.partition(".")[0]
            tag = f"{settings.tag[:32]}[{_PROCESS}]"
            return f"<{priority}>{_old_time(seconds)} {short} {tag}: {content}".encode()
        moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        structured = (
            f'[{STRUCTURED_ID} id="{event.id}" class="{event.event_class}"'
            f' server="{_parameter(event.server)}" count="{count}"]'
        )
        return (
            f"<{priority}>1 {moment}.{event.microseconds:06d}Z {hostname} {settings.tag} {_PROCESS}"
            f" {event.event.event[:32]} {structured} {content}"
        ).encode()


_CEF_HEAD = cef.head("OpenStreamer", "OpenStreamer", __version__)
_PROCESS = os.getpid()
_LONGEST_DATAGRAM = 65_000
"""Fits into a UDP datagram of either IP version."""


def _hostname() -> str:
    return "".join(letter if "!" <= letter <= "~" else "-" for letter in socket.gethostname()) or "-"


def _parameter(value: str) -> str:
    """A value of structured data: RFC 5424, 6.3.3."""
    return harmless(value).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _old_time(seconds: int) -> str:
    """Local time in the form of RFC 3164: months in English whatever the locale."""
    moment = time.localtime(seconds)
    return (
        f"{_MONTHS[moment.tm_mon - 1]} {moment.tm_mday:2d}"
        f" {moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}"
    )
