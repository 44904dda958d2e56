"""A configuration file with every kind of mistake, and the sentences it gets."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import msgspec
import pytest

from openstreamer.authority import Authority
from openstreamer.client.position import FROM_NOW
from openstreamer.client.service.checking import load
from openstreamer.client.service.configuration import (
    SECTIONS,
    Configuration,
    FilterSection,
    OutputSection,
    ServerSection,
    manual,
    render,
    template,
)
from openstreamer.client.service.mistakes import Mistakes
from openstreamer.client.service.plan import Plan
from support.live_service import Template


def check(folder: Path, text: str) -> list[tuple[int, str, str]]:
    """The mistakes of this file: line, key, sentence."""
    file = folder / "client.toml"
    file.write_text(text)
    try:
        load(file, state=folder / "state")
    except Mistakes as mistakes:
        for sentence in mistakes.sentences():
            assert sentence.startswith(f"{file}:")
        return [(each.line, each.key, each.text) for each in mistakes.found]
    return []


def good(folder: Path, certificates: Template, *, server: str = "", more: str = "") -> str:
    """A file without mistakes."""
    pem = certificates.certificates["one"]
    return (
        f'[servers.fmc]\nhost = "fmc.example.com"\ncertificate = "{pem}"\n{server}'
        f'[outputs.file]\nformat = "json"\ntarget = "events.json"\n{more}'
    )


def plan(folder: Path, text: str) -> Plan:
    file = folder / "client.toml"
    file.write_text(text)
    return load(file, state=folder / "state")


def test_a_good_file_is_a_plan_with_paths_relative_to_it(tmp_path: Path, certificates: Template) -> None:
    (tmp_path / "sub").mkdir()
    text = good(tmp_path, certificates, server="since = 2026-01-31T08:00:00Z\n").replace(
        "events.json", "sub/e.json"
    )
    made = plan(tmp_path, text)
    assert made.outputs["file"].spec.target == str(tmp_path / "sub/e.json")
    assert made.sources["fmc"].members[0].start == 1_769_846_400
    assert made.sources["fmc"].members[0].feed.server == "fmc.example.com:8302"
    assert made.outputs["file"].sources == ("fmc",)
    assert made == plan(tmp_path, text + "# the same in other words\n")
    assert (
        plan(tmp_path, good(tmp_path, certificates, server='since = "now"\n')).sources["fmc"].members[0].start
        == FROM_NOW
    )


MANY = """\
[client]
helth = "off"
health = "somewhere"
log_level = "loud"

[servers.one]
hosts = "a"
pkcs12 = "missing.pkcs12"
port = 99999
read_deadline = "long"

[servers.two]
host = "b"
flags = "0x1"
events = ["intrusion", "conection"]
since = "yesterday"

[servers.three]
host = "c"
certificate = "no certificate.pem"

[pairs.ha]
primary = "one"
secondary = "fourth"

[pairs.again]
primary = "one"
secondary = "three"

[filters.x]
networks = ["10.0.0.0/8", "10.1.1.1/8"]
rules = ["123"]
record_types = [400, "!x"]

