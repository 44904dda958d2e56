"""Outputs by name, and the text that configures them."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from openstreamer.errors import UsageError
from openstreamer.outputs import registry
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import NoConfig, Output
from openstreamer.outputs.registry import OutputSpec, create, manual, parse_format, parse_settings

BUILT_IN = ("cef", "csv", "json", "pcap", "pcapng", "print", "snmp", "syslog")


def test_the_built_in_outputs_come_through_the_entry_points() -> None:
    assert set(BUILT_IN) <= set(registry.names())


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_setting_is_explained(name: str) -> None:
    output = registry.find(name)
    assert output.title
    assert output.example
    for setting in registry.settings_of(output):
        assert setting.description.endswith("."), setting
        assert setting.name in manual(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=1", {"a": ["1"]}),
        ("a=1,b=2", {"a": ["1"], "b": ["2"]}),
        ("columns=time,message,header=no", {"columns": ["time", "message"], "header": ["no"]}),
        ("long", {"long": [""]}),
        ("long,width=80", {"long": [""], "width": ["80"]}),
        ("a=x=y", {"a": ["x=y"]}),
    ],
)
def test_settings_are_read(text: str, expected: dict[str, list[str]]) -> None:
    assert parse_settings(text) == expected


def test_format_and_settings_are_told_apart() -> None:
    assert parse_format("csv:columns=time") == ("csv", "columns=time")
    assert parse_format("json") == ("json", "")


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("nosuch", "", "there are: cef, csv, json"),
        ("json", "colour=red", "no setting 'colour'; it has: sync"),
        ("json", "sync=sometimes", "sync: 'sometimes' is none of position, never"),
        ("json", "rotate_age=x", "rotate_age: expected a span of time"),
        ("json", "rotate_size=x", "rotate_size: expected a size"),
        ("print", "width=wide", "width: expected a number, got text"),
        ("csv", "separator=ab", "separator: expected text of length <= 1"),
        ("syslog", "tag=a b", "tag: expected 1 to 48 ASCII characters"),
        ("csv", "columns=no such", "is no column"),
        ("csv", "columns=time,sourceip", "'sourceip' is no column.* did you mean 'source_ip'"),
        ("csv", "columns=data.nothing_like_it", "no record has a field of that name; there are time,"),
        ("csv", "header=no,header=yes", "stands twice"),
        ("csv", "=3", "KEY=VALUE"),
        ("print", "long=perhaps", "long"),
    ],
)
def test_mistakes_are_explained(name: str, settings: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        create(OutputSpec(name, settings, "-"))


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("on", True), ("no", False), ("0", False), ("", True)]
)
def test_yes_and_no_have_many_names(word: str, value: bool) -> None:
    output = create(OutputSpec("print", f"long={word}", "-"))
    assert output.config.long is value  # type: ignore[attr-defined]


def test_values_are_taken() -> None:
    config = create(OutputSpec("csv", "columns=time,data.rule_id,separator=|,header=no", "-")).config
    assert config.columns == ["time", "data.rule_id"]  # type: ignore[attr-defined]
    assert config.separator == "|"  # type: ignore[attr-defined]
    assert config.header is False  # type: ignore[attr-defined]


class _Counter(Output):
    """A third party's output, small enough for a test."""

    title = "counts"

    class Config(msgspec.Struct):
        step: Annotated[int, msgspec.Meta(description="How far to count.")]

    def write(self, batch: Batch) -> None:
        self.seen = len(batch)


class _Entry:
    name = "counter"
    value = "third.party:Counter"

    def __init__(self, loaded: object) -> None:
        self._loaded = loaded

    def load(self) -> object:
        return self._loaded


def test_a_third_partys_output_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [_Entry(_Counter)])
    output = create(OutputSpec("counter", "step=3", "somewhere"))
    assert isinstance(output, _Counter)
    assert output.target == "somewhere"
    with pytest.raises(UsageError, match="step"):
        create(OutputSpec("counter", "", "somewhere"))


def test_an_entry_point_that_is_no_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [_Entry(dict)])
    with pytest.raises(UsageError, match="not a subclass of Output"):
        registry.find("counter")


def test_the_base_does_nothing_harmful() -> None:
    output = Output(NoConfig(), "-")
    output.open(None)
    output.flush()
    output.sync()
    assert output.place() is None
    assert output.notices() == []
    output.close()
    with pytest.raises(NotImplementedError):
        output.write(Batch([], "h:1"))
