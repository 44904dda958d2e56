"""The socket that Suricata writes to: everything arrives, half lines don't."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

import openstreamer
from openstreamer.errors import InputError
from openstreamer.inputs.eve import EveConfig, EveInput
from openstreamer.inputs.eve_unix import EveUnixConfig, EveUnixInput
from openstreamer.store import open_store
from support.processes import Place, end, wait_until
from support.programs import program

SAMPLE = Path(openstreamer.__file__).parent / "samples" / "sample.eve.json"

EVENTS = 919
"""Events that Suricata finds in the sample's capture."""


class Context:
    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        return [1 for _ in names]

    def reserve(self, counter: str, count: int) -> int:
        return 1

    def places(self, prefix: str) -> Mapping[str, bytes]:
        return {}


def write(path: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(data)


def test_lines_arrive_across_closes_and_half_lines_do_not(tmp_path: Path) -> None:
    path = tmp_path / "eve.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    data = SAMPLE.read_bytes()
    whole = EveInput(EveConfig(path=str(SAMPLE)))
    whole.open(Context())
    expected = 0
    while (batch := whole.read(100_000, 0)) is not None:
        expected += len(batch.records)
    source = EveUnixInput(EveUnixConfig(path=str(path)))
    source.open(Context())
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(InputError, match="another process"):
            EveUnixInput(EveUnixConfig(path=str(path))).open(Context())
        write(path, data + b'{"event_type":"al')
        write(path, b"no json\n" + data.splitlines(keepends=True)[0])
        lines = records = broken = 0
        for _ in range(50):
            batch = source.read(100_000, 0.2)
            assert batch is not None
            lines, records, broken = (
                lines + batch.lines,
                records + len(batch.records),
                broken + batch.broken,
            )
            if lines == data.count(b"\n") + 2 and broken == 2:
                break
        assert (lines, broken) == (data.count(b"\n") + 2, 2)
        assert expected <= records <= expected + 3
    finally:
        source.close()
    assert not os.path.lexists(path)


def test_each_datagram_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "eve.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stale:
        stale.bind(str(path))
    source = EveUnixInput(EveUnixConfig(path=str(path), type="dgram"))
    source.open(Context())
    lines = SAMPLE.read_bytes().splitlines()
    try:
        with pytest.raises(InputError, match="another process"):
            EveUnixInput(EveUnixConfig(path=str(path))).open(Context())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.connect(str(path))
            for line in lines:
                peer.send(line)
            peer.send(b"no json\n")
        read = broken = 0
        for _ in range(200):
            batch = source.read(100_000, 0.2)
            assert batch is not None
            read, broken = read + batch.lines, broken + batch.broken
            if read == len(lines) + 1:
                break
        assert (read, broken) == (len(lines) + 1, 1)
    finally:
        source.close()
    assert not path.exists()


def test_half_a_line_is_named_behind_the_lines_before_it_also_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "eve.sock"
    source = EveUnixInput(EveUnixConfig(path=str(path)))
    source.open(Context())
    line = SAMPLE.read_bytes().splitlines(keepends=True)[0]
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            peer.sendall(line + line + line[:40])
            found: list[int] = []
            read = 0
            while read < 2:
                batch = source.read(100, 0.2)
                assert batch is not None
                read += batch.lines
                found += [item.line for item in batch.broken_lines]
            assert found == [], "the connection is open: the rest may come yet"
            assert source.finish()
        while batch := source.read(100, 0.0):
            found += [item.line for item in batch.broken_lines]
        assert found == [3]
    finally:
        source.close()


@pytest.mark.parametrize("kind", ["stream", "dgram"])
def test_an_orderly_stop_gives_out_what_has_arrived(tmp_path: Path, kind: Literal["stream", "dgram"]) -> None:
    path = tmp_path / "eve.sock"
    source = EveUnixInput(EveUnixConfig(path=str(path), type=kind))
    source.open(Context())
    lines = SAMPLE.read_bytes().splitlines(keepends=True)[:300]
    sent = threading.Event()

    def sensor() -> None:
        with socket.socket(socket.AF_UNIX, getattr(socket, f"SOCK_{kind.upper()}")) as peer:
            peer.connect(str(path))
            for line in lines:
                peer.send(line)
            sent.set()
            stopped.wait(10)

    stopped = threading.Event()
    thread = threading.Thread(target=sensor)
    thread.start()
    try:
        assert sent.wait(10)
        assert source.finish()
        read = 0
        while batch := source.read(50, 0.0):
            assert len(batch.records) < 60
            read += batch.lines
        assert read == len(lines)
        assert not source.finish()
    finally:
        stopped.set()
        thread.join()
        source.close()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["stream", "dgram"])
def test_a_sensor_that_never_pauses_does_not_hold_up_a_stop(
    tmp_path: Path, kind: Literal["stream", "dgram"], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless(socket.socket):
        """A socket that always has something more."""

        given = 0

        def recv(self, size: int, flags: int = 0) -> bytes:
            self.given += 1
            time.sleep(0.001)
            return b"{}\n"

        def accept(self) -> tuple[socket.socket, object]:
            super().accept()[0].close()
            return sockets[1], None

    sockets: list[Endless] = []

    def make(family: int, kind: int) -> socket.socket:
        sockets.extend([Endless(family, kind), Endless(family, kind)])
        return sockets[0]

    monkeypatch.setattr("openstreamer.inputs.eve_unix._LAST_SECONDS", 0.2)
    path = tmp_path / "eve.sock"
    source = EveUnixInput(EveUnixConfig(path=str(path), type=kind))
    with monkeypatch.context() as patch:
        patch.setattr("openstreamer.inputs.eve_unix.socket.socket", make)
        patch.setattr("openstreamer.inputs.eve_unix._remove_stale", lambda path, kind: None)
        source.open(Context())
    reading = sockets[kind == "stream"]
    with socket.socket(socket.AF_UNIX, getattr(socket, f"SOCK_{kind.upper()}")) as peer:
        peer.connect(str(path))
        if kind == "dgram":
            peer.send(b"{}")
        wait_until(lambda: reading.given > 0, "the first line")
        assert source.finish()
        source.close()


@pytest.mark.parametrize("kind", ["stream", "dgram"])
def test_a_real_suricata_writes_to_the_service(tmp_path: Path, kind: str) -> None:
    program("suricata")
    place = Place(tmp_path)
    place.initialise()
    path = tmp_path / "eve.sock"
    samples = Path(__file__).parents[2] / "samples"
    try:
        service = place.serve("--input", f"eve-unix:{path}?type={kind}")
        wait_until(path.exists, "the socket")
        done = subprocess.run(
            ["suricata", "-c", samples / "suricata.yaml", "-S", samples / "sample.rules",
             "-r", samples / "sample.pcap", "-l", tmp_path, "--runmode", "single",
             "--set", f"classification-file={samples / 'classification.config'}",
             "--set", "reference-config-file=/dev/null", "--set", "threshold-file=/dev/null",
             "--set", f"outputs.0.eve-log.filetype=unix_{kind}",
             "--set", f"outputs.0.eve-log.filename={path}"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert end(service) == 0  # at once: what is under way is stored all the same
        with open_store(place.state / "store" / "events.db") as store:
            numbers = store.statistics().by_record_type
        assert sum(numbers.values()) == EVENTS, numbers
    finally:
        place.stop()
