"""One paid run for each key (F26 to F28): duplicates, other bodies, kills, and every way out."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tokenhub.adapters.memory.bodies import Limits, MemoryBodies
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.errors import InFlight, KeyReused, OutcomeUnknown, Unavailable
from tokenhub.core.idempotency import KEPT_S, STREAM_BYTES, Kept, Scope
from tokenhub.core.outcome import Attempt
from tokenhub.gateway.claims import UNCLAIMED, Claim, Claims

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000.0
JSON = (b"content-type", b"application/json")
ANSWER = Kept(status=200, headers=(JSON,), body=b'{"answer":42}')

# Takes the claim of `Desk.begin`, and dies before anything else can be written.
KILLED = f"""
import asyncio, os, pathlib, signal, sys
from tokenhub.adapters.memory.bodies import MemoryBodies
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.idempotency import Scope
from tokenhub.gateway.claims import Claims

async def main():
    scope = Scope(key_id="k1", method="POST", route="/v1/chat/completions", key="order-7")
    async with open_stores(pathlib.Path(sys.argv[1])) as stores:
        claims = Claims(stores.claims, MemoryBodies())
        await claims.begin(scope, b"f", request_id="req_1", at={NOW}, within_s=5.0)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def a_scope(key: str = "order-7", key_id: str = "k1") -> Scope:
    return Scope(key_id=key_id, method="POST", route="/v1/chat/completions", key=key)


def an_attempt(state: str) -> Attempt:
    return Attempt(number=1, provider_id="openai", model_id="gpt", state=state)


class Desk:
    """Begins requests with one key, each under an id of its own."""

    def __init__(self, stores: Stores, limits: Limits | None = None) -> None:
        self.bodies = MemoryBodies(limits)
        self.claims = Claims(stores.claims, self.bodies)
        self.stores = stores
        self._number = 0

    async def begin(
        self,
        scope: Scope | None = None,
        fingerprint: bytes = b"f",
        *,
        at: float = NOW,
        within_s: float = 5.0,
        force: bool = False,
        attempts: tuple[Attempt, ...] = (),
    ) -> Claim | Kept:
        self._number += 1
        return await self.claims.begin(
            scope or a_scope(),
            fingerprint,
            request_id=f"req_{self._number}",
            at=at,
            within_s=within_s,
            force=force,
            attempts=attempts,
        )

    async def run(self, *, attempts: tuple[Attempt, ...] = (), force: bool = False) -> Claim:
        claim = await self.begin(attempts=attempts, force=force)
        assert isinstance(claim, Claim)
        return claim

    async def refused(self) -> str:
        """Why a repeat is not answered."""
        with pytest.raises(OutcomeUnknown) as refused:
            await self.begin()
        return str(refused.value)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Desk]:
    async with open_stores(path / "tokenhub.sqlite") as stores:
        await stores.claims.recover(since=NOW - KEPT_S)
        yield Desk(stores)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as desk:
        yield desk


async def test_of_fifty_at_once_one_runs_and_the_others_get_its_answer(desk: Desk) -> None:
    ran = []

    async def request() -> bytes:
        found = await desk.begin()
        if isinstance(found, Kept):
            return found.body
        ran.append(found)
        await asyncio.sleep(0)
        found.finish(200, [JSON], ANSWER.body)
        return ANSWER.body

    bodies = await asyncio.gather(*(request() for _ in range(50)))

    assert {ANSWER.body} == set(bodies)
    assert (1, 49) == (len(ran), desk.claims.replayed)


async def test_repeat_gets_the_same_answer(desk: Desk) -> None:
    (await desk.run()).finish(200, [JSON, (b"x-request-id", b"req_1")], ANSWER.body)

    again = await desk.begin()

    assert isinstance(again, Kept)
    assert (200, ANSWER.body) == (again.status, again.body)
    assert (JSON, (b"x-tokenhub-original-request-id", b"req_1")) == again.headers


async def test_other_request_with_the_key_is_refused_while_and_after_the_first(desk: Desk) -> None:
    claim = await desk.run()
    with pytest.raises(KeyReused):
        await desk.begin(fingerprint=b"other")
    claim.finish(200, [JSON], ANSWER.body)
    with pytest.raises(KeyReused):
        await desk.begin(fingerprint=b"other")
    await desk.begin(a_scope("second"))

    with pytest.raises(KeyReused):
        await desk.begin(a_scope("second"), fingerprint=b"other", force=True)


