"""Options of `serve`; the running service is in tests/server/test_process.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.processes import Place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    found = Place(tmp_path_factory.mktemp("serve"))
    found.run("init")
    return found


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--web", "127.0.0.1"], "--web: '127.0.0.1' has no port from 0 to 65535; write HOST:PORT, or 'off'"),
        (["--listen", "nonsense:port"], "no port from 0 to 65535"),
        (["--listen", "192.0.2.1:0"], "cannot listen on 192.0.2.1:0"),
        (["--input", "floppy:disk"], "floppy"),
        (["--input", "eve"], "NAME:PATH"),
    ],
)
def test_wrong_options_are_one_sentence(place: Place, arguments: list[str], sentence: str) -> None:
    done = place.run("serve", *arguments, status=2)
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_settings_name_file_and_key(place: Place) -> None:
    path: Path = place.state / "openstreamer.toml"
    before = path.read_text()
    path.write_text("[sessions]\nwindow = 1\n")
    try:
        done = place.run("serve", status=2)
    finally:
        path.write_text(before)
    assert "openstreamer.toml, sessions.window: there is no such setting" in done.stderr
