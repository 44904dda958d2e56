"""Another eStreamer server as a source: what it streams is stored and relayed byte for byte.

One session to the server above serves any number of clients below, each with its own position, event types
and version. The data of every record stays as it came, unknown ones too; archive time, record header and
framing are this server's own. Where the stream stands (archive second and digests of its records) is stored
in the transaction that stores the records, so after a crash each record stands in the event log once.

The server above gets its acknowledgement when the records are stored: `read` resumes the deliveries only
after what it gave before is in the event log. Lost connections and refusals are mended for ever; each cause
is told once, and stands in the status until it is gone.

Every server above numbers its devices, zones and users for itself, so its metadata is kept apart from that
of others (`protocol.metadata.key_within`).

Rules: messages, sections 1.5 (resume) and 1.7 (states of a client); `docs/inputs-estreamer.md`. Not here:
the connection (openstreamer.client) and what clients below get (openstreamer.server).
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from openstreamer.client.address import parse_server
from openstreamer.client.credentials import ClientCredentials, KnownServers
from openstreamer.client.feed import Feed, FeedSettings
from openstreamer.client.names import NameCache
from openstreamer.client.position import (
    FROM_NOW,
    FROM_OLDEST,
    Position,
    PositionTracker,
    SavedState,
    decode_state,
    encode_state,
)
from openstreamer.client.receiver import Delivery, Wanted
from openstreamer.client.reconnect import PatientPolicy
from openstreamer.client.request import make_request, parse_flags
from openstreamer.client.stop import Stop
from openstreamer.client.times import parse_since
from openstreamer.errors import DecodeError, InputError, OpenStreamerError, UsageError
from openstreamer.inputs.encoded import add_record
from openstreamer.inputs.interface import Batch, Input, InputContext
from openstreamer.protocol.records import Record, decode_record

PREFIX = "estreamer"

_BATCH_BYTES = 8 * 1024 * 1024
"""Bytes of records that are stored in one go at most, give or take one delivery."""


class EstreamerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an upstream server."""

    server: Annotated[str, Meta(min_length=1, description="HOST, HOST:PORT or [IPv6]:PORT; port 8302.")]
    pkcs12: Annotated[str, Meta(description="The PKCS#12 file that its operator made for this client.")] = ""
    password_file: Annotated[
        str, Meta(description="File whose first line is the password of the PKCS#12 file.")
    ] = ""
    certificate: Annotated[str, Meta(description="Certificate (PEM), instead of pkcs12.")] = ""
    key: Annotated[str, Meta(description="Its key (PEM), if it is not in the same file.")] = ""
    authority: Annotated[
        str,
        Meta(
            description="Authority of the server's certificate (PEM), if it is not in the PKCS#12 file."
            " Where none is known, the certificate is pinned at the first connection."
        ),
    ] = ""
    events: Annotated[
        str, Meta(description="Classes to ask for, joined by commas, each perhaps with @VERSION.")
    ] = "all"
    flags: Annotated[str, Meta(description="Request flags to be sent as they are.")] = ""
    extended: Annotated[
        bool, Meta(description="Ask with a list of event types; no: by flag bits alone, as 4.x clients do.")
    ] = True
    since: Annotated[
        str,
        Meta(description="Where to begin the first time: beginning, now, or a time. Later: where it was."),
    ] = "beginning"
    ipv6: Annotated[bool, Meta(description="Connect over IPv6 only.")] = False
    name: Annotated[
        str,
        Meta(description="Name of the position, for two inputs from one server; default HOST:PORT."),
    ] = ""
    connect_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="Time for connection and TLS handshake.")
    ] = 8.0
    read_deadline: Annotated[
        float,
        Meta(
            ge=1,
            le=86_400,
            description="Seconds without any message after which the link is taken for dead.",
        ),
    ] = 300.0
    retry_limit_seconds: Annotated[
        float, Meta(ge=0.01, le=86_400, description="The longest pause before the next try to connect.")
    ] = 60.0


