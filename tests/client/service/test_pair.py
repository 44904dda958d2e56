"""Two servers with the same events: each event once, whoever brings it, and how long nobody did."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openstreamer.client.service.pair import Journal, PairProgress
from openstreamer.protocol.records import Record
from support.client_service import numbers_of, output_section, running, server_section
from support.live_service import Start, append, intrusion

SECOND = 1_800_000_000


def event(number: int, second: int) -> Record:
    return Record(400, intrusion(number), second)


def progress(folder: Path, saved: dict[str, object] | None = None, overlap: float = 60) -> PairProgress:
    return PairProgress((0, 0), overlap, Journal(str(folder / "seen")), saved, clock=lambda: SECOND)


def show(pair: PairProgress, member: int, records: list[Record]) -> list[int]:
    """Give records of a server; the indexes of those that are new to the output."""
    fresh = pair.fresh(member, records)
    known = pair.known(member, fresh)
    pair.taken(member, fresh, known)
    return [int.from_bytes(fresh[at].data[12:16], "big") for at in range(len(fresh)) if at not in known]


def test_what_one_server_brought_is_known_from_the_other(tmp_path: Path) -> None:
    pair = progress(tmp_path)
    assert pair.wanted_from(0) == 0
    pair.begin(0, 0)
    assert show(pair, 0, [event(number, SECOND + number) for number in range(10)]) == list(range(10))
    assert pair.wanted_from(0) == SECOND + 9
    assert pair.wanted_from(1) == SECOND + 9 - 60
    pair.begin(1, pair.wanted_from(1))
    later = [event(number, SECOND + number + 20) for number in range(12)]
    assert show(pair, 1, later) == [10, 11]
    pair.begin(0, pair.wanted_from(0))
    again = [event(number, SECOND + number) for number in range(9, 14)]
    assert show(pair, 0, again) == [12, 13]
    assert show(pair, 1, [event(12, SECOND + 40), event(13, SECOND + 40), event(14, SECOND + 41)]) == [14]


def test_events_that_are_really_alike_count_as_often_as_they_came(tmp_path: Path) -> None:
    pair = progress(tmp_path)
    pair.begin(0, 0)
    assert show(pair, 0, [event(1, SECOND), event(1, SECOND)]) == [1, 1]
    pair.begin(1, pair.wanted_from(1))
    assert show(pair, 1, [event(1, SECOND), event(1, SECOND), event(1, SECOND)]) == [1]


def test_it_goes_on_exactly_from_what_was_saved(tmp_path: Path) -> None:
    pair = progress(tmp_path)
    pair.begin(0, 0)
    show(pair, 0, [event(number, SECOND) for number in range(5)])
    saved = pair.saved()
    show(pair, 0, [event(number, SECOND + 1) for number in range(5, 9)])
    pair._journal.sync()  # written, but no state speaks of it
    pair.close()

    pair = progress(tmp_path, saved)
    assert pair.second == SECOND
    pair.begin(1, pair.wanted_from(1))
    assert show(pair, 1, [event(number, SECOND + 3) for number in range(7)]) == [5, 6]


def test_the_journal_is_begun_anew_when_most_of_it_is_stale(tmp_path: Path) -> None:
    pair = progress(tmp_path, overlap=1)
    pair.begin(0, 0)
    for second in range(40):
        show(pair, 0, [event(second * 1000 + number, SECOND + second) for number in range(1000)])
        saved = pair.saved()
    assert pair._journal.rows() < 20_000
    pair.close()
    pair = progress(tmp_path, saved, overlap=1)
    pair.begin(1, pair.wanted_from(1))
    assert show(pair, 1, [event(39_999, SECOND + 39), event(40_000, SECOND + 40)]) == [40_000]
    pair.close()


@given(seed=st.integers(0, 10**9))
@settings(max_examples=80, deadline=None)
def test_whoever_brings_what_and_whatever_breaks_each_event_comes_once(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two logs of the same events, neighbours perhaps alike, at times that differ by less than overlap."""
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("pair")
    overlap = 4
    numbers, logs = [], ([], [])  # type: tuple[list[int], tuple[list[Record], list[Record]]]
    second = SECOND
    for position in range(120):
        alike = position and chance.random() < 0.1
        second += 0 if alike else chance.choice((0, 0, 1, 2))
        numbers.append(numbers[-1] if alike else position)
        for log in logs:
            before = (log[-1].archive_time or 0) if log else 0
            log.append(event(numbers[-1], before if alike else max(before, second + chance.randrange(2))))
    pair = progress(folder, overlap=overlap)
    output: list[int] = []
    saved, length = pair.saved(), 0

    def session(member: int, count: int) -> None:
        # another output may need the session to begin earlier
        asked = max(0, pair.wanted_from(member) - chance.choice((0, 0, 3, 30, 10**10)))
        pair.begin(member, asked)
        rest = [record for record in logs[member] if (record.archive_time or 0) >= asked]
        output.extend(show(pair, member, rest[:count]))

    for _ in range(30):
        session(chance.randrange(2), chance.randrange(121))
        if chance.random() < 0.4:
            saved, length = pair.saved(), len(output)
        if chance.random() < 0.2:  # a crash: the output is cut back to what was saved
            pair.close()
            pair = progress(folder, saved, overlap=overlap)
            del output[length:]
    for member in (0, 1):
        session(member, 121)
    assert Counter(output) == Counter(numbers)
    pair.close()


