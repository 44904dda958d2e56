"""The command `openstreamer`: finds the module of the named command and turns errors into exit statuses.

Each command is one small module of this package with the command's own name ("_" for "-"); it holds
`command`, a click command, and is imported only when it is run. The one-line summaries stand here, so that
`openstreamer --help` imports none of them. What commands share (options, passwords, console) is in `common`.
Exit statuses are listed in `docs/cli.md`; nothing imports this package.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from openstreamer.cli.common import add_debug_option, add_state_option, examples, report
from openstreamer.version import __version__

COMMANDS = {
    "demo": "Show all of it on this machine, in one terminal.",
    "init": "Make the state directory: certificates, settings, event log.",
    "serve": "Run the service.",
    "manage": "Start, stop, reload and watch the service.",
    "backup": "Write all that the server keeps to a file.",
    "restore": "Make a state directory from a backup.",
    "web-password": "Set the password of the web pages.",
    "clients": "Say who may connect: add, list, show, download, renew, revoke.",
    "authority": "Show, renew, rotate and import the certificates of the server.",
    "events": "Show or set the event type switches.",
    "feed": "Put events of a file into the event log.",
    "stream": "Request events from a server and deliver them.",
    "run": "Deliver events of several servers, as a service.",
    "hosts": "Ask a server for host profiles.",
    "position": "Show or set where a client goes on.",
    "test": "Check a connection step by step, and say what to do.",
    "convert-encore": "Write eNcore's configuration as ours, and say what has no counterpart.",
    "decode": "Show what lies in a recorded stream of messages.",
    "explain": "Explain flags, records, blocks and error codes.",
    "dissector": "Print a Wireshark dissector in Lua.",
    "completion": "Print the completion script for a shell.",
}
"""Every command with its one-line summary, in the order in which a newcomer meets them."""

COMPLETE = "_OPENSTREAMER_COMPLETE"
"""Environment variable with which a shell asks for completions."""


def _module(name: str) -> str:
    return f"{__name__}.{name.replace('-', '_')}"


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands whose module is there."""
        return [name for name in COMMANDS if importlib.util.find_spec(_module(name)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of that name and return its command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(_module(cmd_name)).command
        command.short_help = COMMANDS[cmd_name]
        add_debug_option(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the summaries above, without importing them."""
        rows = [(name, COMMANDS[name]) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "openstreamer demo",
        "openstreamer init && openstreamer clients add localhost && openstreamer serve",
        "openstreamer stream localhost --pkcs12 localhost.pkcs12 -o json",
    ),
)
@click.version_option(__version__, prog_name="openstreamer", message="%(prog)s %(version)s")
def group() -> None:
    """OpenStreamer streams security events to authenticated clients in the eStreamer protocol, and
    requests, decodes and delivers them.
    """


add_state_option(group)
add_debug_option(group)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command named by `arguments` (default: those of the process) and exit with its status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if COMPLETE in os.environ:
        from openstreamer.cli.completing import register

        register()
    try:
        result = group.main(given, prog_name="openstreamer", standalone_mode=False)
        sys.stdout.flush()
        status = result if isinstance(result, int) else 0
    except BaseException as error:
        status = report(error, debug="--debug" in given)
    sys.exit(status)