async def test_other_request_is_refused_when_only_the_disk_remembers(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        (await desk.run()).finish(200, [JSON], ANSWER.body)

    async with opened(tmp_path) as desk:
        with pytest.raises(KeyReused):
            await desk.begin(fingerprint=b"other", force=True)


async def test_who_waited_for_a_request_that_was_another_is_refused_as_it_was(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        (await desk.run()).finish(200, [JSON], ANSWER.body)

    async with opened(tmp_path) as desk:
        others = (desk.begin(fingerprint=b"other") for _ in range(3))
        told = await asyncio.gather(*others, return_exceptions=True)

    assert [KeyReused] * 3 == [type(error) for error in told]


async def test_tenants_never_meet(desk: Desk) -> None:
    (await desk.run()).finish(200, [JSON], ANSWER.body)

    other = await desk.begin(a_scope(key_id="k2"), fingerprint=b"other")

    assert isinstance(other, Claim)


async def test_who_waits_too_long_is_told_to_come_again(desk: Desk) -> None:
    await desk.run()

    with pytest.raises(InFlight) as refused:
        await desk.begin(within_s=0.001)

    assert 1.0 == refused.value.retry_after_s


async def test_released_key_goes_to_one_of_those_who_wait(desk: Desk) -> None:
    first = await desk.run()
    waiting = [asyncio.ensure_future(desk.begin()) for _ in range(3)]
    await asyncio.sleep(0)

    first.failed(429, [JSON], b"slow down")
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    (second,) = (task.result() for task in done)
    assert isinstance(second, Claim)
    second.finish(200, [JSON], ANSWER.body)

    assert [ANSWER, ANSWER] == list(await asyncio.gather(*others))


@pytest.mark.parametrize(
    ("status", "state"), [(400, "voided"), (404, "voided"), (413, "voided"), (422, "voided")]
)
async def test_final_error_of_a_provider_is_told_again(desk: Desk, status: int, state: str) -> None:
    claim = await desk.run(attempts=(an_attempt(state),))

    claim.failed(status, [JSON], b"no")

    assert Kept(status=status, headers=(JSON,), body=b"no") == await desk.begin()


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503])
async def test_error_that_cost_nothing_lets_the_repeat_run(desk: Desk, status: int) -> None:
    claim = await desk.run()

    claim.failed(status, [JSON], b"no")

    assert isinstance(await desk.begin(), Claim)


@pytest.mark.parametrize("state", ["unknown", "settled"])
async def test_what_may_have_been_paid_runs_again_by_force_only(desk: Desk, state: str) -> None:
    claim = await desk.run(attempts=(an_attempt(state),))
    claim.failed(502, [JSON], b"no")

    told = await desk.refused()
    forced = await desk.run(force=True)
    forced.finish(200, [JSON], ANSWER.body)

    assert "req_1" in told
    assert "may have been paid" in told
    assert ANSWER == await desk.begin()


async def test_those_who_wait_learn_at_once_that_nobody_knows(desk: Desk) -> None:
    first = await desk.run()
    waiting = [asyncio.ensure_future(desk.begin()) for _ in range(3)]
    await asyncio.sleep(0)

    first.unknown()
    told = await asyncio.gather(*waiting, return_exceptions=True)

    assert [OutcomeUnknown] * 3 == [type(error) for error in told]


async def test_forced_run_that_came_to_nothing_leaves_the_first_unknown(desk: Desk) -> None:
    (await desk.run()).unknown()

    (await desk.run(force=True)).release()

    assert "req_1" in await desk.refused()


async def test_only_the_first_ending_counts(desk: Desk) -> None:
    with await desk.run() as claim:
        claim.finish(200, [JSON], ANSWER.body)
        claim.unknown()
        claim.release()

    assert ANSWER == await desk.begin()


async def test_stream_is_told_again_as_one(desk: Desk) -> None:
    claim = await desk.run()

    claim.gather(b"data: 1\n\n")
    claim.gather(b"data: 2\n\n")
    claim.finish(200, [JSON], b"data: [DONE]\n\n")

    again = await desk.begin()
    assert isinstance(again, Kept)
    assert b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n" == again.body


@pytest.mark.parametrize(("more", "is_kept"), [(0, True), (1, False)])
async def test_stream_is_kept_up_to_its_limit(desk: Desk, *, more: int, is_kept: bool) -> None:
    claim = await desk.run()

    claim.gather(b"x" * (STREAM_BYTES - 10))
    claim.finish(200, [JSON], b"y" * (10 + more))

    if is_kept:
        assert isinstance(await desk.begin(), Kept)
    else:
        assert "too long to keep" in await desk.refused()


async def test_long_stream_holds_no_memory(desk: Desk) -> None:
    claim = await desk.run()

    claim.gather(b"x" * STREAM_BYTES)
    claim.gather(b"y")
    claim.gather(b"z")

    assert [] == claim._events


