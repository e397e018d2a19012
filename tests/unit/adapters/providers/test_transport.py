"""Where requests go, and the limits on getting there."""

import asyncio
import socket

import pytest

from tests.support.places import allowed
from tokenhub.adapters.providers.pool import ConnectError
from tokenhub.adapters.providers.transport import Transport, failure, header_lines, target
from tokenhub.core.failures import Kind

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "origin", "lines"),
    [
        (
            "https://api.example/v1/models?limit=1000",
            ("https", "api.example", 443),
            b"GET /v1/models?limit=1000 HTTP/1.1\r\nHost: api.example\r\n",
        ),
        (
            "http://[::1]:8000/v1",
            ("http", "::1", 8000),
            b"GET /v1 HTTP/1.1\r\nHost: [::1]:8000\r\n",
        ),
        (
            "https://b\u00fccher.example/caf\u00e9/%2F",
            ("https", "xn--bcher-kva.example", 443),
            b"GET /caf%C3%A9/%2F HTTP/1.1\r\nHost: xn--bcher-kva.example\r\n",
        ),
    ],
)
def test_target_is_the_origin_and_the_first_lines(url, origin, lines):
    found = target("GET", url)

    assert (origin, lines) == (found.origin, found.lines)


@pytest.mark.parametrize("bad", ["a\r\nX: b", "a\nb", "a\rb", "a\0b", "a\r\n\r\nGET / HTTP/1.1"])
def test_a_header_that_would_end_its_line_is_refused(bad):
    for headers in ({"Authorization": bad}, {bad: "x"}, {"A": "b", "X": bad}):
        with pytest.raises(ValueError, match="what no header may"):
            header_lines(headers)


def names(*places):
    """Knows one name, by as many addresses as are given; without any it never answers."""

    async def resolve(_host, port):
        if not places:
            await asyncio.get_running_loop().create_future()
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (place, port))
            for place in places
        ]

    return resolve


async def test_name_that_is_none_is_unreachable():
    async def resolve(_host, _port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(ConnectError) as caught:
        await Transport(allowed=allowed(), resolve=resolve).request(
            target("GET", "http://nowhere.test/"), b"", within_s=5.0
        )

    assert Kind.UNREACHABLE is failure(caught.value).kind


@pytest.fixture
def full():
    """The port of a listener whose queue is full: nobody gets in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


@pytest.mark.parametrize("places", [(), ("127.0.0.1",) * 3])
async def test_limit_on_connecting_holds_for_the_name_and_all_its_addresses(full, places) -> None:
    """Nothing was sent yet: it is unreachable rather than late, and costs nothing."""
    transport = Transport(allowed=allowed(), resolve=names(*places))
    url = target("POST", f"http://provider.test:{full}/")

    with pytest.raises(ConnectError) as caught:
        await transport.request(url, b"", within_s=0.3, body=b"")

    await transport.close()
    assert Kind.UNREACHABLE is failure(caught.value).kind
