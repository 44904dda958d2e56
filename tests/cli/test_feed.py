"""`openstreamer feed`: summaries, statuses, signals, and kills at any moment."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from openstreamer.protocol.items import iter_items
from openstreamer.protocol.records import Record, decode_record
from openstreamer.store import open_store
from support.commands import Result, run
from support.eve_lines import alerts, fileinfo, flow, text


class Here:
    """A folder with a state directory of its own."""

    def __init__(self, folder: Path, made: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        shutil.copytree(made, self.state)

    def feed(self, *arguments: str | Path, given: str = "") -> Result:
        return run("feed", *map(str, arguments), state=self.state, folder=self.folder, given=given)

    def start(self, *arguments: str | Path, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "openstreamer", "feed", *map(str, arguments)],
            env={**os.environ, "OPENSTREAMER_STATE": str(self.state)},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rules(self) -> list[int]:
        """Numbers of the alerts in the store, in its order."""
        found: list[int] = []
        with open_store(self.state / "store" / "events.db") as store:
            position = 0
            while chunks := store.read(position):
                for chunk in chunks:
                    for _, word, start, end in iter_items(chunk.data):
                        if word == 400:
                            event = decode_record(Record(400, chunk.data[start:end])).data
                            found.append(event.signature_id - 2_000_000)
                position = chunks[-1].number
        return found

    def wait_for(self, count: int, process: subprocess.Popen[str], seconds: float = 30.0) -> None:
        """Until that many alerts are stored."""
        deadline = time.monotonic() + seconds
        while len(self.rules()) < count:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, self.rules()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feed") / "state"
    assert run("init", state=path).status == 0
    return path


@pytest.fixture
def here(tmp_path: Path, made: Path) -> Here:
    return Here(tmp_path, made)


def test_a_file_is_fed_and_summed_up(here: Here) -> None:
    path = here.folder / "eve.json"
    path.write_bytes(alerts(1, 20) + b"broken\n" + text(flow(1), fileinfo(1)) + b'{"event_type":"stats"}\n')
    result = here.feed("eve", "eve.json")
    assert result.status == 0, result.err
    first, *rest = result.out.splitlines()
    assert first.startswith("24 lines read, 42 events stored in ")
    assert first.endswith("intrusion_event 20, packet 20, connection_statistics 1, file_event 1")
    assert rest == ["no event in 1 lines: stats 1", "1 broken lines left out: eve.json:21"]
    assert "eve.json:21: " in result.err
    assert here.rules() == list(range(1, 21))


def test_the_same_file_again_adds_nothing_unless_it_is_said(here: Here) -> None:
    (here.folder / "eve.json").write_bytes(alerts(1, 5))
    (here.folder / "eve.json.gz").write_bytes(gzip.compress(alerts(1, 5)))
    here.feed("eve", "eve.json")
    result = here.feed("eve", "eve.json", "eve.json.gz")
    assert result.out.startswith("0 lines read, 0 events stored")
    assert "known up to line 5" in result.err
    assert here.rules() == [1, 2, 3, 4, 5]
    here.feed("eve", "--again", "eve.json")
    assert sorted(here.rules()) == sorted([1, 2, 3, 4, 5] * 2)


def test_the_summary_for_programs(here: Here) -> None:
    (here.folder / "eve.json").write_bytes(alerts(1, 5) + b"broken\n")
    summary = json.loads(here.feed("eve", "eve.json", "--json").out)
    assert summary["events"] == {"intrusion_event": 5, "packet": 5}
    assert (summary["lines"], summary["broken"]) == (6, 1)
    assert summary["broken_lines"][0]["line"] == 6
    assert here.feed("eve", "eve.json", "--quiet").out == ""


def test_switched_off_types_are_not_stored(here: Here) -> None:
    (here.folder / "eve.json").write_bytes(alerts(1, 5))
    run("events", "disable", "packet", state=here.state)
    result = here.feed("eve", "eve.json")
    assert "5 events stored" in result.out
    assert "not stored, their event type is switched off: packet 5" in result.out


def test_sensor_names_and_formats(here: Here) -> None:
    (here.folder / "eve.json").write_bytes(alerts(1, 5))
    assert here.feed("eve", "eve.json", "--sensor", "north").status == 0
    with open_store(here.state / "store" / "events.db") as store:
        assert store.identities("device") == {"north": 1}
    wrong = here.feed("json", "eve.json", "--sensor", "north")
    assert wrong.status == 2
    assert "no setting 'sensor'" in wrong.err
    unknown = here.feed("syslog", "eve.json")
    assert unknown.status == 2
    assert "no format 'syslog'; there are: eve, json" in unknown.err
    assert "'openstreamer serve --input estreamer:…'" in here.feed("estreamer", "fmc1").err
    socket = here.feed("eve-unix", "eve.sock")
    assert socket.status == 2
    assert "serve --input eve-unix:" in socket.err
    assert here.feed("eve").status == 2
    assert here.feed("eve", "-", "-").status == 2
    assert here.feed("eve", "-", "--follow").status == 2


def test_a_file_that_cannot_be_read_does_not_keep_the_others_out(here: Here) -> None:
    (here.folder / "good.json").write_bytes(alerts(1, 5))
    result = here.feed("eve", "missing.json", "good.json")
    assert result.status == 1
    assert "missing.json: cannot be opened: No such file or directory" in result.err
    assert here.rules() == [1, 2, 3, 4, 5]


def test_without_a_state_directory_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    result = run("feed", "eve", "x", state=tmp_path / "nothing")
    assert result.status == 2
    assert "openstreamer init" in result.err


def test_standard_input_as_a_pipe_and_as_a_file(here: Here) -> None:
    path = here.folder / "eve.json"
    path.write_bytes(alerts(1, 200))
    process = here.start("eve", "-", stdin=subprocess.PIPE)
    out, err = process.communicate(alerts(1, 200).decode())
    assert process.returncode == 0, err
    assert out.startswith("200 lines read")
    with path.open("rb") as file:
        process = here.start("eve", "-", stdin=file.fileno())
        out, err = process.communicate()
    assert out.startswith("0 lines read")
    process = here.start("eve", "-", stdin=subprocess.PIPE)
    process.communicate(alerts(1, 210).decode())
    assert here.rules() == list(range(1, 211))


def test_lines_of_a_live_pipe_are_stored_as_they_come(here: Here) -> None:
    process = here.start("eve", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    for number in (1, 2):
        process.stdin.write(alerts(number, number).decode())
        process.stdin.flush()
        here.wait_for(number, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 130
    process.communicate()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_following_ends_with_a_signal_and_loses_nothing(here: Here, number: int, status: int) -> None:
    paths = [here.folder / "a.json", here.folder / "b.json"]
    paths[0].write_bytes(alerts(1, 50))
    process = here.start("eve", *paths, "--follow")
    here.wait_for(50, process)
    paths[1].write_bytes(alerts(51, 60))
    here.wait_for(60, process)
    paths[0].rename(here.folder / "a.json.1")
    paths[0].write_bytes(alerts(61, 70))
    here.wait_for(70, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert process.returncode == status, err
    assert out.startswith("70 lines read, 140 events stored")
    assert "b.json does not exist yet; waiting for it" in err
    assert "a.json was rotated" in err
    assert sorted(here.rules()) == list(range(1, 71))


def test_a_killed_feeder_stores_each_line_exactly_once(here: Here) -> None:
    """Killed twenty times while the log grows, is renamed and compressed."""
    chance = random.Random(11)
    path = here.folder / "eve.json"
    path.write_bytes(b"")
    written = 0
    rotations = 0
    for round_number in range(20):
        process = here.start("eve", path, "--follow", "--quiet")
        time.sleep(chance.uniform(0.0, 0.5))
        for _ in range(chance.randrange(1, 6)):
            count = chance.randrange(1, 120)
            with path.open("ab") as file:
                file.write(alerts(written + 1, written + count))
            written += count
            time.sleep(chance.uniform(0.0, 0.1))
        if round_number % 4 == 3:
            rotations += 1
            old = path.rename(here.folder / f"eve.json.{rotations}")
            path.write_bytes(b"")
            if round_number % 8 == 7:
                packed = old.with_name(old.name + ".gz")
                packed.write_bytes(gzip.compress(old.read_bytes()))
                shutil.copystat(old, packed)
                old.unlink()
        process.kill()
        process.communicate()
    process = here.start("eve", path, "--follow", "--quiet")
    here.wait_for(written, process)
    time.sleep(0.5)
    process.terminate()
    process.communicate()
    counts = Counter(here.rules())
    assert sorted(counts) == list(range(1, written + 1))
    assert set(counts.values()) == {1}


def test_a_feeder_killed_in_a_big_file_goes_on_where_it_was(here: Here) -> None:
    chance = random.Random(5)
    path = here.folder / "eve.json"
    path.write_bytes(alerts(1, 8000))
    kills = 0
    for _ in range(12):
        process = here.start("eve", path)
        try:
            process.wait(chance.uniform(0.15, 0.6))
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        process.communicate()
    process = here.start("eve", path)
    process.communicate()
    assert process.returncode == 0
    assert here.rules() == list(range(1, 8001))