async def test_stream_that_broke_after_its_first_events_is_unknown(desk: Desk) -> None:
    claim = await desk.run()

    claim.gather(b"data: 1\n\n")
    claim.failed(502, [JSON], b"no")

    assert "may have been paid" in await desk.refused()


async def test_answer_longer_than_a_keys_share_is_told_to_those_who_wait_only(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as plenty:
        desk = Desk(plenty.stores, Limits(key_answer_bytes=2_000))
        claim = await desk.run()
        waiting = asyncio.ensure_future(desk.begin())
        await asyncio.sleep(0)

        claim.finish(200, [JSON], b"x" * 2_000)
        told = await waiting
        refused = await desk.refused()

    assert isinstance(told, Kept)
    assert "too long to keep" in refused


async def test_answer_that_made_room_is_not_run_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as plenty:
        desk = Desk(plenty.stores, Limits(answers=1))
        (await desk.run()).finish(200, [JSON], ANSWER.body)
        second = await desk.begin(a_scope("second"))
        assert isinstance(second, Claim)
        second.finish(200, [JSON], ANSWER.body)

        told = await desk.refused()

    assert "req_1" in told
    assert "was answered" in told


async def test_after_a_restart_what_was_answered_is_refused_and_may_be_forced(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        (await desk.run()).finish(200, [JSON], ANSWER.body)

    async with opened(tmp_path) as desk:
        told = await desk.refused()
        forced = await desk.begin(force=True)

    assert "req_1" in told
    assert "not kept any more" in told
    assert isinstance(forced, Claim)


async def test_after_a_restart_what_ran_is_unknown(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.run()

    async with opened(tmp_path) as desk:
        told = await desk.refused()

    assert "may have been paid" in told


async def test_after_a_kill_what_ran_is_unknown(tmp_path: Path) -> None:
    killed = await anyio.run_process(
        [sys.executable, "-c", KILLED, str(tmp_path / "tokenhub.sqlite")], check=False
    )

    async with opened(tmp_path) as desk:
        told = await desk.refused()

    assert -signal.SIGKILL == killed.returncode
    assert "request req_1 " in told
    assert "may have been paid" in told


async def test_after_a_day_the_key_is_free(desk: Desk) -> None:
    (await desk.run()).finish(200, [JSON], ANSWER.body)

    within = await desk.begin(at=NOW + KEPT_S)
    later = await desk.begin(fingerprint=b"other", at=NOW + KEPT_S + 1)

    assert ANSWER == within
    assert isinstance(later, Claim)


@pytest.mark.parametrize("loops", range(4))
async def test_cancelled_claim_leaves_the_key_free(desk: Desk, loops: int) -> None:
    """Before it starts, or while the disk works; the next has the key at once."""
    task = asyncio.ensure_future(desk.begin())
    for _ in range(loops):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    found = await desk.begin(within_s=0.0, fingerprint=b"other")

    assert task.cancelled()
    assert isinstance(found, Claim)


async def test_cancelled_force_leaves_the_first_unknown(desk: Desk) -> None:
    (await desk.run()).unknown()
    task = asyncio.ensure_future(desk.begin(force=True))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.wait([task])

    assert "req_1" in await desk.refused()


async def test_one_who_waits_may_leave(desk: Desk) -> None:
    claim = await desk.run()
    leaving, staying = (asyncio.ensure_future(desk.begin()) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()
    await asyncio.wait([leaving])
    claim.finish(200, [JSON], ANSWER.body)

    assert ANSWER == await staying


@pytest.mark.parametrize(
    ("states", "error", "free"),
    [
        ([], asyncio.CancelledError(), True),
        (["voided"], asyncio.CancelledError(), True),
        (["unknown"], asyncio.CancelledError(), False),
        (["settled"], asyncio.CancelledError(), False),
        ([], RuntimeError(), False),
    ],
)
async def test_claim_that_was_left_is_ended(
    desk: Desk, states: list[str], error: BaseException, *, free: bool
) -> None:
    """A caller who goes before anything was sent may come again; nothing else is free."""
    claim = await desk.run(attempts=tuple(an_attempt(state) for state in states))

    with pytest.raises(type(error)), claim:
        raise error

    if free:
        assert isinstance(await desk.begin(), Claim)
    else:
        assert "may have been paid" in await desk.refused()


async def test_without_a_disk_nothing_runs(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        pass

    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.begin(within_s=0.0)


def test_request_without_a_key_keeps_nothing() -> None:
    with UNCLAIMED as claim:
        claim.gather(b"x")
        claim.finish(200, [JSON], b"x")
        claim.failed(502, [JSON], b"x")
        claim.release()
        claim.unknown()

    assert not hasattr(claim, "__dict__")
