"""Doing something again and again, whatever becomes of it: what the service looks after in its event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from openstreamer.errors import OpenStreamerError

log = logging.getLogger("openstreamer.server")

FAULT_SECONDS = 1.0
"""Pause after an action that failed, beside the usual one."""


async def every(seconds: float | Callable[[], float], action: Callable[[], Awaitable[None]]) -> None:
    """Do it after each so many seconds, until cancelled; a failure is logged and ends nothing."""
    while True:
        await asyncio.sleep(seconds() if callable(seconds) else seconds)
        try:
            await action()
        except OpenStreamerError as error:
            log.error("%s", error)
        except Exception:  # a fault must not end what keeps revoked clients out
            log.exception("a fault of the program; trying again")
        else:
            continue
        await asyncio.sleep(FAULT_SECONDS)
