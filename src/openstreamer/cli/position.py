"""`openstreamer position`: where the clients of this machine stand, and setting that.

What is shown and what a change means is `openstreamer.client.positions`; the page is docs/position.md.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.common import console, examples, state_option
from openstreamer.errors import UsageError

if TYPE_CHECKING:
    from openstreamer.client.position import Position
    from openstreamer.client.positions import Found


@click.group(
    "position",
    short_help="Show or set where a client goes on.",
    epilog=examples(
        "openstreamer position show",
        "openstreamer position set fmc1 2026-01-31T08:00:00Z",
    ),
)
def command() -> None:
    """Show or set the position at which a client goes on.

    A position is an archive second, how many records of that second were taken, and the places of the
    outputs. It is kept for each server and set of outputs, and for each output of 'run --config'.
    """


@command.command(
    "show",
    short_help="Show where clients stand.",
    epilog=examples("openstreamer position show", "openstreamer position show fmc1 --json"),
)
@click.argument("where", metavar="[SERVER|FILE|DIRECTORY]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@state_option
def show(where: str | None, as_json: bool, **options: Any) -> int:
    """Show where clients stand: all positions of the state directory, those of a server, or of a file."""
    from openstreamer.client.positions import find_positions, for_programs
    from openstreamer.server.state import find

    folder = find(options["state"]).client
    found = find_positions(where, folder)
    if as_json:
        click.echo(json.dumps([for_programs(each) for each in found], indent=2))
    else:
        for each in found:
            _print(each)
        if not found:
            click.echo(f"There is no position in {folder}.")
    return 1 if any(each.state is None for each in found) else 0


def _print(found: Found) -> None:
    from rich.text import Text

    from openstreamer.client.positions import describe, iso, place_words, standings

    screen = console()
    screen.print(Text(found.path, style="bold"))

    def row(name: str, text: str, style: str = "") -> None:
        line = Text(f"  {name:<10} ")
        line.append(text, style)
        screen.print(line)

    state = found.state
    if state is not None:
        for each in found.standings:
            row("pair" if each.pair else "server", each.server)
            row("position", describe(each.position))
        if state.saved:
            row("saved", f"{iso(state.saved)}, {_ago(time.time() - state.saved)} ago")
        for number, (key, place) in enumerate(found.places.items()):
            row("outputs" if not number else "", f"{key}  {place_words(place)}")
    if found.holder is not None:
        row("in use", f"by process {found.holder}" if found.holder else "yes")
    if found.newest is None:
        row("generation", f"the newest file is gone; {found.path}.previous would be used", "yellow")
    elif found.newest.problem:
        goes_on = "the one before it would be used, so some events may come again"
        row(
            "damaged",
            f"{found.newest.problem}; {goes_on if state is not None else 'no other can be used'}",
            "red",
        )
    if found.previous is None:
        row("before", "there is no generation before it")
    elif found.previous.state is None:
        row("before", f"damaged: {found.previous.problem}", "yellow")
    elif found.newest is not None and not found.newest.problem:
        for each in standings(found.previous.state):
            row("before", describe(each.position), "dim")


def _ago(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"


@command.command(
    "set",
    short_help="Let a client go on at a time, at the beginning, or now.",
    epilog=examples(
        "openstreamer position set fmc1 2026-01-31T08:00:00Z",
        "openstreamer position set fmc1:8302 now --yes",
        "openstreamer position set events.position beginning --outputs reset",
    ),
)
@click.argument("where", metavar="SERVER|FILE|DIRECTORY")
@click.argument("to", metavar="TIME|beginning|now")
@click.option("--outputs", type=click.Choice(["keep", "reset"]), default="keep", show_default=True,
              help="Keep the places of the outputs, or let files go on behind what is in them.")  # fmt: skip
@click.option("--all", "several", is_flag=True, help="Set all positions of this server.")
@click.option(
    "--server",
    metavar="HOST:PORT|NAME",
    help="Whose position FILE is, where it is new or damaged; or which server of an output.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
def set_(
    where: str, to: str, outputs: str, several: bool, server: str | None, yes: bool, **options: Any
) -> int:
    """Let a client go on at TIME (an archive time: epoch second or ISO 8601), at the beginning, or now.

    Going back delivers events again: a file that held each once will hold them twice, unless it is emptied.
    Going forward leaves out what was stored in between. The position of a client that runs is not touched.
    """
    from openstreamer.client.positions import SUFFIXES, inspect, new_position, refuse_if_used, replace
    from openstreamer.client.times import parse_since

    when = parse_since(to)
    if when == "resume":
        raise UsageError("resume is what a client does by itself; say TIME, beginning or now")
    position = new_position(when)
    is_file = os.sep in where or where.endswith(SUFFIXES) or os.path.isfile(where)
    new_file = server is not None and is_file and not os.path.isdir(where)
    found = [inspect(where)] if new_file else _chosen(where, several, options)
    for each in found:
        refuse_if_used(each.path)
    for each in found:
        _announce(each, position, server, reset=outputs == "reset")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was changed: say --yes where nobody can be asked")
        if not click.confirm("Set it?", default=False, err=True):
            click.echo("Nothing was changed.")
            return 1
    for each in found:
        replace(each, position, keep_places=outputs == "keep", server=server)
    click.echo("Done.")
    return 0


def _announce(found: Found, position: Position, server: str | None, *, reset: bool) -> None:
    """Say what would be changed, and what that means."""
    from openstreamer.client.positions import describe, effect

    click.echo(found.path)
    if not found.standings:
        click.echo(f"  was: nothing usable\n  new: {describe(position)}")
    for each in found.standings:
        if len(found.standings) > 1 or each.pair:
            if server is not None and server != each.server:
                continue
            click.echo(f"  {each.server}")
        click.echo(f"  was: {describe(each.position)}")
        click.echo(f"  new: {describe(position)}")
        click.echo(f"  {effect(each.position, position, found.places)}")
    if reset and any(found.places.values()):
        click.echo("  The outputs' places are forgotten: files go on behind what is in them.")


def _chosen(where: str, several: bool, options: dict[str, Any]) -> list[Found]:
    from openstreamer.client.positions import find_positions
    from openstreamer.server.state import find

    found = find_positions(where, find(options["state"]).client)
    if len(found) > 1 and not several:
        listed = "\n  ".join(each.path for each in found)
        raise UsageError(f"{where} has several positions; name one of these files, or say --all:\n  {listed}")
    return found
