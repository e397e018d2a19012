"""The judge: what it takes, what it may spend, and when it rests. In a server: tests/e2e."""

import json
from itertools import count

import pytest
from msgspec.structs import replace

from tests.support.builders import an_ask
from tests.unit.gateway.house import House, whole
from tokenhub.adapters.memory.ledger import MemoryLedger
from tokenhub.app.opinions import Words
from tokenhub.core.aliases import Alias, Variant
from tokenhub.core.ask import Wish
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Usage
from tokenhub.gateway.judge import MAX_PROMPT_BYTES, MOST_CASES, REST_S, Judge, Terms
from tokenhub.gateway.watch import JUDGE
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio
DAY_S = 86_400
# At USD 10 for 1,000,000 tokens of an answer.
TERMS = Terms(model="big", share=0.5, daily_nusd=10_000_000)


def completion(text):
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "x", "choices": [{"index": 0, "message": message}]}).encode()


def graded(text, tokens=20):
    return whole(completion(text), Usage(10, tokens), text)


class Court:
    """A house whose answers may be judged; `draw` is what the judge draws next."""

    def __init__(self, *ends, terms=TERMS):
        self.house = House(whole(completion("It rains."), Usage(10, 20)), *ends)
        self.heard = []
        self.draw = 0.0
        self.numbers = count(1)
        self.judge = Judge(
            ledger=MemoryLedger(self.house.journal),
            books=self.house.books,
            words=Words(),
            hear=lambda quality, key_id: self.heard.append((quality, key_id)),
            clock=self.house.clock,
            ids=lambda: f"req_judge_{next(self.numbers)}",
            draw=lambda: self.draw,
        )
        self.judge.follow(terms, self.house.gateway)

    def run(self, ask=None):
        return self.house.admit(ask or an_ask("Weather?", model="small"), next(self.numbers))

    async def answered(self, ask=None):
        """A request that has its answer, handed to the judge."""
        run = self.run(ask)
        answered = await self.house.gateway.complete(run)
        self.judge.take(run, answered.outcome, answered.body)
        return answered.outcome


async def test_a_grade_is_a_judgement_of_the_answer() -> None:
    court = Court(graded('{"grade": 7}'))
    outcome = await court.answered()

    await court.judge.sit()

    ((quality, key_id),) = court.heard
    assert (outcome.request_id, outcome.provider_id, outcome.model_id, 0.7, 0.5, "judge") == (
        quality.request_id,
        quality.provider_id,
        quality.model_id,
        quality.score,
        quality.weight,
        quality.source,
    )
    assert outcome.key_id == key_id


async def test_its_call_is_in_the_books_under_its_own_key() -> None:
    court = Court(graded('{"grade": 7}'))
    outcome = await court.answered()
    await court.judge.sit()

    (row,) = await court.house.journal.page(LogQuery(key_id=JUDGE))

    assert (outcome.request_id, "judge", "big") == (row.parent_id, row.dialect, row.model_id)
    assert 10 * 1000 + 20 * 10_000 == row.cost_nusd
    assert row.cost_nusd == court.house.books.charged_nusd(JUDGE, row.at)[1]


async def test_no_model_judges_its_own_words() -> None:
    court = Court(graded('{"grade": 10}'))
    outcome = await court.answered(an_ask("Weather?", model="big"))

    await court.judge.sit()

    assert ("big", 1) == (outcome.model_id, court.house.straw.calls)
    assert [] == court.heard


async def test_nor_does_one_that_an_alias_stands_for() -> None:
    wise = Alias(name="wise", variants=(Variant(model_id="small"),))
    court = Court(graded('{"grade": 10}'), terms=replace(TERMS, model="wise"))
    known = court.house.gateway._catalog
    known.current = replace(known.current, aliases={"wise": wise})
    await court.answered()

    await court.judge.sit()

    assert 2 == court.house.straw.calls
    assert [] == court.heard


async def test_what_waits_is_not_judged_once_it_is_turned_off() -> None:
    court = Court(graded('{"grade": 10}'))
    await court.answered()
    court.judge.follow(replace(TERMS, daily_nusd=0), court.house.gateway)

    await court.judge.sit()

    assert 1 == court.house.straw.calls


