"""The state directory: where it is, what lies in it, and which version it has.

One directory holds everything that a server keeps: settings, event log, certificates, registry of clients.
This module finds it, makes it, checks that this program may use it, and says where each part lies. It does
not open the parts. The layout and the upgrade rule are in `docs/state-directory.md`.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from openstreamer.errors import StateError

SCHEMA_VERSION = 1
"""Version of the directory's layout that this program writes."""

SCHEMA_FILE = "schema"

MIGRATIONS: dict[int, Callable[[Path], None]] = {}
"""For each version N the step that turns a directory of version N into one of N + 1."""


class StateDirectory:
    """Paths of the parts of one state directory. Making an instance touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def schema(self) -> Path:
        """File with the layout's version, one number in text."""
        return self.path / SCHEMA_FILE

    @property
    def settings(self) -> Path:
        """The settings file, TOML."""
        return self.path / "openstreamer.toml"

    @property
    def store(self) -> Path:
        """The event log: an SQLite database."""
        return self.path / "store" / "events.db"

    @property
    def authority(self) -> Path:
        """Folder of certificates, keys and the registry of clients."""
        return self.path / "authority"

    @property
    def client(self) -> Path:
        """Folder of the client's positions and names; a client may have made it before there is a server."""
        return self.path / "client"

    @property
    def service(self) -> Path:
        """File that the running service holds locked: its process number and addresses."""
        return self.path / "service.json"

    @property
    def control(self) -> Path:
        """Unix socket on which the running service takes commands."""
        return self.path / "control"

    @property
    def options(self) -> Path:
        """File with the options that `manage start` keeps for later starts."""
        return self.path / "service-options.json"

    @property
    def log(self) -> Path:
        """Log of a service that runs as a daemon."""
        return self.path / "service.log"

    @property
    def web_password(self) -> Path:
        """File with the hash of the password of the web pages."""
        return self.path / "web-password"

    @property
    def audit(self) -> Path:
        """File with the changes that were made on the web pages, one JSON object a line."""
        return self.path / "audit.log"

    def __repr__(self) -> str:
        return f"StateDirectory({str(self.path)!r})"


def default_path(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """Where the state directory is if nobody names one.

    `$OPENSTREAMER_STATE`, else `/var/lib/openstreamer` for root, else the user's data directory.
    """
    named = environ.get("OPENSTREAMER_STATE")
    if named:
        return Path(named)
    if (os.geteuid() if user_id is None else user_id) == 0:
        return Path("/var/lib/openstreamer")
    data_home = environ.get("XDG_DATA_HOME")
    base = Path(data_home) if data_home and os.path.isabs(data_home) else Path.home() / ".local" / "share"
    return base / "openstreamer"


def find(path: str | os.PathLike[str] | None = None) -> StateDirectory:
    """The state directory named by `path`, or the default one; it need not exist."""
    return StateDirectory(Path(path).expanduser().absolute() if path else default_path().absolute())


def exists(state: StateDirectory) -> bool:
    """Whether the directory has been made (it carries a version)."""
    return state.schema.is_file()


def create(state: StateDirectory) -> None:
    """Make the directory with its folders (0700) and write its version.

    An empty directory that stands there already is taken and made private. Raises StateError if something
    else is in the way, or if there is no permission.
    """
    path = state.path
    try:
        if path.exists() and not path.is_dir():
            raise StateError(f"{path} is not a directory; name another one with --state")
        if path.is_dir() and not exists(state) and any(part != state.client for part in path.iterdir()):
            raise StateError(f"{path} holds other files; name an empty or new directory with --state")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(path)
        for part in (state.store.parent, state.authority):
            part.mkdir(mode=0o700, exist_ok=True)
            make_private(part)
        if not exists(state):
            write_private(state.schema, f"{SCHEMA_VERSION}\n".encode())
    except OSError as error:
        raise StateError(f"cannot make the state directory {path}: {error.strerror or error}") from error


def open_state(path: str | os.PathLike[str] | None = None) -> StateDirectory:
    """Find the state directory, check its version, and upgrade it where it is older than this program.

    Raises StateError if it does not exist, is not one, cannot be read or was made by a newer program.
    """
    state = find(path)
    version = read_version(state)
    if version > SCHEMA_VERSION:
        raise StateError(
            f"{state.path} was made by a newer program (its layout is version {version}, this program knows "
            f"up to {SCHEMA_VERSION}); use that program, or another directory with --state"
        )
    if version < SCHEMA_VERSION:
        _upgrade(state)
    return state


def _upgrade(state: StateDirectory) -> None:
    import fcntl

    directory = os.open(state.path, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)  # two programs that start together upgrade once
        version = read_version(state)
        while version < SCHEMA_VERSION:
            step = MIGRATIONS.get(version)
            if step is None:
                raise StateError(
                    f"{state.path} has layout version {version}, which this program cannot upgrade"
                )
            step(state.path)
            version += 1
            write_private(state.schema, f"{version}\n".encode())
    finally:
        os.close(directory)


def read_version(state: StateDirectory) -> int:
    """Layout version of the directory. Raises StateError if there is none or it is unreadable."""
    try:
        text = state.schema.read_text("ascii").strip()
    except FileNotFoundError:
        raise StateError(
            f"there is no state directory at {state.path}; make one with 'openstreamer init', or name "
            "another with --state"
        ) from None
    except PermissionError:
        raise StateError(f"no permission to use {state.path}; run as the user that made it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"cannot read {state.schema}: {error}") from error
    if not text.isdecimal() or int(text) < 1:
        raise StateError(f"{state.schema} does not hold a version number; the directory is damaged")
    return int(text)


def make_private(path: Path) -> None:
    """Take the rights of group and others away from a file or directory of ours."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        path.chmod(mode & ~0o077)


def write_private(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a whole file at once: readers see the old content or the new, never a part (0600)."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class ServiceLock:
    """One service at a time per state directory.

    The file stays after the end; what counts is the lock, which the system releases with the process.
    """

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises StateError if another service holds it."""
        import fcntl

        descriptor = os.open(self._state.service, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "r+")
        for attempt in range(5):  # `running_service` of another process holds it for an instant
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.02 * attempt)
        else:
            about = _read_service(file)
            file.close()
            who = f" (process {about['pid']})" if "pid" in about else ""
            raise StateError(f"a service already runs on {self._state.path}{who}; stop it first") from None
        self._file = file
        self.write({})

    def write(self, about: Mapping[str, object]) -> None:
        """Tell others about the running service: `pid` and what `about` says, as JSON."""
        if self._file is None:
            raise RuntimeError("the lock is not held")
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), **about}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Give the lock back and empty the file. Does nothing if the lock is not held."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def running_service(state: StateDirectory) -> dict[str, object] | None:
    """What the running service says of itself (`pid`, `listen`), or None if none runs."""
    import fcntl

    try:
        file = open(state.service)  # noqa: SIM115 - closed below on every path
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _read_service(file)
    return None


def _read_service(file: IO[str]) -> dict[str, object]:
    file.seek(0)
    try:
        about = json.load(file)
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}
