"""A damaged event log: what is damaged is found and reported, the rest is served, never a wrong event."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import PACKET, Place, end, eve_lines

LINES = 3000
PAGE = 4096


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.stop()


def filled(place: Place) -> Path:
    """A state directory with events in several chunks. Returns the client's file."""
    pkcs12 = place.initialise()
    for part in range(3):
        log = place.folder / f"eve{part}.json"
        log.write_bytes(b"".join(eve_lines(range(part * LINES // 3, (part + 1) * LINES // 3))))
        place.run("feed", "eve", log)
    return pkcs12


def events(place: Place, pkcs12: Path, name: str) -> set[str]:
    """Everything that a client gets, as text of its own fields."""
    result = place.folder / name
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12, "--since", "beginning")
    place.run(*server, "--idle-exit", "2", "-o", "json", "-f", result, seconds=60, status=None)
    rows = [json.loads(line) for line in result.read_text("utf-8").splitlines()]
    return {json.dumps([row["event"], row["data"]], sort_keys=True) for row in rows}


def event_log(place: Place) -> Path:
    path = place.state / "store" / "events.db"
    for suffix in ("-wal", "-shm"):
        assert not path.with_name(path.name + suffix).exists(), "the log was not closed properly"
    return path


def test_one_changed_byte_costs_one_chunk_and_is_reported(place: Place) -> None:
    pkcs12 = filled(place)
    service = place.serve()
    before = events(place, pkcs12, "before.jsonl")
    assert end(service) == 0

    path = event_log(place)
    data = bytearray(path.read_bytes())
    spots = [found.start() for found in re.finditer(re.escape(PACKET), bytes(data))]
    assert len(spots) > 100
    data[spots[len(spots) // 2] + 20] ^= 0x40
    path.write_bytes(data)

    place.serve()
    after = events(place, pkcs12, "after.jsonl")
    assert after < before, "an event came that was never stored"
    assert len(after) > len(before) // 3
    assert re.search(r"chunk \d+", place.log("serve.log")), place.log("serve.log")


@pytest.mark.parametrize("seed", range(4))
def test_a_page_of_noise_never_makes_a_wrong_event(place: Place, seed: int) -> None:
    pkcs12 = filled(place)
    service = place.serve()
    before = events(place, pkcs12, "before.jsonl")
    assert end(service) == 0

    chance = random.Random(seed)
    path = event_log(place)
    data = bytearray(path.read_bytes())
    page = chance.randrange(len(data) // PAGE // 4, len(data) // PAGE)
    data[page * PAGE : (page + 1) * PAGE] = chance.randbytes(PAGE)
    path.write_bytes(data)

    place.serve()
    after = events(place, pkcs12, "after.jsonl")
    assert after <= before, "an event came that was never stored"
    if after != before:
        assert re.search(r"chunk \d+|damaged|malformed|checksum", place.log("serve.log")), place.log(
            "serve.log"
        )
