"""Events of several servers at once: python examples/two_servers.py CLIENT.pkcs12 HOST:PORT HOST:PORT."""

import asyncio
import sys

from openstreamer import aio


async def follow(server: str, pkcs12: str) -> None:
    """Print what one server sends."""
    host, _, port = server.partition(":")
    async with aio.connect(host, port=int(port or 8302), pkcs12=pkcs12, idle_exit=1) as events:
        async for event in events:
            print(event.server, event.id, event.archive_time)


async def main(pkcs12: str, *servers: str) -> None:
    """Follow all of them at once."""
    await asyncio.gather(*[follow(server, pkcs12) for server in servers])


if len(sys.argv) < 3:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
