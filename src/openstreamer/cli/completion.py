"""`openstreamer completion`: the script that lets a shell complete commands, options and what they take.

What is offered stands in `completing`. Rules: `docs/operations.md`.
"""

from __future__ import annotations

import click

from openstreamer.cli.common import examples


@click.command(
    "completion",
    short_help="Print the completion script for a shell.",
    epilog=examples(
        'eval "$(openstreamer completion bash)"',
        "openstreamer completion fish > ~/.config/fish/completions/openstreamer.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, clients, event types and outputs.

    For bash and zsh a line in ~/.bashrc or ~/.zshrc reads it at each start; packages put it where the shell
    looks for it by itself. Clients are completed where the state directory may be read.
    """
    from openstreamer.cli import completing, group

    click.echo(completing.script(shell, group), nl=False)
