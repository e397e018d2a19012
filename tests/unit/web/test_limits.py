"""The door: who is counted as one, and what they are told."""

import pytest

from tests.support.clock import FakeClock
from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.core.addresses import networks
from tokenhub.core.buckets import UNLIMITED, Allowance, Limit
from tokenhub.gateway.run import Arrival
from tokenhub.web.front import Front
from tokenhub.web.limits import (
    AddressDoor,
    Doors,
    OpenDoor,
    anthropic_headers,
    openai_headers,
)
from tokenhub.web.v1.exchange import respond

pytestmark = pytest.mark.anyio
SMALL = b'{"model":"auto"}'


def door(*, rps=2, burst=3, proxies=""):
    return AddressDoor(Limit(rps=rps, burst=burst), MemoryRates(), proxies=networks(proxies))


def coming_from(address, **headers):
    peer = None if address is None else (address, 4711)
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": peer, "headers": pairs, "method": "POST", "path": "/v1/chat"}


class Entrance:
    """A front door whose routes answer what is left; `bodies` counts what was read."""

    def __init__(self, **doors):
        self.clock = FakeClock()
        self.reached = []
        self.doors = Doors(**doors)
        self._front = Front(
            {("POST", "/v1/chat"): self._route, ("GET", "/v1/models"): self._route},
            rest=self._rest,
            arrivals=lambda: Arrival("req_1", self.clock.now(), self.clock.monotonic()),
            doors=self.doors,
        )

    async def __call__(self, path="/v1/chat", *, method="POST", address="192.0.2.1", **headers):
        """The status and headers of the answer. Who reads the body of a refused request fails."""
        said = []
        scope = coming_from(address, **headers) | {"path": path, "method": method}

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            said.append(message)

        await self._front(scope, receive, send)
        return said[0]["status"], dict(said[0]["headers"])

    async def _route(self, scope, receive, send, arrival):
        self.reached.append(scope["path"])
        await respond(send, 200, openai_headers(arrival.allowance), SMALL)

    async def _rest(self, scope, receive, send):
        self.reached.append(scope["path"])
        await respond(send, 200, [], b"")


def test_ports_and_connections_of_an_address_are_one_caller():
    counted = door()

    left = [
        counted.take({"client": ("192.0.2.1", port), "headers": []}, 0.0).remaining
        for port in (1, 2, 3)
    ]

    assert [2, 1, 0] == left


def test_a_64_of_ipv6_is_one_caller_and_a_mapped_address_is_its_ipv4():
    counted = door(burst=2)

    network = [counted.take(coming_from(f"2001:db8::{n:x}"), 0.0).allowed for n in range(1, 4)]
    other = counted.take(coming_from("2001:db8:0:1::1"), 0.0).allowed
    mapped = [
        counted.take(coming_from(a), 0.0).remaining for a in ("192.0.2.1", "::ffff:192.0.2.1")
    ]

    assert [True, True, False] == network
    assert other
    assert [1, 0] == mapped


def test_a_forged_header_makes_nobody_somebody_else():
    counted = door(burst=1)

    passed = [
        counted.take(coming_from("192.0.2.1", **{name: f"10.0.0.{n}"}), 0.0).allowed
        for n, name in enumerate(["x_forwarded_for", "forwarded", "x_real_ip", "x_forwarded_for"])
    ]

    assert [True, False, False, False] == passed


def test_a_trusted_proxy_is_not_counted_itself():
    counted = door(burst=1, proxies="192.0.2.1")

    passed = [
        counted.take(coming_from("192.0.2.1", x_forwarded_for=f"1.1.1.1, 203.0.113.{n}"), 0.0)
        for n in (1, 2, 1)
    ]

    assert [True, True, False] == [allowance.allowed for allowance in passed]


def test_callers_without_an_address_are_one():
    counted = door(burst=1)

    assert [True, False] == [counted.take(coming_from(None), 0.0).allowed for _ in range(2)]


async def test_refill_is_exact_at_the_door():
    entrance = Entrance(callers=door())

    statuses = [(await entrance())[0] for _ in range(4)]
    for seconds in (0.499, 0.001, 0.4, 0.1):
        entrance.clock.tick(seconds)
        statuses.append((await entrance())[0])

    assert [200, 200, 200, 429, 429, 200, 429, 200] == statuses


async def test_who_passes_hears_what_is_left_and_who_does_not_when_to_come():
    entrance = Entrance(callers=door(rps=1, burst=1))

    passed, refused = await entrance(), await entrance()

    left = {b"x-ratelimit-limit-requests": b"1", b"x-ratelimit-remaining-requests": b"0"}
    assert 200 == passed[0]
    assert left | {b"x-ratelimit-reset-requests": b"1s"} == {
        name: value for name, value in passed[1].items() if b"ratelimit" in name
    }
    assert 429 == refused[0]
    assert b"1" == refused[1][b"retry-after"]
    assert left.items() <= refused[1].items()
    assert ["/v1/chat"] == entrance.reached


async def test_reading_models_and_probing_is_not_counted():
    entrance = Entrance(callers=door(burst=1), operators=door(burst=1))

    for path in ("/v1/models", "/healthz", "/readyz", "/metrics"):
        assert {200} == {(await entrance(path, method="GET"))[0] for _ in range(5)}


@pytest.mark.parametrize(
    "path", ["/admin/v1/info", "//admin/v1/info", "/admin/v1/info/", "/admin", "/", "/else"]
)
async def test_all_else_is_counted_however_its_path_is_spelled(path):
    entrance = Entrance(callers=door(burst=1), operators=door(burst=1))

    statuses = [(await entrance(path, method="GET"))[0] for _ in range(2)]

    assert [200, 429] == statuses


async def test_callers_and_operators_do_not_share_a_bucket():
    entrance = Entrance(callers=door(burst=1), operators=door(burst=1))

    assert 200 == (await entrance())[0]
    assert 200 == (await entrance("/admin/v1/info", method="GET"))[0]
    assert 429 == (await entrance())[0]


@pytest.mark.parametrize(
    ("closes", "headers"),
    [
        (False, {}),
        (False, {"content_length": "65536"}),
        (True, {"content_length": "65537"}),
        (True, {"transfer_encoding": "chunked"}),
    ],
)
async def test_a_connection_lives_on_where_what_still_comes_is_little(closes, headers):
    entrance = Entrance(callers=door(burst=1))
    await entrance()

    status, told = await entrance(**headers)

    assert 429 == status
    assert closes == (told.get(b"connection") == b"close")


def test_an_open_door_says_nothing():
    assert UNLIMITED is OpenDoor().take(coming_from("192.0.2.1"), 0.0)
    assert [] == openai_headers(UNLIMITED)
    assert [] == anthropic_headers(UNLIMITED, at=0.0)


def test_anthropics_reset_is_a_time_not_before_the_bucket_is_full():
    left = Allowance(limit=3, remaining=1, reset_s=0.25)

    headers = dict(anthropic_headers(left, at=1_700_000_000.5))

    assert b"2023-11-14T22:13:21Z" == headers[b"anthropic-ratelimit-requests-reset"]
    assert b"1" == headers[b"anthropic-ratelimit-requests-remaining"]