async def test_only_the_drawn_share_is_wanted() -> None:
    court = Court()

    wanted = []
    for court.draw in (0.0, 0.499, 0.5, 0.9):
        wanted.append(court.judge.wants(court.run()))

    assert [True, True, False, False] == wanted


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        replace(TERMS, model=""),
        replace(TERMS, share=0.0),
        replace(TERMS, daily_nusd=0),
    ],
)
async def test_it_is_off_without_a_model_a_share_or_money(terms) -> None:
    court = Court(terms=terms)

    assert not court.judge.wants(court.run())


async def test_the_key_and_the_caller_may_forbid_it() -> None:
    court = Court()
    open_run = court.run()
    of_key = court.run()
    of_key.key = replace(of_key.key, judged=False)
    of_caller = court.run(an_ask(header=Wish(judged=False)))
    allowed = court.run(an_ask(header=Wish(judged=True)))
    long = court.run(an_ask("x" * MAX_PROMPT_BYTES))

    wanted = [court.judge.wants(run) for run in (open_run, of_key, of_caller, allowed, long)]

    assert [True, False, False, True, False] == wanted


async def test_the_days_money_ends_judging_until_the_next_day() -> None:
    court = Court(graded('{"grade": 7}', tokens=940), whole(completion("Sun."), Usage(1, 1)))
    await court.answered()
    await court.judge.sit()
    left = court.judge.wants(court.run())
    await court.answered()

    await court.judge.sit()

    spent = court.judge.wants(court.run())
    court.house.clock.tick(DAY_S)
    assert [True, False, True] == [left, spent, court.judge.wants(court.run())]
    assert 1 == len(court.heard)
    assert 3 == court.house.straw.calls


async def test_another_judge_who_begins_anew_knows_what_was_spent() -> None:
    court = Court(graded('{"grade": 7}', tokens=940), whole(completion("Sun."), Usage(1, 1)))
    await court.answered()
    await court.judge.sit()
    court.judge.follow(replace(TERMS, share=1.0), court.house.gateway)
    await court.answered()

    await court.judge.sit()

    assert 3 == court.house.straw.calls
    assert not court.judge.wants(court.run())


async def test_a_call_that_might_not_fit_is_not_made() -> None:
    court = Court(terms=replace(TERMS, daily_nusd=1_000_000))
    await court.answered()

    await court.judge.sit()

    assert 1 == court.house.straw.calls
    assert [] == court.heard


@pytest.mark.parametrize(
    "ends",
    [
        [UpstreamError(Kind.OVERLOADED, status=503)] * 4,
        [graded('{"grade": 70}'), graded("seven")],
        [whole(b"no completion", Usage(1, 1), '{"grade": 7}')],
    ],
)
async def test_after_a_failure_it_rests(ends, caplog) -> None:
    court = Court(*ends, terms=replace(TERMS, daily_nusd=10**9))
    await court.answered()

    await court.judge.sit()

    resting = court.judge.wants(court.run())
    court.house.clock.tick(REST_S)
    assert [False, True] == [resting, court.judge.wants(court.run())]
    assert [] == court.heard
    assert ["judge_failed"] == [record.getMessage() for record in caplog.records]


async def test_what_cannot_be_read_is_left_out_and_the_next_is_judged(caplog) -> None:
    court = Court(whole(completion("Sun."), Usage(1, 1)), graded('{"grade": 7}'))
    run = court.run()
    answered = await court.house.gateway.complete(run)
    run.ask = replace(run.ask, payload=run.ask.payload[:-1] + b',"metadata":' + b"[" * 100_000)
    court.judge.take(run, answered.outcome, answered.body)
    outcome = await court.answered()

    await court.judge.sit()

    assert [outcome.request_id] == [quality.request_id for quality, _ in court.heard]
    assert "judge_failed" not in caplog.text


async def test_only_so_many_wait_for_it() -> None:
    court = Court()
    run = court.run()
    answered = await court.house.gateway.complete(run)
    for _ in range(MOST_CASES + 2):
        court.judge.take(run, answered.outcome, b"x")

    assert (MOST_CASES, 2) == (len(court.judge._cases), court.judge.left_out)


async def test_only_so_much_waits_for_it() -> None:
    court = Court()
    run = court.run()
    answered = await court.house.gateway.complete(run)
    for _ in range(20):
        court.judge.take(run, answered.outcome, b"x" * (256 << 10))

    assert court.judge._held_bytes <= 4 << 20
    assert court.judge.left_out == 20 - len(court.judge._cases)
