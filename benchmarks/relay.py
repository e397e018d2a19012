"""A bare relay, the yardstick: raw ASGI on uvicorn and one aiohttp session, and nothing else.

    python benchmarks/relay.py PORT UPSTREAM

It reads the body, posts it with its headers, and gives back status, headers and body: whole
where the upstream says a length, else chunk by chunk as they come. No timeouts, no retries, no
log: what is left is what any Python relay pays.
"""

import sys
from functools import lru_cache

import aiohttp
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from yarl import URL

# Of one connection only (RFC 9110 7.6.1), or set anew by whoever sends.
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"host"}
)
REQUEST_ONLY = frozenset({b"content-length"})


class Relay:
    """The ASGI application."""

    def __init__(self, upstream: str) -> None:
        self._url = lru_cache(maxsize=64)(lambda path: URL(upstream + path, encoded=True))

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            await self._relay(scope, await body_of(receive), send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
        ) as self._session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _relay(self, scope: HTTPScope, body: bytes, send: ASGISendCallable) -> None:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if name not in HOP_BY_HOP and name not in REQUEST_ONLY
        ]
        async with self._session.request(
            scope["method"], self._url(scope["path"]), data=body, headers=headers
        ) as answer:
            kept = [
                (name.lower(), value)
                for name, value in answer.raw_headers
                if name.lower() not in HOP_BY_HOP
            ]
            whole = b"" if answer.content_length is None else await answer.read()
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": kept,
                    "trailers": False,
                }
            )
            if answer.content_length is None:
                async for chunk in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": whole, "more_body": False})


async def body_of(receive: ASGIReceiveCallable) -> bytes:
    """The whole request body."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message["body"])
        if not message["more_body"]:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def main(port: int, upstream: str) -> None:
    uvicorn.run(
        Relay(upstream),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
