"""Follow one server in asyncio and stop in order: python examples/follow_async.py HOST CLIENT.pkcs12 [PORT].

Ctrl-C ends it with everything saved: the position is kept, and the next run goes on there.
"""

import asyncio
import contextlib
import sys

from openstreamer import aio


async def follow(host: str, pkcs12: str, port: int) -> None:
    """Print events in the JSON form, many at a time, and say on standard error what happens meanwhile."""
    async with aio.connect(
        host,
        port=port,
        pkcs12=pkcs12,
        events=["intrusion", "connection"],
        position="follow.position",
        notice=lambda sentence: print(sentence, file=sys.stderr),
        idle_exit=1,
    ) as events:
        async for event in events:
            sys.stdout.buffer.write(event.to_json() + b"\n")
        print(events.counts.received, "records received", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    host, pkcs12, *port = sys.argv[1:]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(host, pkcs12, int(port[0]) if port else 8302))
