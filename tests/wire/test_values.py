"""Addresses, UUIDs and digests as text and back."""

from __future__ import annotations

import ipaddress
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.wire import values

CODECS = {
    "ipv4": (values.IPV4, 4),
    "ipv4le": (values.IPV4_LE, 4),
    "ip": (values.IP, 16),
    "mac": (values.MAC, 6),
    "uuid": (values.UUID, 16),
    "hex20": (values.hexadecimal(20), 20),
}
SPARSE = st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF, 0xAB]), min_size=8, max_size=8).map(
    lambda words: b"".join(word.to_bytes(2, "big") for word in words)
)


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_every_content_comes_back(name: str, data: st.DataObject) -> None:
    codec, size = CODECS[name]
    raw = data.draw(st.binary(min_size=size, max_size=size))
    text = codec.to_text(raw)
    assert codec.to_bytes(text) == raw
    if codec.texts is not None and codec.octets is not None:
        assert codec.texts[raw] == text
        assert codec.octets[text] == raw


@given(st.one_of(SPARSE, st.binary(min_size=16, max_size=16)))
def test_ipv6_is_written_as_the_standard_library_does(raw: bytes) -> None:
    address = ipaddress.IPv6Address(raw)
    expected = str(address.ipv4_mapped) if address.ipv4_mapped else address.compressed
    assert values.ip_text(raw) == expected
    assert values.ip_bytes(address.exploded) == raw
    assert values.ip_bytes(expected.upper()) == raw


def test_known_forms() -> None:
    assert values.ip_text(bytes(16)) == "::"
    assert values.ip_text(bytes(10) + b"\xff\xff\xc0\x00\x02\x01") == "192.0.2.1"
    assert values.ip_text(bytes(12) + b"\x01\x02\x03\x04") == "::102:304"
    assert values.ip_bytes("::1.2.3.4") == bytes(12) + b"\x01\x02\x03\x04"
    assert values.ip_bytes("::ffff:192.0.2.1") == values.ip_bytes("192.0.2.1")
    assert values.ipv4_bytes("::") == bytes(4)
    assert values.IPV4_LE.to_text(b"\x01\x02\x00\xc0") == "192.0.2.1"
    assert values.mac_text(bytes.fromhex("00005e005301")) == "00:00:5e:00:53:01"
    assert values.mac_bytes("00-00-5E-00-53-01") == bytes.fromhex("00005e005301")
    some = uuid.uuid5(uuid.NAMESPACE_DNS, "example.org")
    assert values.uuid_text(some.bytes) == str(some)
    assert values.uuid_bytes(some.hex.upper()) == some.bytes


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("ipv4", "1.2.3"),
        ("ipv4", "1.2.3.256"),
        ("ipv4", "01.2.3.4"),
        ("ipv4", "1.2.3.٤"),
        ("ipv4", "2001:db8::1"),
        ("ipv4", ""),
        ("ip", "1.2.3.4.5"),
        ("ip", ":::"),
        ("ip", "1:2:3:4:5:6:7"),
        ("ip", "1:2:3:4:5:6:7:8:9"),
        ("ip", "1:2:3:4::5:6:7:8"),
        ("ip", "12345::"),
        ("ip", "::1%eth0"),
        ("ip", "::g"),
        ("ip", "::1::"),
        ("ip", "host.example.org"),
        ("mac", "00:00:5e:00:53"),
        ("mac", "00005e005301"),
        ("mac", "00:00:5e:00:53:0g"),
        ("uuid", "00000000-0000-0000-0000-00000000000"),
        ("uuid", "00000000-0000-0000-0000-00000000000 "),
        ("hex20", "ab"),
        ("hex20", "zz" * 20),
        ("hex20", " " * 40),
    ],
)
def test_what_is_no_such_value_is_refused(codec: str, text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        CODECS[codec][0].to_bytes(text)


@pytest.mark.parametrize("name", CODECS)
def test_what_is_no_text_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        CODECS[name][0].to_bytes(b"1234")  # type: ignore[arg-type]


def test_caches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "CACHE_LIMIT", 10)
    cache = values.Cache(str)
    for number in range(100):
        assert cache[number] == str(number)
        assert len(cache) <= 10
