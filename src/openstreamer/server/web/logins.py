"""Logins of the web pages: who is logged in, and how often a wrong password may be tried.

All of it is in memory: after a restart everybody logs in again. Tokens are 256 random bits; only their
digests are kept. Nothing here touches HTTP, a file or a clock (`now` is an argument, in seconds of a clock
that only goes forward). Rules: `docs/web.md`, "Logging in".
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field

LOGINS = 200
"""Logins at the same time; the one unused for longest ends when there are more."""

LONGEST_SECONDS = 12 * 3600.0
"""A login ends after this long, however busy."""

FAILURES = 5
FAILURE_SECONDS = 300.0
"""So many wrong passwords within this time, and the address must wait."""

PEERS = 10_000
"""Addresses remembered for it."""


@dataclass(slots=True)
class Login:
    """One browser that gave the password."""

    peer: str
    csrf: str
    """Token that every change must carry."""
    stamp: str
    """State of the password file at the time: another one ends the login."""
    began: float
    used: float
    notices: list[tuple[str, str]] = field(default_factory=list)
    """(kind, sentence): what the next page has to say."""


class Logins:
    """Everybody who is logged in."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._logins: OrderedDict[bytes, Login] = OrderedDict()

    def __len__(self) -> int:
        return len(self._logins)

    def open(self, peer: str, stamp: str, now: float) -> tuple[str, Login]:
        """Let somebody in; returns the token for the cookie."""
        token = secrets.token_urlsafe(32)
        login = Login(peer, secrets.token_urlsafe(32), stamp, now, now)
        self._logins[_digest(token)] = login
        while len(self._logins) > LOGINS:
            self._logins.popitem(last=False)
        return token, login

    def find(self, token: str, stamp: str, now: float, *, used: bool = True) -> Login | None:
        """The login of a token, unless it has ended. Pages that refresh themselves are not `used`."""
        key = _digest(token)
        login = self._logins.get(key)
        if login is None:
            return None
        over = now - login.used > self._idle_seconds or now - login.began > LONGEST_SECONDS
        if over or not stamp or not hmac.compare_digest(login.stamp, stamp):
            del self._logins[key]
            return None
        if used:
            login.used = now
            self._logins.move_to_end(key)
        return login

    def close(self, token: str) -> None:
        """Log out."""
        self._logins.pop(_digest(token), None)


class LoginForms:
    """Ties a login form to the browser that got it: a cookie with a random value, its code in the form."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def make(self) -> tuple[str, str]:
        """A value for the cookie and the token for the form."""
        value = secrets.token_urlsafe(24)
        return value, self.token(value)

    def token(self, value: str) -> str:
        """The form's token for a cookie's value."""
        return hmac.new(self._key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def check(self, value: str, token: str) -> bool:
        """Whether both belong together."""
        return bool(value) and same(self.token(value), token)


class Attempts:
    """Counts wrong passwords by address (IPv6: by network of 64 bits, which one machine may own)."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, peer: str, now: float) -> float:
        """Seconds before that address may try again; 0 if it may now."""
        failures = self._failures.get(_network(peer))
        if failures is None:
            return 0.0
        while failures and now - failures[0] > FAILURE_SECONDS:
            failures.popleft()
        return failures[0] + FAILURE_SECONDS - now if len(failures) >= FAILURES else 0.0

    def begin(self, peer: str, now: float) -> None:
        """Count an attempt before it is checked, so that many at once count as many."""
        key = _network(peer)
        self._failures.setdefault(key, deque(maxlen=FAILURES)).append(now)
        self._failures.move_to_end(key)
        while len(self._failures) > PEERS:
            self._failures.popitem(last=False)

    def succeeded(self, peer: str) -> None:
        """Forget the failures of an address."""
        self._failures.pop(_network(peer), None)


def same(one: str, other: str) -> bool:
    """Compare two tokens without telling by the time it takes where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _network(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else peer
