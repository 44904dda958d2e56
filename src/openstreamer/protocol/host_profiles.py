"""Full host profiles: what host data requests are answered with.

A profile is one block with its header, never a record. Here: its addresses, its form as a line of JSON, and
how it is brought into the block that a request asks for. A profile stored in an older block than the one
asked for leaves as it is; a newer one is encoded down, with everything inside it. Blocks before 5.2 have
room for one IPv4 address: the one asked for, else the lowest that the host has; a host without any cannot be
told to such a client.

Rules: chapter 2 of the integration guide, "Host Request Message Format" and "Host Data and Multiple Host Data
Message Format". Which request asks for what is data (layouts/host_requests.py). Not here: finding profiles
(the store), and when they are sent (session_server.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.layouts.host_profile import FullHostProfile
from openstreamer.layouts.host_requests import (
    BANNERS,
    HOST_DATA_TYPES,
    NEWEST,
    NOTES,
    PROFILE_BLOCKS,
    SINCE_5_3,
)
from openstreamer.layouts.hosts_legacy import FullHostProfileLegacy
from openstreamer.layouts.primitives import BlobBlock, ListBlock, StringBlock
from openstreamer.wire import Block, UnknownBlock, block_class, decoder, encoder, layout_of
from openstreamer.wire.json_form import from_json_form
from openstreamer.wire.values import ip_bytes, ip_text

from .inner_blocks import Inexpressible, conform
from .messages import HostDataRequest
from .old_hosts import full_host_profile
from .selection import Selection

FULL_HOST_PROFILE = "full_host_profile"
"""What the JSON lines call it."""

Profile = FullHostProfile | FullHostProfileLegacy
_HEADER = struct.Struct(">II")
_MAPPED = bytes(10) + b"\xff\xff"
_IPV4_ONLY = frozenset({47, 92, 111, 135})


class HostForm(msgspec.Struct, frozen=True):
    """The form in which profiles are to be sent: the block, the release of what is in it, what is filled."""

    block_type: int
    inner: tuple[int, ...] | None
    notes: bool
    banners: bool


def host_form(request: HostDataRequest, selection: Selection | None, *, any_form: bool = False) -> HostForm:
    """The form that a request asks for, in a session that asked for `selection` (None: for nothing yet).

    `any_form`: the client says that it tells forms apart by itself.
    """
    row = HOST_DATA_TYPES[request.data_type & ~1]
    if request.data_type in (6, 7) and (any_form or (selection is not None and _asks_for_5_3(selection))):
        row = NEWEST
    return HostForm(row.block_type, row.inner, bool(request.flags & NOTES), bool(request.flags & BANNERS))


def _asks_for_5_3(selection: Selection) -> bool:
    return any(
        name in SINCE_5_3 and asked.version is not None and asked.version >= SINCE_5_3[name]
        for name, asked in selection.asked.items()
    )


# --- addresses --------------------------------------------------------------------------------------------


def address_key(text: str) -> bytes:
    """An address as the host table has it: 16 bytes, IPv4 mapped.

    An IPv4 address may also have been written behind twelve zero bytes.

    Raises:
        ValueError: it is no address.
    """
    octets = ip_bytes(text)
    return _MAPPED + octets[12:] if not any(octets[:12]) and any(octets[12:14]) else octets


def host_range(request: HostDataRequest) -> tuple[bytes, bytes]:
    """First and last address that a request asks for; the same one for a single host."""
    start = address_key(request.start_ip)
    return start, address_key(request.end_ip) if request.is_range else start


def addresses_of(profile: Any) -> list[bytes]:
    """All addresses of a host, as keys, each once; empty where the profile holds none."""
    texts: list[Any]
    if isinstance(profile, FullHostProfileLegacy):
        texts = [profile.ip]
    else:
        texts = [profile.ip_address]
        texts += [
            item.ip_address for item in profile.ip_addresses or () if not isinstance(item, UnknownBlock)
        ]
    keys = [address_key(text) for text in texts if text is not UNSET and text]
    return [key for key in dict.fromkeys(keys) if any(key[:10]) or any(key[12:])]


# --- bytes and JSON ---------------------------------------------------------------------------------------


class ProfileEvent(msgspec.Struct):
    """A profile as it came: `data` is the struct of its block; UnknownBlock where the block is not known.

    `left_over` holds all bytes behind the last known field.
    """

    data: Any
    left_over: bytes | UnsetType = UNSET

    @property
    def addresses(self) -> list[str]:
        """All addresses of the host, as text."""
        return (
            [] if isinstance(self.data, UnknownBlock) else [ip_text(key) for key in addresses_of(self.data)]
        )


def decode_profile(data: bytes) -> ProfileEvent:
    """Decode the body of a message 6 or 7.

    Raises:
        DecodeError: it is no block, or its content does not fit its layout.
    """
    if len(data) < _HEADER.size:
        raise DecodeError("no room for a block header", block=FULL_HOST_PROFILE, field="block_type", offset=0)
    block_type, length = _HEADER.unpack_from(data)
    if not _HEADER.size <= length <= len(data):
        raise DecodeError(
            f"length {length}, but {len(data)} bytes are there",
            block=f"{FULL_HOST_PROFILE} {block_type}",
            field="block_length",
            offset=4,
        )
    kind = block_class(1, block_type)
    rest = data[length:]
    if kind not in (FullHostProfile, FullHostProfileLegacy):
        return ProfileEvent(UnknownBlock(block_type, data[8:length]), rest or UNSET)
    values = decoder(kind, block_type)(data, 0, len(data))
    if values.left_over is not UNSET:
        rest = values.left_over + rest
        values.left_over = UNSET
    return ProfileEvent(values, rest or UNSET)


def encode_profile(event: ProfileEvent) -> bytes:
    """Encode a profile in the block it is in; bytes left over become the block's last.

    Raises:
        EncodeError: a value does not fit its field, or the block type is none of a profile.
    """
    data = event.data
    rest = b"" if event.left_over is UNSET else event.left_over
    if isinstance(data, UnknownBlock):
        return _HEADER.pack(data.block_type, 8 + len(data.data)) + data.data + rest
    layout = layout_of(type(data))
    if data.block_type not in layout.types:
        raise EncodeError(
            f"{data.block_type} is no type of this block", block=FULL_HOST_PROFILE, field="block_type"
        )
    body = encoder(type(data), data.block_type)(data)
    return body[:4] + (len(body) + len(rest)).to_bytes(4, "big") + body[8:] + rest


class _Line(msgspec.Struct):
    event: str = ""
    server: str | UnsetType = UNSET
    data: Any = UNSET
    left_over: bytes | UnsetType = UNSET


class _ReadLine(msgspec.Struct):
    event: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    left_over: bytes | UnsetType = UNSET
    block_type: int | UnsetType = UNSET


_encode_lines = msgspec.json.Encoder().encode_lines
_read_line = msgspec.json.Decoder(_ReadLine).decode


def profile_line(event: ProfileEvent, server: str | None = None) -> bytes:
    """Write a profile as a line of JSON, line end included; `server` says where it came from."""
    return _encode_lines(
        (_Line(FULL_HOST_PROFILE, UNSET if server is None else server, event.data, event.left_over),)
    )


def profile_from_json(line: bytes | str) -> ProfileEvent:
    """Read a profile from a line of JSON, as `profile_line` writes it.

    `data.block_type` tells the block; without one it is the newest.

    Raises:
        DecodeError: the line is not JSON, names another event or an unknown block, or a member has a wrong
            type.
    """
    try:
        found = _read_line(line)
        if found.event != FULL_HOST_PROFILE:
            raise DecodeError(f"not a host profile: the event is {found.event!r}")
        number = found.data.get("block_type", found.block_type)
        if number is UNSET:
            number = PROFILE_BLOCKS[-1]
        kind = block_class(1, number) if isinstance(number, int) else None
        if kind is FullHostProfile or kind is FullHostProfileLegacy:
            return ProfileEvent(from_json_form(kind, found.data, number), found.left_over)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, EncodeError) as error:
        raise DecodeError(f"not a JSON line of a host profile: {error}") from None
    raise DecodeError(
        f"block {number!r:.40} is no full host profile", block=FULL_HOST_PROFILE, field="block_type"
    )


# --- the form asked for -----------------------------------------------------------------------------------


def render_profile(stored: bytes, form: HostForm, address: bytes) -> bytes:
    """A stored profile as it is to be sent; the stored bytes themselves where they are that.

    `address` is the host's address that was asked for, or the lowest of it in the range.

    Raises:
        Inexpressible, CodecError: it cannot be put into that form.
    """
    (block_type,) = struct.unpack_from(">I", stored)
    newer = PROFILE_BLOCKS.index(block_type) > PROFILE_BLOCKS.index(form.block_type)
    if not newer and form.notes and form.banners:
        return stored
    profile = decode_profile(stored).data if newer else _whole(stored)
    if not form.notes:
        profile = _without_notes(profile)
    if not form.banners:
        profile = _without_banners(profile)
    if newer:
        profile = _encode_down(profile, form, address)
    return encoder(type(profile), profile.block_type)(profile)


def _whole(stored: bytes) -> Any:
    """The profile with the bytes behind its last field, which stay as long as the block stays."""
    event = decode_profile(stored)
    if event.left_over is not UNSET:
        event.data.left_over = event.left_over
    return event.data


def _encode_down(profile: Any, form: HostForm, address: bytes) -> Profile:
    changes: dict[str, Any] = {"block_type": form.block_type, "alternative": UNSET}
    if form.block_type in _IPV4_ONLY and profile.block_type not in _IPV4_ONLY:
        changes["ip_address"] = _one_ipv4_address(addresses_of(profile), address)
    profile = msgspec.structs.replace(profile, **changes)
    if form.block_type == 47:
        return full_host_profile(profile, form.inner or (4, 8))
    down: Profile = profile if form.inner is None else conform(profile, form.block_type, form.inner)
    return down


def _one_ipv4_address(keys: Iterable[bytes], wanted: bytes) -> str:
    if wanted[:12] == _MAPPED:
        return ip_text(wanted)
    for key in sorted(keys):
        if key[:12] == _MAPPED:
            return ip_text(key)
    raise Inexpressible("host without an IPv4 address, and the form asked for has room for nothing else")


def _without_notes(profile: Profile) -> Profile:
    empty: Any = StringBlock(block_type=0, data="") if isinstance(profile, FullHostProfileLegacy) else ""
    return msgspec.structs.replace(profile, notes=empty)


def _without_banners(profile: Profile) -> Profile:
    changes: dict[str, Any] = {}
    for name in ("tcp_servers", "udp_servers"):
        servers = getattr(profile, name)
        if isinstance(servers, ListBlock):
            changes[name] = msgspec.structs.replace(servers, items=_silent(servers.items))
        elif isinstance(servers, list | tuple):
            changes[name] = _silent(servers)
    return msgspec.structs.replace(profile, **changes)


def _silent(servers: Iterable[Any]) -> list[Any]:
    silent = []
    for server in servers:
        banner = getattr(server, "banner", None)
        if isinstance(banner, Block):
            server = msgspec.structs.replace(server, banner=BlobBlock(block_type=10, data=b""))
        elif banner:
            server = msgspec.structs.replace(server, banner=b"")
        silent.append(server)
    return silent
