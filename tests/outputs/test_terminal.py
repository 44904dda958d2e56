"""The form for people: one line an event, nothing that steers the terminal, colours where they belong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.outputs.terminal import columns_of, cut, harmless
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Record
from support import hand_made
from support.batches import alert, batch, broken, connection, packet, unknown


def printed(path: Path, settings: str, *records: Record) -> list[str]:
    output = create(OutputSpec("print", settings, str(path)))
    output.open(None)
    output.write(batch(*records))
    output.close()
    return path.read_text().splitlines()


def test_one_line_an_event(tmp_path: Path) -> None:
    lines = printed(tmp_path / "out", "", alert(), packet(), connection(), unknown(), broken())
    assert lines == [
        (
            "2023-11-14 22:13:20 INTRUSION    medium [1:2001219:20] ET SCAN Potential SSH Scan /index"
            "  192.0.2.1:51515 → 198.51.100.7:22 tcp  sensor-1"
        ),
        "2023-11-14 22:13:20 packet              4 bytes, link type 1  sensor-1",
        (
            "2023-11-14 22:13:20 connection          HTTPS 1501 up, 90001 down https://www.example.com/"
            "  10.0.0.1:1025 → 198.51.100.7:443 tcp  sensor-1"
        ),
        "2023-11-14 22:13:20 unknown             record 31000",
    ]


def test_stable_ids(tmp_path: Path) -> None:
    identity = stable_id(alert())
    (line,) = printed(tmp_path / "short", "ids=yes", alert())
    assert line.startswith(f"2023-11-14 22:13:20 {identity} INTRUSION ")
    assert f"  stable_id: {identity}" in printed(tmp_path / "long", "long=yes", alert())


def test_a_line_is_cut_at_the_edge(tmp_path: Path) -> None:
    (line,) = printed(tmp_path / "out", "width=100", alert())
    assert columns_of(line) <= 100
    assert "…" in line
    assert "192.0.2.1:51515" in line


def test_text_from_the_network_cannot_steer_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\r\nfake line \x9b31m \u202egnp.exe\u2066 \x00"
    one = batch(alert())
    one.names.learn(Record(66, hand_made.rule_message(1, 2001219, 20, evil)))  # type: ignore[union-attr]
    for settings in ("", "long=yes"):
        path = tmp_path / f"out{settings}"
        output = create(OutputSpec("print", f"{settings},colour=never".lstrip(","), str(path)))
        output.open(None)
        output.write(one)
        output.close()
        text = path.read_text()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
        assert "\\x1b]0;owned" in text
        assert "\nfake" not in text


def test_harmless_text_is_left_alone() -> None:
    assert harmless("Grüße, 世界 — ok") == "Grüße, 世界 — ok"


def test_wide_letters_take_two_columns() -> None:
    assert columns_of("世界") == 4
    assert columns_of("e\u0301") == 1
    assert cut("世界世界", 5) == "世界…"
    assert cut("short", 10) == "short"


@pytest.mark.parametrize(
    ("settings", "coloured"), [("colour=always", True), ("colour=never", False), ("", False)]
)
def test_colours_only_where_they_belong(tmp_path: Path, settings: str, coloured: bool) -> None:
    text = "\n".join(printed(tmp_path / "out", settings, alert()))
    assert ("\x1b[" in text) is coloured


def test_a_terminal_has_colours_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda descriptor: True)
    monkeypatch.setenv("TERM", "xterm")
    for environment, expected in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        with monkeypatch.context() as inner:
            inner.delenv("NO_COLOR", raising=False)
            for key, value in environment.items():
                inner.setenv(key, value)
            output = create(OutputSpec("print", "", "-"))
            output.open(None)
            assert output._colour is expected  # type: ignore[attr-defined]
            output.close()


def test_the_long_form_shows_every_field(tmp_path: Path) -> None:
    lines = printed(tmp_path / "out", "long=yes", connection())
    text = "\n".join(lines)
    for expected in ("connection_statistics (record 71)", "  initiator_ip: 10.0.0.1", "  tls_session_id: 00",
                     "  event_type: 1003", "  device = sensor-1"):  # fmt: skip
        assert expected in text


def test_extra_data_and_discovery(tmp_path: Path) -> None:
    extra = hand_made.struct.pack(">IIII", 1, 1, hand_made.SECOND, 9) + hand_made.block(1, b"/index\x1b")
    closed = hand_made.discovery_header(1001, 11) + b"\x00\x50"
    lines = printed(
        tmp_path / "out", "", Record(110, hand_made.block(4, extra), 1), Record(23, closed, hand_made.SECOND)
    )
    assert "extra" in lines[0]
    assert "type: /index\\x1b" in lines[0]
    assert "discovery" in lines[1]
    assert "tcp port closed" in lines[1]
