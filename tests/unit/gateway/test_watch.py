"""What is looked at after an answer. What it finds: tests/e2e/test_feedback.py."""

import pytest
from msgspec.structs import replace

from tests.support.builders import an_ask
from tests.unit.gateway.house import House, settled, whole
from tokenhub.app.opinions import Words
from tokenhub.core.rewards import RETRY, SCHEMA
from tokenhub.gateway.run import Ear
from tokenhub.gateway.watch import JUDGE, MAX_ANSWER_BYTES, Watch

pytestmark = pytest.mark.anyio


class Nobody:
    """A judge that wants what `wanted` says."""

    def __init__(self):
        self.on = True
        self.wanted = False
        self.taken = []

    def wants(self, _run):
        return self.wanted

    def take(self, run, outcome, body):
        self.taken.append((run.request_id, outcome.status, body))


class Watched:
    """A house whose requests are watched when they are settled."""

    def __init__(self, words=None):
        self.house = House(*[whole(b"answer")] * 4)
        self.judge = Nobody()
        self.heard = []
        self.watch = Watch(
            words=words or Words(),
            judge=self.judge,
            hear=lambda quality, key_id: self.heard.append((quality.source, key_id)),
            clock=self.house.clock,
        )

    async def ended(self, run):
        """The run's outcome, looked at."""
        answered = await self.house.gateway.complete(run)
        self.watch.ended(run, answered.outcome)
        await settled()


async def test_nothing_is_looked_at_before_the_answer_is_out() -> None:
    watched = Watched()
    run = watched.house.admit(an_ask())
    answered = await watched.house.gateway.complete(run)
    run.ask = an_ask(schema="{}")

    watched.watch.ended(run, answered.outcome)
    before = list(watched.heard)
    await settled()

    assert [] == before
    assert [(SCHEMA, run.key.id)] == watched.heard


async def test_a_repeat_is_noticed_and_an_answer_is_judged_where_that_is_wanted() -> None:
    watched = Watched()
    watched.judge.wanted = True

    for number in (1, 2):
        run = watched.house.admit(an_ask("same"), number)
        await watched.ended(run)

    assert [RETRY] == [source for source, _ in watched.heard]
    assert [("req_1", 200, b"answer"), ("req_2", 200, b"answer")] == watched.judge.taken


async def test_steps_of_plans_and_the_judges_own_requests_are_left_alone() -> None:
    watched = Watched()
    watched.judge.wanted = True
    for number in (1, 2):
        run = watched.house.admit(an_ask("same"), number)
        run.parent_id = "req_plan"
        await watched.ended(run)
    judging = watched.house.admit(an_ask("same"), 3)
    judging.key = replace(judging.key, id=JUDGE)

    watched.watch.ended(judging, (await watched.house.gateway.complete(judging)).outcome)
    await settled()

    assert ([], []) == (watched.heard, watched.judge.taken)
    assert watched.watch.ear(judging) is None


async def test_a_fault_of_the_look_is_logged_and_the_next_one_goes_on(caplog) -> None:
    class Broken(Words):
        def prompt_of(self, _ask):
            raise RuntimeError("odd")

    watched = Watched(Broken())
    for number in (1, 2):
        await watched.ended(watched.house.admit(an_ask(), number))

    assert ["watch_failed"] * 2 == [record.getMessage() for record in caplog.records]


async def test_a_stream_is_heard_where_somebody_wants_to_know() -> None:
    watched = Watched()
    plain = watched.house.admit(an_ask(), 1)
    tools = watched.house.admit(an_ask('{"tools"}'), 2)
    none = watched.watch.ear(plain)
    watched.judge.wanted = True

    ear = watched.watch.ear(plain)

    assert none is None
    assert ear is not None
    assert ear.sampled
    watched.judge.wanted = False
    watched.watch.signs = False
    assert watched.watch.ear(tools) is None


@pytest.mark.parametrize(
    ("size", "heard"), [(MAX_ANSWER_BYTES, True), (MAX_ANSWER_BYTES + 1, False)]
)
async def test_an_ear_keeps_so_much_and_nothing_of_what_is_longer(size, heard) -> None:
    ear = Ear(MAX_ANSWER_BYTES, sampled=True)

    ear.add(b"x" * (size - 1))
    ear.add(b"y")
    ear.add(b"")

    assert (b"x" * (size - 1) + b"y" if heard else b"") == ear.heard
