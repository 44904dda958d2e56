"""How far a server sends ahead: exact windows, order kept, nothing torn."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.errors import LocalProtocolError
from openstreamer.protocol.items import Items, PendingChunk, cut
from openstreamer.protocol.window import Pieces, SendWindow
from support.dialogue import messages_of


def numbered(first: int, count: int, *, flat: bool, bundle_items: int = 4) -> Items:
    """Records whose data is their number."""
    pending = PendingChunk([(2, 0, struct.pack(">I", first + at)) for at in range(count)])
    return cut(pending.seal(9), flat=flat, bundle_items=bundle_items)


def take(window: SendWindow) -> bytes:
    out: Pieces = []
    window.send(out)
    return b"".join(out)


def numbers_of(stream: bytes) -> list[int]:
    """The numbers in single messages or bundles."""
    found = []
    for message in messages_of(stream):
        if message[2:4] == b"\0\4":
            found.append(int.from_bytes(message[24:28], "big"))
        else:
            body = message[16:]
            found += [int.from_bytes(body[at + 24 : at + 28], "big") for at in range(0, len(body), 28)]
    return found


@given(
    sizes=st.lists(st.integers(0, 30), max_size=6),
    window_size=st.integers(1, 12),
    flat=st.booleans(),
    whole=st.booleans(),
)
def test_window_is_exact_and_order_is_kept(
    sizes: list[int], window_size: int, flat: bool, whole: bool
) -> None:
    window = SendWindow(3, flat=flat, size=window_size)
    first = 0
    for size in sizes:
        window.add(numbered(first, size, flat=flat))
        first += size
    sent: list[int] = []
    for _ in range(first + 1):
        before = window.unacknowledged
        stream = take(window)
        units = len(messages_of(stream))
        assert before + units == window.unacknowledged <= window_size
        assert window.full or not window.waiting
        sent += numbers_of(stream)
        window.acknowledge(whole=whole)
    assert sent == list(range(first))
    assert window.records_sent == first
    assert window.waiting == 0


def test_bundles_are_numbered_from_one() -> None:
    window = SendWindow(7, flat=False, size=10)
    window.add(numbered(0, 9, flat=False))
    heads = [struct.unpack_from(">HHIII", message) for message in messages_of(take(window))]
    assert heads == [(1, 4002, 8 + 4 * 28, 7, 1), (1, 4002, 8 + 4 * 28, 7, 2), (1, 4002, 8 + 28, 7, 3)]
    assert window.bundles_sent == 3


def test_surplus_acknowledgements_do_no_harm() -> None:
    for whole in (True, False):
        window = SendWindow(1, flat=True, size=2)
        for _ in range(5):
            window.acknowledge(whole=whole)
        window.add(numbered(0, 5, flat=True))
        assert len(messages_of(take(window))) == 2
        assert window.full


def test_one_unit_at_a_time() -> None:
    window = SendWindow(1, flat=True, size=3)
    window.add(numbered(0, 6, flat=True))
    assert numbers_of(take(window)) == [0, 1, 2]
    assert take(window) == b""
    window.acknowledge(whole=False)
    assert numbers_of(take(window)) == [3]


def test_forms_do_not_mix() -> None:
    window = SendWindow(1, flat=True, size=3)
    with pytest.raises(LocalProtocolError):
        window.add(numbered(0, 1, flat=False))
    window.add(numbered(0, 0, flat=False))
    assert window.waiting == 0


def test_clear() -> None:
    window = SendWindow(1, flat=True, size=1)
    window.add(numbered(0, 6, flat=True))
    take(window)
    window.clear()
    window.acknowledge(whole=True)
    assert take(window) == b""
