"""eNcore's configuration carried over: the result is one that `run --check` takes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from openstreamer.client.encore import Conversion, convert, read, read_bookmark
from openstreamer.client.encore_outputs import convert_outputter
from openstreamer.client.service.checking import load
from openstreamer.errors import ConfigurationError, UsageError
from openstreamer.layouts.records import EVENT_CLASSES
from support.certificates import authority
from support.commands import run

ALL_ON = {
    "connectTimeout": 10,
    "enabled": True,
    "workerProcesses": 4,
    "handler": {
        "output@comment": "a comment",
        "outputters": [
            {
                "adapter": "json",
                "enabled": True,
                "stream": {
                    "options": {"maxLogs": 10000, "rotate": True},
                    "uri": "relfile:///data/json/encore.{0}.json",
                },
            }
        ],
        "records": {
            "core": True,
            "exclude": [],
            "excl@comment": ["one", "two"],
            "connections": True,
            "include": [],
            "intrusion": True,
            "metadata": True,
            "packets": True,
            "rna": True,
            "rua": True,
        },
    },
    "logging": {"filepath": "estreamer.log", "format": "%(message)s", "level": "INFO", "stdOut": True},
    "monitor": {"bookmark": False, "handled": True, "period": 120, "subscribed": True, "velocity": False},
    "responseTimeout": 2,
    "start": 2,
    "subscription": {
        "records": {
            "archiveTimestamps": True,
            "eventExtraData": True,
            "extended": True,
            "impactEventAlerts": True,
            "intrusion": True,
            "metadata": True,
            "packetData": True,
            "packetEncoding": "hex",
        },
        "servers": [
            {"host": "127.0.0.1", "pkcs12Filepath": "client.pkcs12", "port": 8302, "tlsVersion": 1.2}
        ],
    },
}


def changed(**places: Any) -> dict[str, Any]:
    """The file with other values: keys are dotted, with __ for a dot."""
    root = copy.deepcopy(ALL_ON)
    for key, value in places.items():
        *path, last = key.split("__")
        part: Any = root
        for name in path:
            part = part[name]
        part[last] = value
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where eNcore lies, with its PKCS#12 file."""
    authority().pkcs12(tmp_path / "client.pkcs12", "client")
    return tmp_path


def checked(made: Conversion, folder: Path) -> str:
    """The text, after `run --check` would have taken it."""
    path = folder / "client.toml"
    path.write_text(made.text())
    for output in made.configuration.outputs.values():
        if output.target.startswith(str(folder)):
            Path(output.target).parent.mkdir(parents=True, exist_ok=True)
    load(path, state=folder / "state")
    return made.text()


def test_the_whole_file(folder: Path) -> None:
    made = convert(ALL_ON, folder=folder)
    configuration = made.configuration
    [server] = configuration.servers.values()
    assert (server.host, server.port, server.extended, server.connect_seconds) == (
        "127.0.0.1",
        8302,
        True,
        10,
    )
    assert server.pkcs12 == str(folder / "client.pkcs12")
    assert server.events == ["all"]
    assert server.since == "beginning"
    [output] = configuration.outputs.values()
    assert (output.format, output.target) == ("json", str(folder / "data" / "json" / "encore.json"))
    assert output.settings == {"rotate_size": "16m"}
    assert output.metadata
    assert configuration.filters == {}
    text = checked(made, folder)
    told = {key for note in made.notes for key in note.key.split(", ")}
    assert told == {
        "workerProcesses",
        "responseTimeout",
        "logging.filepath",
        "logging.format",
        "logging.stdOut",
        "monitor",
        "subscription.records.packetEncoding",
    }
    assert all(note.why for note in made.notes)
    assert text.count("\n# ") > len(made.notes)
    assert "@comment" not in text


