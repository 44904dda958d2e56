"""A TLS client and a TLS server that talk in memory."""

from __future__ import annotations

import ssl
import tempfile

from openstreamer.authority import Credentials


class Talk:
    """A client and a server that have shaken hands, and a greeting. Raises what the handshake raises."""

    def __init__(
        self, client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> None:
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(down, up, server_hostname="localhost", session=session)
        self.server = server.wrap_bio(up, down, server_side=True)
        waiting = [self.client, self.server]
        for _ in range(20):
            for end in list(waiting):
                try:
                    end.do_handshake()
                    waiting.remove(end)
                except ssl.SSLWantReadError:
                    pass
            if not waiting:
                break
        assert not waiting
        self.server.write(b"hello")
        assert self.client.read(10) == b"hello"


def client_context(credentials: Credentials) -> ssl.SSLContext:
    """A client that verifies the server by the CA it was given, not by its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=credentials.ca_pem.decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(credentials.certificate_pem + credentials.private_key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context
