from tokenhub.adapters.memory.secrets import MemorySecrets


def test_a_secret_is_found_until_it_is_forgotten() -> None:
    secrets = MemorySecrets()

    secrets.put("here", "sk-1")
    held = secrets.get("here")
    secrets.forget("here")

    assert "sk-1" == held
    assert secrets.get("here") is None


def test_forgetting_what_is_not_held_does_nothing() -> None:
    secrets = MemorySecrets()

    secrets.forget("nobody")

    assert secrets.get("nobody") is None


def test_it_does_not_show_what_it_holds() -> None:
    secrets = MemorySecrets()

    secrets.put("here", "sk-1")

    assert "sk-1" not in repr(secrets)
