"""Connections, as far as sockets do not show it: tests/e2e has the rest."""

import asyncio
import json

import pytest
import uvicorn
from uvicorn.server import ServerState

from tokenhub.gateway.load import Load
from tokenhub.web.lasting import GONE, LEAVE
from tokenhub.web.protocol import REFUSAL, Protocol
from tokenhub.web.refusing import Refusals
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
        self.closed = False

    def write(self, data):
        self.said += data

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

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
    """A server that has no room while it is full; `reached` are the requests that got in."""

    def __init__(self):
        self.load = Load(most=1)
        self.load.enter()
        self.reached = []
        config = uvicorn.Config(
            self.app, http=Protocol, ws="none", lifespan="off", log_config=None, interface="asgi3"
        )
        refusals = Refusals(self.load, lambda: ID)
        self.protocol = Protocol(
            config=config, server_state=ServerState(), app_state={REFUSAL: refusals}
        )
        self.line = Line()
        self.protocol.connection_made(self.line)

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


ID = "req_0123456789abcdef0123456789ab"
POST = b"POST /v1/chat?a=b HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n"


async def test_who_is_refused_does_not_reach_the_application_and_may_ask_again(full):
    assert [503, 503] == await full.said(POST + b"\r\n{}", POST + b"\r\n{}")
    head, _, body = full.line.said.rpartition(b"\r\n\r\n")
    assert f"x-request-id: {ID}\r\n".encode() in head
    assert b"retry-after: 1\r\n" in head
    assert b"x-frame-options: DENY\r\n" in head
    assert f"content-length: {len(body)}".encode() in head
    assert "overloaded" == json.loads(body)["error"]["code"]
    assert 2 == full.load.refused
    full.load.leave()

    assert [200] == await full.said(POST + b"\r\n{}")
    assert ["/v1/chat"] == full.reached


async def test_a_refusal_speaks_the_dialect_of_its_route_and_names_the_request(full):
    await full.said(POST.replace(b"/v1/chat", b"/v1/messages") + b"\r\n{}")

    head, _, body = full.line.said.rpartition(b"\r\n\r\n")
    assert f"\r\nrequest-id: {ID}\r\n".encode() in head
    assert ("error", ID) == (json.loads(body)["type"], json.loads(body)["request_id"])


class Timers:
    """A loop as far as a connection looks at the time; `due` is when its last timer is."""

    def __init__(self):
        self.now = 100.0
        self.due = 0.0

    def time(self):
        return self.now

    def call_later(self, delay, _callback):
        self.due = self.now + delay
        return self

    def cancel(self):
        """Nothing is due any more."""


async def test_a_refused_caller_is_let_go_when_idle_and_not_before(full):
    full.protocol.loop = timers = Timers()
    await full.said(POST + b"\r\n{}")
    assert 105.0 == timers.due
    timers.now = 104.0
    await full.said(POST + b"\r\n{}")
    assert 105.0 == timers.due

    timers.now = 105.0
    full.protocol.timeout_keep_alive_handler()
    assert (False, 109.0) == (full.line.closed, timers.due)
    timers.now = 109.0
    full.protocol.timeout_keep_alive_handler()

    assert full.line.closed


async def test_what_is_under_way_is_answered_before_anything_is_refused(full):
    """Of two requests in one part the second may find that there is no room any more."""
    full.load.leave()
    full.protocol.data_received(POST + b"\r\n{}")
    full.load.enter()

    assert [200, 200] == await full.said(POST + b"\r\n{}")


