"""The revocation lists, for everybody who checks a certificate of this server's: at the address it names.

Public, because a list holds serial numbers only, and whoever has to check one has no login. What is answered
is what lies in the state directory: no request has anything signed. Rules: `docs/certificates.md`, "Where
programs find them"; RFC 5280, section 4.2.1.13, and RFC 2585.
"""

from __future__ import annotations

import hashlib
from email.utils import formatdate

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from openstreamer.errors import OpenStreamerError
from openstreamer.server.web.context import WebContext

KEPT_SECONDS = 300
"""How long an answer may be kept. A revocation takes as long to reach whoever asks through a cache."""

MEDIA_TYPE = "application/pkix-crl"


async def answer(context: WebContext, request: Request) -> Response:
    """One list in DER; 404 if no CA of ours has one of that name."""
    name = request.path_params["name"]
    try:
        found = await context.run(lambda: context.revocation_lists.get(name))
    except OpenStreamerError as error:
        raise HTTPException(503, "The revocation list cannot be read.") from error
    if found is None:
        raise HTTPException(404)
    tag = f'"{hashlib.sha256(found.der).hexdigest()[:16]}"'
    headers = {
        "cache-control": f"public, max-age={KEPT_SECONDS}",
        "etag": tag,
        "last-modified": formatdate(found.made, usegmt=True),
    }
    known = [entry.strip() for entry in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.der, media_type=MEDIA_TYPE, headers=headers)
