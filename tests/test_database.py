"""SQLite as the event log and the registry use it: migrations, transactions, threads."""

from __future__ import annotations

import dataclasses
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from openstreamer.database import Database, Schema, Trouble, classify, private_directory
from openstreamer.errors import StateError, StoreError

OLD = Schema(
    what="test file",
    application_id=0x54455354,
    migrations=(("CREATE TABLE old (value INTEGER)", "INSERT INTO old VALUES (7)"),),
)
NEW = dataclasses.replace(
    OLD,
    migrations=(
        *OLD.migrations,
        ("ALTER TABLE old RENAME TO new", "ALTER TABLE new ADD COLUMN more TEXT NOT NULL DEFAULT 'x'"),
        ("INSERT INTO new VALUES (8, 'y')",),
    ),
)


def failure(trouble: Trouble, sentence: str) -> StoreError:
    return StoreError(f"{trouble.value}: {sentence}")


def rows(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT * FROM new").fetchall()
    finally:
        connection.close()


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    Database(path, OLD, failure).close()
    Database(path, NEW, failure).close()
    assert rows(path) == [(7, "x"), (8, "y")]
    # Once only.
    Database(path, NEW, failure).close()
    assert rows(path) == [(7, "x"), (8, "y")]
    with pytest.raises(StateError, match="schema version 3"):
        Database(path, OLD, failure)


def test_a_failing_step_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    Database(path, OLD, failure).close()
    broken = dataclasses.replace(OLD, migrations=(*NEW.migrations[:2], ("INSERT INTO nowhere VALUES (1)",)))
    with pytest.raises(StoreError, match="nowhere"):
        Database(path, broken, failure)
    Database(path, NEW, failure).close()
    assert rows(path) == [(7, "x"), (8, "y")]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "file.db", NEW, failure, synchronous="OFF", busy_timeout=0.1)


def count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM new").fetchone()[0])


def test_a_transaction_is_wholly_there_or_not_at_all(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO new VALUES (9, 'z')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert count(database) == 2
    with database.writing() as connection:
        connection.execute("INSERT INTO new VALUES (9, 'z')")
        # Reading within sees what was written within.
        assert count(database) == 3
    assert count(database) == 3


def test_a_reader_sees_one_moment(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "file.db", NEW, failure)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM new").fetchone() == (2,)
        with other.writing() as writer:
            writer.execute("DELETE FROM new")
        assert connection.execute("SELECT count(*) FROM new").fetchone() == (2,)
    assert count(database) == 0
    other.close()


def test_mistakes_and_troubles_become_the_owners_errors(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "file.db", NEW, failure, busy_timeout=0.1)
    with (
        pytest.raises(StoreError, match=r"^other: cannot use the test file .*nowhere"),
        database.single() as connection,
    ):
        connection.execute("SELECT * FROM nowhere")
    with database.writing(), pytest.raises(StoreError, match=r"^busy: another process"), other.writing():
        pass
    database.close()
    with pytest.raises(StoreError, match=r"^other: the test file .* has been closed"):
        count(database)
    other.close()


def test_an_error_without_a_code_is_nothing_special() -> None:
    assert classify(sqlite3.ProgrammingError("no code")) is Trouble.OTHER


def test_each_thread_has_its_connection_until_it_ends(database: Database) -> None:
    def work() -> None:
        found.append(database.connection())
        assert database.connection() is found[-1]

    found: list[sqlite3.Connection] = []
    for _ in range(20):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len({id(connection) for connection in found}) == 20
    # Those of threads that have ended are closed when another one is made.
    assert len(database._connections) <= 2
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        found[0].execute("SELECT 1")
    database.close()


def test_directories_are_private_and_existing_ones_are_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_directory(tmp_path / "one" / "two")
    private_directory(tmp_path / "one" / "two")
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "one" / "two").stat().st_mode) == 0o700
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
