"""Run tshark with the dissector, and read what it says.

    Tshark(folder)          the dissector written into a folder of its own
    .messages(capture)      every eStreamer message: pairs of field name and text, in the order of the bytes
    .columns(capture, ...)  chosen fields, one row a frame
    .text(capture)          everything, as people see it

A run that shows an error of Lua fails the test.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openstreamer.dissector import source
from support.captures import write_capture
from support.programs import program

Pairs = list[tuple[str, str]]


class Tshark:
    """tshark with the dissector and without any settings of the user."""

    def __init__(self, folder: Path) -> None:
        self.program = program("tshark")
        self.script = folder / "estreamer.lua"
        self.script.write_text(source(), encoding="utf-8")
        self.environment = os.environ | {"WIRESHARK_CONFIG_DIR": str(folder), "HOME": str(folder)}
        if not self._runs_scripts(folder):
            pytest.skip("not permitted here: tshark runs no Lua scripts, perhaps because the user is root")

    def _runs_scripts(self, folder: Path) -> bool:
        script = folder / "probe.lua"
        script.write_text('print("scripts run")\n')
        empty = write_capture(folder / "empty.pcap", [])
        command = [self.program, "-X", f"lua_script:{script}", "-r", str(empty)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60)
        return "scripts run" in done.stdout

    def run(self, capture: Path, *options: str) -> str:
        """Standard output of one run."""
        command = [self.program, "-X", f"lua_script:{self.script}", "-n", "-r", str(capture), *options]
        done = subprocess.run(command, capture_output=True, env=self.environment, timeout=100)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        assert done.returncode == 0, err
        assert "lua" not in err.lower(), err
        assert "Lua Error" not in out, out[max(0, out.find("Lua Error") - 2_000) :][:3_000]
        return out

    def text(self, capture: Path, *options: str) -> str:
        return self.run(capture, "-V", "-O", "estreamer", *options)

    def columns(self, capture: Path, *names: str, options: tuple[str, ...] = ()) -> list[list[str]]:
        """Values of the fields named; several of one frame are joined with commas."""
        wanted = [word for name in names for word in ("-e", name)]
        out = self.run(capture, "-T", "fields", *wanted, *options)
        return [line.split("\t") for line in out.splitlines()]

    def messages(self, capture: Path, *options: str) -> list[Pairs]:
        """The fields of every message, nested ones flattened."""
        out = self.run(capture, "-T", "json", "-J", "estreamer", "-Y", "estreamer", *options)
        found = []
        for frame in json.loads(out, object_pairs_hook=_Object):
            layers = frame.get("_source").get("layers")
            found += [[*_flat(value)] for name, value in layers.pairs if name == "estreamer"]
        return found


class _Object:
    """An object of JSON in which a name may occur several times."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs

    def get(self, name: str) -> Any:
        return next(value for key, value in self.pairs if key == name)


def _flat(value: _Object) -> Iterator[tuple[str, str]]:
    for name, inner in value.pairs:
        if isinstance(inner, _Object):
            yield from _flat(inner)
        else:
            yield name, inner
