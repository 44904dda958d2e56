"""Inputs are found by name and configured by a URI."""

from __future__ import annotations

import pytest

from openstreamer.errors import UsageError
from openstreamer.inputs import registry
from openstreamer.inputs.eve import EveConfig, EveInput
from openstreamer.inputs.interface import Input
from openstreamer.inputs.json_lines import JsonLinesInput
from openstreamer.inputs.uri import input_from_uri, make_input, parse_uri


def test_the_built_in_inputs_are_there() -> None:
    assert {"eve", "json"} <= set(registry.names())
    assert registry.find("eve") is EveInput
    assert registry.find("json") is JsonLinesInput


def test_an_input_of_another_package_is_found_through_its_entry_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Entry:
        name = "mine"
        value = "openstreamer.inputs.json_lines:JsonLinesInput"

    monkeypatch.setattr(
        registry, "entry_points", lambda group, name=None: [Entry] if name in ("mine", None) else []
    )
    assert registry.find("mine") is JsonLinesInput
    assert "mine" in registry.names()
    assert registry.find("eve") is EveInput


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no.such.module:Thing", "cannot be loaded"),
        ("openstreamer.inputs.eve:Nothing", "cannot be loaded"),
        ("openstreamer.inputs.eve:EveConfig", "not a subclass of Input"),
    ],
)
def test_an_input_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "bad", value)
    with pytest.raises(UsageError, match=message):
        registry.find("bad")


def test_an_unknown_input_names_those_there_are() -> None:
    with pytest.raises(
        UsageError, match=r"there is no input 'syslog'; there are: estreamer, eve, eve-unix, json"
    ):
        registry.find("syslog")


def test_uris() -> None:
    assert parse_uri("eve:/a/b.json") == ("eve", "/a/b.json", {})
    assert parse_uri("eve:///a/b.json") == ("eve", "/a/b.json", {})
    assert parse_uri("eve:b.json?sensor=dmz&follow=no") == (
        "eve",
        "b.json",
        {"sensor": "dmz", "follow": "no"},
    )
    assert parse_uri("eve:/a%3Fb%25") == ("eve", "/a?b%", {})
    for bad in ("eve", "eve:", ":/a", "", "eve:/a?sensor=1&sensor=2"):
        with pytest.raises(UsageError):
            parse_uri(bad)


def test_an_input_of_the_service_follows_its_file() -> None:
    source = input_from_uri("eve:/a/b.json?sensor=dmz&flows=10")
    assert isinstance(source, EveInput)
    assert source.config == EveConfig(path="/a/b.json", follow=True, sensor="dmz", flows=10)
    assert source.name == "/a/b.json"
    once = input_from_uri("json:/a/b.json?follow=no")
    assert isinstance(once, JsonLinesInput)
    assert once.config.follow is False


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"path": "x", "colour": "red"},
            "no setting 'colour'; it has: path, follow, again, line_limit, sensor, flows",
        ),
        ({"path": "x", "follow": "perhaps"}, "follow is yes or no"),
        ({"path": "x", "flows": "many"}, "flows"),
        ({"path": "x", "line_limit": 1}, "line_limit"),
        ({"path": ""}, "path"),
        ({"path": "-", "follow": True}, "standard input ends by itself"),
    ],
)
def test_wrong_settings_are_explained(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_input("eve", settings)


def test_every_setting_has_a_description() -> None:
    import typing

    import msgspec

    for name in registry.BUILT_IN:
        found: type[Input] = registry.find(name)
        assert found.title
        assert found.example.startswith(f"{name}:")
        hints = typing.get_type_hints(found.Config, include_extras=True)
        for setting, hint in hints.items():
            notes = [note for note in typing.get_args(hint)[1:] if isinstance(note, msgspec.Meta)]
            assert notes, setting
            assert notes[0].description, setting
