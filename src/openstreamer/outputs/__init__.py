"""Outputs: where the client's events go, one file each, found through entry points.

    interface.py    the shape that every output has
    registry.py     finding one by name, reading its settings
    batch.py        what an output is given
    files.py        files that grow by whole batches and can be cut back; standard output, pipes
    columns.py      the same columns for very different events
    terminal.py json_lines.py csv_table.py pcap.py pcapng.py    the built-in ones

Not here: connecting, positions, names (openstreamer.client).
"""
