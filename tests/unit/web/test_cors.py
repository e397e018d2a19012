"""CORS at the front door: who is let in, what they are told, and that nobody else is."""

import pytest

from tests.support.clock import FakeClock
from tokenhub.gateway.load import Load
from tokenhub.gateway.run import Arrival
from tokenhub.web.cors import NO_CORS, Cors
from tokenhub.web.front import Front
from tokenhub.web.limits import OPEN
from tokenhub.web.v1.exchange import respond

pytestmark = pytest.mark.anyio
PAGE = b"https://app.example"


class Entrance:
    """A front door whose one route answers 200; all else is the control plane's 401."""

    def __init__(self, cors):
        clock = FakeClock()
        self._front = Front(
            {("POST", "/v1/chat"): self._route},
            rest=self._rest,
            arrivals=lambda: Arrival("req_1", clock.now(), clock.monotonic()),
            doors=OPEN,
            load=Load(),
            cors=cors,
        )

    async def __call__(self, method="POST", path="/v1/chat", **headers):
        """Status and headers of the answer."""
        said = []
        pairs = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": pairs, "client": None}

        async def receive():
            raise AssertionError("nothing of the body is wanted")

        async def send(message):
            said.append(message)

        await self._front(scope, receive, send)
        return said[0]["status"], dict(said[0]["headers"])

    async def _route(self, scope, receive, send, arrival):
        await respond(send, 200, [], b"")

    async def _rest(self, scope, receive, send):
        await respond(send, 401, [], b"")


def preflight(**headers):
    return {"origin": PAGE, "access_control_request_method": b"POST"} | headers


async def test_any_page_may_read_an_answer_where_all_are_let_in():
    status, headers = await Entrance(Cors(("*",)))(origin=PAGE)

    assert (200, b"*") == (status, headers[b"access-control-allow-origin"])
    assert b"x-tokenhub-model" in headers[b"access-control-expose-headers"]
    assert b"access-control-allow-credentials" not in headers


async def test_a_page_that_is_listed_is_named_and_another_one_told_nothing():
    entrance = Entrance(Cors(("https://app.example",)))

    _, told = await entrance(origin=PAGE)
    status, silent = await entrance(origin=b"https://evil.example")

    assert (PAGE, b"origin") == (told[b"access-control-allow-origin"], told[b"vary"])
    assert 200 == status
    assert not [name for name in silent if name.startswith(b"access-control")]


@pytest.mark.parametrize("cors", [NO_CORS, Cors(("*",)), Cors(("https://app.example",))])
async def test_who_is_no_page_is_told_nothing(cors):
    _, headers = await Entrance(cors)()

    assert {b"content-length": b"0"} == headers


async def test_a_browser_that_asks_first_is_answered_at_once():
    names = b"authorization, content-type,x-stainless-lang"

    status, headers = await Entrance(Cors(("*",)))(
        "OPTIONS", **preflight(access_control_request_headers=names)
    )

    assert 204 == status
    assert names == headers[b"access-control-allow-headers"]
    assert b"GET, POST" == headers[b"access-control-allow-methods"]
    assert b"content-length" not in headers
    assert b"300" == headers[b"access-control-max-age"]
    assert b"*" == headers[b"access-control-allow-origin"]


@pytest.mark.parametrize("names", [b"", b"a b", b"a\r\nx: y", b"a,,b", b"x" * 3000, b"\xff"])
async def test_names_of_headers_that_are_none_are_not_repeated(names):
    _, headers = await Entrance(Cors(("*",)))(
        "OPTIONS", **preflight(access_control_request_headers=names)
    )

    assert b"access-control-allow-headers" not in headers


@pytest.mark.parametrize("cors", [NO_CORS, Cors(("https://other.example",))])
async def test_a_page_that_is_not_let_in_gets_no_permission(cors):
    status, headers = await Entrance(cors)("OPTIONS", **preflight())

    assert 405 == status
    assert not [name for name in headers if name.startswith(b"access-control")]


async def test_options_without_the_question_are_no_preflight():
    status, _ = await Entrance(Cors(("*",)))("OPTIONS", origin=PAGE)

    assert 405 == status


async def test_errors_can_be_read_by_a_page_too():
    status, headers = await Entrance(Cors(("*",)))(path="/v1/nothing", origin=PAGE)

    assert (404, b"*") == (status, headers[b"access-control-allow-origin"])


@pytest.mark.parametrize("path", ["/admin/v1/info", "//v1/chat", "/metrics", "/", "/v1"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_nothing_beside_v1_lets_any_page_in(path, method):
    status, headers = await Entrance(Cors(("*",)))(method, path, **preflight())

    assert 401 == status
    assert not [name for name in headers if name.startswith(b"access-control")]


def test_a_route_that_does_not_say_who_may_use_it_is_not_served():
    with pytest.raises(ValueError, match="/v1/forgotten"):
        Front({("POST", "/v1/forgotten"): None}, rest=None, arrivals=None, doors=OPEN, load=Load())
