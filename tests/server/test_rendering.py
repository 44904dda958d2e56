from __future__ import annotations

from pathlib import Path

import pytest

from openstreamer.protocol.items import Items
from openstreamer.protocol.selection import Selection, select
from openstreamer.server.rendering import make_rendered, rest_of
from openstreamer.store import Chunk, open_store
from support.live_service import append, event_number, intrusion, packet
from support.raw_client import Item


def chunk(folder: Path) -> Chunk:
    store = open_store(folder / "events.db")
    append(
        store, [record for number in range(9) for record in ((400, intrusion(number)), (2, packet(number)))]
    )
    (found,) = store.read(0)
    store.close()
    return found


def contents(items: Items) -> list[tuple[int, int]]:
    found = [Item(raw[8:]) for raw in items]
    return [(item.type, event_number(item.data)) for item in found]


SELECTIONS = {
    "newest": select(0x40800001, [(12, 11)]),
    "old": select(0x40800001, [(12, 5)]),
    "events": select(0x40800000, [(12, 11)]),
    "flat": select(0x00800001, None),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_records_are_counted_by_type(tmp_path: Path, name: str) -> None:
    rendered = make_rendered(chunk(tmp_path), SELECTIONS[name], 1000)
    expected = {400: 9, 2: 9}
    if name == "events":
        del expected[2]
    if name == "flat":
        del expected[400]
    assert dict(rendered.by_type) == expected
    assert rendered.items.count == sum(expected.values())


@pytest.mark.parametrize("before", SELECTIONS)
@pytest.mark.parametrize("after", ["newest", "events"])
def test_the_rest_is_what_has_not_been_sent(tmp_path: Path, before: str, after: str) -> None:
    whole = chunk(tmp_path)
    first: Selection = SELECTIONS[before]
    second: Selection = SELECTIONS[after]
    sent_in_all = contents(make_rendered(whole, first, 1000).items) if before != "old" else None
    count = make_rendered(whole, first, 1000).items.count
    for sent in range(count + 1):
        rest = contents(make_rendered(rest_of(whole, first, sent), second, 1000).items)
        everything = contents(make_rendered(whole, second, 1000).items)
        if sent_in_all is None or sent == 0:
            assert rest == everything[len(everything) - len(rest) :]
            continue
        last = whole_order(sent_in_all[sent - 1])
        assert rest == [item for item in everything if whole_order(item) > last]


def whole_order(item: tuple[int, int]) -> int:
    """Place of a record in the chunk."""
    kind, number = item
    return number * 2 + (kind == 2)
