"""Rotating files: sizes, ages, retention, and that each event stands there once after a crash."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from openstreamer.errors import UsageError
from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.outputs.rotation import RotatingFile, seconds_of, size_of
from support import batches
from support.programs import program


def row(number: int) -> bytes:
    return b"%09d\n" % number


def everything(path: Path) -> list[int]:
    """The rows of all files, oldest first."""
    old = sorted(path.parent.glob(f"{path.name}.*"))
    return [int(line) for file in [*old, path] for line in file.read_bytes().split()]


def test_a_new_file_begins_before_the_size_is_passed(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    file = RotatingFile(str(path), size=35)
    file.open(None)
    for number in range(10):
        file.append(row(number))
    file.close()
    assert [old.stat().st_size for old in sorted(tmp_path.glob("rows.*"))] == [30, 30, 30]
    assert everything(path) == list(range(10))


def test_a_new_file_begins_when_the_old_one_is_old(tmp_path: Path) -> None:
    now = [1000.0]
    path = tmp_path / "rows"
    file = RotatingFile(str(path), age=60, clock=lambda: now[0])
    file.open(None)
    for number, moment in enumerate((1000, 1059, 1061, 1120, 1200)):
        now[0] = float(moment)
        file.append(row(number))
    file.close()
    assert [old.read_bytes().count(b"\n") for old in sorted(tmp_path.glob("rows.*"))] == [2, 2]


@pytest.mark.parametrize("saved_after", range(9))
def test_a_crash_at_any_moment_leaves_each_row_once(tmp_path: Path, saved_after: int) -> None:
    path = tmp_path / "rows"
    file = RotatingFile(str(path), size=25)
    file.open(None)
    place: Place | None = None
    for number in range(9):
        if number == saved_after:
            file.sync()
            place = json.loads(json.dumps(file.place()))
        file.append(row(number))
    file.close()
    again = RotatingFile(str(path), size=25)
    again.open(place)
    assert everything(path) == list(range(saved_after))
    for number in range(saved_after, 12):
        again.append(row(number))
    again.close()
    assert everything(path) == list(range(12))


def test_old_files_go_but_none_that_a_place_may_need(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    file = RotatingFile(str(path), size=15, keep=2)
    file.open(None)
    file.place()
    for number in range(6):
        file.append(row(number))
    file.sync()
    assert everything(path) == list(range(6))
    for _ in range(2):
        file.place()
        file.sync()
    file.close()
    assert everything(path) == [3, 4, 5]


def test_numbers_go_on_in_another_run(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    for number in range(3):
        file = RotatingFile(str(path), size=10)
        file.open(None)
        file.append(row(number))
        file.close()
    assert [old.name for old in sorted(tmp_path.glob("rows.*"))] == ["rows.000001", "rows.000002"]
    assert everything(path) == [0, 1, 2]


def output(name: str, settings: str, target: Path) -> Output:
    made = create(OutputSpec(name, settings, str(target)))
    made.open(None)
    return made


@pytest.mark.parametrize("name", ["json", "csv", "cef", "print"])
def test_outputs_rotate_between_batches(name: str, tmp_path: Path) -> None:
    path = tmp_path / "events"
    made = output(name, "rotate_size=1,keep=0", path)
    for number in range(3):
        made.write(batches.batch(batches.alert(event_id=number), batches.alert(event_id=number)))
    made.close()
    files = [*sorted(tmp_path.glob("events.*")), path]
    assert len(files) == 3
    for file in files:
        lines = file.read_text().splitlines()
        assert len(lines) == (3 if name == "csv" else 2)
        if name == "csv":
            assert lines[0].startswith("time,archive_time,server")


def captured(path: Path) -> list[bytes]:
    """The packets of a capture file, 16 bytes each at most, as tshark shows them."""
    done = subprocess.run(
        [program("tshark"), "-n", "-x", "-r", str(path)], capture_output=True, check=True, timeout=60
    )
    return [bytes.fromhex(line[6:53]) for line in done.stdout.decode().splitlines() if line[:6] == "0000  "]


SENT = [(1, b"packet A"), (12, b"packet B"), (1, b"packet C"), (101, b"packet D"), (12, b"packet E")] * 2


@pytest.mark.parametrize("name", ["pcap", "pcapng"])
@pytest.mark.parametrize("saved_after", [0, 1, 3, 4, 9])
def test_captures_rotate_and_a_crash_leaves_each_packet_once(
    name: str, saved_after: int, tmp_path: Path
) -> None:
    path = tmp_path / f"out.{name}"
    spec = OutputSpec(name, "rotate_size=1", str(path))
    first, place = create(spec), None
    first.open(None)
    for number, (link_type, data) in enumerate(SENT):
        if number == saved_after:
            first.sync()
            place = json.loads(json.dumps(first.place()))
        first.write(batches.batch(batches.packet(data=data, link_type=link_type)))
    first.close()
    files = [file for file in tmp_path.iterdir() if file.stat().st_size]
    assert len(files) == len(SENT), "a file for each batch"
    again = create(spec)
    again.open(place)
    for link_type, data in SENT[saved_after:]:
        again.write(batches.batch(batches.packet(data=data, link_type=link_type)))
    again.close()
    found = [data for file in tmp_path.iterdir() if file.stat().st_size for data in captured(file)]
    assert sorted(found) == sorted(data for _, data in SENT)


def test_a_new_file_of_a_capture_says_all_link_types_anew(tmp_path: Path) -> None:
    made = output("pcapng", "rotate_size=400", tmp_path / "out")
    for number in range(12):
        packets = [batches.packet(data=b"%c%02d" % (65 + kind, number), link_type=kind) for kind in (1, 12)]
        made.write(batches.batch(*packets[: 1 + number % 2]))
    made.close()
    files = [*sorted(tmp_path.glob("out.*")), tmp_path / "out"]
    assert len(files) > 2
    assert all(file.stat().st_size <= 400 for file in files)
    assert [data for file in files for data in captured(file)] == [
        b"%c%02d" % (letter, number) for number in range(12) for letter in b"BM"[: 1 + number % 2]
    ]


def test_units() -> None:
    assert [size_of(text) for text in ("0", "10", "2k", "3M", "1g")] == [0, 10, 2048, 3 << 20, 1 << 30]
    assert [seconds_of(text) for text in ("0", "10", "5s", "2m", "1h", "7d")] == [
        0,
        10,
        5,
        120,
        3600,
        604_800,
    ]


@pytest.mark.parametrize("setting", ["rotate_size=10x", "rotate_age=tomorrow", "keep=-1"])
def test_what_is_no_size(setting: str) -> None:
    with pytest.raises(UsageError, match=setting.partition("=")[0]):
        create(OutputSpec("json", setting, "x"))
