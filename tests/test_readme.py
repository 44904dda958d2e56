"""The way that the README shows, walked with real processes: server, commands, and the library example."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import openstreamer
from openstreamer import aio
from support.processes import Place, eve_lines

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/getting-started.md"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("readme"))
    place.initialise()
    (place.folder / "eve.json").write_bytes(b"".join(eve_lines(range(50))))
    place.serve("--input", f"eve:{place.folder / 'eve.json'}")
    yield place
    place.stop()


def test_the_commands(place: Place) -> None:
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", place.folder / "client.pkcs12")
    shown = place.run(*server, "--since", "beginning", "--idle-exit", "1.5").stdout
    assert shown.count("TEST rule") == 40
    result = place.folder / "events.jsonl"
    for _ in range(2):
        place.run(*server, "--idle-exit", "1.5", "-o", "json", "-f", result)
        assert len(result.read_bytes().splitlines()) == 90


@pytest.mark.parametrize("page", PAGES)
def test_the_library_example(
    page: str, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands there, but for the port, and that it ends."""
    text = (ROOT / page).read_text("utf-8")
    (example,) = re.findall(r"^```python\n(import openstreamer\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(example.splitlines()) <= 10
    connect = openstreamer.connect

    def here(host: str, **options: Any) -> Any:
        options["pkcs12"] = place.folder / "client.pkcs12"
        return connect("localhost", port=place.port, idle_exit=1.5, **options)

    monkeypatch.setattr(openstreamer, "connect", here)
    exec(compile(example, page, "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 40
    assert all(re.fullmatch(r"\d+ 198\.51\.\d+\.\d+ TEST rule \d", line) for line in lines), lines[:3]


def test_the_asyncio_example(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(
        r"^```python\n(from openstreamer import aio\n.*?)^```$", text, re.MULTILINE | re.DOTALL
    )
    connect = aio.connect

    def here(host: str, **options: Any) -> Any:
        options["pkcs12"] = place.folder / "client.pkcs12"
        return connect("localhost", port=place.port, idle_exit=1.5, since="beginning", **options)

    monkeypatch.setattr(aio, "connect", here)
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    asyncio.run(names["watch"]())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 40
    assert all(re.fullmatch(r"\d+ 198\.51\.\d+\.\d+ TEST rule \d", line) for line in lines), lines[:3]
