"""The client as a service: `openstreamer run`. Several servers, several outputs, one process.

    configuration.py  the file: sections and keys, their defaults and their manual
    toml_lines.py     on which line of the file a key stands
    mistakes.py       sections read key by key, every mistake noted
    checking.py       a file becomes a `Plan` (plan.py), or all its mistakes
    check_servers.py, check_outputs.py, check_context.py   parts of that
    filters.py        which events an output gets
    progress.py       what an output has of a server already     pair.py  the same for a pair of servers
    state.py          the file that keeps how far an output is
    buffer.py         the bounded queue in front of an output
    writing.py        the same batch again, refused records aside     dead_letters.py  where those go
    worker.py         the thread of an output
    source.py         the threads that receive from a server or a pair
    running.py        all of them together: start, reload, stop
    health.py         is it well (states.py), and the port that says so     metrics.py  its numbers
    process.py        signals, log, service manager

Not here: connections and sessions (openstreamer.client), formats (openstreamer.outputs).
"""
