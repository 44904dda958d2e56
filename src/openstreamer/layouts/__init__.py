"""What messages, records and blocks look like: declarations and tables, no code, no input or output.

One module a family: intrusion, packet, extra_data, connection, file, discovery, discovery_header, metadata,
metadata_blocks, messages. Tables: records (record type -> declarations), requests (flag bits and extended
event types), references (which values metadata names), values (enumerations). How values lie in bytes is
the business of `openstreamer.wire`.
"""