def test_no_key_is_dropped_without_a_word(folder: Path) -> None:
    root = changed(sausage=1, monitor__details=True, handler__records__vpn=True)
    root["subscription"]["servers"][0]["colour"] = "red"
    root["handler"]["outputters"][0]["weight"] = 3
    root["handler"]["outputters"][0]["stream"]["options"]["speed"] = 9
    told = " ".join(note.key for note in convert(root, folder=folder).notes)
    for key in (
        "sausage",
        "handler.records.vpn",
        "servers[0].colour",
        "outputters[0].weight",
        "options.speed",
    ):
        assert key in told
    assert "sausage@comment" not in " ".join(n.key for n in convert(changed(**{"sausage@comment": 1})).notes)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"handler__records__connections": False}, {"connection"}),
        ({"handler__records__rna": False, "handler__records__rua": False}, {"discovery", "user"}),
        ({"handler__records__core": False}, {"correlation", "impact-alert", "malware", "file"}),
        ({"subscription__records__packetData": False}, {"packet"}),
        ({"handler__records__packets": False}, {"packet"}),
        ({"subscription__records__impactEventAlerts": False}, {"impact-alert"}),
        ({"subscription__records__eventExtraData": False}, {"extra-data"}),
        ({"handler__records__intrusion": False}, {"intrusion", "extra-data"}),
    ],
)
def test_classes_of_events(folder: Path, change: dict[str, Any], missing: set[str]) -> None:
    made = convert(changed(**change), folder=folder)
    [server] = made.configuration.servers.values()
    assert set(server.events) == set(EVENT_CLASSES) - missing
    checked(made, folder)


def test_record_types_named_one_by_one(folder: Path) -> None:
    made = convert(changed(handler__records__exclude=[71, 400]), folder=folder)
    assert made.configuration.filters["written"].record_types == ["!71", "!400"]
    [output] = made.configuration.outputs.values()
    assert output.filters == ["written"]
    checked(made, folder)
    some = changed(
        handler__records__connections=False, handler__records__include=[71], handler__records__exclude=[2]
    )
    made = convert(some, folder=folder)
    [server] = made.configuration.servers.values()
    assert server.events == ["all"], "connections are asked for again, for the sake of record 71"
    assert "connection" not in made.configuration.filters["written"].events
    assert made.configuration.filters["included"].record_types == [71]
    checked(made, folder)
    assert not convert(changed(handler__records__include=[71]), folder=folder).configuration.filters


def test_the_bookmark(folder: Path) -> None:
    path = folder / "127.0.0.1-8302_bookmark.dat"
    path.write_text('{"1": 1700000000}')
    assert read_bookmark(folder, "127.0.0.1", 8302) == 1_700_000_000
    [server] = convert(ALL_ON, folder=folder).configuration.servers.values()
    assert server.since == "2023-11-14T22:13:20Z"
    checked(convert(ALL_ON, folder=folder), folder)
    for rubbish in ("", "[]", '{"1": "x"}', '{"1": -1}', "7"):
        path.write_text(rubbish)
        assert read_bookmark(folder, "127.0.0.1", 8302) is None
    assert convert(changed(start=0)).configuration.servers["127-0-0-1"].since == "beginning"
    assert convert(changed(start=1)).configuration.servers["127-0-0-1"].since == "now"


def test_several_servers(folder: Path) -> None:
    root = copy.deepcopy(ALL_ON)
    other = {"host": "127.0.0.1", "port": 8303, "pkcs12Filepath": "client.pkcs12", "tlsVersion": 1.0}
    root["subscription"]["servers"].append(other)  # type: ignore[index]
    made = convert(root, folder=folder)
    assert list(made.configuration.servers) == ["127-0-0-1", "127-0-0-1-2"]
    assert any("TLS 1.0 is not spoken any more" in note.why for note in made.notes)
    assert "eNcore used the first server" in checked(made, folder)


CEF = {"content": "cef", "format": "rfc3164"}


def outputter(adapter: str, uri: str, **options: Any) -> dict[str, Any]:
    return {"adapter": adapter, "enabled": True, "stream": {"uri": uri, "options": options}}


