"""Rotating files: sizes, ages, retention, and that each event stands there once after a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openstreamer.errors import UsageError
from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.outputs.rotation import RotatingFile, seconds_of, size_of
from support import batches


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


@pytest.mark.parametrize("name", ["json", "csv", "cef"])
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