[outputs.a]
format = "jsn"
[outputs.b]
format = "json"
target = "no folder/x.json"
settings = {rotate_size = "12x", idz = true}
servers = ["one", "zzz"]
filters = ["y"]
[outputs.c]
format = "syslog"
target = "udp://"
settings.facility = "locla4"
settings.ca = "missing.pem"
[outputs.d]
format = "json"
target = "x.json"
queue_bytes = "1"
[outputs.e]
format = "csv"
target = "./x.json"
full = "blok"
[outputs.f]
target = "y.json"
[output.g]
"""


def test_every_mistake_is_told_at_once_with_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "no certificate.pem").write_text("nothing")
    found = check(tmp_path, MANY)
    expected = {
        (2, "client.helth"): "did you mean 'health'?",
        (3, "client.health"): "write HOST:PORT",
        (4, "client.log_level"): "'loud' is none of debug, info, warning, error",
        (6, "servers.one"): "the setting 'host' is missing",
        (7, "servers.one.hosts"): "did you mean 'host'?",
        (8, "servers.one.pkcs12"): "No such file",
        (9, "servers.one.port"): "<= 65535",
        (10, "servers.one.read_deadline"): "expected a number",
        (12, "servers.two"): "which client is this?",
        (14, "servers.two.flags"): "no archive times",
        (15, "servers.two.events"): "'conection'",
        (16, "servers.two.since"): "is no time",
        (20, "servers.three.certificate"): "cannot be used",
        (24, "pairs.ha.secondary"): "there is no server 'fourth'",
        (27, "pairs.again.primary"): "belongs to the pair 'ha' already",
        (31, "filters.x.networks[1]"): "has host bits set",
        (32, "filters.x.rules[0]"): "is no rule",
        (33, "filters.x.record_types[1]"): "is no number",
        (36, "outputs.a.format"): "did you mean 'json'?",
        (39, "outputs.b.target"): "does not exist",
        (40, "outputs.b.settings.rotate_size"): "expected a size",
        (40, "outputs.b.settings.idz"): "did you mean 'ids'?",
        (41, "outputs.b.servers[0]"): "belongs to the pair 'ha'; name that",
        (41, "outputs.b.servers[1]"): "is no server and no pair",
        (42, "outputs.b.filters[0]"): "there is no filter 'y'",
        (45, "outputs.c.target"): "is no address",
        (46, "outputs.c.settings.facility"): "is none of kern,",
        (47, "outputs.c.settings.ca"): "No such file",
        (51, "outputs.d.queue_bytes"): "at least",
        (54, "outputs.e.target"): "outputs.d writes to",
        (55, "outputs.e.full"): "'blok' is none of block, drop, catch-up",
        (56, "outputs.f"): "the setting 'format' is missing",
        (58, "output"): "did you mean 'outputs'?",
    }
    told = {(line, key): text for line, key, text in found}
    assert told.keys() == expected.keys()
    for place, text in expected.items():
        assert text in told[place], (place, told[place])
    assert [line for line, _, _ in found] == sorted(line for line, _, _ in found)


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "no server is named"),
        ("[client\n", 1, "this is not TOML"),
        ("[client]\nstate = \n", 2, "this is not TOML"),
        ("client = 3\n", 1, "a section, not a single value"),
        ("servers = 3\n", 1, "write [servers.NAME]"),
        ("[servers]\nhost = 'x'\n", 2, "a server is a section: write [servers.NAME]"),
    ],
)
def test_files_that_are_hardly_configurations(tmp_path: Path, text: str, line: int, part: str) -> None:
    assert any(row == line and part in words for row, _, words in check(tmp_path, text)), check(
        tmp_path, text
    )


def test_passwords_are_tried(tmp_path: Path, certificates: Template) -> None:
    with Authority(certificates.state) as authority:
        (tmp_path / "c.pkcs12").write_bytes(authority.issue("pass.invalid", password="right"))
    (tmp_path / "wrong").write_text("wrong\n")
    (tmp_path / "right").write_text("right\n")
    text = '[servers.fmc]\nhost = "x"\npkcs12 = "c.pkcs12"\n{}[outputs.o]\nformat = "json"\n'
    needs = check(tmp_path, text.format(""))
    assert [(line, key) for line, key, _ in needs] == [(3, "servers.fmc.pkcs12")]
    assert "needs its password" in needs[0][2]
    assert (
        "cannot be opened with this password"
        in check(tmp_path, text.format('password_file = "wrong"\n'))[0][2]
    )
    assert check(tmp_path, text.format('password_file = "right"\n')) == []


def test_what_may_not_be_written_is_found(
    tmp_path: Path, certificates: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    locked = str(tmp_path / "locked")
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != locked)  # root may write everywhere
    text = good(tmp_path, certificates).replace("events.json", "locked/events.json")
    assert "no file can be made" in check(tmp_path, text)[0][2]


def test_a_server_that_nobody_listens_to_is_told(tmp_path: Path, certificates: Template) -> None:
    pem = certificates.certificates["one"]
    text = good(tmp_path, certificates, more='servers = ["fmc"]\n')
    text += f'[servers.idle]\nhost = "y"\ncertificate = "{pem}"\n'
    made = plan(tmp_path, text)
    assert list(made.sources) == ["fmc"]
    assert made.warnings == ("no output takes the events of idle; it is not connected",)


def test_what_outputs_and_filters_take_is_what_is_asked_for(tmp_path: Path, certificates: Template) -> None:
    more = 'filters = ["a"]\n[filters.a]\nevents = ["connection"]\n'
    more += '[outputs.p]\nformat = "pcap"\ntarget = "p.pcap"\n'
    made = plan(tmp_path, good(tmp_path, certificates, more=more))
    feed = made.sources["fmc"].members[0].feed
    assert feed.wanted.record_types is not None
    assert {2, 71} <= feed.wanted.record_types
    assert 400 not in feed.wanted.record_types
    assert {number for number, _ in feed.request.event_types} == {21, 12, 71}, "alerts come with packets"


def test_every_key_has_its_sentence_and_stands_in_the_example() -> None:
    entries = list(manual())
    assert all(entry.text.endswith((".", ")")) for entry in entries), [e.key for e in entries if not e.text]
    assert {entry.section for entry in entries} == set(SECTIONS)
    text = template()
    for entry in entries:
        assert f"{entry.key} = " in text
    everything = "\n".join(
        line.removeprefix("# ") if " = " in line and not line.endswith(".") else line
        for line in text.splitlines()
    ).replace("# [pairs.ha]", "[pairs.ha]")
    msgspec.convert(tomllib.loads(everything), Configuration)


def test_what_is_rendered_reads_back_the_same() -> None:
    configuration = Configuration(
        servers={"fmc 1": ServerSection(host='fmc"1', flags=5, events=["intrusion@9"])},
        filters={"f": FilterSection(record_types=[400, "!2"])},
        outputs={"o": OutputSection(format="syslog", settings={"group": 120, "ca": "é", "verify": False})},
    )
    text = render(configuration, {"": "Head.", "outputs.o": "Where.", "outputs.o.settings": "How."})
    assert text.startswith("# Head.\n")
    assert "# Where.\n[outputs.o]" in text
    assert msgspec.convert(tomllib.loads(text), Configuration) == configuration
