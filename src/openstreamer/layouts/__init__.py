"""What messages, records and blocks look like: declarations and tables, no code, no input or output.

One module a family. Events: intrusion, packet, extra_data, impact_alert, connection, file, malware, correlation,
users. Hosts: discovery_header, discovery, hosts, servers, attributes, host_profile,
indication_of_compromise, host_input, scan. Names: metadata, metadata_blocks. Old releases: hosts_legacy,
host_input_legacy. No record of their own: primitives, internal, internal_users. Messages: messages.

Tables: records (record type -> declarations), requests and host_requests (what a client can ask for), eras
(which inner block belongs to which release), discovery_types (type and subtype -> record), references (which
values metadata names), values (enumerations). How values lie in bytes is the business of `openstreamer.wire`.
"""
