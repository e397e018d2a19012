"""The limits on answers that are kept: over all, of each key, and in time."""

from tokenhub.adapters.memory.bodies import Limits, MemoryBodies
from tokenhub.core.idempotency import Kept, Scope
from tokenhub.ports.claims import Held

# An answer of this size is 2 KiB with the objects around it.
BODY = b"x" * 1024


def scope(key: str, key_id: str = "k1") -> Scope:
    return Scope(key_id=key_id, method="POST", route="/v1/chat/completions", key=key)


def held(at: float = 100.0, body: bytes = BODY) -> Held:
    return Held(fingerprint=b"f", answer=Kept(status=200, headers=(), body=body), at=at)


def there(bodies: MemoryBodies, *keys: str, key_id: str = "k1") -> list[str]:
    return [key for key in keys if bodies.find(scope(key, key_id), since=0.0)]


def test_answer_is_found_until_it_is_too_old() -> None:
    bodies = MemoryBodies()

    bodies.put(scope("a"), held(at=100.0), since=0.0)

    assert held(at=100.0) == bodies.find(scope("a"), since=100.0)
    assert bodies.find(scope("a"), since=100.1) is None
    assert bodies.find(scope("a", "k2"), since=0.0) is None


def test_oldest_of_all_makes_room() -> None:
    bodies = MemoryBodies(Limits(answers=2))

    for key_id in ("k1", "k2", "k3"):
        bodies.put(scope("a", key_id), held(), since=0.0)

    assert 2 == len(bodies)
    assert not there(bodies, "a", key_id="k1")
    assert there(bodies, "a", key_id="k2")


def test_bytes_of_all_are_bounded() -> None:
    bodies = MemoryBodies(Limits(answer_bytes=4096))

    for key_id in ("k1", "k2", "k3"):
        bodies.put(scope("a", key_id), held(), since=0.0)

    assert (2, 4096) == (len(bodies), bodies.size)


def test_a_key_makes_room_among_its_own() -> None:
    bodies = MemoryBodies(Limits(key_answers=2))
    bodies.put(scope("other", "k2"), held(), since=0.0)

    for key in "abc":
        bodies.put(scope(key), held(), since=0.0)

    assert ["b", "c"] == there(bodies, "a", "b", "c")
    assert ["other"] == there(bodies, "other", key_id="k2")


def test_bytes_of_a_key_are_bounded() -> None:
    bodies = MemoryBodies(Limits(key_answer_bytes=5000))

    for key in "abc":
        bodies.put(scope(key), held(), since=0.0)

    assert ["b", "c"] == there(bodies, "a", "b", "c")


def test_answer_longer_than_a_keys_share_is_not_kept() -> None:
    bodies = MemoryBodies(Limits(key_answer_bytes=3000))
    bodies.put(scope("a"), held(), since=0.0)

    taken = bodies.put(scope("b"), held(body=b"x" * 3000), since=0.0)

    assert not taken
    assert ["a"] == there(bodies, "a", "b")


def test_second_answer_to_one_scope_replaces_the_first() -> None:
    bodies = MemoryBodies()

    bodies.put(scope("a"), held(), since=0.0)
    bodies.put(scope("a"), held(body=b"new"), since=0.0)

    found = bodies.find(scope("a"), since=0.0)
    assert found is not None
    assert b"new" == found.answer.body
    assert (1, 1027) == (len(bodies), bodies.size)


def test_what_is_over_goes_when_another_comes() -> None:
    bodies = MemoryBodies()
    bodies.put(scope("a"), held(at=1.0), since=0.0)

    bodies.put(scope("b"), held(at=100.0), since=50.0)

    assert (1, ["b"]) == (len(bodies), there(bodies, "a", "b"))


def test_nothing_is_left_behind_once_all_are_gone() -> None:
    bodies = MemoryBodies()
    bodies.put(scope("a"), held(at=1.0), since=0.0)

    bodies.put(scope("b", "k2"), held(at=1.0), since=50.0)

    assert (0, 0, {}) == (len(bodies), bodies.size, bodies._of_key)