@pytest.mark.parametrize(
    ("adapter", "uri", "form", "target", "settings"),
    [
        ("json", "relfile:///data/encore.{0}.log", "json", "data/encore.log", {"rotate_size": "16m"}),
        ("json", "file:///tmp/encore.log", "json", "/tmp/encore.log", {"rotate_size": "16m"}),
        ("cef2", "relfile:///data/cef2/encore{0}.cef", "cef", "data/cef2/encore.cef", {"rotate_size": "8m"}),
        ("json", "stdout://", "json", "-", {}),
        ("json", "", "json", "-", {}),
        ("cef", "udp://10.0.1.2:514", "syslog", "udp://10.0.1.2:514", CEF),
        ("cef", "tcp://127.0.0.1:25226", "syslog", "tcp://127.0.0.1:25226", {**CEF, "framing": "lines"}),
        ("splunk", "relfile:///data/encore.{0}.log", "json", "data/encore.log", {"rotate_size": "16m"}),
        ("json", "scp://user@host/dir/log{0}", "json", "log", {"rotate_size": "16m"}),
    ],
)  # fmt: skip
def test_outputters(
    adapter: str, uri: str, form: str, target: str, settings: dict[str, Any], folder: Path
) -> None:
    made = convert_outputter(outputter(adapter, uri))
    assert (made.format, made.target, made.settings) == (form, target, settings)
    checked(convert(changed(handler__outputters=[outputter(adapter, uri)]), folder=folder), folder)


def test_outputters_without_a_counterpart(folder: Path) -> None:
    assert convert_outputter(outputter("pickle", "file:///x")).format is None
    assert convert_outputter(outputter("splunk", "file:///x")).notes
    through = convert_outputter({**outputter("binary", "file:///x"), "passthru": True})
    assert through.format is None
    assert [key for key, _ in through.notes] == ["adapter", "passthru"]
    aws = convert_outputter(outputter("ocsf", "file:///x", s3="bucket", rotate=False))
    assert aws.settings == {}
    assert any(key == "stream.options.s3" for key, _ in aws.notes)
    off = {**outputter("json", "file:///x"), "enabled": False}
    made = convert(changed(handler__outputters=[off]), folder=folder)
    assert list(made.configuration.outputs) == ["file"], "a file without outputs would be of no use"
    assert any("was not enabled" in note.why for note in made.notes)
    checked(made, folder)
    assert convert_outputter(outputter("cef", "udp://{host}:{port}")).target == "udp://127.0.0.1:514"


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ({}, "names no host"),
        (changed(subscription__servers=[]), "names no host"),
        (changed(start="two"), "start is 'two'"),
        (changed(handler__outputters=[{"enabled": True}]), "names no adapter"),
        (changed(handler__records__exclude="71"), "handler.records.exclude"),
        (changed(enabled="yes"), "enabled"),
    ],
)
def test_what_is_no_file_of_encore_is_told(root: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        convert(root)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read(tmp_path / "none")
    (tmp_path / "bad").write_text("{")
    with pytest.raises(ConfigurationError, match="this is no JSON"):
        read(tmp_path / "bad")
    (tmp_path / "list").write_text("[1]")
    with pytest.raises(ConfigurationError, match="one JSON object"):
        read(tmp_path / "list")


def test_the_command(folder: Path) -> None:
    (folder / "estreamer.conf").write_text(json.dumps(ALL_ON))
    shown = run("convert-encore", folder=folder)
    assert shown.status == 0
    assert '[servers.127-0-0-1]\nhost = "127.0.0.1"' in shown.out
    assert "workerProcesses: one process does all of it" in shown.err
    assert "# workerProcesses: one process" in shown.out
    done = run("convert-encore", "estreamer.conf", "-o", "client.toml", folder=folder)
    assert done.status == 0
    assert (done.out, (folder / "client.toml").read_text()) == ("", shown.out)
    assert "things could not be carried over" in done.err
    assert "say --force" in run("convert-encore", "-o", "client.toml", folder=folder).err
    assert run("convert-encore", "-o", "client.toml", "--force", folder=folder).status == 0
    (folder / "data" / "json").mkdir(parents=True)
    check = run("run", "--config", "client.toml", "--check", folder=folder, state=folder / "state")
    assert check.status == 0, check.err
    assert run("convert-encore", "none.conf", folder=folder).status == 2