def test_the_secondary_takes_over_and_the_primary_comes_back(start: Start, tmp_path: Path) -> None:
    primary, secondary = start(), start()
    now = 1_800_000_000

    def both(numbers: range, second: int) -> None:
        for live, skew in ((primary, 0), (secondary, 3)):
            append(live.store, [(400, intrusion(number)) for number in numbers], now=now + second + skew)

    both(range(50), 0)
    port = primary.port
    text = (
        server_section("fmc1", primary)
        + server_section("fmc2", secondary)
        + '[pairs.ha]\nprimary = "fmc1"\nsecondary = "fmc2"\ntake_over_seconds = 0.7\n'
        + output_section("file", "json", "events.json")
        + output_section("copy", "json", "copy.json", servers=["ha"])
    )
    with running(tmp_path, text) as run:
        run.wait_written("file", 50)
        run.wait(lambda: run.server("fmc1").message_age is not None, "the primary to be heard")
        assert not run.server("fmc2").asked
        primary.stop()
        both(range(50, 80), 10)
        run.wait_written("file", 80)
        ha = run.service.health().sources[0]
        assert (ha.take_overs, ha.active) == (1, "fmc2")
        assert 0.7 <= ha.take_over_gap < 20
        run.wait_written("copy", 80)

        again = start(listen=[f"127.0.0.1:{port}"])
        for second, numbers in ((0, range(50)), (10, range(50, 80)), (20, range(80, 100))):
            append(again.store, [(400, intrusion(number)) for number in numbers], now=now + second)
        # it is another one with the same events, so its certificate is another too
        (tmp_path / "state/known-servers").unlink()
        run.wait(lambda: run.service.health().sources[0].active == "fmc1", "the primary to come back")
        run.wait_written("file", 100)
        run.wait(lambda: not run.server("fmc2").connected, "the secondary to be left")
    assert numbers_of(tmp_path / "events.json") == list(range(100))
    assert numbers_of(tmp_path / "copy.json") == list(range(100))


def test_a_secondary_that_could_not_take_over_is_told_before_it_is_needed(
    start: Start, tmp_path: Path
) -> None:
    primary, secondary = start(), start()
    append(primary.store, [(400, intrusion(1))])
    text = server_section("fmc1", primary) + server_section("fmc2", secondary)
    secondary.stop()
    text += '[pairs.ha]\nprimary = "fmc1"\nsecondary = "fmc2"\n'
    with running(tmp_path, text + output_section("file", "json", "events.json")) as run:
        run.wait_written("file", 1)
        run.wait(lambda: "cannot connect" in run.server("fmc2").trouble, "the trouble of the secondary")
        run.wait(lambda: run.server("fmc1").message_age is not None, "the primary to be heard")
        assert run.service.health().reasons == []
        assert not run.server("fmc2").asked
