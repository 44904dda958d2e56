"""Records in the form that a client asked for.

`transcode` does one record: it is decoded in the layout it is stored in and encoded in the one asked for;
the discovery event header is brought into the form of the client's era. `render` does a stored chunk: where
every record leaves as it is stored, the answer is the chunk's own bytes. What a form cannot express (an
IPv6 address in an IPv4 record, a counter too large for an old block, a block without a known layout) is left
out and counted with its reason, never bent.

Fields that the older layout has and the stored one lacks are written as zero or empty; bytes behind the last
known field belong to the stored layout and are dropped with it.

Rules: chapter 4 of the integration guide, "Discovery Event Header"; its appendix for legacy structures.
Which form a client gets is decided in selection.py.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Protocol

from msgspec import UNSET

from openstreamer.errors import CodecError, EncodeError
from openstreamer.layouts.connection import (
    ConnectionStatistics,
    ConnectionStatisticsLegacy,
    ConnectionStatisticsOldest,
)
from openstreamer.layouts.correlation import CorrelationEvent, CorrelationEventLegacy, PolicyViolationEvent
from openstreamer.layouts.discovery import HostAddressChange
from openstreamer.layouts.host_profile import HostProfile
from openstreamer.layouts.hosts_legacy import HostProfileLegacy, HostServerLegacy
from openstreamer.layouts.intrusion import IntrusionEvent, IntrusionEventIPv4, IntrusionEventIPv6
from openstreamer.layouts.metadata import DetectedUser, IdName, RuleMessage, RuleMessageOld
from openstreamer.layouts.metadata_blocks import User
from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.requests import Form
from openstreamer.layouts.servers import HostServer
from openstreamer.wire import Block, PlanField, encoder, layout_of

from .inner_blocks import Inexpressible, conform, former_values, nests
from .items import BUNDLE_BYTES, ITEM_HEAD, LONG_ITEM, NETMAP_MASK, TYPE_MASK, Items, cut
from .messages import EXTENDED_HEADER_FLAG
from .old_events import connection, correlation, policy_violation
from .old_hosts import host_profile, host_server
from .records import Record, UnknownRecord, decode_record
from .selection import Rule, Selection

_MAPPED = bytes(10) + b"\xff\xff"
_NO_ADDRESS = bytes(16)
_BLOCK_HEADER = struct.Struct(">II")

_ADDRESSES_IN_BODY = frozenset((71, 73))
"""Connections: both hosts stand in the body, so that the header of an old form can do without."""

_RENAMED: Mapping[tuple[type, type], Mapping[str, str]] = {
    (IntrusionEvent, IntrusionEventIPv4): {},
    (IntrusionEvent, IntrusionEventIPv6): {},
    (IntrusionEventIPv4, IntrusionEventIPv6): {},
    (IntrusionEventIPv6, IntrusionEventIPv4): {},
    (ConnectionStatistics, ConnectionStatisticsLegacy): {
        "payload_id": "web_application_id",
        "source_device_ip": "netflow_source",
    },
    (RuleMessage, RuleMessageOld): {"rule_id": "signature_id"},
    (User, IdName): {"id": "user_id", "name": "username"},
    (User, DetectedUser): {"id": "user_id", "name": "username"},
}
"""Declarations of one concept: (stored, asked) -> fields of the asked one by their names in the stored one.

