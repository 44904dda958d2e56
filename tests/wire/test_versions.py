"""Fields that come, go and change with the versions, and layouts that the sources contest."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.wire import layout_of
from support.wire_samples import Contested, ContestedBody, Versions


def word(number: int) -> bytes:
    return number.to_bytes(4, "big")


def block(number: int, *content: bytes) -> bytes:
    body = b"".join(content)
    return word(number) + word(len(body) + 8) + body


MAPPED = bytes(10) + b"\xff\xff"
FULL = Versions(60024, always=1, added=2, dropped="d", middle=3, returned=4, widened=5, moved="192.0.2.1")
BYTES = {
    60025: block(60025, b"\x01", block(0, b"d\0"), word(4), b"\x00\x05", bytes([192, 0, 2, 1])),
    60021: block(60021, b"\x01\x00\x02", block(0, b"d\0"), b"\x03", word(5), bytes([192, 0, 2, 1])),
    60022: block(
        60022, b"\x01\x00\x02", block(0, b"d\0"), b"\x03", word(4), word(5), MAPPED, b"\xc0\x00\x02\x01"
    ),
    60023: block(60023, b"\x01\x00\x02", b"\x03", word(4), bytes(4), word(5), MAPPED, b"\xc0\x00\x02\x01"),
    60024: block(60024, b"\x01\x00\x02", word(4), bytes(4), word(5), MAPPED, b"\xc0\x00\x02\x01"),
}


@pytest.mark.parametrize("type_", BYTES)
def test_each_version_has_its_fields(backend: Any, type_: int) -> None:
    names = [item.name for item in layout_of(Versions).fields(type_)]
    value = backend.decode(Versions, type_, BYTES[type_])
    assert value.block_type == type_
    for name in layout_of(Versions).specs:
        assert getattr(value, name) == (getattr(FULL, name) if name in names else UNSET)
    # A newer value is written in the older version: what that lacks is dropped, nothing else changes.
    assert backend.encode(FULL, type_) == BYTES[type_]


def test_the_order_of_versions_is_that_of_the_declaration() -> None:
    layout = layout_of(Versions)
    assert layout.newest == 60024
    assert [item.name for item in layout.fields(60025)] == [
        "always",
        "dropped",
        "returned",
        "widened",
        "moved",
    ]
    assert [item.size for item in layout.fields(60025)] == [1, None, 4, 2, 4]


def test_values_too_wide_for_the_older_version(backend: Any) -> None:
    wide = Versions(60024, widened=70000, moved="2001:db8::1")
    with pytest.raises(EncodeError, match="70000 does not fit into u16"):
        backend.encode(wide, 60025)
    with pytest.raises(EncodeError, match="is not an IPv4 address") as caught:
        backend.encode(wide, 60021)
    assert str(caught.value).startswith("block versions 60021, field moved: ")


def test_left_over_bytes_stay_in_their_own_version(backend: Any) -> None:
    value = backend.decode(
        Versions, 60024, BYTES[60024][:7] + bytes([len(BYTES[60024]) + 2]) + BYTES[60024][8:] + b"++"
    )
    assert value.left_over == b"++"
    assert backend.encode(value, 60024).endswith(b"++")
    assert backend.encode(value, 60023) == BYTES[60023][:11] + b"\0" + BYTES[60023][12:]


@pytest.mark.parametrize(
    ("content", "alternative", "width", "extra", "left_over"),
    [
        (b"\x01\x00\x02", UNSET, 2, UNSET, UNSET),
        (b"\x01" + word(2), 1, 2, UNSET, UNSET),
        (b"\x01" + word(2) + word(3), 2, 2, 3, UNSET),
        (b"\x01", 3, UNSET, UNSET, UNSET),
        # No alternative ends here: the first that can be read, the rest left over.
        (b"\x01\x00\x02\x00", UNSET, 2, UNSET, b"\x00"),
        (b"\x01\x00", 3, UNSET, UNSET, b"\x00"),
    ],
)
def test_contested_layouts(
    backend: Any, content: bytes, alternative: Any, width: Any, extra: Any, left_over: Any
) -> None:
    data = block(60031, content)
    value = backend.decode(Contested, 60031, data)
    assert value == Contested(60031, 1, width, extra, left_over, alternative)
    assert backend.encode(value, 60031) == data
    uncontested = backend.encode(value, 60032)
    assert uncontested == block(60032, b"\x01", word(width or 0), word(extra or 0))


def test_contested_layouts_can_all_fail(backend: Any) -> None:
    with pytest.raises(DecodeError, match="1 bytes needed, 0 left") as caught:
        backend.decode(Contested, 60031, block(60031))
    assert caught.value.field == "code"


def test_the_first_alternative_is_written(backend: Any) -> None:
    assert backend.encode(Contested(code=1, width=2, extra=3), 60031) == block(60031, b"\x01\x00\x02")
    with pytest.raises(EncodeError, match="there is no alternative 4"):
        backend.encode(Contested(60031, alternative=4), 60031)


def test_contested_record_bodies(backend: Any) -> None:
    as_block = word(1) + block(0, b"name\0")
    as_text = word(1) + b"name"
    assert backend.decode(ContestedBody, 60033, as_block) == ContestedBody(1, "name")
    value = backend.decode(ContestedBody, 60033, as_text)
    assert value == ContestedBody(1, "name", alternative=1)
    assert backend.encode(value, 60033) == as_text


def test_layout_facts() -> None:
    layout = layout_of(Versions)
    assert layout.series == 1
    assert layout.doc == "Fields that come, go, change and come back."
    assert layout.confidence[60022] == "guess"
    assert layout.confidence[60021] == "verified-with-guide"
    assert layout.notes == {60021: "A note."}
    assert layout.alternatives(60021) == 1
    assert layout_of(Contested).alternatives(60031) == 4
    assert layout_of(ContestedBody).series is None
    for type_, alternative in ((1, 0), (60021, 1)):
        with pytest.raises(ValueError, match="has no"):
            layout.fields(type_, alternative)
    with pytest.raises(TypeError, match="not a declared"):
        layout_of(int)
