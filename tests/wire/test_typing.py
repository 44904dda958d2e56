"""Type checkers see the values of declared fields, and refuse wrong ones."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SNIPPET = """
from __future__ import annotations
from typing import Any
from openstreamer.wire import IP, U32, AnyBlock, Block, BlockList, CountedBytes, Fields, Nested, f
from openstreamer.wire import decoder, encoder

class Leaf(Block, id="leaf", series=1, types={7: "1"}):
    code: U32 = f("Code.")

class Event(Block, id="event", series=1, types={1: "1", 2: "2"}, notes={1: ""}):
    device_id: U32 = f("Device.", since=2)
    ip: IP = f("Address.")
    leaf: Nested[Leaf] = f("Leaf.")
    leaves: BlockList[Leaf | Event] = f("Leaves.")
    anything: AnyBlock = f("Anything.")

class Body(Fields, id="body", records={4: "all"}):
    size: U32 = f("Size.")
    data: CountedBytes = f("Data.", length="size")

event = Event(2, device_id=5, leaves=[Leaf()], left_over=b"")
reveal_type(event.block_type)  # int
reveal_type(event.device_id)  # int
reveal_type(event.ip)  # str
reveal_type(event.leaf.code)  # int
reveal_type(event.leaves)  # list[Leaf | Event]
reveal_type(event.anything)  # Any
reveal_type(Body(1, b"x").data)  # bytes
reveal_type(decoder(Event, 2)(b"", 0, 0))  # Event
reveal_type(decoder(Event, 2, ("ip",))(b"", 0, 0))  # tuple[Any, ...]
reveal_type(encoder(Event, 2)(event))  # bytes
Event(2, device_id="x")  # error
Event(colour=1)  # error
event.colour  # error
"""


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_see_the_types(checker: str, tmp_path: Path) -> None:
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed here")
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET)
    options = (
        ["--strict", f"--cache-dir={tmp_path}"] if checker == "mypy" else [f"--pythonpath={sys.executable}"]
    )
    done = subprocess.run(
        [sys.executable, "-m", checker, *options, str(path)], capture_output=True, text=True, timeout=110
    )
    seen: dict[int, str] = {}
    for line in done.stdout.splitlines():
        found = re.search(r"snippet\.py:(\d+)[:0-9]* - ?|snippet\.py:(\d+): ", line)
        if found:
            seen.setdefault(int(found[1] or found[2]), line)
    for number, line in enumerate(SNIPPET.splitlines(), 1):
        code, _, expected = line.partition("  # ")
        if expected:
            said = seen.get(number, done.stdout + done.stderr).replace("snippet.", "")
            assert f'"{expected}"' in said or f" {expected}" in said, f"{code}: {said}"
        else:
            assert number not in seen, seen[number]
