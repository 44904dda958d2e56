"""The conversation between client and server, without input or output.

Bytes go in and messages come out, messages go in and bytes come out; time is an argument. `messages` has the
messages, `session_client` and `session_server` the two ends, `records` and `items` what is said. Nothing here
knows a socket, a clock, a file or a thread, and nothing is imported here.
"""
