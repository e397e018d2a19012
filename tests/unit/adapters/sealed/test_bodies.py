"""Answers that outlive the process, under the vault's keys."""

import pytest

from tests.support.vaults import NOW
from tokenhub.adapters.memory.bodies import Limits
from tokenhub.adapters.sealed.bodies import SealedBodies
from tokenhub.core.idempotency import Kept, Scope
from tokenhub.core.vault.changes import rekeyed
from tokenhub.ports.claims import Held

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0
CANARY = b'{"answer":"canary-in-an-answer"}'


def a_scope(key="once", key_id="key_1"):
    return Scope(key_id=key_id, method="POST", route="/v1/chat", key=key)


def held(body=CANARY, at=NOW):
    answer = Kept(status=200, headers=((b"content-type", b"application/json"),), body=body)
    return Held(fingerprint=b"f" * 32, answer=answer, at=at)


@pytest.fixture
def process(stores, safe, draw):
    """Bodies as a process that has just started has them."""

    def start(**limits):
        return SealedBodies(stores.answers, safe, draw=draw, limits=Limits(**limits))

    return start


async def flushed(stores):
    """Wait until all that was queued is on disk."""
    await stores._ledger.write(lambda conn: conn.execute("SELECT 1").fetchone())


async def rows(stores):
    return await stores._ledger.read(
        lambda conn: conn.execute("SELECT count(*) FROM sealed_answers").fetchone()[0]
    )


async def test_an_answer_is_recalled_by_a_later_process(process, stores):
    assert process().put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)

    later = process()

    assert None is later.find(a_scope(), since=NOW - DAY_S)
    assert held() == await later.recall(a_scope(), since=NOW - DAY_S)
    assert held() == later.find(a_scope(), since=NOW - DAY_S)


def in_clear(folder, text):
    """The files that hold it."""
    return [path.name for path in folder.iterdir() if text in path.read_bytes()]


async def test_no_byte_of_it_is_on_disk_in_clear(process, stores, tmp_path):
    process().put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)

    assert 1 == await rows(stores)
    assert not in_clear(tmp_path, b"canary-in")


async def test_another_key_of_ours_gets_nothing(process, stores):
    process().put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)

    assert None is await process().recall(a_scope(key_id="key_2"), since=NOW - DAY_S)


async def test_a_row_under_another_scope_does_not_open(process, stores):
    process().put(a_scope(), held(), since=NOW - DAY_S)
    other = a_scope(key_id="key_2")
    await stores._ledger.write(
        lambda conn: (
            conn.execute(
                "UPDATE sealed_answers SET scope = ?, owner = 'key_2'", (other.digest,)
            ).rowcount
        )
    )

    assert None is await process().recall(other, since=NOW - DAY_S)


async def test_locked_nothing_is_written_or_read_and_memory_goes_on(process, stores, safe):
    first = process()
    first.put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)
    safe.swap(safe.contents, None)

    assert first.put(a_scope("two"), held(), since=NOW - DAY_S)
    await flushed(stores)

    assert held() == first.find(a_scope("two"), since=NOW - DAY_S)
    assert 1 == await rows(stores)
    assert None is await process().recall(a_scope(), since=NOW - DAY_S)


async def test_it_opens_after_the_data_key_was_changed(process, stores, safe, draw):
    process().put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)

    step = rekeyed(safe.contents, safe.ring, now=NOW, forgotten_before=NOW - DAY_S, draw=draw)
    safe.swap(step.contents, step.ring)

    assert held() == await process().recall(a_scope(), since=NOW - DAY_S)


async def test_after_a_day_it_is_gone(process, stores):
    process().put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)

    later = process()
    recalled = await later.recall(a_scope(), since=NOW + 1)
    later.put(a_scope("two"), held(at=NOW + DAY_S), since=NOW + 1)
    await flushed(stores)

    assert None is recalled
    assert 1 == await rows(stores)


async def test_the_oldest_of_a_key_makes_room(process, stores):
    limited = process(key_answers=2)
    for number in range(4):
        limited.put(a_scope(str(number)), held(at=NOW + number), since=NOW - DAY_S)
    limited.put(a_scope("x", key_id="key_2"), held(), since=NOW - DAY_S)
    await flushed(stores)

    later = process()
    found = [await later.recall(a_scope(str(n)), since=NOW - DAY_S) for n in range(4)]

    assert [False, False, True, True] == [one is not None for one in found]
    assert 3 == await rows(stores)


async def test_the_oldest_of_all_makes_room_for_bytes(process, stores):
    limited = process(answer_bytes=4 * 1500)
    for number in range(6):
        body = held(b"x" * 400, at=NOW + number)
        limited.put(a_scope("o", key_id=f"key_{number}"), body, since=NOW - DAY_S)
    await flushed(stores)

    total = await stores._ledger.read(
        lambda conn: conn.execute("SELECT total(size) FROM sealed_answers").fetchone()[0]
    )
    assert total <= 4 * 1500


async def test_what_is_too_long_for_memory_is_not_on_disk_either(process, stores):
    assert not process(key_answer_bytes=100).put(a_scope(), held(), since=NOW - DAY_S)
    await flushed(stores)

    assert 0 == await rows(stores)
