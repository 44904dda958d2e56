"""Makes the fixtures `estreamer_server` and `make_estreamer_server` known to all tests of this directory."""

pytest_plugins = ["openstreamer.testing"]
