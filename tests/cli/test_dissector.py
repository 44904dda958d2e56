"""`openstreamer dissector`."""

from __future__ import annotations

from openstreamer.dissector import source
from support.commands import run


def test_it_prints_the_dissector_and_nothing_else() -> None:
    result = run("dissector")
    assert result.status == 0
    assert result.out == source()
    assert result.err == ""
