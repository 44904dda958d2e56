"""When to try again, and when trying again cannot help.

A stream goes on for ever: lost connections, servers that restart, full networks heal by themselves. What
does not heal is being refused: then the answer is a sentence for the operator. This module holds those two
decisions; sleeping and connecting are the caller's.

Rules: messages, section 1.5 (back-off from 1 to 60 seconds) and 1.7 (an Error message ends the session).
"""

from __future__ import annotations

import random
from collections.abc import Callable

from openstreamer.client.connection import LostConnection, UnknownHost
from openstreamer.errors import (
    OpenStreamerError,
    PeerError,
    RefusedError,
    RemoteProtocolError,
    TransportError,
)

#: Once records had come: how many sessions in a row may bring none and end in an Error or a breach of the
#: protocol.
FRUITLESS_LIMIT = 3

#: So many connections in a row that the server closes without a word are a refusal; fewer may be a restart.
SILENT_LIMIT = 3


class Backoff:
    """Waiting times that double from `first` to `limit` seconds, each with jitter.

    The jitter takes away up to half, so that many clients of a server that restarts do not come at once.
    """

    def __init__(
        self, first: float = 1.0, limit: float = 60.0, *, random_number: Callable[[], float] = random.random
    ) -> None:
        self._first = first
        self._limit = limit
        self._random = random_number
        self._next = first

    def delay(self) -> float:
        """Seconds to wait before the next try; grows with each call."""
        delay = self._next
        self._next = min(self._limit, self._next * 2)
        return delay * (1 - self._random() / 2)

    def reset(self) -> None:
        """Begin anew: something worked."""
        self._next = self._first


class ReconnectPolicy:
    """Decides after each session that ended by itself whether there is to be another.

    The stream tells what happens (`connecting`, `heard`, `record_came`); `ended` answers with a waiting time
    or raises the error that the stream is to end with. With `silence_refuses` off, a server that closes
    without a word has just closed, as far as a policy without reconnecting goes.
    """

    def __init__(
        self, *, reconnect: bool = True, backoff: Backoff | None = None, silence_refuses: bool = True
    ) -> None:
        self._reconnect = reconnect
        self._silence_refuses = silence_refuses
        self._backoff = backoff or Backoff()
        self._heard_now = False
        self._heard_ever = False
        self._records_ever = False
        self._fruitless = 0
        self._silent = 0

    def connecting(self) -> None:
        """A new session is about to be tried."""
        self._heard_now = False

    def heard(self) -> None:
        """The server has said something in this session: it lets us in."""
        self._heard_now = self._heard_ever = True
        self._silent = 0

    def record_came(self) -> None:
        """A record came: whatever went wrong before is over."""
        self._records_ever = True
        self._fruitless = 0
        self._backoff.reset()

    def ended(self, error: OpenStreamerError) -> float:
        """Seconds to wait before the next session.

        Raises:
            OpenStreamerError: there is to be none; this is what to end with.
        """
        if not self._reconnect or isinstance(error, RefusedError):
            if isinstance(error, LostConnection) and not self._heard_now and self._silence_refuses:
                self._check_silence(error)
            raise error
        if isinstance(error, PeerError | RemoteProtocolError):
            self._fruitless += 1
            if not self._records_ever or self._fruitless > FRUITLESS_LIMIT:
                raise error
        elif isinstance(error, UnknownHost):
            if not self._heard_ever:
                raise error
        elif isinstance(error, LostConnection):
            if not self._heard_now:
                self._silent += 1
                self._check_silence(error)
        elif not isinstance(error, TransportError):
            raise error
        return self._backoff.delay()

    def _check_silence(self, error: LostConnection) -> None:
        """A server that closes without a word does not let us in, unless it is just being restarted."""
        at_once = error.on_purpose and not self._heard_ever
        often = self._silent >= SILENT_LIMIT and (error.on_purpose or not self._heard_ever)
        if at_once or often:
            raise RefusedError(
                "the server closed the connection without a word: it does not let this client in (the"
                " client's address is not the one in its certificate, or the client is revoked); its log"
                " says why"
            ) from error


class PatientPolicy(ReconnectPolicy):
    """Tries again whatever happened, with growing pauses: for a service, whose operator mends what is wrong.

    `ended` is told what each session ended with.
    """

    def __init__(self, retry: tuple[float, float], ended: Callable[[OpenStreamerError], None]) -> None:
        first, limit = retry
        super().__init__(backoff=Backoff(first, max(first, limit)))
        self._tell = ended

    def ended(self, error: OpenStreamerError) -> float:
        if isinstance(error, LostConnection) and not self._heard_now:
            self._silent += 1
            try:
                self._check_silence(error)
            except RefusedError as refusal:
                error = refusal
        self._tell(error)
        return self._backoff.delay()
