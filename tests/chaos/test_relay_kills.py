"""The servers of a chain are killed at random moments; the last one has all that the first has, once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.protocol.items import iter_items
from openstreamer.store import open_store
from support.processes import Place, eve_lines, wait_until

KILLS = int(os.environ.get("CHAOS_KILLS", "16"))
SEED = int(os.environ.get("CHAOS_SEED", "8302"))
LINES = 6000


@pytest.fixture
def places(tmp_path: Path) -> Iterator[list[Place]]:
    places = []
    for name in ("first", "second", "third"):
        folder = tmp_path / name
        folder.mkdir()
        places.append(Place(folder))
    yield places
    for place in places:
        place.stop()


def stored(place: Place) -> list[tuple[int, bytes]]:
    """Everything in the event log of a place: record type word and data, in order."""
    found = []
    with open_store(place.state / "store" / "events.db") as store:
        after = 0
        while chunks := store.read(after, limit_bytes=1 << 20):
            for chunk in chunks:
                after = chunk.number
                found += [(word, chunk.data[start:end]) for _, word, start, end in iter_items(chunk.data)]
    return found


def count(place: Place) -> int:
    with open_store(place.state / "store" / "events.db") as store:
        return store.statistics().records


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_kills_along_a_chain_lose_nothing_and_double_nothing(places: list[Place]) -> None:
    print(f"CHAOS_SEED={SEED}")
    chance = random.Random(SEED)
    first, second, third = places
    above = {place: place.initialise() for place in places}
    log = first.folder / "eve.json"
    log.touch()
    options: dict[Place, tuple[str, ...]] = {first: ("--input", f"eve:{log}")}
    running = {first: first.serve(*options[first])}
    for place, upstream in ((second, first), (third, second)):
        address = f"estreamer://localhost:{upstream.port}?pkcs12={above[upstream]}&retry_limit_seconds=0.5"
        options[place] = ("--input", address)
        running[place] = place.serve(*options[place])

    lines = eve_lines(range(LINES))
    for number in range(KILLS):
        with log.open("ab") as file:
            file.writelines(lines[number * LINES // KILLS : (number + 1) * LINES // KILLS])
        time.sleep(chance.uniform(0.0, 0.4))
        place = chance.choice([first, second, second, third])
        running[place].send_signal(signal.SIGKILL)
        running[place].wait(10)
        running[place] = place.serve(*options[place])

    def complete() -> bool:
        expected = sum(2 - (number % 5 == 4) for number in range(LINES))
        return count(first) == expected == count(third)

    wait_until(complete, "every record at the end of the chain", 60.0)
    assert stored(first) == stored(second) == stored(third)
