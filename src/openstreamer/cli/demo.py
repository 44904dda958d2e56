"""`openstreamer demo`: server, sensor data and client on this machine, with the commands one would type.

Everything is real: a state directory (a temporary one), a service that listens on a loopback port of the
system's choice, a client's certificate, the events of a sensor (`openstreamer.samples`), and a client that
asks for them over TLS. Each step is a command run as a process of its own and shown as it is. On a terminal
the service stays up until Ctrl-C; elsewhere the demonstration ends by itself. Nothing is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import click

from openstreamer.cli.common import examples
from openstreamer.errors import MissingExtra, OpenStreamerError

START_SECONDS = 20.0
"""How long the service may take to listen."""

STEP_SECONDS = 60.0
"""How long any other step may take."""

LINES_PER_SECOND = 120
"""Pace of the events on a terminal, so that one can see them pass."""


@click.command(
    "demo",
    short_help="Show all of it on this machine, in one terminal.",
    epilog=examples("openstreamer demo", "openstreamer demo --no-wait | less"),
)
@click.option(
    "--wait/--no-wait",
    default=None,
    help="Keep the service up until Ctrl-C. [default: only where output is a terminal]",
)
def command(wait: bool | None) -> None:
    """Start a server and a client on this machine, play a sample of sensor data, and show the events.

    The sample is made by the project: ten minutes at the border of a small office network, as the sensor
    Suricata saw them. Everything happens in a temporary directory that is removed at the end.
    """
    terminal = sys.stdout.isatty()
    with tempfile.TemporaryDirectory(prefix="openstreamer-demo-") as folder:
        stay = terminal if wait is None else wait
        Demonstration(Path(folder), terminal=terminal).run(wait=stay)
    if stay:
        click.echo("Stopped; everything is gone.")


class Demonstration:
    """The steps, and the folder they work in."""

    def __init__(self, folder: Path, *, terminal: bool) -> None:
        self.folder = folder
        self.terminal = terminal
        self.pages = ""
        self.environment = {**os.environ, "OPENSTREAMER_STATE": str(folder / "state")}
        self.environment.pop("OPENSTREAMER_PASSWORD", None)
        self.environment["PYTHONUNBUFFERED"] = "1"
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
            self.environment[variable] = str(folder / "home")

    def run(self, *, wait: bool) -> None:
        """All steps, from an empty directory to the events. Raises OpenStreamerError where one fails."""
        pkcs12 = self.folder / "localhost.pkcs12"
        sample = self.folder / "sample.eve.json"
        lines = self.folder / "events.jsonl"
        sample.write_bytes((resources.files("openstreamer.samples") / sample.name).read_bytes())
        self.heading("A state directory, and a client that may connect")
        self.show(["init"])
        self.show(["clients", "add", "localhost", "--out", str(pkcs12)])
        self.heading("The service")
        with self.service() as port:
            self.heading("Events of a sensor go into the store")
            self.show(["feed", "eve", str(sample)])
            self.heading("A client asks for them, over TLS, and prints what it gets")
            server = ["stream", "localhost", "--port", str(port), "--pkcs12", str(pkcs12)]
            everything = [*server, "--since", "beginning", "--idle-exit", "1"]
            self.show(everything, hidden=self.print_options(), paced=True)
            self.heading("The same for programs: one line of JSON an event")
            self.show([*everything, "-o", "json", "-f", str(lines)])
            self.summary(lines)
            self.how_to_go_on(server, sample, lines, stays=wait)
            if wait:
                self.wait()

    def heading(self, text: str) -> None:
        """A line between two steps."""
        click.secho(f"\n== {text}", bold=True)

    def prompt(self, arguments: list[str], tail: str = "") -> None:
        """Show a command as it would be typed."""
        click.secho(f"$ openstreamer {shlex.join(arguments)}{tail}", fg="cyan")

    def print_options(self) -> list[str]:
        """What makes the events look as they would if the client wrote to this terminal itself."""
        if not self.terminal:
            return []
        colour = "never" if "NO_COLOR" in os.environ else "always"
        return ["-o", f"print:colour={colour},width={shutil.get_terminal_size().columns}"]

    def show(self, arguments: list[str], *, hidden: Sequence[str] = (), paced: bool = False) -> None:
        """Show a command, run it, and show what it writes. Raises OpenStreamerError if it fails.

        `hidden` are further arguments that only make up for the pipe in between.
        """
        self.prompt(arguments)
        deadline = time.monotonic() + STEP_SECONDS
        process = self.start([*arguments, *hidden], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    click.echo(line, nl=False)
                    if paced and self.terminal:
                        time.sleep(1 / LINES_PER_SECOND)
                status = process.wait(max(1.0, deadline - time.monotonic()))
            except BaseException:
                process.terminate()
                raise
        if status != 0:
            raise OpenStreamerError(f"'openstreamer {arguments[0]}' ended with status {status}")

    def start(self, arguments: list[str], *, stdout: int, stderr: int) -> subprocess.Popen[str]:
        """Start one of our commands as a process that cannot ask questions."""
        return subprocess.Popen(
            [sys.executable, "-m", "openstreamer", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=self.environment,
            encoding="utf-8",
            errors="replace",
        )

    @contextlib.contextmanager
    def service(self) -> Iterator[int]:
        """Run the service; gives the port it listens on, and stops it at the end."""
        arguments = ["serve", "--listen", "localhost:0", "--web", "localhost:0"]
        self.prompt(arguments, " &")
        with (self.folder / "serve.log").open("w+") as log:
            process = self.start(arguments, stdout=log.fileno(), stderr=log.fileno())
            try:
                yield self.port_of(process)
            except OpenStreamerError as error:
                log.seek(0)
                raise OpenStreamerError(f"{error}\n{log.read().rstrip()}".rstrip()) from error
            finally:
                process.terminate()
                try:
                    process.wait(START_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def port_of(self, process: subprocess.Popen[str]) -> int:
        """Wait until the service listens and return its port."""
        from openstreamer.server import state as state_module

        state = state_module.find(self.environment["OPENSTREAMER_STATE"])
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise OpenStreamerError(f"the service ended with status {process.returncode}")
            about = state_module.running_service(state) or {}
            addresses = about.get("listen")
            if isinstance(addresses, list) and addresses:
                self.pages = str(about.get("web") or "")
                click.echo(f"It listens on {', '.join(map(str, addresses))}.")
                if self.pages:
                    click.echo(f"Its pages are on {self.pages}, the password is the one above.")
                else:
                    click.echo(f"It has no pages: {MissingExtra('the web interface', 'web')}")
                return int(str(addresses[0]).rpartition(":")[2])
            time.sleep(0.05)
        raise OpenStreamerError(f"the service did not listen within {START_SECONDS:.0f} seconds")

    def summary(self, path: Path) -> None:
        """How many events of each class came; OpenStreamerError if none did."""
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        if not rows:
            raise OpenStreamerError("no events arrived")
        click.echo(shorten(path.read_text("utf-8").split("\n", 1)[0]))
        self.heading(f"{len(rows)} events came through")
        for name, count in Counter(row["event"] for row in rows).most_common():
            click.echo(f"{count:>6}  {name}")
        rules: Counter[str] = Counter(
            row.get("names", {}).get("rule", "") for row in rows if row["event"] == "intrusion_event"
        )
        click.echo("\nMost frequent alerts:")
        for name, count in rules.most_common(5):
            click.echo(f"{count:>6}  {name}")

    def how_to_go_on(self, server: list[str], sample: Path, lines: Path, *, stays: bool) -> None:
        """Commands to copy, for a second terminal or for a server of one's own."""
        if stays:
            self.heading("The service is still up. In another terminal:")
            state = shlex.quote(self.environment["OPENSTREAMER_STATE"])
            click.secho(f"$ export OPENSTREAMER_STATE={state}", fg="cyan")
            self.prompt([*server, "-o", "csv"])
            self.prompt([*server, "-o", "pcapng", "-f", "packets.pcapng"])
            self.prompt(["feed", "eve", str(sample), "--again"])
            self.prompt(["explain", "record", "400"])
            click.echo(f"The events as JSON lines: {lines}")
            if self.pages:
                click.secho(f"To look at in a browser: {self.pages}", bold=True)
        else:
            self.heading("A server of your own")
            self.prompt(["init"])
            self.prompt(["clients", "add", "localhost"])
            self.prompt(["serve", "--input", "eve:/var/log/suricata/eve.json"])
            click.echo("and in a second terminal")
            self.prompt(["stream", "localhost", "--pkcs12", "localhost.pkcs12"])

    def wait(self) -> None:
        """Until Ctrl-C, which is the proper end here."""
        try:
            click.secho("\nCtrl-C stops the service and removes everything.", bold=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            click.echo()


def shorten(text: str, limit: int = 300) -> str:
    """The beginning of a long line."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
