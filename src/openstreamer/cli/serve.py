"""`openstreamer serve`: run the service until SIGTERM or SIGINT, in the foreground or as a daemon.

What the service does is in `openstreamer.server`; here are its options only. Rules: `docs/server.md`;
starting and stopping with `manage`: `docs/manage.md`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from openstreamer.cli.common import examples, state_option
from openstreamer.errors import ConfigurationError, UsageError


@click.command(
    "serve",
    short_help="Run the service.",
    epilog=examples(
        "openstreamer serve",
        "openstreamer serve --input eve:/var/log/suricata/eve.json",
        "openstreamer serve --input 'estreamer://fmc1?pkcs12=fmc1.pkcs12'",
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
    help="Read events with the service: eve:FILE, eve-unix:SOCKET, json:FILE, estreamer://SERVER; "
    "repeatable.",
)
@click.option(
    "--web", metavar="HOST:PORT|off", help="Where the web pages are, or off. [default: 127.0.0.1:8303]"
)
@click.option("--daemon", is_flag=True, help="Leave the terminal once the service listens.")
@click.option("--nodaemon", is_flag=True, help="Stay in the foreground. [default]")
@click.option("--syslog", is_flag=True, help="Log to syslog. [default: standard error; daemon: service.log]")
@click.option(
    "--log-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Log to a file; one that was rotated by renaming is begun anew.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Form of the log: lines for people, or a JSON object a line. [default: the setting]",
)
@click.option("--kept", is_flag=True, help="Run with the options that 'manage start' kept, and no others.")
@click.option("--nohostcheck", is_flag=True, help="Do not compare a client's address with its certificate.")
@click.option("--debug", is_flag=True, help="Print each status message of each session.")
@state_option
def command(
    listen: tuple[str, ...],
    inputs: tuple[str, ...],
    web: str | None,
    daemon: bool,
    nodaemon: bool,
    syslog: bool,
    log_file: Path | None,
    log_format: Literal["text", "json"] | None,
    kept: bool,
    nohostcheck: bool,
    debug: bool,
    state: Path | None,
) -> int:
    """Run the service until SIGTERM or SIGINT, in the foreground or as a daemon.

    It then stops in an orderly way: inputs store what they read, clients get what is stored. A second SIGINT
    ends it at once. SIGHUP reloads settings, clients and certificates. Options go before the settings of
    openstreamer.toml in the state directory. 'openstreamer manage' starts and stops it as a daemon.
    """
    if kept:
        from openstreamer.cli.kept_options import run_kept

        return run_kept(state)
    if daemon and nodaemon:
        raise UsageError("--daemon and --nodaemon exclude each other")
    if syslog and log_file is not None:
        raise UsageError("--syslog and --log-file exclude each other")
    from openstreamer.server import activation
    from openstreamer.server import settings as settings_module
    from openstreamer.server import state as state_module

    directory = state_module.open_state(state)
    settings = settings_module.load(directory.settings)
    web = web or settings.web.listen
    if web != "off":
        try:
            settings_module.parse_address(web)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error}, or 'off' for no web pages", where="--web") from error
    for address in listen:
        settings_module.parse_address(address, default_port=settings_module.DEFAULT_PORT)

    passed = activation.take()  # meant for this process, not for a daemon that it makes
    starter = None
    if daemon:
        from openstreamer.server.daemon import detach

        starter = detach(directory)
        if starter is None:
            return 0
    from openstreamer.server import logs
    from openstreamer.server.run import run

    try:
        logs.configure(
            "debug" if debug else settings.log.level,
            form=log_format or settings.log.format,
            target="syslog" if syslog else log_file or (directory.log if daemon else None),
        )
    except UsageError as error:
        if starter is not None:
            starter.failed(error)
        raise
    return run(
        directory,
        settings,
        listen=listen,
        inputs=inputs,
        host_check=False if nohostcheck else None,
        web=web,
        passed=passed,
        debug=debug,
        log_form=log_format,
        starter=starter,
    )
