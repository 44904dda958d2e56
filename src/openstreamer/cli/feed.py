"""`openstreamer feed`: put the events of files into the event log, beside a running service or without one.

What a format's lines become is in `docs/inputs-eve.md` and `docs/inputs-json.md`; how files are followed and
found again is in the former. Here are the options, the progress on a terminal and the summary.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.common import INTERRUPTED, console, examples, report, state_option
from openstreamer.errors import OpenStreamerError, UsageError

if TYPE_CHECKING:
    from openstreamer.inputs.interface import Input
    from openstreamer.server.intake import Intake, Totals

FULL_SECONDS = 30.0
"""How long `feed` waits for room in a full event log; with `--follow` it waits for ever."""

NAMED_LINES = 20
"""Broken lines that the summary names."""


@click.command(
    "feed",
    short_help="Put events of a file into the event log.",
    epilog=examples(
        "openstreamer feed eve /var/log/suricata/eve.json.1.gz",
        "openstreamer feed eve /var/log/suricata/eve.json --follow",
        "openstreamer stream fmc.example.net --pkcs12 me.pkcs12 -o json | openstreamer feed json -",
    ),
)
@click.argument("format_name", metavar="FORMAT")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--follow", is_flag=True, help="Go on as the files grow, across rotation, until stopped.")
@click.option("--again", is_flag=True, help="Read what was read before once more, and add it once more.")
@click.option("--sensor", metavar="NAME", help="Device name for lines that carry none. [default: suricata]")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print no summary, only what went wrong.")
@state_option
def command(
    format_name: str,
    files: tuple[str, ...],
    follow: bool,
    again: bool,
    sensor: str | None,
    as_json: bool,
    quiet: bool,
    state: Path | None,
) -> int:
    """Put events of files into the event log of a running or stopped service.

    FORMAT is eve (Suricata's EVE JSON) or json (what 'stream -o json' writes). FILE may be compressed (.gz),
    or - for standard input.

    Each file is remembered by its content: the same file again adds nothing, whatever its name, and a file
    that has grown adds its new lines. Lines that cannot be read are counted, named and left out.
    """
    from openstreamer.inputs import registry
    from openstreamer.inputs.uri import make_input

    settings: dict[str, Any] = {"follow": follow, "again": again}
    if sensor is not None:
        settings["sensor"] = sensor
    if files.count("-") > 1:
        raise UsageError("standard input can be read once only")
    if format_name not in registry.names():
        formats = ", ".join(registry.file_formats())
        raise UsageError(f"there is no format {format_name!r}; there are: {formats}")
    if not registry.find(format_name).reads_files:
        raise UsageError(
            f"{format_name} is not the format of a file; use 'openstreamer serve --input {format_name}:…'"
        )
    inputs = [make_input(format_name, {"path": name, **settings}) for name in files]
    return Feed(inputs, state, follow=follow, as_json=as_json, quiet=quiet).run()


class Feed:
    """One run of the command."""

    def __init__(
        self, inputs: list[Input], state: Path | None, *, follow: bool, as_json: bool, quiet: bool
    ) -> None:
        self.inputs = inputs
        self.state = state
        self.follow = follow
        self.as_json = as_json
        self.quiet = quiet
        self.stop = threading.Event()
        self.signal = 0
        self.intakes: list[Intake] = []
        self.failures: list[OpenStreamerError] = []
        self.progress: Progress | None = None
        self.started = time.monotonic()

    def run(self) -> int:
        """Read everything, and return the exit status. Raises OpenStreamerError before anything is read."""
        from openstreamer.authority import Authority
        from openstreamer.server import settings as settings_module
        from openstreamer.server import state as state_module
        from openstreamer.server.intake import Intake
        from openstreamer.server.roles import role_events
        from openstreamer.store import open_store

        directory = state_module.open_state(self.state)
        settings = settings_module.load(directory.settings)
        authority = Authority(directory.path).load()
        store = open_store(directory.store, synchronous=settings.store.synchronous)
        try:
            with self.signals(), Progress(sys.stderr.isatty() and not self.quiet) as self.progress:
                switches = Switches(authority.registry, role_events(settings))
                self.intakes = [
                    Intake(
                        store,
                        source,
                        enabled=switches.enabled,
                        stop=self.stop,
                        stored=self.show_progress,
                        report=self.say,
                        batch_records=settings.store.batch_records,
                        full_seconds=None if self.follow else FULL_SECONDS,
                    )
                    for source in self.inputs
                ]
                self.read()
        finally:
            store.close()
            authority.close()
        for error in self.failures:
            report(error)
        if not self.quiet or self.as_json:
            self.summary()
        if self.signal and not (self.follow and self.signal == signal.SIGTERM):
            return INTERRUPTED
        return 1 if self.failures or any(intake.waiting for intake in self.intakes) else 0

    def read(self) -> None:
        """Run the inputs: one after the other, or all at once where they are followed."""
        if not self.follow or len(self.intakes) == 1:
            for intake in self.intakes:
                self.run_one(intake)
            return
        threads = [
            threading.Thread(target=self.run_one, args=(intake,), name=f"feed {intake.source.name}")
            for intake in self.intakes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a short wait lets signals in
                thread.join(0.5)

    def run_one(self, intake: Intake) -> None:
        """Run one input to its end; what goes wrong is kept."""
        from openstreamer.errors import StoreError

        try:
            intake.run()
        except StoreError as error:
            self.failures.append(error)
            self.stop.set()
        except OpenStreamerError as error:
            self.failures.append(error)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT end the run once the batch at hand is stored, a second one at once."""

        def on_signal(number: int, _frame: object) -> None:
            if self.signal:
                raise KeyboardInterrupt
            self.signal = number
            self.stop.set()

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def say(self, level: int, sentence: str) -> None:
        """A sentence for the operator, on standard error."""
        if level < logging.WARNING and self.quiet:
            return
        if self.progress is not None:
            self.progress.say(sentence)

    def show_progress(self) -> None:
        """Called after each stored batch."""
        if self.progress is not None and self.progress.shown:
            parts = [part for intake in self.intakes if (part := intake.source.progress()) is not None]
            lines = sum(intake.totals.lines for intake in self.intakes)
            events = sum(intake.totals.events.total() for intake in self.intakes)
            name = self.inputs[0].name if len(self.inputs) == 1 else f"{len(self.inputs)} files"
            part = parts[0] if parts and not self.follow else None
            self.progress.update(name, part, lines, events, time.monotonic() - self.started)

    def summary(self) -> None:
        """What was read and stored, on standard output."""
        from openstreamer.server.intake import Totals

        total = Totals()
        for intake in self.intakes:
            merge(total, intake.totals)
        seconds = time.monotonic() - self.started
        if self.as_json:
            click.echo(json.dumps(as_dict(total, seconds)))
            return
        for line in describe(total, seconds):
            click.echo(line)


class Switches:
    """The event types that are switched on, looked up again when somebody has changed them."""

    def __init__(self, registry: Any, offered: Collection[str]) -> None:
        """`offered` are the event types that the server's role has."""
        self._registry = registry
        self._offered = offered
        self._lock = threading.Lock()
        registry.changed()
        self._enabled: Collection[str] = registry.server_events().intersection(offered)

    def enabled(self) -> Collection[str]:
        """Cheap: asked for every batch."""
        with self._lock:
            if self._registry.changed():
                self._enabled = self._registry.server_events().intersection(self._offered)
            return self._enabled


class Progress:
    """A line on a terminal that says how far the work is; nothing where there is no terminal."""

    def __init__(self, shown: bool) -> None:
        self.shown = shown
        self._update: Callable[..., None] | None = None
        self._print: Callable[[str], None] = lambda sentence: click.echo(sentence, err=True)
        self._close: Callable[[], None] = lambda: None

    def __enter__(self) -> Progress:
        if self.shown:
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _start(self) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as RichProgress

        bar = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=console(stderr=True),
            transient=True,
        )
        task = bar.add_task("reading", total=None, numbers="")
        bar.start()

        def update(name: str, part: float | None, numbers: str) -> None:
            bar.update(
                task,
                description=name,
                total=None if part is None else 1.0,
                completed=part or 0.0,
                numbers=numbers,
            )

        self._update = update
        self._print = lambda sentence: bar.console.print(sentence, markup=False)
        self._close = bar.stop

    def update(self, name: str, part: float | None, lines: int, events: int, seconds: float) -> None:
        """Show how far it is; `part` is 0 to 1, or None where that is not known."""
        if self._update is not None:
            rate = round(lines / seconds) if seconds > 0.5 else 0
            self._update(
                name, part, f"{lines} lines, {events} events" + (f", {rate} lines/s" if rate else "")
            )

    def say(self, sentence: str) -> None:
        """Print a sentence without disturbing the line."""
        self._print(sentence)


