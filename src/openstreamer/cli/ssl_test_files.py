"""The files of `ssl_test` in its working directory: PKCS#12, `server.crt` and `server.key`, the bookmark.

The two PEM files are there while the command runs, readable by its user alone, as programs beside it expect;
this program itself reads the PKCS#12 file. The bookmark is one number, replaced as a whole. Not here: what
the options mean (ssl_test.py).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from openstreamer.authority.pkcs12 import read_pkcs12
from openstreamer.cli.common import read_password
from openstreamer.client.credentials import ClientCredentials
from openstreamer.client.position import PositionFile, SavedState
from openstreamer.errors import AuthorityError, UsageError

BOOKMARK = "estreamer.bmark"
CERTIFICATE, KEY = "server.crt", "server.key"

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What ends a run in good order."""


class Bookmark(PositionFile):
    """The second of the last record, as a number in a file."""

    def save(self, state: SavedState) -> None:
        if state.position.second:
            beside = Path(f"{BOOKMARK}.new")
            beside.write_text(f"{state.position.second}\n", "ascii")
            beside.replace(BOOKMARK)


def starting_point(word: str) -> int:
    """The initial timestamp for `all`, `now` or `bookmark`.

    Raises:
        UsageError: another word, or a bookmark that is no number.
    """
    if word == "all":
        return 0
    if word == "now":
        return int(time.time())
    if word != "bookmark":
        raise UsageError(f"-start takes all, now or bookmark, not {word!r}")
    try:
        text = Path(BOOKMARK).read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return int(time.time())
    if not text.isdecimal() or int(text) > 0xFFFFFFFF:
        raise UsageError(f"{BOOKMARK} holds no second: {text[:20]!r}; remove it, or give -start all")
    return int(text)


def credentials_of(
    pkcs12: str | None, password: str | None, say: Callable[[str], None]
) -> tuple[ClientCredentials, bytes, bytes]:
    """The credentials, and certificate and key as PEM; asks for the password on a terminal only.

    Raises:
        UsageError: no PKCS#12 file, or it cannot be read, or not with this password.
    """
    path = pkcs12 or next(iter(sorted(map(str, Path().glob("*.pkcs12")))), None)
    if path is None:
        raise UsageError("no PKCS#12 file here; put the one made for this client here, or give -pkcs12 FILE")
    if password is None:
        password = read_password(None)
    say(f"pkcs12: found {path}")
    try:
        unpacked = read_pkcs12(path, password)
    except AuthorityError as error:
        if password is not None or sys.stdin is None or not sys.stdin.isatty():
            raise UsageError(str(error)) from error
        password = read_password(None, prompt=f"Password of {path}")
        unpacked = read_pkcs12(path, password)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    say(f"pkcs12: processed {path}")
    credentials = ClientCredentials(pkcs12=path, password=password, certificate=CERTIFICATE, key=KEY)
    return credentials, unpacked.certificate_pem, unpacked.private_key_pem


@contextlib.contextmanager
def pem_files(certificate: bytes, key: bytes, say: Callable[[str], None]) -> Iterator[None]:
    """`server.crt` and `server.key`, readable by this user alone, while the block runs."""
    made: list[str] = []
    try:
        for name, content in ((CERTIFICATE, certificate), (KEY, key)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            made.append(name)  # before it is there: a signal may come between
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            say(f"pkcs12: wrote {name}")
        yield
    finally:
        _ignore_signals()
        for name in made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def _ignore_signals() -> None:
    """From here on nothing keeps the files: they go, and the process ends."""
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            return
