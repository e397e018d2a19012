"""Connections, as far as sockets do not show it: tests/e2e has the rest."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from tokenhub.web.front import REFUSAL
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

    def pause_reading(self):
        """All that comes is there already."""

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


class Full:
    """A server that refuses while it is full; `reached` are the requests that got in."""

    def __init__(self):
        self.full = True
        self.reached = []
        config = uvicorn.Config(
            self.app, http=Protocol, ws="none", lifespan="off", log_config=None, interface="asgi3"
        )
        self.protocol = Protocol(
            config=config, server_state=ServerState(), app_state={REFUSAL: self.refusal}
        )
        self.line = Line()
        self.protocol.connection_made(self.line)

    def refusal(self, path):
        return (503, [(b"x-path", path.encode())], b"full") if self.full else None

    async def app(self, scope, receive, send):
        self.reached.append(scope["path"])
        await respond(send, 200, [], b"ok")

    async def said(self, *parts):
        """What comes of these parts, and the statuses in it."""
        self.line.said = b""
        for part in parts:
            self.protocol.data_received(part)
        for _ in range(5):
            await asyncio.sleep(0)
        return [int(one[:3]) for one in self.line.said.split(b"HTTP/1.1 ")[1:]]

    def end(self):
        self.protocol.connection_lost(ConnectionError())
        self.protocol._unset_keepalive_if_required()


@pytest.fixture
async def full():
    server = Full()
    yield server
    server.end()


POST = b"POST /v1/chat?a=b HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n"


async def test_who_is_refused_does_not_reach_the_application_and_may_ask_again(full):
    assert [503] == await full.said(POST + b"\r\n{}")
    assert b"x-path: /v1/chat\r\n" in full.line.said
    assert full.line.said.endswith(b"content-length: 4\r\n\r\nfull")
    assert full.protocol.timeout_keep_alive_task is not None
    full.full = False

    assert [200] == await full.said(POST + b"\r\n{}")
    assert ["/v1/chat"] == full.reached


async def test_a_refusal_waits_for_the_whole_request(full):
    assert [] == await full.said(POST + b"\r\n", b"{")
    assert [503] == await full.said(b"}")


async def test_refusals_and_answers_come_in_the_order_of_their_requests(full):
    get = REQUEST.replace(b"/healthz", b"/readyz")

    assert [503, 503, 200] == await full.said((POST + b"\r\n{}") * 2 + get)
    assert [503, 200, 200] == await full.said(POST + b"\r\n{}" + get, REQUEST)


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (REQUEST, b""),
        (POST.replace(b"/v1/chat", b"/admin/v1/keys"), b"\r\n{}"),
        (POST.replace(b"POST", b"PUT"), b"\r\n{}"),
        (POST.replace(b": 2", b": 99999"), b"\r\n{"),
        (POST.replace(b"content-length: 2", b"transfer-encoding: chunked"), b"\r\n0\r\n\r\n"),
        (POST, b"expect: 100-continue\r\n\r\n{}"),
    ],
    ids=["a probe", "an operator", "no POST", "a large body", "any body", "asks first"],
)
async def test_only_small_requests_to_a_model_are_refused_here(full, head, rest):
    await full.said(head + rest)

    assert 1 == len(full.reached)


async def test_a_refused_caller_of_http_1_0_is_closed_on(full):
    closed = []
    full.line.close = lambda: closed.append(1)

    assert [503] == await full.said(POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n{}")

    assert [1] == closed
    assert b"connection: close\r\n" in full.line.said
