"""A file becomes a `Plan`, or `Mistakes`: all that is wrong with it, found in one go.

Nothing is connected and nothing is written, but files that the configuration names are read: certificates
are opened with their passwords, and outputs are made (not opened), because each knows best what it cannot do.
What a section means by itself is in configuration.py, how sections are read in mistakes.py, servers and
outputs have modules of their own.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from openstreamer.client.service.check_context import Context
from openstreamer.client.service.check_outputs import OutputChecks
from openstreamer.client.service.check_servers import ServerChecks
from openstreamer.client.service.configuration import SECTIONS, ClientSection, Configuration, Section
from openstreamer.client.service.filters import Filter
from openstreamer.client.service.mistakes import Collector, Mistake, Mistakes
from openstreamer.client.service.plan import Plan
from openstreamer.client.service.toml_lines import lines_of
from openstreamer.errors import UsageError

_INSTEAD: dict[str, dict[str, Any]] = {"servers": {"host": "?"}}
"""What stands in for a key that is missing, so that the rest of its section can be judged."""


def load(path: str | os.PathLike[str], *, state: str | os.PathLike[str]) -> Plan:
    """Read and check a file.

    Args:
        path: the file. state: the state directory, where the file does not name one.

    Raises:
        Mistakes: what is wrong with it.
    """
    where = os.fspath(path)
    text = _text(where)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Mistakes(where, [_syntax(str(error), text)]) from error
    collector = Collector(lines_of(text))
    context = Context(tree, _read(tree, collector), collector, Path(os.path.abspath(where)).parent)
    plan = _judge(context, Path(state))
    if collector.found:
        raise Mistakes(where, collector.found)
    return plan


def _text(where: str) -> str:
    try:
        with open(where, "rb") as file:
            return file.read().decode()
    except OSError as error:
        raise Mistakes(where, [Mistake(1, "", f"it cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Mistakes(where, [Mistake(line, "", "it is not UTF-8 text")]) from error


def _syntax(message: str, text: str) -> Mistake:
    reason, found, place = message.partition(" (at line ")
    line = place.partition(",")[0]
    if found and line.isdecimal():
        return Mistake(int(line), "", f"this is not TOML: {reason[:1].lower()}{reason[1:]}")
    return Mistake(text.count("\n") + 1, "", f"this is not TOML: {message[:1].lower()}{message[1:]}")


def _read(tree: dict[str, Any], collector: Collector) -> Configuration:
    """What can be read of the file; what cannot is noted and left out."""
    sections: dict[str, Any] = {}
    for name, value in tree.items():
        kind = SECTIONS.get(name)
        if kind is None:
            collector.add((name,), f"there is no such section{Collector.nearest(name, SECTIONS)}")
        elif kind is ClientSection:
            sections[name] = collector.read(kind, value, (name,)) or ClientSection()
        elif not isinstance(value, dict):
            collector.add((name,), f"each of these has a name: write [{name}.NAME]")
        else:
            sections[name] = _read_named(name, kind, value, collector)
    return Configuration(**sections)


def _read_named(
    name: str, kind: type[Section], value: dict[str, Any], collector: Collector
) -> dict[str, Any]:
    found = {}
    singular = name.removesuffix("s")
    for each, part in value.items():
        if not isinstance(part, dict):
            collector.add((name, each), f"a {singular} is a section: write [{name}.NAME]")
            continue
        if not each or not all(letter.isalnum() or letter in "-_." for letter in each) or each[0] == ".":
            collector.add((name, each), "a name is made of letters, digits, - _ and .")
        section = collector.read(kind, part, (name, each), instead=_INSTEAD.get(name))
        if section is not None:
            found[each] = section
    return found


def _judge(context: Context, state: Path) -> Plan:
    """Judge all sections together. What could not be read is left out; its mistakes are noted already."""
    configuration = context.configuration
    client = configuration.client
    if client.state:
        state = Path(context.path(client.state))
    _check_health(context, client)
    _check_state(context, state)
    for name, section in configuration.filters.items():
        for key, number, text in Filter(section).problems:
            context.collector.add(("filters", name, key, number), text)
    servers, outputs = ServerChecks(context), OutputChecks(context)
    members = servers.sources()
    taking = outputs.plans(state, members)
    outputs.check_targets(taking)
    sources = {}
    for name, each in members.items():
        plan = servers.plan(name, each, state, taking)
        if not any(name in output.sources for output in taking.values()):
            context.warnings.append(f"no output takes the events of {name}; it is not connected")
        elif plan is not None:
            sources[name] = plan
    return Plan(client=client, state=state, sources=sources, outputs=taking, warnings=tuple(context.warnings))


def _check_health(context: Context, client: ClientSection) -> None:
    if client.health != "off":
        try:
            parse_health(client.health)
        except UsageError as error:
            context.collector.add(("client", "health"), str(error))


def _check_state(context: Context, state: Path) -> None:
    there = state
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = "is no directory" if not there.is_dir() else "cannot be written"
        context.collector.add(("client", "state"), f"the state directory {state}: {there} {what}")


def parse_health(text: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        UsageError: it is neither.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise UsageError(f'{text!r} is no address; write HOST:PORT, or "off"')
    return host, int(port)
