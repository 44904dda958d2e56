"""`openstreamer serve`: run the service in the foreground until SIGTERM or SIGINT.

What the service does is in `openstreamer.server`; here are its options only. Rules: `docs/server.md`.
"""

from __future__ import annotations

from pathlib import Path

import click

from openstreamer.cli.common import examples, state_option


@click.command(
    "serve",
    short_help="Run the service in the foreground.",
    epilog=examples(
        "openstreamer serve",
        "openstreamer serve --input eve:/var/log/suricata/eve.json",
        "openstreamer serve --listen 192.0.2.1:8302 --listen '[2001:db8::1]:8302' --debug",
    ),
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    multiple=True,
    help="Where to listen; repeatable. Port 0: one that is free. [default: [::]:8302, with IPv4]",
)
@click.option(
    "--input",
    "inputs",
    metavar="URI",
    multiple=True,
    help="Read events with the service, e.g. eve:FILE; repeatable.",
)
@click.option(
    "--web", metavar="HOST:PORT|off", help="Where the web pages are, or off. [default: 127.0.0.1:8303]"
)
@click.option("--nodaemon", is_flag=True, help="Stay in the foreground (it always does).")
@click.option("--nohostcheck", is_flag=True, help="Do not compare a client's address with its certificate.")
@click.option("--debug", is_flag=True, help="Print each status message of each session.")
@state_option
def command(
    listen: tuple[str, ...],
    inputs: tuple[str, ...],
    web: str | None,
    nodaemon: bool,
    nohostcheck: bool,
    debug: bool,
    state: Path | None,
) -> int:
    """Run the service in the foreground until SIGTERM or SIGINT.

    It then stops in an orderly way: inputs store what they read, clients get what is stored. A second SIGINT
    ends it at once. Options go before the settings of openstreamer.toml in the state directory.
    """
    from openstreamer.server import settings as settings_module
    from openstreamer.server import state as state_module

    directory = state_module.open_state(state)
    settings = settings_module.load(directory.settings)
    web = web or settings.web.listen
    if web != "off":
        settings_module.parse_address(web)
    for address in listen:
        settings_module.parse_address(address, default_port=settings_module.DEFAULT_PORT)

    from openstreamer.server.run import configure_logging, run

    configure_logging("debug" if debug else settings.log.level)
    return run(
        directory,
        settings,
        listen=listen,
        inputs=inputs,
        host_check=False if nohostcheck else None,
        web=web,
    )
