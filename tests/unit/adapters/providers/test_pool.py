"""Addresses are checked each time before they are connected to, whatever the name led to before."""

import asyncio
import contextlib
import socket

import pytest

from tests.support.places import allowed
from tokenhub.adapters.providers.pool import ConnectError, NotAllowed
from tokenhub.adapters.providers.transport import Transport, failure, target, whole
from tokenhub.core.destinations import Destinations, destinations
from tokenhub.core.failures import Kind

pytestmark = pytest.mark.anyio

SOME_S = 5.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Names:
    """A resolver that leads to other places each time; the last ones stay."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host, port):
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [_socket_address(place, port) for place in found]


def _socket_address(place, port):
    family = socket.AF_INET6 if ":" in place else socket.AF_INET
    where = (place, port, 0, 0) if ":" in place else (place, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


@contextlib.asynccontextmanager
async def listening():
    """A server on loopback: its port, and how many have connected."""
    came = []

    async def serve(reader, writer):
        came.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()
        for writer in came:
            writer.close()


async def asked(transport, port, host="provider.test"):
    url = target("GET", f"http://{host}:{port}/v1/models")
    response = await transport.request(url, b"", within_s=SOME_S)
    return await whole(response)


async def test_a_name_that_leads_to_a_private_address_is_not_connected_to():
    async with listening() as (port, came):
        transport = Transport(allowed=allowed(""), resolve=Names(["127.0.0.1"]))

        with pytest.raises(NotAllowed, match=r"add provider\.test to TOKENHUB_ALLOWED") as no:
            await asked(transport, port)
        await transport.close()

    assert [] == came
    told = failure(no.value)
    assert (Kind.UNREACHABLE, str(no.value)) == (told.kind, told.message)


async def test_of_several_addresses_only_those_allowed_are_tried():
    async with listening() as (port, came):
        names = Names(["169.254.169.254", "::1", "127.0.0.1"])
        transport = Transport(allowed=allowed("127.0.0.1"), resolve=names)

        assert b"ok" == await asked(transport, port)
        await transport.close()

    assert 1 == len(came)


async def test_a_name_that_is_public_first_and_private_second_is_never_followed():
    """DNS rebinding: the address that is connected to is the one that was checked."""
    async with listening() as (port, came):
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        transport = Transport(allowed=allowed("127.0.0.2"), resolve=names)

        with pytest.raises(ConnectError) as first:  # "public", and nobody is there
            await asked(transport, port)
        with pytest.raises(NotAllowed):
            await asked(transport, port)
        with pytest.raises(NotAllowed):
            await asked(transport, port)
        await transport.close()

    assert not isinstance(first.value, NotAllowed)
    assert [] == came
    assert 3 == names.asked


async def test_an_address_in_numbers_is_checked_as_the_system_reads_it():
    async with listening() as (port, came):
        transport = Transport(allowed=allowed(""))

        for host in ("127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"):
            with pytest.raises(NotAllowed):
                await asked(transport, port, host)
        await transport.close()

    assert [] == came


async def test_a_change_of_what_is_allowed_ends_the_connections_from_before():
    async with listening() as (port, came):
        cell = allowed("provider.test")
        transport = Transport(allowed=cell, resolve=Names(["127.0.0.1"]))
        assert b"ok" == await asked(transport, port)
        busy = await transport.request(
            target("GET", f"http://provider.test:{port}/"), b"", within_s=SOME_S
        )

        cell.current = destinations("127.0.0.1")
        assert b"ok" == await whole(busy)
        assert b"ok" == await asked(transport, port)
        assert 2 == len(came)
        cell.current = Destinations()
        with pytest.raises(NotAllowed):
            await asked(transport, port)
        await transport.close()

    assert 2 == len(came)


async def test_the_log_tells_of_a_refused_address_once(caplog):
    transport = Transport(allowed=allowed(""), resolve=Names(["10.0.0.1"]))

    for _ in range(3):
        with pytest.raises(NotAllowed):
            await asked(transport, 80)
    await transport.close()

    (record,) = [one for one in caplog.records if one.getMessage() == "address_refused"]
    assert "provider.test" == record.host
    assert "TOKENHUB_ALLOWED_PRIVATE_HOSTS" in record.detail