class EstreamerInput(Input):
    """Reads another eStreamer server."""

    Config: ClassVar[type[msgspec.Struct]] = EstreamerConfig
    title: ClassVar[str] = "another eStreamer server, whose records are relayed byte for byte"
    example: ClassVar[str] = "estreamer://fmc1.example.com?pkcs12=/etc/openstreamer/fmc1.pkcs12"
    reads_files: ClassVar[bool] = False
    subject: ClassVar[str] = "server"

    def __init__(self, config: EstreamerConfig) -> None:
        """Raises UsageError: a setting that cannot be."""
        if bool(config.pkcs12) == bool(config.certificate):
            raise UsageError(
                "the input 'estreamer' needs pkcs12=FILE, the file that the operator of the server made for"
                " this one, or certificate=FILE"
            )
        host, port = parse_server(config.server)
        self.config = config
        self._settings = FeedSettings(
            host=host,
            port=port,
            request=make_request(
                config.events,
                extended=config.extended,
                flags=parse_flags(config.flags) if config.flags else None,
            ),
            wanted=Wanted(metadata=True, names=False),
            ipv6=config.ipv6,
            connect_timeout=config.connect_seconds,
            read_deadline=config.read_deadline,
            turns=True,
        )
        if not self._settings.request.archive_times:
            raise UsageError("the input 'estreamer' needs flag bit 23: without it there is no position")
        self._start = _start(config.since)
        self._source = config.name or self._settings.server
        self._place = f"{PREFIX}:{self._source}"
        self._pin = f"{PREFIX}-pin:{self._source}"
        self._context: InputContext | None = None
        self._stop: Stop | None = None
        self._feed: Feed | None = None
        self._deliveries: Iterator[Delivery | None] | None = None
        self._stored: dict[str, bytes] = {}
        self._saved: Position | None = None
        self._known = KnownServers(None)
        self._messages: list[str] = []
        self._told: set[str] = set()
        self._trouble = "not connected yet"
        self._bytes = 0
        self._space = 0
        self._files: tuple[tuple[int, int, int] | None, ...] = ()

    @property
    def name(self) -> str:
        return f"{PREFIX}://{self._source}"

    def trouble(self) -> str:
        return self._trouble

    def open(self, context: InputContext) -> None:
        self.close()
        self._stored = dict(context.places(self._place)) | dict(context.places(self._pin))
        tracker = PositionTracker(self._position())
        pinned = self._stored.get(self._pin)
        self._known = KnownServers(
            None, known={} if pinned is None else {self._settings.server: pinned.decode("ascii", "replace")}
        )
        self._saved = tracker.position if self._place in self._stored else None
        self._bytes = 0
        (self._space,) = context.identify("upstream", [self._source])
        self._context = context
        self._files = self._stamps()
        self._trouble = "not connected yet"
        self._stop = Stop()
        self._feed = Feed(
            msgspec.structs.replace(self._settings, credentials=self._credentials()),
            tracker,
            names=NameCache(),
            known_servers=self._known,
            policy=PatientPolicy((1.0, self.config.retry_limit_seconds), self._ended),
            stop=self._stop,
            notice=self._notice,
        )
        self._deliveries = self._feed.deliveries()

    def read(self, max_records: int, timeout: float) -> Batch | None:
        if self._trouble and self._context is not None and self._stamps() != self._files:
            self._notice("the files of its certificate have changed, trying with the new ones")
            self.open(self._context)
        feed, deliveries = self._feed, self._deliveries
        if feed is None or deliveries is None:
            return None
        batch = Batch()
        deadline = time.monotonic() + timeout
        try:
            for delivery in deliveries:
                self._look(feed)
                if delivery is None:
                    break
                self._take(delivery.taken, batch)
                feed.taken(delivery)
                if batch.lines >= max_records or batch.bytes >= _BATCH_BYTES or time.monotonic() >= deadline:
                    break
        except OpenStreamerError as error:
            if not batch:
                raise InputError(str(error), path=self.name) from error
            # What came is stored first; the generator has ended, so the next read opens a new one.
            self._deliveries = feed.deliveries()
        self._note_places(feed, batch)
        batch.messages += self._messages
        self._messages = []
        return batch

    def close(self) -> None:
        deliveries, self._deliveries = self._deliveries, None
        if isinstance(deliveries, Generator):
            deliveries.close()
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        if self._stop is not None:
            self._stop.close()
            self._stop = None

    def _position(self) -> Position:
        stored = self._stored.get(self._place)
        if stored is None:
            return Position(start=self._start)
        try:
            return decode_state(stored).position
        except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            raise InputError(
                f"its position in the event log is damaged ({error}); to begin anew, give it another name"
                " with name=…",
                path=self.name,
            ) from error

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What tells whether somebody has put new credentials in place of those in use."""
        config = self.config
        stamps: list[tuple[int, int, int] | None] = []
        for path in (config.pkcs12, config.password_file, config.certificate, config.key, config.authority):
            try:
                about = os.stat(path)
            except OSError:
                stamps.append(None)
            else:
                stamps.append((about.st_ino, about.st_size, about.st_mtime_ns))
        return tuple(stamps)

    def _credentials(self) -> ClientCredentials:
        config = self.config
        password: str | None = None
        if config.password_file:
            try:
                with open(config.password_file, encoding="utf-8") as file:
                    password = file.readline().rstrip("\r\n") or None
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                raise InputError(
                    f"cannot read the password from {config.password_file}: {reason}", path=self.name
                ) from error
        return ClientCredentials(
            pkcs12=config.pkcs12 or None,
            password=password,
            certificate=config.certificate or None,
            key=config.key or None,
            authority=config.authority or None,
        )

    def _look(self, feed: Feed) -> None:
        """What the feed shows of the connection."""
        if feed.connected and feed.counts.bytes != self._bytes:
            self._bytes = feed.counts.bytes
            if self._trouble:
                self._notice("connected")
            self._trouble = ""
            self._told.clear()

    def _take(self, records: list[Record], batch: Batch) -> None:
        for record in records:
            batch.lines += 1
            batch.bytes += len(record.data)
            event = None
            try:
                event = decode_record(record)
            except DecodeError:
                batch.notes["relayed though it cannot be decoded"] = (
                    batch.notes.get("relayed though it cannot be decoded", 0) + 1
                )
            try:
                add_record(batch, record, event, self._space)
            except DecodeError as error:
                batch.count_broken(self.name, batch.lines, f"metadata without a key: {error}")

    def _note_places(self, feed: Feed, batch: Batch) -> None:
        """Where the stream stands, and the certificate that was pinned, where either is new."""
        server = self._settings.server
        position = feed.tracker.position
        if position != self._saved and (position.second or position.start != FROM_NOW):
            self._put(batch, self._place, _encode(server, position))
            self._saved = position
        pinned = self._known.pinned(server)
        if pinned is not None and self._pin not in self._stored:
            self._put(batch, self._pin, pinned.encode())

    def _put(self, batch: Batch, place: str, data: bytes) -> None:
        batch.expected[place] = self._stored.get(place)
        batch.places[place] = self._stored[place] = data

    def _ended(self, error: OpenStreamerError) -> None:
        """A session ended, or none began: tell each cause once until it works again."""
        self._trouble = text = str(error)
        if text not in self._told:
            self._told.add(text)
            self._notice(f"{text}; tried again until it works")

    def _notice(self, text: str) -> None:
        if "; trying again in " not in text and not text.startswith("connected to "):
            self._messages.append(f"{self.name}: {text}")


def _encode(server: str, position: Position) -> bytes:
    return encode_state(SavedState(server=server, position=position, saved=int(time.time())))


def _start(since: str) -> int:
    """The archive second that `since` means."""
    start = parse_since(since)
    if isinstance(start, int):
        return start
    return FROM_NOW if start == "now" else FROM_OLDEST
