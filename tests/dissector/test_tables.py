"""The tables that the dissector is made from, without Wireshark."""

from __future__ import annotations

import subprocess
import sys

import pytest

from openstreamer.dissector import source
from openstreamer.dissector.tables import Lua, classes, field_names, forms, literal, tables
from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.values import VALUES
from openstreamer.wire import layout_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1, "-1"),
        (True, "true"),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("line\nnext\x7f", '"line\\010next\\127"'),
        ("café", '"café"'),
        ([1, "x", []], '{1, "x", {}}'),
        ({1: "one", Lua("two"): 2}, '{[1] = "one", two = 2}'),
        ({"end": 1}, '{["end"] = 1}'),
    ],
)
def test_values_of_python_become_lua(value: object, text: str) -> None:
    assert literal(value) == text


def test_what_has_no_form_in_lua_is_refused() -> None:
    with pytest.raises(TypeError, match="no form in Lua"):
        literal(1.5)


def test_all_that_is_declared_is_in_the_tables() -> None:
    text = tables()
    for cls in classes():
        layout = layout_of(cls)
        assert f'class = "{cls.__name__}", id = "{layout.id}"' in text
        for form in forms(layout):
            for item in layout.fields(*form):
                assert f'{{"{item.name}", "{item.kind.name}", ' in text
    for number in RECORDS:
        assert f"    [{number}] = {{id = " in text
    for id in VALUES:
        assert f"    {id} = {{" in text


def test_a_row_says_which_forms_have_the_field() -> None:
    text = tables()
    start = text.index('class = "IntrusionEvent",')
    layout = text[start : text.index("class = ", start + 10)]
    assert 'forms = {{25, "5.1.1"}, {34, "5.2"},' in layout
    assert (
        '{"device_id", "u32", "Managed device that saw the event; 0 is the management center itself."},'
        in layout
    )
    blocked = next(line for line in layout.splitlines() if '"blocked_reason_id"' in line)
    assert blocked.endswith('words = "intrusion_blocked_reason", spans = {{7, 8}}},')


def test_names_of_fields_are_distinct() -> None:
    names = [(id, name) for (id, _, _), name in field_names().items()]
    assert len(names) == len(set(names))
    assert field_names()["intrusion_event", "source_ip", "address"] == "source_ip"


def test_the_file_is_the_same_every_time_and_of_moderate_size() -> None:
    command = [sys.executable, "-c", "import openstreamer.dissector as d; print(d.source(), end='')"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    text = source()
    assert done.stdout.decode() == text
    assert len(text) < 500_000
    assert all(len(line) < 4_000 for line in text.splitlines())