async def test_a_length_of_thousands_of_digits_is_bad(connection):
    """Python reads no number of more than 4,300 (CVE-2020-10735)."""
    connection.transport.said = b""

    connection.data_received(REQUEST[:-2] + b"content-length: " + b"0" * 5000 + b"\r\n\r\n")

    assert connection.transport.said.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "parts",
    [
        [REQUEST],
        [POST.replace(b"/v1/chat", b"/admin/v1/keys") + b"\r\n{}"],
        [POST.replace(b"POST", b"PUT") + b"\r\n{}"],
        [POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n{}"],
        [POST.replace(b": 2", b": 99999") + b"\r\n{"],
        [POST + b"\r\n", b"{}"],
        [POST[:30], POST[30:] + b"\r\n{}"],
        [POST + b"\r\n{}" + REQUEST],
        [POST + b"content-length: 2\r\n\r\n{}"],
        [POST.replace(b": 2", b": +2") + b"\r\n{}"],
        [POST.replace(b"content-length: 2", b"transfer-encoding: chunked") + b"\r\n0\r\n\r\n"],
        [POST + b"Transfer-Encoding: chunked\r\n\r\n{}"],
        [POST + b"Expect: 100-continue\r\n\r\n{}"],
        [POST + b"Upgrade: h2c\r\nConnection: upgrade\r\n\r\n{}"],
        [POST + b"Connection: close\r\n\r\n{}"],
        [POST + b"Origin: http://a.example\r\n\r\n{}"],
        [POST + b"x: " + b"y" * 70_000 + b"\r\n\r\n{}"],
        [POST.replace(b": 2", b": " + b"1" * 5000) + b"\r\n{}"],
        [POST.replace(b": 2", b": 2\x0c") + b"\r\n{}"],
        [POST.replace(b": 2", b": 2\r\n 2") + b"\r\n{}"],
        [POST + b"Content-Length : 0\r\n\r\n{}"],
        [POST + b"x: y\nContent-Length: 0\r\n\r\n{}"],
        [POST + b"x: y\rContent-Length: 0\r\n\r\n{}"],
        [POST + b"x: y\n\n" + REQUEST + b"{}"],
        [POST + b"x: \0\r\n\r\n{}"],
        [POST + b"no field\r\n\r\n{}"],
        [POST + b"Host: there\r\n\r\n{}"],
        [POST.replace(b"host: here\r\n", b"") + b"\r\n{}"],
        [POST.replace(b"/v1/chat", b"http://here/v1/chat") + b"\r\n{}"],
        [POST.replace(b"/v1/chat", b"/v1/%6dessages") + b"\r\n{}"],
        [POST.replace(b"/v1/chat", b"/v1/models/gpt") + b"\r\n{}"],
    ],
    ids=range(31),
)
async def test_what_is_not_plainly_one_small_request_goes_the_usual_way(full, parts):
    """Whether it is refused there is not for the connection to say; bad ones never get in."""
    await full.said(*parts)

    assert 0 == full.load.refused
    assert b"overloaded" not in full.line.said
    assert full.line.said or full.reached


async def test_who_does_not_read_refusals_is_not_sent_more_of_them(full):
    """The usual way waits until what was said has been read."""
    assert [503] == await full.said(POST + b"\r\n{}")
    full.protocol.pause_writing()

    assert [] == await full.said(POST + b"\r\n{}", POST + b"\r\n{}")
    full.protocol.resume_writing()

    assert [200, 200] == await full.said(b"")
    assert 1 == full.load.refused


async def test_after_half_a_request_the_rest_is_not_taken_for_one(full):
    whole = POST.replace(b": 2", b": %d" % len(POST + b"\r\n{}")) + b"\r\n"

    assert [200] == await full.said(whole, POST + b"\r\n{}")
    assert 0 == full.load.refused


class Pipe(Line):
    """A connection whose other end takes nothing, once it is paused."""

    cut = False

    def abort(self):
        self.cut = True


@pytest.fixture
async def lasting():
    """A connection with an answer that lasts until it is told to end, and why that was."""
    why, begun = [], asyncio.Event()

    async def app(scope, receive, send):
        over = asyncio.Event()

        def leave(reason=""):
            why.append(reason)
            over.set()

        scope[LEAVE] = leave
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        await over.wait()
        await send({"type": "http.response.body", "body": b"the end"})

    config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None)
    protocol = Protocol(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(Pipe())
    protocol.data_received(b"GET /admin/v1/events HTTP/1.1\r\nhost: here\r\n\r\n")
    await begun.wait()
    yield protocol, why
    protocol.connection_lost(ConnectionError())
    if protocol.tasks:
        await asyncio.wait(protocol.tasks)


async def test_an_answer_without_end_ends_when_the_server_stops(lasting):
    protocol, why = lasting

    protocol.shutdown()
    await asyncio.wait(protocol.tasks)

    assert ["draining"] == why
    assert b"the end" in protocol.transport.said
    assert (True, False) == (protocol.transport.closed, protocol.transport.cut)


async def test_it_is_cut_where_nobody_reads_it(lasting):
    protocol, why = lasting
    protocol.flow.pause_writing()

    protocol.shutdown()

    assert (["draining"], True) == (why, protocol.transport.cut)


async def test_it_ends_when_the_connection_is_lost_and_knows_if_it_was_before(lasting):
    protocol, why = lasting

    protocol.connection_lost(ConnectionError())

    assert [""] == why
    assert GONE in protocol.cycle.scope
