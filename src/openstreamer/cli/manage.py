"""`openstreamer manage`: start, stop, reload, restart and watch the service, by verb or by numbered menu.

Where systemd has the unit of this state directory, it is asked to start and stop the service; elsewhere the
service is started as a daemon. Reloading, status and stopping go over the control socket. Rules:
`docs/manage.md`. Not here: what the service does when asked (`server.run`).
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.changes import note_in
from openstreamer.cli.common import examples, state_option
from openstreamer.cli.kept_options import check_options, read_kept, write_kept
from openstreamer.cli.status_words import describe
from openstreamer.errors import OpenStreamerError, StateError, TransportError, UsageError

if TYPE_CHECKING:
    from openstreamer.server.state import StateDirectory

ACTIONS = ("start", "stop", "reload", "restart", "status", "enable", "disable")

MENU = {"1": "start", "2": "stop", "3": "reload", "4": "restart", "5": "status"}
"""Numbers of the menu; 1 to 4 are those of the product."""

UNIT = "openstreamer.service"

UNIT_STATE = Path("/var/lib/openstreamer")
"""State directory of the unit; services of other directories are none of its business."""

SYSTEMD_RUNS = Path("/run/systemd/system")
"""Is there where systemd is the system's manager."""

START_SECONDS = 60.0
STOP_SECONDS = 30.0
"""How long a start or stop may take; `stop_seconds` of the settings comes on top of a stop."""


