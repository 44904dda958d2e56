"""The client: connect to a server, ask, receive, give events to outputs, resume exactly.

    request.py      names of events -> what is asked for
    credentials.py  certificate, key, trust      connection.py  one TLS connection
    position.py     where the client stands, and the file that keeps it
    names.py        what metadata says of numbers
    receiver.py     one session, bytes to deliveries (no I/O)
    feed.py         sessions one after the other, for ever      reconnect.py  when to try again
    stream.py       feed, outputs and position in one loop: the command `stream`
    positions.py    the saved positions of this machine, looked at and set
    diagnosis.py    the check behind the command `test`, with its parts diagnosis_*.py
    encore.py       eNcore's configuration as one of `run`
    service/        several servers and outputs: the command `run`
    api.py          the library: `openstreamer.connect`; its asyncio twin is `openstreamer.aio`

Not here: messages and records (openstreamer.protocol), what is written (openstreamer.outputs).
"""