Fields of equal name are taken over, fields that the stored one lacks are zero or empty. Declarations that are
not listed take over from others of the same family if these have all their fields, by the same names.
"""


_MADE: Mapping[tuple[type, type], Callable[[Any, int, tuple[int, ...] | None], Block]] = {
    (ConnectionStatistics, ConnectionStatisticsOldest): connection,
    (CorrelationEvent, CorrelationEventLegacy): correlation,
    (CorrelationEvent, PolicyViolationEvent): policy_violation,
    (HostProfile, HostProfileLegacy): host_profile,
    (HostServer, HostServerLegacy): host_server,
}
"""Declarations too far apart for that: (stored, asked) -> what makes the asked one."""


class ChunkLike(Protocol):
    """A stored chunk, as far as it is needed here; `record_types` are record type words."""

    @property
    def data(self) -> bytes: ...
    @property
    def record_types(self) -> frozenset[int]: ...


# --- one record -------------------------------------------------------------------------------------------


def _rewrite_header(header: bytes, form: str | None, *, needs_host: bool = True) -> bytes:
    """Bring a 56-byte discovery event header into an older form; the 40-byte one is right in all of them.

    Where the body names the host too (not `needs_host`), an IPv6 address that has no room becomes zero.
    """
    if len(header) != 56 or form not in ("5.2", "legacy"):
        return header
    address = header[40:56]
    if address[:12] == _MAPPED or address == _NO_ADDRESS:
        return header[:4] + address[12:] + header[8:14] + bytes(2) + header[16:40]
    if form == "legacy":
        if not needs_host:
            return header[:4] + bytes(4) + header[8:14] + bytes(2) + header[16:40]
        raise Inexpressible("host with an IPv6 address, and the form asked for has room for IPv4 only")
    return header


def _taken_over(data: Any, kind: type[Any], number: int, block_type: int | None) -> Any:
    """The same event as an instance of another declaration."""
    if type(data) is kind:
        if data.alternative is not UNSET:
            data.alternative = UNSET
        if block_type is not None:
            for name, value in former_values(data, kind, block_type).items():
                setattr(data, name, value)
        return data
    layout, stored = layout_of(kind), layout_of(type(data))
    fields = layout.fields(number if block_type is None else block_type)
    renamed = _RENAMED.get((type(data), kind))
    if renamed is None:
        if layout.id != stored.id or not _says_all(fields, data):
            raise Inexpressible(f"{stored.id} cannot be written as record {number}")
        renamed = {}
    nothing: Any = UNSET
    values: dict[str, Any] = {} if block_type is None else {"block_type": block_type}
    for field in fields:
        values[field.name] = getattr(data, renamed.get(field.name, field.name), nothing)
    return kind(**values)


def _says_all(fields: Iterable[PlanField], data: Any) -> bool:
    """Whether a stored event has all these fields, with nothing in them that is of another declaration."""
    return all(
        field.counts is not None or (field.nested is None and getattr(data, field.name, UNSET) is not UNSET)
        for field in fields
    )


def _encode_as(data: Any, form: Form, inner: tuple[int, ...] | None) -> bytes:
    """Encode a decoded body in a form, blocks inside in those of the release `inner`.

    Raises:
        Inexpressible, EncodeError: it has no declaration, or cannot take the values.
    """
    number, block_type = form.record_type, form.block_type
    for kind in RECORDS[number].bodies:
        key = block_type if issubclass(kind, Block) else (number if block_type is None else None)
        if key is not None and key in layout_of(kind).types:
            make = _MADE.get((type(data), kind))
            if make is not None and block_type is not None:
                former = former_values(data, type(data), next(iter(layout_of(type(data)).types)))
                for name, value in former.items():
                    setattr(data, name, value)
                return encoder(kind, key)(make(data, block_type, inner))
            values = _taken_over(data, kind, number, block_type)
            if inner is not None and nests(kind):
                values = conform(values, key, inner)
            return encoder(kind, key)(values)
    name = f"record {number}" if block_type is None else f"block {block_type} of record {number}"
    raise Inexpressible(f"{name} has no known layout")


def _encode_down(record: Record, rule: Rule) -> tuple[int, bytes]:
    """Record type and body (without discovery event header) in the first form that can express it."""
    event = decode_record(record)
    data = event.data
    if isinstance(data, UnknownRecord):
        raise Inexpressible(f"record {record.record_type} holds a block without a known layout")
    failure: Exception | None = None
    for form in rule.targets:
        try:
            return form.record_type, _encode_as(data, form, rule.inner)
        except (CodecError, Inexpressible) as error:
            failure = failure or error
    assert failure is not None, "a rule that encodes down has targets"
    raise failure


def _inner_down(record: Record, rule: Rule, start: int) -> bytes:
    """The body of a record whose own form is right, with the blocks inside in their old forms."""
    if rule.inner is None:
        return record.data[start:]
    data = decode_record(record).data
    if isinstance(data, UnknownRecord) or not nests(type(data)):
        return record.data[start:]
    key = data.block_type if isinstance(data, Block) else record.record_type
    conformed = conform(data, key, rule.inner)
    return record.data[start:] if conformed is data else encoder(type(data), key)(conformed)


def _address_change(data: bytes) -> bytes:
    """Record 29 as it was before 5.2: an IPv4 address in four bytes."""
    if len(data) != 16:
        return data
    if data[:12] == _MAPPED or data == _NO_ADDRESS:
        return data[12:]
    raise Inexpressible("IPv6 address, and the form asked for has room for IPv4 only")


def _fits(rule: Rule, data: bytes, start: int) -> bool:
    """Whether a body leaves as it is stored."""
    if rule.blocks is None:
        return True
    if len(data) - start < 8:
        return rule.plain
    block_type, length = _BLOCK_HEADER.unpack_from(data, start)
    if block_type in rule.blocks:
        return True
    return rule.plain and length != len(data) - start


def _transcode(record: Record, rule: Rule) -> Record:
    """Bring one record into the form of a rule.

    Raises:
        Inexpressible, CodecError: it cannot be.
    """
    if rule.everything:
        return record
    data = record.data
    header = b""
    if RECORDS[record.record_type].discovery_header:
        header = data[: 56 if len(data) > 14 and data[14] == 1 else 40]
    start = len(header)
    number = record.record_type
    if _fits(rule, data, start):
        body = _inner_down(record, rule, start)
    else:
        number, body = _encode_down(record, rule)
    if header:
        needs_host = number not in _ADDRESSES_IN_BODY
        rewritten = _rewrite_header(header, rule.discovery_header, needs_host=needs_host)
        if rule.discovery_header == "legacy" and HostAddressChange in RECORDS[number].bodies:
            body = _address_change(body)
        body = rewritten + body
    return Record(number, body, record.archive_time, record.netmap_id)


def _reason(error: Exception) -> str:
    """Why a record was left out, in words that do not vary from record to record."""
    if isinstance(error, EncodeError):
        return f"{error.field or error.block or 'a value'} does not fit the form asked for"
    if isinstance(error, Inexpressible):
        return str(error)
    return "it cannot be decoded"


def transcode(record: Record, selection: Selection, lost: Counter[str] | None = None) -> Record | None:
    """The record in the form that was asked for; itself where it is in that form already.

    None if it is not sent: not asked for or not allowed, or it cannot be expressed; then the reason is
    counted in `lost` ("record 400: ...").
    """
    rule = selection.rule(record.record_type)
    if rule is None:
        return None
    try:
        return _transcode(record, rule)
    except (Inexpressible, CodecError) as error:
        if lost is not None:
            lost[f"record {record.record_type}: {_reason(error)}"] += 1
        return None


def form_of(selection: Selection) -> Hashable:
    """A key for caches: equal if records leave in the same bytes."""
    return selection.form


# --- many records -----------------------------------------------------------------------------------------


def _packer(selection: Selection) -> Callable[[Record, bool], bytes]:
    """Makes bundle items with the record header that a session has."""
    options = selection.headers
    flag = EXTENDED_HEADER_FLAG if options.flagged else 0

    def pack(record: Record, metadata: bool) -> bytes:
        data = record.data
        size = len(data)
        word = record.record_type
        if options.netmap:
            word |= record.netmap_id << 16
        if selection.extended_header and (not metadata or options.zero_metadata_time):
            time = 0 if metadata else record.archive_time or 0
            head = LONG_ITEM.pack(4, 16 + size, flag | word, size)
            return head + time.to_bytes(4, "big") + bytes(4) + data
        return LONG_ITEM.pack(4, 8 + size, word, size) + data

    return pack


def _render_each(
    data: bytes, selection: Selection, lost: Counter[str], filtered: Counter[int]
) -> Iterable[bytes]:
    """Wire-ready pieces of a stored chunk; runs of records that leave as they are stay together."""
    pack = _packer(selection)
    unpack, from_bytes = ITEM_HEAD.unpack_from, int.from_bytes
    rules = selection.rule
    verbatim = selection.extended_header and not selection.headers.flagged
    keeps_domain = selection.headers.netmap
    run = position = 0
    size = len(data)
    while position < size:
        _, length, word = unpack(data, position)
        end = position + 8 + length
        rule = rules(word & TYPE_MASK)
        as_it_is = rule is not None and rule.everything and verbatim and not rule.metadata
        if as_it_is and (word <= TYPE_MASK or keeps_domain):
            position = end
            continue
        if run < position:
            yield data[run:position]
        run = end
        if rule is None:
            filtered[word & TYPE_MASK] += 1
        else:
            record = Record(
                word & TYPE_MASK,
                data[position + 24 : end],
                from_bytes(data[position + 16 : position + 20], "big"),
                word >> 16 & NETMAP_MASK,
            )
            try:
                yield pack(_transcode(record, rule), rule.metadata)
            except (Inexpressible, CodecError) as error:
                lost[f"record {record.record_type}: {_reason(error)}"] += 1
        position = end
    if run < size:
        yield data[run:size]


def render(chunk: ChunkLike, selection: Selection, *, bundle_bytes: int = BUNDLE_BYTES) -> Items:
    """A stored chunk in the form that was asked for, ready for `ServerSession.send_items`.

    Depends on nothing of the session but the selection's `form`, so sessions may share the answer. Never
    raises: what cannot be expressed is counted in `Items.lost`.
    """
    if selection.passes(chunk.record_types):
        return cut(chunk.data, flat=selection.flat, bundle_bytes=bundle_bytes)
    lost: Counter[str] = Counter()
    filtered: Counter[int] = Counter()
    octets = b"".join(_render_each(chunk.data, selection, lost, filtered))
    return cut(
        octets,
        flat=selection.flat,
        bundle_bytes=bundle_bytes,
        filtered=sum(filtered.values()),
        lost=dict(lost),
    )


def render_records(
    records: Iterable[Record], selection: Selection, *, bundle_bytes: int = BUNDLE_BYTES
) -> Items:
    """Single records, such as the metadata that a chunk refers to, in the form that was asked for."""
    pack = _packer(selection)
    lost: Counter[str] = Counter()
    filtered = 0
    items = []
    for record in records:
        rule = selection.rule(record.record_type)
        if rule is None:
            filtered += 1
            continue
        try:
            items.append(pack(_transcode(record, rule), rule.metadata))
        except (Inexpressible, CodecError) as error:
            lost[f"record {record.record_type}: {_reason(error)}"] += 1
    return cut(
        b"".join(items),
        flat=selection.flat,
        bundle_bytes=bundle_bytes,
        filtered=filtered,
        lost=dict(lost),
    )
