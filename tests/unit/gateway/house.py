"""A gateway with providers of straw, for tests of what it charges, learns and tells."""

import asyncio
from collections import deque

from tests.support.builders import a_catalog, a_key, a_model
from tests.support.clock import FakeClock
from tokenhub.adapters.memory.rates import MemoryRates
from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.adapters.memory.stores import MemoryJournal
from tokenhub.core.ask import Answer
from tokenhub.core.schema import Schemas
from tokenhub.core.signals import UNKNOWN
from tokenhub.dialects.shrinking import shrunk
from tokenhub.gateway.admit import KeyLimits
from tokenhub.gateway.board import Board
from tokenhub.gateway.books import Books
from tokenhub.gateway.dispatch import Dispatch
from tokenhub.gateway.naming import Naming
from tokenhub.gateway.pipeline import Gateway, no_ear
from tokenhub.gateway.run import Arrival
from tokenhub.gateway.settle import Settle
from tokenhub.gateway.signals import Observed
from tokenhub.ports.hedging import NoHedges
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.snapshot import Snapshot
from tokenhub.web.errors import status_of

PATIENCE_S = 30.0
BIG = a_model("big", "a", per_1k=(0.001, 0.01), weight=9)
SMALL = a_model("small", "b", per_1k=(0.001, 0.01), weight=2)


class Straw:
    """Both ports at once: every call takes `took_s` and ends as the next of `ends` says.

    An end that is a pair takes its own seconds, on the clock, and may be cancelled meanwhile.
    """

    booked = False
    terminal = b"the end"

    def __init__(self, clock, *ends):
        self.clock = clock
        self.ends = deque(ends)
        self.took_s = 1.0
        self.waited_s = 0.0
        self.usage = None
        self.output_tokens = 3
        self.dropped = ()
        self.calls = 0
        self.closed = 0
        self.asked = []
        self.cancelled = []

    def of(self, provider):
        return self

    async def complete(self, ask, model_id, *, within_s):
        return await self._called(ask, model_id)

    async def open(self, ask, model_id, *, idle_s, begin_s, within_s):
        found = await self._called(ask, model_id)
        return found if isinstance(found, Straw) else self

    async def _called(self, ask, model_id):
        self.calls += 1
        self.asked.append((model_id, ask))
        if not isinstance(self.ends[0], tuple):
            return self._end()
        seconds, end = self.ends.popleft()
        try:
            await self.clock.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append(model_id)
            raise
        if isinstance(end, BaseException):
            raise end
        return end

    async def next(self):
        return self._end()

    def close(self):
        self.closed += 1

    def _end(self):
        self.clock.tick(self.took_s)
        self.waited_s += self.took_s
        end = self.ends.popleft()
        if isinstance(end, BaseException):
            raise end
        return end


class Ahead:
    """Intents that a test may look at, and keep waiting or fail by `gate`."""

    def __init__(self):
        self.written = []
        self.noted = []
        self.gate = None

    def write(self, intent):
        self.written.append(intent)
        if self.gate is not None:
            return self.gate
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def note(self, intent):
        self.noted.append(intent)


class Told:
    """Events that a test may look at."""

    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def of(self, *types):
        return [event for event in self.events if event.type in types]


class House:
    """A gateway over two models at two providers, and what it wrote down."""

    def __init__(self, *ends, models=(BIG, SMALL), hedging=None, ear=no_ear, **key):
        self.clock = FakeClock()
        self.straw = Straw(self.clock, *ends)
        self.journal = MemoryJournal()
        self.books = Books()
        self.intents = Ahead()
        self.heard = []
        self.told = Told()
        self.board = Board(self.clock, patience_s=PATIENCE_S, draw=lambda: 0.0, events=self.told)
        self.observed = Observed(MemorySecrets(), board=self.board, patience_s=PATIENCE_S)
        self.key, row = a_key(**key)
        self.keys = Snapshot({row.digest: row})
        self.catalog = a_catalog(*models)
        self.dispatch = Dispatch(
            self.straw,
            board=self.board,
            hedging=hedging or NoHedges(),
            clock=self.clock,
            idle_s=PATIENCE_S,
            draw=lambda: 0.0,
            complaint=Schemas().complaint,
            shrunk=shrunk,
            intents=self.intents,
        )
        self.gateway = Gateway(
            keys=self.keys,
            catalog=Snapshot(self.catalog),
            observed=self.observed,
            dispatch=self.dispatch,
            board=self.board,
            settle=Settle(
                self.journal,
                [self.observed.record, self.heard.append],
                clock=self.clock,
                status_of=status_of,
            ),
            naming=Naming(),
            limits=KeyLimits(MemoryRates(), rps=0),
            clock=self.clock,
            seeds=lambda: 1,
            books=self.books,
            events=self.told,
            ear=ear,
        )

    def arrival(self, number=1):
        return Arrival(f"req_{number}", self.clock.now(), self.clock.monotonic())

    async def complete(self, ask):
        return await self.gateway.complete(self.admit(ask))

    async def stream(self, ask):
        return await self.gateway.stream(self.admit(ask))

    def admit(self, ask, number=1):
        caller = self.gateway.admit(self.key, "chat", self.arrival(number))
        return self.gateway.begin(ask, caller)

    async def outcome(self):
        (found,) = await self.journal.page(LogQuery())
        return found

    def signal(self, route):
        return self.observed.read(self.catalog).routes.get(route, UNKNOWN)


async def settled():
    """Let the callbacks of a commit run."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def whole(body=b"x" * 40, usage=None, text=""):
    return Answer(body=body, usage=usage, text=text)
