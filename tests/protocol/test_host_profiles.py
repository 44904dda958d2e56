"""Full host profiles: addresses, lines of JSON, and the block that each request gets."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from openstreamer.errors import CodecError, DecodeError, EncodeError
from openstreamer.layouts.host_profile import FullHostProfile
from openstreamer.layouts.host_requests import HOST_DATA_TYPES, PROFILE_BLOCKS
from openstreamer.layouts.hosts import HostAddress
from openstreamer.protocol.host_profiles import (
    HostForm,
    address_key,
    addresses_of,
    decode_profile,
    encode_profile,
    host_form,
    host_range,
    profile_from_json,
    profile_line,
    render_profile,
)
from openstreamer.protocol.inner_blocks import Inexpressible
from openstreamer.protocol.messages import HostDataRequest
from openstreamer.protocol.selection import select
from openstreamer.wire import Block, UnknownBlock, encoder
from support import hand_made
from support.catalogue_bytes import Builder, catalogue_blocks

V4, V6 = hand_made.address("192.0.2.1"), hand_made.address("2001:db8::1")


def full(block_type: int, **values: bool) -> HostForm:
    """A form with everything filled in."""
    inner = next(row.inner for row in HOST_DATA_TYPES.values() if row.block_type == block_type)
    return HostForm(block_type, inner, values.get("notes", True), values.get("banners", True))


def profile(*addresses: str, **values: Any) -> bytes:
    """A short profile in block 149."""
    hosts = [HostAddress(block_type=143, ip_address=address, last_seen=5) for address in addresses]
    return encoder(FullHostProfile, 149)(FullHostProfile(block_type=149, ip_addresses=hosts, **values))


class Small(Builder):
    """Numbers that fit the narrowest field."""

    def value(self, kind: str, name: str, series: int, *, text_block: bool = False) -> tuple[bytes, Any]:
        if kind in ("u16", "u32"):
            number = next(self.numbers) % 200 + 1
            return number.to_bytes(int(kind[1:]) // 8, "big"), number
        return super().value(kind, name, series, text_block=text_block)


def from_catalogue(block_type: int) -> tuple[bytes, Any]:
    """Every field of a profile filled, built from the catalogue."""
    if not catalogue_blocks():
        pytest.skip("not in this checkout: the catalogue of the format")
    return Small(1).block(1, block_type)


def inner(data: Any) -> Iterator[Any]:
    for name in data.__struct_fields__:
        value = getattr(data, name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Block | UnknownBlock):
                yield item
                yield from inner(item)


# --- addresses --------------------------------------------------------------------------------------------


def test_keys_of_addresses() -> None:
    assert address_key("192.0.2.1") == address_key("::ffff:192.0.2.1") == address_key("::c000:201") == V4
    assert address_key("2001:db8::1") == V6
    assert address_key("::1") == bytes(15) + b"\1"
    with pytest.raises(ValueError, match="address"):
        address_key("fmc.example.com")


def test_range_of_a_request() -> None:
    assert host_range(HostDataRequest(6, 0, "192.0.2.1", "192.0.2.9")) == (V4, V4)
    assert host_range(HostDataRequest(7, 0, "192.0.2.1", "2001:db8::1")) == (V4, V6)


@pytest.mark.parametrize("block_type", PROFILE_BLOCKS)
def test_addresses_of_every_block(block_type: int) -> None:
    data, values = from_catalogue(block_type)
    found = decode_profile(data).addresses
    if block_type >= 140:
        assert found == [item["ip_address"] for item in values["ip_addresses"]]
    else:
        assert found == [values.get("ip_address") or values["ip"]]


def test_addresses_that_are_none() -> None:
    assert addresses_of(FullHostProfile(block_type=149)) == []
    assert decode_profile(profile("0.0.0.0", "::", "192.0.2.1", "192.0.2.1")).addresses == ["192.0.2.1"]
    assert decode_profile(profile("::1")).addresses == ["::1"]


# --- bytes and JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_type", PROFILE_BLOCKS)
def test_lines_come_back_byte_for_byte(block_type: int) -> None:
    data, values = from_catalogue(block_type)
    line = profile_line(decode_profile(data), "fmc:8302")
    read = json.loads(line)
    assert list(read) == ["event", "server", "data"]
    assert (read["event"], read["data"]) == ("full_host_profile", values)
    assert encode_profile(profile_from_json(line)) == data


def test_bytes_left_over_come_back() -> None:
    data = profile("192.0.2.1")
    longer = data[:4] + struct.pack(">I", len(data) + 3) + data[8:] + b"abc"
    event = decode_profile(longer)
    assert event.left_over == b"abc"
    line = profile_line(event)
    assert json.loads(line)["left_over"] == base64.b64encode(b"abc").decode()
    assert encode_profile(profile_from_json(line)) == longer


def test_block_type_may_stand_beside_or_be_left_out() -> None:
    newest = profile_from_json('{"event":"full_host_profile","data":{"hops":3}}')
    assert (newest.data.block_type, newest.data.hops) == (149, 3)
    older = profile_from_json(
        '{"event":"full_host_profile","block_type":92,"data":{"ip_address":"192.0.2.1"}}'
    )
    assert encode_profile(older)[:4] == struct.pack(">I", 92)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        '{"event":"new_host","data":{}}',
        '{"event":"full_host_profile","data":{"block_type":139}}',
        '{"event":"full_host_profile","data":{"block_type":"149"}}',
        '{"event":"full_host_profile","data":{"block_type":149,"colour":"red"}}',
        '{"event":"full_host_profile","data":[]}',
        b'{"event":"full_host_profile","data":{"block_type":149,"\xff":1}}',
    ],
)
def test_lines_that_are_no_profiles(line: str | bytes) -> None:
    with pytest.raises(DecodeError):
        profile_from_json(line)


def test_values_that_do_not_fit() -> None:
    event = profile_from_json('{"event":"full_host_profile","data":{"hops":300}}')
    with pytest.raises(EncodeError, match="hops"):
        encode_profile(event)


def test_unknown_block() -> None:
    event = decode_profile(bytes.fromhex("0000 00c8 0000 000c 0102 0304".replace(" ", "")))
    assert isinstance(event.data, UnknownBlock)
    assert event.addresses == []
    assert json.loads(profile_line(event))["data"] == {"block_type": 200, "bytes": "AQIDBA=="}
    assert encode_profile(event).hex() == "000000c80000000c01020304"


@given(
    st.one_of(
        st.binary(max_size=60), st.binary(max_size=60).map(lambda rest: profile("192.0.2.1")[:90] + rest)
    )
)
def test_any_bytes(data: bytes) -> None:
    try:
        event = decode_profile(data)
    except DecodeError:
        return
    profile_line(event)


# --- the form asked for -----------------------------------------------------------------------------------


@pytest.mark.parametrize("data_type", range(14))
def test_block_of_each_data_type(data_type: int) -> None:
    old, new = select(1 << 20, None), select(1 << 30, ((12, 9),))
    request = HostDataRequest(data_type, data_type % 4, "192.0.2.1", "192.0.2.1")
    expected = [47, 47, 47, 47, 92, 92, 111, 111, 135, 135, 140, 140, 149, 149][data_type]
    for selection in (None, old):
        form = host_form(request, selection)
        assert form.block_type == expected
        assert (form.notes, form.banners) == (bool(data_type & 1), bool(data_type & 2))
    assert host_form(request, new).block_type == (149 if data_type in (6, 7) else expected)


@pytest.mark.parametrize(
    ("pairs", "block_type"),
    [
        (((61, 10),), 111),
        (((61, 11),), 149),
        (((12, 5), (71, 9), (91, 4), (101, 3), (111, 2), (131, 1), (31, 8)), 111),
        (((12, 6),), 149),
        (((71, 10),), 149),
        (((91, 5),), 149),
        (((101, 4),), 149),
        (((111, 3),), 149),
        (((131, 2),), 149),
        (((31, 9),), 149),
        (((21, 4),), 111),
    ],
)
def test_what_counts_as_5_3(pairs: tuple[tuple[int, int], ...], block_type: int) -> None:
    form = host_form(HostDataRequest(6, 0, "192.0.2.1", "192.0.2.1"), select(1 << 30, pairs))
    assert form.block_type == block_type


@pytest.mark.parametrize("asked", PROFILE_BLOCKS)
@pytest.mark.parametrize("stored", PROFILE_BLOCKS)
def test_every_block_for_every_request(stored: int, asked: int) -> None:
    data, _ = from_catalogue(stored)
    address = address_key(decode_profile(data).addresses[0])
    found = render_profile(data, full(asked), address)
    assert struct.unpack_from(">II", found) == (min(stored, asked), len(found))
    if stored <= asked:
        assert found is data
        return
    event = decode_profile(found)
    assert event.left_over is UNSET
    before = decode_profile(data).data
    assert (event.data.hops, event.data.last_seen) == (before.hops, before.last_seen)
    assert event.addresses[0] == decode_profile(data).addresses[0]


INNER = {
    47: {0, 4, 5, 10, 11, 42, 48, 49, 50, 51},
    92: {48, 4, 51, 85, 87, 95, 97, 100, 104, 106},
    111: {48, 4, 51, 85, 87, 95, 104, 106, 112, 123},
    135: {48, 4, 51, 85, 130, 131, 95, 104, 106, 112, 123},
    140: {48, 4, 51, 85, 130, 131, 95, 104, 106, 112, 123, 143},
}


@pytest.mark.parametrize("asked", INNER)
def test_blocks_inside_are_of_the_time(asked: int) -> None:
    data, _ = from_catalogue(149)
    found = decode_profile(render_profile(data, full(asked), V4)).data
    assert {item.block_type for item in inner(found)} == INNER[asked]


@pytest.mark.parametrize(("data_type", "block_type"), [(0, 50), (1, 50), (2, 69), (3, 69)])
def test_servers_before_4_9(data_type: int, block_type: int) -> None:
    data, _ = from_catalogue(149)
    form = host_form(HostDataRequest(data_type, 3, "192.0.2.1", "192.0.2.1"), None)
    found = decode_profile(render_profile(data, form, V4)).data
    assert {item.block_type for item in found.tcp_servers.items} == {block_type}


def test_servers_keep_what_they_are() -> None:
    data, values = from_catalogue(149)
    server = values["tcp_servers"][0]
    identity = server["detected_identities"][0]
    modern = decode_profile(render_profile(data, full(92), V4)).data.tcp_servers[0]
    assert modern.detected_identities[0].application_id == identity["application_id"]
    oldest = decode_profile(render_profile(data, full(47), V4)).data.tcp_servers.items[0]
    assert (oldest.port, oldest.server_id) == (server["port"], identity["application_id"])
    assert (oldest.vendor.data, oldest.version.data) == (identity["vendor"], identity["version"])
    assert oldest.banner.data == base64.b64decode(server["banner"])


@pytest.mark.parametrize("block_type", PROFILE_BLOCKS)
@pytest.mark.parametrize(("notes", "banners"), [(False, False), (True, False), (False, True)])
def test_notes_and_banners_only_where_asked(block_type: int, notes: bool, banners: bool) -> None:
    data, values = from_catalogue(block_type)
    found = render_profile(data, full(block_type, notes=notes, banners=banners), V4)
    words = json.loads(profile_line(decode_profile(found)))["data"]
    text = values["notes"] if notes else ""
    banner = "" if not banners else None
    if block_type == 47:
        return
    assert words["notes"] == text
    for name in ("tcp_servers", "udp_servers"):
        for before, after in zip(values[name], words[name], strict=True):
            assert after["banner"] == (before["banner"] if banner is None else "")
            assert {**after, "banner": ""} == {**before, "banner": ""}
    if not banners and not notes:
        assert b"banner" not in found
        assert b"notes" not in found


def test_notes_and_banners_of_the_oldest_block() -> None:
    data, _ = from_catalogue(149)
    found = render_profile(data, full(47, notes=False, banners=False), V4)
    assert b"banner" not in found
    assert b"notes" not in found
    again = render_profile(render_profile(data, full(47), V4), full(47, notes=False, banners=False), V4)
    assert again == found


def test_bytes_left_over_stay_with_their_block() -> None:
    data = profile("192.0.2.1", notes="secret")
    longer = data[:4] + struct.pack(">I", len(data) + 3) + data[8:] + b"abc"
    stripped = render_profile(longer, full(149, notes=False), V4)
    assert stripped.endswith(b"abc")
    assert b"secret" not in stripped
    assert not render_profile(longer, full(140), V4).endswith(b"abc")


def test_the_address_asked_for_is_the_one_told() -> None:
    data = profile("2001:db8::1", "192.0.2.200", "192.0.2.7")
    for block_type in (47, 92, 111, 135):
        for wanted, told in (
            ("192.0.2.200", "192.0.2.200"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "192.0.2.7"),
        ):
            found = render_profile(data, full(block_type), address_key(wanted))
            assert decode_profile(found).addresses == [told]
            assert found[8:12] == hand_made.address(told)[12:]


def test_an_ipv6_host_cannot_be_told_to_old_clients() -> None:
    data = profile("2001:db8::1")
    for block_type in (47, 92, 111, 135):
        with pytest.raises(Inexpressible, match="IPv4"):
            render_profile(data, full(block_type), V6)
    assert decode_profile(render_profile(data, full(140), V6)).addresses == ["2001:db8::1"]


@pytest.mark.parametrize(
    "name", ["tcp_servers", "derived_fingerprints", "client_applications", "macs", "attributes"]
)
@pytest.mark.parametrize("asked", [47, 92, 111, 135])
def test_unknown_blocks_inside_cannot_be_told_to_old_clients(asked: int, name: str) -> None:
    event = decode_profile(profile("192.0.2.1"))
    setattr(event.data, name, [UnknownBlock(999, b"abcd")])
    with pytest.raises(Inexpressible, match="no known layout"):
        render_profile(encode_profile(event), full(asked), V4)


@given(st.binary(max_size=200), st.sampled_from(PROFILE_BLOCKS), st.sampled_from(PROFILE_BLOCKS))
def test_whatever_is_stored(content: bytes, block_type: int, asked: int) -> None:
    """Nothing but the errors that the server counts."""
    try:
        render_profile(hand_made.block(block_type, content), full(asked, notes=False), V4)
    except (Inexpressible, CodecError):
        pass
