"""The socket that Suricata writes to: everything arrives, half lines don't."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import openstreamer
from openstreamer.errors import InputError
from openstreamer.inputs.eve import EveConfig, EveInput
from openstreamer.inputs.eve_unix import EveUnixConfig, EveUnixInput

SAMPLE = Path(openstreamer.__file__).parent / "samples" / "sample.eve.json"


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
