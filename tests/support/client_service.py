"""The client service inside the test process, and outputs that do what a test tells them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from openstreamer.client.service.checking import load
from openstreamer.client.service.running import ClientService
from openstreamer.client.service.states import OutputHealth, ServerHealth
from openstreamer.errors import OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, OutputFull, Refused, RefusedRecord
from support.live_service import LiveService, wait_until

PATIENCE = 30.0


def server_section(name: str, live: LiveService, certificate: str = "one", **more: Any) -> str:
    """A section for a service of the test."""
    lines = [
        f"[servers.{name}]",
        'host = "127.0.0.1"',
        f"port = {live.port}",
        f'certificate = "{live.certificates[certificate]}"',
        "retry_first_seconds = 0.05",
        "retry_limit_seconds = 0.3",
        *(f"{key} = {json.dumps(value)}" for key, value in more.items()),
    ]
    return "\n".join(lines) + "\n"


def output_section(name: str, kind: str, target: str, **more: Any) -> str:
    """A section for an output that tries again quickly."""
    values = {"retry_first_seconds": 0.05, "retry_limit_seconds": 0.2, **more}
    lines = [f"[outputs.{name}]", f'format = "{kind}"', f'target = "{target}"']
    return "\n".join([*lines, *(f"{key} = {json.dumps(value)}" for key, value in values.items())]) + "\n"


CLIENT = '[client]\nstate = "state"\nhealth = "off"\nsave_seconds = 0.1\n'


class Running:
    """A running client service and its configuration file."""

    def __init__(self, folder: Path, text: str, *, client: str = CLIENT) -> None:
        self.folder = folder
        self.file = folder / "client.toml"
        self.write(text, client=client)
        self.service = ClientService(load(self.file, state=folder / "unused"))
        self.service.start()

    def write(self, text: str, *, client: str = CLIENT) -> None:
        """Replace the configuration file."""
        self.file.write_text(client + text)

    def reload(self, text: str, *, client: str = CLIENT) -> None:
        """What SIGHUP does."""
        self.write(text, client=client)
        self.service.reload(load(self.file, state=self.folder / "unused"))

    def output(self, name: str) -> OutputHealth:
        """The state of an output."""
        return next(each for each in self.service.health().outputs if each.name == name)

    def server(self, name: str) -> ServerHealth:
        """The state of a server."""
        return next(
            server for each in self.service.health().sources for server in each.servers if server.name == name
        )

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until it is so."""
        wait_until(condition, PATIENCE, what)

    def wait_written(self, name: str, count: int) -> None:
        """Wait until an output has so many records."""
        self.wait(
            lambda: self.output(name).written >= count, f"{count} records in {name}: {self.output(name)}"
        )


@contextmanager
def running(folder: Path, text: str, *, client: str = CLIENT) -> Iterator[Running]:
    """Run the client service while the block runs."""
    run = Running(folder, text, client=client)
    try:
        yield run
    finally:
        assert run.service.stop(PATIENCE)


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file; one that is just being written is left out."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def numbers_of(path: Path) -> list[int]:
    """The event ids in a file of JSON lines, in order."""
    return [line["data"]["event_id"] for line in lines_of(path)]


class Behaviour:
    """What outputs of format "scripted" do, by target; and what they have seen."""

    def __init__(self) -> None:
        self.events: list[int] = []
        self.writes = self.opens = self.closes = self.finished = 0
        self.on_open: Callable[[], None] | None = None
        self.on_write: Callable[[Batch], None] | None = None
        self.lock = threading.Lock()

    @property
    def counted(self) -> Counter[int]:
        """How often each event came."""
        return Counter(self.events)


class Gate:
    """Lets writes wait, or refuses them, until it is opened."""

    def __init__(self, error: type[OutputError] | None = OutputFull) -> None:
        self.opened = threading.Event()
        self._error = error

    def __call__(self, batch: Batch) -> None:
        if self.opened.is_set():
            return
        if self._error is not None:
            raise self._error("is shut", target="the gate")
        assert self.opened.wait(PATIENCE)


def refusing(numbers: set[int]) -> Callable[[Batch], None]:
    """Refuses events of these numbers for good; takes the others."""

    def on_write(batch: Batch) -> None:
        rows = [
            RefusedRecord(index, f"{event.data.event_id} is not wanted")
            for index, event in enumerate(batch.events())
            if event.data.event_id in numbers
        ]
        if rows:
            raise Refused(rows, target="scripted")

    return on_write


class ScriptedConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


class ScriptedOutput(Output):
    """Asks `behaviours` what to do."""

    Config = ScriptedConfig
    title = "for tests"
    behaviours: ClassVar[dict[str, Behaviour]] = {}

    @classmethod
    def complete_target(cls, target: str) -> str:
        return target

    @property
    def _behaviour(self) -> Behaviour:
        return self.behaviours.setdefault(self.target, Behaviour())

    def open(self, place: dict[str, Any] | None) -> None:
        behaviour = self._behaviour
        behaviour.opens += 1
        if behaviour.on_open is not None:
            behaviour.on_open()

    def write(self, batch: Batch) -> None:
        behaviour = self._behaviour
        behaviour.writes += 1
        refused: set[int] = set()
        error: Refused | None = None
        if behaviour.on_write is not None:
            try:
                behaviour.on_write(batch)
            except Refused as refusal:
                error = refusal
                refused = {row.index for row in refusal.refused}
        behaviour.events += [
            event.data.event_id for index, event in enumerate(batch.events()) if index not in refused
        ]
        if error is not None:
            raise error

    def finish(self) -> None:
        self._behaviour.finished += 1

    def close(self) -> None:
        self._behaviour.closes += 1
