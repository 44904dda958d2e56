"""`openstreamer run`: the client as a service, told by a configuration file.

Options and exit statuses; what happens is in `openstreamer.client.service`, what the file may say in
docs/run.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from openstreamer.cli.common import examples, state_option
from openstreamer.errors import UsageError


@click.command(
    "run",
    epilog=examples(
        "openstreamer run --print-example > client.toml",
        "openstreamer run --config client.toml --check",
        "openstreamer run --config client.toml",
    ),
)
@click.option("--config", metavar="FILE", help="The configuration, TOML.")
@click.option("--check", is_flag=True, help="Tell every mistake of the configuration, and end.")
@click.option("--print-example", is_flag=True, help="Print a configuration to begin with, and end.")
@click.option("--debug", is_flag=True, help="Log everything; show the traceback of an error.")
@state_option
def command(config: str | None, check: bool, print_example: bool, debug: bool, state: Path | None) -> int:
    """Deliver the events of several servers to several outputs, as a configuration file says.

    Each output goes on where it was, whatever happens to it, to the servers or to this program. SIGHUP reads
    the configuration again; Ctrl-C or SIGTERM ends it cleanly, a second one at once.
    """
    if print_example:
        from openstreamer.client.service.configuration import template

        click.echo(template(), nl=False)
        return 0
    if config is None:
        raise click.UsageError("Missing option '--config'.")
    return _run(config, state, check=check, debug=debug)


def _run(config: str, state: Path | None, *, check: bool, debug: bool) -> int:
    from openstreamer.client.service.checking import load
    from openstreamer.client.service.mistakes import Mistakes
    from openstreamer.client.service.plan import Plan
    from openstreamer.server.state import find

    folder = find(state).client / Path(config).stem

    def read() -> Plan:
        return load(config, state=folder)

    try:
        plan = read()
    except Mistakes as mistakes:
        for sentence in mistakes.sentences():
            print(sentence, file=sys.stderr)
        count = len(mistakes.found)
        raise UsageError(f"{config} has {count} mistake{'s' if count > 1 else ''}") from None
    if check:
        for warning in plan.warnings:
            print(f"{config}: {warning}", file=sys.stderr)
        servers = ", ".join(
            f"{name} ({' and '.join(member.feed.server for member in source.members)})"
            for name, source in plan.sources.items()
        )
        outputs = ", ".join(
            f"{name} ({output.spec.format}, {output.spec.target})" for name, output in plan.outputs.items()
        )
        print(f"{config} is right: from {servers} to {outputs}; state in {plan.state}")
        return 0
    from openstreamer.client.service.process import configure_logging, run

    configure_logging(plan.client, debug=debug)
    return run(plan, read, debug=debug)
