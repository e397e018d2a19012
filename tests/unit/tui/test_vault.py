"""The vault in words."""

import msgspec
import pytest

from tokenhub.wire.catalog import Info
from tokenhub.wire.vault import VaultStatus
from tokenhub_tui.state.vault import Seen, facts, limits, refused, strength, told

OPEN = VaultStatus(
    state="unlocked",
    slots=["password"],
    secrets=1,
    provider_keys=3,
    data_key=1,
    rotated_at=None,
    idle_lock_s=1800.0,
    max_unlock_s=0.0,
    locks_in_s=1700.0,
    failures=0,
    retry_after_s=0.0,
)
INFO = Info(version="1", url="", uptime_s=1.0, sqlite_version="3", providers=0, models=0)


def test_bar_counts_down_to_the_moment_when_it_locks_itself() -> None:
    seen = Seen(status=OPEN, at=100.0)

    assert ("vault 28m", "good") == told(INFO, seen, 100.0)
    assert ("vault 40s", "warn") == told(INFO, seen, 1760.0)
    assert ("vault 0s", "warn") == told(INFO, seen, 9000.0)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("disabled", ""),
        ("not_initialized", "no vault"),
        ("locked", "vault locked"),
        ("unlocked", "vault open"),
    ],
)
def test_bar_names_each_state(state: str, said: str) -> None:
    status = msgspec.structs.replace(OPEN, state=state, locks_in_s=None)

    assert said == told(INFO, Seen(status=status, at=0.0), 0.0)[0]


def test_bar_goes_by_what_the_server_says_of_itself_until_the_vault_is_known() -> None:
    locked = msgspec.structs.replace(INFO, vault_initialized=True, vault_locked=True)

    assert "" == told(None, None, 0.0)[0]
    assert "no vault" == told(INFO, None, 0.0)[0]
    assert "vault locked" == told(locked, None, 0.0)[0]


def test_only_a_clock_that_runs_makes_it_stale() -> None:
    still = msgspec.structs.replace(OPEN, locks_in_s=None)
    soon = msgspec.structs.replace(OPEN, locks_in_s=2.0)

    assert Seen(status=OPEN, at=0.0).stale(31.0)
    assert not Seen(status=OPEN, at=0.0).stale(29.0)
    assert Seen(status=soon, at=0.0).stale(3.0)
    assert not Seen(status=still, at=0.0).stale(999.0)


def test_strength_is_said_in_words_from_the_servers_own_limits_on() -> None:
    said = [
        strength(one)[0].partition(":")[0]
        for one in (
            "",
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "correcthorses",
            "9f!Kw2#pQz7xLm",
        )
    ]

    assert ["", "too short", "weak", "weak", "fair", "strong"] == said


def test_facts_say_when_it_locks_and_what_opens_it() -> None:
    both = msgspec.structs.replace(OPEN, slots=["password", "recovery"])

    assert [
        "Locks itself after 30m without use: in 28m.",
        "Holds 3 provider keys and 1 secret.",
        "The password or the recovery key opens it.",
    ] == facts(Seen(status=both, at=0.0), 0.0)
    assert "It never locks itself." == limits(msgspec.structs.replace(OPEN, idle_lock_s=0.0))


def test_wrong_tries_are_counted_and_the_wait_is_named() -> None:
    once = msgspec.structs.replace(OPEN, failures=1)
    often = msgspec.structs.replace(OPEN, failures=6)

    assert "✗ That does not open it." == refused(once, 0.0)
    assert "✗ That does not open it. 6 wrong in a row. The next try is heard in 2 s." == refused(
        often, 1.2
    )
