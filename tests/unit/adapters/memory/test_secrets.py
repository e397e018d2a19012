from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.core.catalog import Provider

HERE = Provider(id="here", base_url="https://h")


def test_a_secret_is_found_until_it_is_forgotten() -> None:
    secrets = MemorySecrets()

    secrets.apply(secrets.given(HERE, b"sk-1"))
    held = (secrets.get(HERE), secrets.peek(HERE))
    secrets.apply(secrets.taken("here"))

    assert (b"sk-1", b"sk-1") == held
    assert secrets.get(HERE) is None


def test_forgetting_what_is_not_held_does_nothing() -> None:
    secrets = MemorySecrets()

    secrets.apply(secrets.taken("here"))

    assert secrets.get(HERE) is None


def test_every_change_is_a_new_version() -> None:
    secrets = MemorySecrets()

    secrets.hold("here", b"sk-1")
    first = secrets.version
    secrets.hold("here", b"sk-2")

    assert first < secrets.version


def test_nothing_in_memory_is_locked_away() -> None:
    secrets = MemorySecrets()

    secrets.hold("here", b"sk-1")

    assert not secrets.away(HERE)
    assert secrets.loose(HERE) is None


def test_neither_it_nor_a_change_shows_what_it_holds() -> None:
    secrets = MemorySecrets()

    change = secrets.given(HERE, b"sk-1")
    secrets.apply(change)

    assert "sk-1" not in repr(secrets)
    assert "sk-1" not in repr(change)
