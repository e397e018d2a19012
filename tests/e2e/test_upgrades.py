"""Requests that offer another protocol: each gets one answer, its own (RFC 9110 7.8).

A server that takes the offer for more than an offer reads the body as the next request. Behind a
proxy that shares its connections, whoever comes next gets the answer to it.
"""

import asyncio
import json
import re
from contextlib import closing, suppress

import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import running
from tokenhub.sim.app import Sim

pytestmark = pytest.mark.anyio

COMPLETIONS = "/v1/chat/completions"
BODY = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}).encode()
LAST = b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nhost: smuggled\r\n\r\n"
# As clients make them; the second as Java's HttpClient makes it for each first request.
OFFERS = {
    "websocket": b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n",
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n",
    "tls": b"upgrade: TLS/1.2\r\nconnection: Upgrade\r\n",
    "several": b"Connection: keep-alive, upgrade\r\nUpgrade: h2c, websocket\r\nUPGRADE: x\r\n",
    "odd": b"connection: upgrade\r\nuPgRaDe:\t h2c \r\n",
}


@pytest.fixture(scope="module")
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="module")
async def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    async with Sim(PROFILE, record=False) as sim, running(folder) as hub:
        await hub.provider("one", sim, models=["gpt"])
        yield hub


@pytest.fixture(scope="module")
async def key(served):
    return await served.key()


@pytest.fixture
def statuses(served, key):
    """Sends parts, each in a segment of its own; gives the statuses up to the connection's end."""

    async def exchange(*parts):
        parts = [part.replace(b"$KEY", key.encode()) for part in parts]
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        with closing(writer):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.02)  # so that the next one comes in a read of its own
            said = b""
            with suppress(ConnectionResetError):
                async with asyncio.timeout(10):
                    while piece := await reader.read(65_536):
                        said += piece
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]

    return exchange


def post(offer, body=BODY, *, length=True, headers=b"connection: close\r\n"):
    """Head and body of a request that makes the offer."""
    if length:
        headers += b"content-length: %d\r\n" % len(body)
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\nx-api-key: $KEY\r\n"
        b"content-type: application/json\r\n" + headers + offer + b"\r\n"
    )
    return head, body


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("pieces", ["one", "head and body", "bytes"])
async def test_an_offer_does_not_keep_a_request_from_its_answer(statuses, offer, pieces):
    head, body = post(offer)
    split = {
        "one": [head + body],
        "head and body": [head, body],
        "bytes": [head[:20], head[20:-3], head[-3:] + body[:1], body[1:]],
    }

    assert [200] == await statuses(*split[pieces])


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("together", [True, False])
async def test_no_body_is_taken_for_the_next_request(statuses, offer, together):
    head, body = post(offer, SMUGGLED, headers=b"")

    parts = [head + body, LAST] if together else [head, body, LAST]
    assert [400, 200] == await statuses(*parts)


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
async def test_a_body_in_chunks_is_read_as_one(statuses, offer):
    chunked = b"transfer-encoding: chunked\r\nconnection: close\r\n"
    head, _ = post(offer, length=False, headers=chunked)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)

    assert [200] == await statuses(head, chunks[:9], chunks[9:])
    assert [200] == await statuses(head + chunks)


async def test_requests_with_offers_follow_each_other_on_one_connection(statuses):
    """Many of them in one segment, and each of them with the next one's beginning."""
    (offering, body), (plain, _) = post(OFFERS["h2c"], headers=b""), post(b"", headers=b"")
    wire = offering + body + plain + body

    assert [200] * 41 == await statuses(wire * 20 + LAST)
    half = len(offering) + len(body) + 30
    assert [200] * 3 == await statuses(wire[:half], wire[half:] + LAST)


async def test_a_websocket_is_refused_without_advice_for_the_operator(statuses, caplog):
    wire = b"GET /v1/chat HTTP/1.1\r\nhost: here\r\n" + OFFERS["websocket"] + b"\r\n"

    assert [405, 200] == await statuses(wire, LAST)
    assert [] == [record.getMessage() for record in caplog.records if "uvicorn" in record.name]


@pytest.mark.parametrize("target", [b"here:443", b"/v1/models", b"http://here/v1/models"])
async def test_a_tunnel_is_refused_and_ends_the_connection(statuses, target):
    wire = b"CONNECT " + target + b" HTTP/1.1\r\nhost: here\r\n\r\n"

    assert [400] == await statuses(wire + SMUGGLED)
    assert [400] == await statuses(wire, SMUGGLED)


async def test_a_trailer_passes_for_no_header(statuses):
    """Even where all of the request is there before its headers are looked at."""
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n"
        b"content-type: application/json\r\nconnection: close\r\n\r\n"
    )
    chunks = b"%x\r\n%b\r\n0\r\nx-api-key: $KEY\r\n\r\n" % (len(BODY), BODY)

    assert [401] == await statuses(head + chunks)