def merge(total: Totals, other: Totals) -> None:
    """Add the numbers of one input to those of all."""
    total.lines += other.lines
    total.bytes += other.bytes
    total.metadata += other.metadata
    total.hosts += other.hosts
    total.broken += other.broken
    total.broken_lines += other.broken_lines
    for name in ("events", "dropped", "skipped", "notes"):
        getattr(total, name).update(getattr(other, name))


def as_dict(total: Totals, seconds: float) -> dict[str, object]:
    """The summary for programs."""
    return {
        "lines": total.lines,
        "bytes": total.bytes,
        "events": dict(total.events),
        "dropped": dict(+total.dropped),
        "skipped": dict(total.skipped),
        "metadata": total.metadata,
        "hosts": total.hosts,
        "notes": dict(total.notes),
        "broken": total.broken,
        "broken_lines": [
            {"file": broken.source, "line": broken.line, "reason": broken.reason}
            for broken in total.broken_lines
        ],
        "seconds": round(seconds, 3),
    }


def describe(total: Totals, seconds: float) -> Iterator[str]:
    """The summary for people, line by line."""
    yield (
        f"{total.lines} lines read, {total.events.total()} events stored in {seconds:.1f} s"
        + (f": {_counts(total.events)}" if total.events else "")
    )
    if total.hosts:
        yield f"{total.hosts} host profiles kept for host data requests"
    dropped = +total.dropped
    if dropped:
        yield f"not stored, their event type is switched off: {_counts(dropped)}"
    if total.skipped:
        yield f"no event in {total.skipped.total()} lines: {_counts(total.skipped)}"
    if total.notes:
        yield f"noticed: {_counts(total.notes)}"
    if total.broken:
        named = [f"{broken.source}:{broken.line}" for broken in total.broken_lines[:NAMED_LINES]]
        more = ", ..." if total.broken > len(named) else ""
        yield f"{total.broken} broken lines left out: {', '.join(named)}{more}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())
