"""Who is probed and when, and what becomes of it: with providers of straw and a clock in hand."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support.builders import a_catalog, a_model, a_provider
from tests.support.clock import FakeClock
from tokenhub.adapters.memory.audit import MemoryAudit
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.admin.audit import Trail
from tokenhub.admin.health import Fleet
from tokenhub.core.catalog import Catalog
from tokenhub.core.failures import Kind
from tokenhub.core.health import State
from tokenhub.gateway.board import Board
from tokenhub.gateway.signals import Observed
from tokenhub.jobs.probe import AT_ONCE, Prober
from tokenhub.ports.provider import UpstreamError
from tokenhub.ports.snapshot import Snapshot

pytestmark = pytest.mark.anyio

EVERY_S = 30.0
WITHIN_S = 5.0
GONE = UpstreamError(Kind.UNREACHABLE)
REFUSED = UpstreamError(Kind.CREDENTIAL, status=401)
RESTRICTED = UpstreamError(Kind.FORBIDDEN, status=401, message="Missing scopes: api.model.read")


class Straws:
    """Providers that list their models, fail as `faults` say, and take `takes_s` for it."""

    def __init__(self, clock):
        self.clock = clock
        self.faults = {}
        self.takes_s = 0.0
        self.asked = []
        self.open = 0
        self.most = 0
        self.cancelled = 0

    def of(self, provider):
        return Straw(self, provider.id)


class Straw:
    def __init__(self, straws, provider_id):
        self.straws = straws
        self.id = provider_id

    async def models(self, *, within_s):
        assert WITHIN_S == within_s
        straws = self.straws
        straws.asked.append((self.id, straws.clock.monotonic() - 1_000.0))
        straws.open += 1
        straws.most = max(straws.most, straws.open)
        try:
            await straws.clock.sleep(straws.takes_s)
        except asyncio.CancelledError:
            straws.cancelled += 1
            raise
        finally:
            straws.open -= 1
        if self.id in straws.faults:
            raise straws.faults[self.id]
        return []


class Ward:
    """A prober, whom it probes, and what is known of them."""

    def __init__(self, *ids):
        self.clock = FakeClock()
        self.straws = Straws(self.clock)
        self.secrets = MemorySecrets()
        self.catalog = Snapshot(Catalog.build())
        self.board = Board(self.clock, patience_s=30.0, draw=lambda: 0.0)
        observed = Observed(self.secrets, board=self.board, patience_s=30.0)
        trail = Trail(store=MemoryAudit(), clock=self.clock)
        self.fleet = Fleet(
            observed, self.straws, catalog=self.catalog, clock=self.clock, trail=trail
        )
        self.prober = Prober(
            self.fleet,
            catalog=self.catalog,
            secrets=self.secrets,
            clock=self.clock,
            every_s=EVERY_S,
            within_s=WITHIN_S,
            draw=lambda: 0.0,
        )
        self.has(*(a_provider(one) for one in ids))

    def has(self, *providers):
        models = [a_model("m", provider.id) for provider in providers]
        self.catalog.current = a_catalog(*models, providers=providers)

    @property
    def route(self):
        return self.catalog.current.routes[0]

    def state(self):
        ((standing, _),) = self.fleet.every()
        return standing.state

    @asynccontextmanager
    async def probing(self):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.prober.run())
            await self.clock.advance(0.0)
            yield
            task.cancel()

    def times(self, provider_id="a"):
        return [at for name, at in self.straws.asked if name == provider_id]


async def test_a_provider_is_probed_at_once_and_then_at_every_interval():
    ward = Ward("a", "b")

    async with ward.probing():
        await ward.clock.advance(65.0)

    assert [0, 30, 60] == ward.times("a") == ward.times("b")
    probe = ward.fleet.probes()["a"]
    assert ("", ward.clock.now() - 5) == (probe.kind, probe.at)


async def test_it_begins_with_nobody_and_follows_the_catalog():
    ward = Ward()

    async with ward.probing():
        await ward.clock.advance(10.0)
        ward.has(a_provider("a"))
        await ward.clock.advance(10.0)
        ward.has(a_provider("a", version=2))
        await ward.clock.advance(10.0)
        ward.has(a_provider("a", version=3, enabled=False))
        await ward.clock.advance(70.0)
        assert {} == ward.fleet.probes()
        ward.has(a_provider("a", version=4))
        await ward.clock.advance(10.0)

    assert [11, 21, 101] == ward.times()


async def test_a_provider_whose_key_is_missing_is_not_probed_until_it_is_there():
    ward = Ward()
    ward.has(a_provider("a", cred_store="memory"))

    async with ward.probing():
        await ward.clock.advance(50.0)
        ward.secrets.put("a", "sk-a")
        await ward.clock.advance(10.0)

    assert [51] == ward.times()


async def test_a_provider_that_answers_calls_is_not_probed():
    ward = Ward("a")

    async with ward.probing():
        for _ in range(20):
            await ward.clock.advance(10.0)
            ward.board.succeeded(ward.route)
        await ward.clock.advance(31.0)

    assert [0, 230] == ward.times()


async def test_a_provider_that_is_gone_is_known_to_be_down_within_an_interval():
    ward = Ward("a")
    ward.straws.faults["a"] = GONE
    ward.straws.takes_s = WITHIN_S

    async with ward.probing():
        await ward.clock.advance(EVERY_S)

        assert ward.state() in {State.DOWN, State.HALF_OPEN}
        assert 5 == len(ward.straws.asked)

        ward.straws.faults.clear()
        await ward.clock.advance(2 * EVERY_S)

        assert State.HALF_OPEN is ward.state()

    assert 7 >= len(ward.straws.asked)


async def test_a_refused_key_is_out_and_in_again_when_it_is_taken():
    ward = Ward("a")
    ward.straws.faults["a"] = REFUSED

    async with ward.probing():
        assert State.CREDENTIAL is ward.state()
        await ward.clock.advance(5 * EVERY_S)
        ward.straws.faults.clear()
        await ward.clock.advance(EVERY_S)

    assert State.HALF_OPEN is ward.state()
    assert "" == ward.fleet.probes()["a"].kind


async def test_a_key_that_may_not_list_models_is_no_wrong_key():
    ward = Ward("a")
    ward.straws.faults["a"] = RESTRICTED

    async with ward.probing():
        pass

    assert State.HEALTHY is ward.state()
    assert "unsupported" == ward.fleet.probes()["a"].kind


async def test_no_provider_is_probed_twice_at_a_time_and_not_all_at_once():
    ward = Ward(*(f"p{number}" for number in range(3 * AT_ONCE)))
    ward.straws.takes_s = 50.0

    async with ward.probing():
        await ward.clock.advance(149.0)

    assert AT_ONCE == ward.straws.most
    assert 3 * AT_ONCE == len(ward.straws.asked) == len({name for name, _ in ward.straws.asked})


async def test_what_a_probe_says_of_a_provider_that_was_changed_meanwhile_is_dropped():
    ward = Ward("a")
    ward.straws.faults["a"] = REFUSED
    ward.straws.takes_s = 4.0

    async with ward.probing():
        ward.has(a_provider("a", version=2))
        await ward.clock.advance(4.0)
        assert State.HEALTHY is ward.state()
        ward.straws.faults.clear()
        await ward.clock.advance(6.0)

    assert State.HEALTHY is ward.state()
    assert [0, 4] == ward.times()


async def test_a_stop_cancels_what_is_under_way_and_counts_it_for_nothing():
    ward = Ward("a")
    ward.straws.takes_s = 4.0

    async with ward.probing():
        assert 1 == ward.straws.open

    assert (0, 1) == (ward.straws.open, ward.straws.cancelled)
    assert {} == ward.board.known()


async def test_probes_teach_no_route_a_latency():
    ward = Ward("a")
    ward.straws.takes_s = 2.0

    async with ward.probing():
        await ward.clock.advance(100.0)

    assert ward.fleet.every()[0][0].latency_s is None
