"""Keep alerts in SQLite, each once: python examples/into_database.py HOST CLIENT.pkcs12 DATABASE [PORT].

The position is kept in a file beside the database, so the next run goes on where this one ended. It is saved
about once a second and never ahead of the work, so a crash in between repeats a few events: the primary key
lets those pass.
"""

import sqlite3
import sys

import openstreamer

if len(sys.argv) < 4:
    sys.exit(__doc__)
host, pkcs12, path, *port = sys.argv[1:]
database = sqlite3.connect(path)
database.execute(
    "create table if not exists alert (device integer, event integer, second integer, source text,"
    " destination text, rule text, primary key (device, event, second))"
)
with openstreamer.connect(
    host,
    port=int(port[0]) if port else 8302,
    pkcs12=pkcs12,
    events="intrusion",
    position=f"{path}.position",
    idle_exit=1,
) as events:
    for event in events:
        alert = event.data
        database.execute(
            "insert or ignore into alert values (?, ?, ?, ?, ?, ?)",
            (
                alert.device_id,
                alert.event_id,
                alert.event_second,
                alert.source_ip,
                alert.destination_ip,
                event.names.get("rule"),
            ),
        )
        database.commit()
print(*database.execute("select count(*) from alert").fetchone(), "alerts")
