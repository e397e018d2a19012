"""Connections, as far as sockets do not show it: tests/e2e has the rest."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from tokenhub.web.protocol import Protocol
from tokenhub.web.v1.exchange import respond

pytestmark = pytest.mark.anyio
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n"


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Line(asyncio.Transport):
    """A connection to nobody; `said` is what was written."""

    def __init__(self):
        super().__init__()
        self.said = b""

    def write(self, data):
        self.said += data

    def is_closing(self):
        return False

    def resume_reading(self):
        """Never paused."""


@pytest.fixture
async def connection():
    answered = asyncio.Event()

    async def app(scope, receive, send):
        await respond(send, 200, [], b"ok")
        answered.set()

    config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None)
    protocol = Protocol(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(Line())
    protocol.data_received(REQUEST)
    await answered.wait()
    yield protocol
    protocol.connection_lost(ConnectionError())
    protocol._unset_keepalive_if_required()


async def test_line_breaks_do_not_keep_an_idle_connection(connection):
    ends = connection.timeout_keep_alive_task

    for _ in range(3):
        connection.data_received(b"\r\n")

    assert ends is connection.timeout_keep_alive_task
    assert not ends.cancelled()


@pytest.mark.parametrize("part", [b"G", REQUEST[:20], REQUEST])
async def test_the_beginning_of_a_request_does(connection, part):
    ends = connection.timeout_keep_alive_task

    connection.data_received(part)

    assert ends.cancelled()


@pytest.mark.parametrize(
    "value", [b"a\r\nx-evil: 1", b"a\nb", b"a\rb", b"a\0b", b"\x7f", b"\x1b[2J", b"caf\xc3\xa9"]
)
async def test_a_header_that_no_header_may_be_is_not_sent_and_an_error_still_can_be(value):
    """Neither half an answer nor a closed connection: who was about to send it may say so."""
    answered = asyncio.Event()

    async def app(scope, receive, send):
        with pytest.raises(RuntimeError, match="no header may"):
            await respond(send, 200, [(b"x-model", value)], b"ok")
        await respond(send, 500, [], b"sorry")
        answered.set()

    config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None)
    protocol = Protocol(config=config, server_state=ServerState(), app_state={})
    line = Line()
    protocol.connection_made(line)

    protocol.data_received(REQUEST)
    await answered.wait()

    assert line.said.startswith(b"HTTP/1.1 500")
    assert b"evil" not in line.said
    protocol.connection_lost(ConnectionError())
    protocol._unset_keepalive_if_required()