@click.command(
    "manage",
    short_help="Start, stop, reload and watch the service.",
    context_settings={"ignore_unknown_options": True},
    epilog=examples(
        "openstreamer manage start",
        "openstreamer manage restart --input eve:/var/log/suricata/eve.json",
        "openstreamer manage status --json",
    ),
)
@click.argument("action", metavar="[ACTION]", required=False)
@click.argument("options", metavar="[OPTION OF SERVE]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="status: print all numbers as JSON.")
@click.option("--forget", is_flag=True, help="start, restart: forget the options kept from earlier starts.")
@click.option("--debug", is_flag=True, help="start, restart: an option of the service, kept like others.")
@state_option
def command(
    action: str | None,
    options: tuple[str, ...],
    as_json: bool,
    forget: bool,
    debug: bool,
    state: Path | None,
) -> int:
    """Start, stop, reload, restart or show the service; without ACTION a numbered menu asks.

    ACTION is start, stop, reload, restart, status, enable or disable. Options after start and restart are
    those of 'openstreamer serve'; they are passed to the service and kept for later starts, until others
    are given. 'reload' reads settings, clients and certificates anew; sessions still allowed go on.
    'enable' and 'disable' say whether the service starts with the system, where systemd runs.
    'status' ends with 1 if the service does not run.
    """
    from openstreamer.server.state import open_state

    if action is not None and action not in ACTIONS:
        raise UsageError(f"there is no action '{action}'; there are {', '.join(ACTIONS)}")
    starts = action in ("start", "restart")
    given = [*options, *(["--debug"] if debug and starts else [])]
    if options and not starts:
        raise UsageError(
            f"unexpected: {' '.join(options)}; only start and restart take options of the service"
        )
    if forget and not starts:
        raise UsageError("--forget goes with start and restart")
    if as_json and action != "status":
        raise UsageError("--json goes with status")
    manager = Manager(open_state(state))
    if action is None:
        return menu(manager)
    return manager.do(action, given, forget=forget, as_json=as_json)


def menu(manager: Manager) -> int:
    """Ask for numbers until "q" or the end of input; a failure is told and the menu goes on."""
    while True:
        for number, action in MENU.items():
            click.echo(f"  {number}  {action}")
        click.echo("  q  leave")
        click.echo("Choice: ", nl=False)
        sys.stdout.flush()
        line = sys.stdin.readline()
        choice = line.strip().lower()
        if not sys.stdin.isatty():
            click.echo()
        if not line or choice == "q":
            return 0
        action = MENU.get(choice, choice)
        if action not in MENU.values():
            click.echo(f"'{choice}' is none of the choices")
            continue
        try:
            manager.do(action)
        except OpenStreamerError as error:
            click.echo(f"openstreamer: {error}", err=True)


class Manager:
    """Does the actions on the service of one state directory."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state

    def do(
        self, action: str, options: Sequence[str] = (), *, forget: bool = False, as_json: bool = False
    ) -> int:
        """Do one action and say what happened; returns the exit status. Raises OpenStreamerError."""
        if action == "start":
            self.start(options, forget=forget)
        elif action == "restart":
            self.restart(options, forget=forget)
        elif action == "stop":
            self.stop()
        elif action == "reload":
            self.reload()
        elif action == "status":
            return self.status(as_json=as_json)
        else:
            self.enable(action)
        return 0

    def start(self, options: Sequence[str], *, forget: bool) -> None:
        """Start the service unless it runs."""
        if (about := self._running()) is not None:
            if options or forget:
                raise UsageError(
                    f"the service runs already (process {about.get('pid')}); 'openstreamer manage restart' "
                    "with these options applies them"
                )
            click.echo(f"the service runs already (process {about.get('pid')})")
            return
        self._start(self._checked(options, forget=forget))

    def restart(self, options: Sequence[str], *, forget: bool) -> None:
        """Stop the service if it runs, and start it."""
        from openstreamer.authority import Authority
        from openstreamer.authority.tls import server_context
        from openstreamer.server.settings import load

        kept = self._checked(options, forget=forget)
        # A wrong setting or a certificate that cannot be used must not leave the service stopped.
        settings = load(self._state.settings)
        with Authority(self._state.path).load() as authority:
            server_context(authority.server_context_files(), minimum=settings.protocol.minimum_tls)
        if self._running() is not None:
            self.stop()
        self._start(kept)

    def stop(self) -> None:
        """Stop the service in an orderly way and wait for its end."""
        from openstreamer.server.control import ask

        about = self._running()
        if about is None:
            click.echo("the service does not run")
            return
        if self._systemd() and self._systemctl("is-active", "--quiet", check=False) == 0:
            self._systemctl("stop")
        else:
            try:
                ask(self._state, "stop")
            except TransportError:
                self._terminate(about)
        deadline = time.monotonic() + STOP_SECONDS + self._stop_seconds()
        while self._running() is not None:
            if time.monotonic() > deadline:
                raise StateError(f"the service (process {about.get('pid')}) does not stop; see its log")
            time.sleep(0.05)
        note_in(self._state, "service stopped")
        click.echo("the service has stopped")

    def reload(self) -> None:
        """Let the service read settings, clients and certificates anew."""
        from openstreamer.server.control import ask

        self._need_running()
        result = ask(self._state, "reload")
        note_in(self._state, "service reloaded")
        click.echo(f"reloaded; open sessions: {result['sessions']}")
        if result["restart"]:
            click.echo(f"these settings changed and need a restart: {', '.join(result['restart'])}")

    def status(self, *, as_json: bool) -> int:
        """Print what the service says of itself; returns 1 if it does not run."""
        from openstreamer.server.control import ask

        about = self._running()
        if about is None:
            click.echo("the service does not run", err=as_json)
            return 1
        numbers = ask(self._state, "status")
        if as_json:
            click.echo(json.dumps(numbers, indent=2))
        else:
            click.echo("\n".join(describe(about, numbers)))
        return 0

    def enable(self, action: str) -> None:
        """Let systemd start the service with the system, or not."""
        if not self._systemd():
            raise StateError(
                f"systemd has no unit {UNIT} for {self._state.path}; what starts with this system is set "
                "elsewhere, and 'openstreamer manage start' starts the service now"
            )
        self._systemctl(action)
        note_in(self._state, f"start with the system {action}d")
        click.echo(f"the service {'starts' if action == 'enable' else 'does not start'} with the system")

    # starting

    def _checked(self, options: Sequence[str], *, forget: bool) -> dict[str, Any]:
        """Options and directory to start with; UsageError if the options are not those of the service."""
        if forget or options:
            # A unit may not see the folder of whoever calls; there paths have to be whole.
            directory = str(self._state.path) if self._systemd() else os.getcwd()
            kept = {"options": list(options), "directory": directory}
        else:
            kept = read_kept(self._state)
        check_options(kept["options"])
        return kept

    def _start(self, kept: dict[str, Any]) -> None:
        if self._systemd():
            write_kept(self._state, kept)  # the unit reads them
            self._systemctl("start")
        else:
            self._start_daemon(kept)
            write_kept(self._state, kept)
        # Names only: a value may be a password.
        names = [option.partition("=")[0] for option in kept["options"] if option.startswith("--")]
        note_in(self._state, "service started", options=names)
        about = self._running() or {}
        listen = about.get("listen")
        where = f"; it listens on {', '.join(listen)}" if isinstance(listen, list) and listen else ""
        click.echo(f"the service has started (process {about.get('pid')}){where}")
        if kept["options"]:
            click.echo(f"with the options {shlex.join(kept['options'])}")

    def _start_daemon(self, kept: dict[str, Any]) -> None:
        command = [sys.executable, "-P", "-m", "openstreamer", "serve", "--daemon"]
        try:
            done = subprocess.run(
                [*command, "--state", str(self._state.path), *kept["options"]],
                cwd=kept["directory"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StateError(f"the service does not come up; see {self._state.log}") from None
        except OSError as error:
            raise StateError(f"cannot start the service in {kept['directory']}: {error.strerror}") from error
        if done.returncode:
            sentence = done.stderr.decode("utf-8", "replace").strip().removeprefix("openstreamer: ")
            failure = OpenStreamerError(sentence or "the service did not start")
            failure.exit_status = done.returncode if done.returncode > 0 else 1
            raise failure

    # the running service

    def _running(self) -> dict[str, object] | None:
        from openstreamer.server.state import running_service

        return running_service(self._state)

    def _need_running(self) -> None:
        if self._running() is None:
            failure = StateError("the service does not run; 'openstreamer manage start' starts it")
            failure.exit_status = 1
            raise failure

    def _terminate(self, about: dict[str, object]) -> None:
        """End a service that does not answer: the lock it holds says that the number is still its own."""
        import signal

        pid = about.get("pid")
        if not isinstance(pid, int):
            raise StateError(f"the service does not answer, and {self._state.service} does not name it")
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has just ended
        except PermissionError as error:
            raise StateError(f"no permission to stop process {pid}; run as its user") from error

    def _stop_seconds(self) -> float:
        from openstreamer.server.settings import load

        try:
            return load(self._state.settings).server.stop_seconds
        except UsageError:
            return 0.0  # a broken file must not keep a service from being stopped

    # systemd

    def _systemd(self) -> bool:
        """Whether systemd runs and has the unit of this state directory."""
        if self._state.path != UNIT_STATE or not SYSTEMD_RUNS.is_dir() or shutil.which("systemctl") is None:
            return False
        return self._systemctl("cat", check=False) == 0

    def _systemctl(self, verb: str, *options: str, check: bool = True) -> int:
        done = subprocess.run(
            ["systemctl", verb, *options, UNIT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if check and done.returncode:
            told = done.stderr.decode("utf-8", "replace").strip().replace("\n", " ")
            raise StateError(f"systemctl {verb} {UNIT} failed: {told or f'status {done.returncode}'}")
        return done.returncode
