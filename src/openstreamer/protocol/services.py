"""Services and lists of event types: the structure inside messages 2049 and 2051.

Both directions use it, and the sources contradict each other on its length word: the field table of the
guide counts type and length themselves, the guide's samples do not. Deployed clients count them when they
write and do not when they read. So a client's list is found by the pair 0/0 that ends it, a server's by
the reading that ends where the message ends; and each side writes what the other side's programs expect.

Rules: chapter 2 of the integration guide, "Streaming Service Request" and "Streaming Event Type".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

EVENT_STREAMING = 6667
"""The service that streams events; the only one known."""

_HEAD = struct.Struct(">IIII")
_PAIR = struct.Struct(">HH")
_UNCOUNTED = 8
"""Bytes of type and length, which one reading of the length leaves out."""


class Service(msgspec.Struct, frozen=True):
    """One service in messages 2049 and 2051.

    `event_types` holds (event type, version) pairs, without the 0/0 that ends them on the wire (where the
    version comes first). A server leaves flags and time at 0 and the list empty.
    """

    type: int = EVENT_STREAMING
    flags: int = 0
    initial_timestamp: int = 0
    event_types: tuple[tuple[int, int], ...] = ()


def read_requested(body: bytes) -> tuple[Service, ...]:
    """Read the services of message 2049, each with its list.

    Raises:
        ValueError: the structures do not fit the body; the text says why.
    """
    end, position = len(body), 0
    services = []
    while position < end:
        if end - position < _HEAD.size:
            raise ValueError("a service needs 16")
        number, length, flags, timestamp = _HEAD.unpack_from(body, position)
        start, position = position, position + _HEAD.size
        pairs = []
        while position < end:
            if end - position < _PAIR.size:
                raise ValueError("the list of event types does not end with it")
            version, event_type = _PAIR.unpack_from(body, position)
            position += _PAIR.size
            if not version and not event_type:
                break
            pairs.append((event_type, version))
        size = position - start
        if length not in (size, size - _UNCOUNTED):
            raise ValueError(f"service {number} gives its length as {length}, not {size}")
        services.append(Service(number, flags, timestamp, tuple(pairs)))
    if not services:
        raise ValueError("it names no service")
    return tuple(services)


def _read_by_length(body: bytes, uncounted: int) -> list[Service] | None:
    """Read services whose length leaves out so many bytes; None if they do not end with the body."""
    services, position, end = [], 0, len(body)
    while position < end:
        if end - position < _HEAD.size:
            return None
        number, length, flags, timestamp = _HEAD.unpack_from(body, position)
        size = length + uncounted
        if size < _HEAD.size or position + size > end or size % _PAIR.size:
            return None
        listed = _PAIR.iter_unpack(body[position + _HEAD.size : position + size])
        pairs = tuple((event_type, version) for version, event_type in listed if version or event_type)
        services.append(Service(number, flags, timestamp, pairs))
        position += size
    return services


def read_offered(body: bytes) -> tuple[Service, ...]:
    """Read the services of message 2051. With a single one, its length does not matter.

    Raises:
        ValueError: neither reading of the lengths ends with the body.
    """
    services = _read_by_length(body, _UNCOUNTED) or _read_by_length(body, 0)
    if not services and len(body) == _HEAD.size:
        number, _, flags, timestamp = _HEAD.unpack(body)
        services = [Service(number, flags, timestamp)]
    if not services:
        raise ValueError("its services do not end with it")
    return tuple(services)


def _pairs(event_types: Sequence[tuple[int, int]]) -> bytes:
    return b"".join(_PAIR.pack(version, event_type) for event_type, version in (*event_types, (0, 0)))


def _write(service: Service, length: int, pairs: bytes) -> bytes:
    return _HEAD.pack(service.type, length, service.flags, service.initial_timestamp) + pairs


def write_requested(services: Sequence[Service]) -> bytes:
    """Write the body of message 2049; lengths count themselves, each list ends with the pair 0/0."""
    lists = [_pairs(service.event_types) for service in services]
    return b"".join(
        _write(service, _HEAD.size + len(pairs), pairs)
        for service, pairs in zip(services, lists, strict=True)
    )


def write_offered(services: Sequence[Service]) -> bytes:
    """Write the body of message 2051: lengths do not count their own 8 bytes, lists are normally empty."""
    lists = [_pairs(service.event_types) if service.event_types else b"" for service in services]
    return b"".join(
        _write(service, _HEAD.size - _UNCOUNTED + len(pairs), pairs)
        for service, pairs in zip(services, lists, strict=True)
    )
