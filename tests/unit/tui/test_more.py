"""What the screen More says."""

import pytest

from tokenhub import __version__
from tokenhub.wire.access import Session
from tokenhub.wire.catalog import Info
from tokenhub.wire.vault import VaultStatus
from tokenhub_tui.state import checks, more
from tokenhub_tui.state.more import Here, Server
from tokenhub_tui.state.standing import Standing, lost, old

INFO = Info(
    version=__version__, url="http://x", uptime_s=65, sqlite_version="3.45", providers=1, models=2
)
HERE = Here(
    url="http://x", context="", token_source="a file", read_only=True, theme="dark", keys=0,
    requests=3,
)  # fmt: skip


def values(facts: object) -> dict[str, str]:
    return {one.name: one.value for one in facts}  # type: ignore[attr-defined]  # an iterator of facts


def test_warnings_of_the_server_are_told() -> None:
    info = Info(**{**{f: getattr(INFO, f) for f in INFO.__struct_fields__}, "warnings": ["old"]})
    server = Server(info=info, who=Session(authenticated=True, role="owner"), log_level="info")

    told = values(more.of_server(server, None, 0.0))

    assert "old" == told["! note"]
    assert "memory: a restart loses them" in told["new keys"]
    assert "the token, owner" == told["who"]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (Standing(), "nothing"),
        (Standing().gap(12), "12 events in 1 gap; the log has the requests"),
        (Standing().gap(0), "nobody knows how many events in 1 gap; the log has the requests"),
        (Standing().gap(0).gap(3), "3 events in 2 gaps; the log has the requests"),
    ],
)
def test_what_was_missed_is_told(link: Standing, said: str) -> None:
    assert said == values(more.of_console(HERE, link, 0.0, 0.0))["missed"]


def test_bar_says_when_some_are_missed_and_nobody_knows_how_many() -> None:
    assert "" == lost(Standing())
    assert "some missed" == lost(Standing().gap(0))
    assert "12 missed" == lost(Standing().gap(0).gap(12))


def test_data_is_old_once_nobody_has_told_of_changes_for_long() -> None:
    broken = Standing().live(0.0).lost("gone", 1.0, 100.0)

    assert not old(broken, 105.0)
    assert old(broken, 110.0)
    assert not old(Standing().live(0.0), 1000.0)


@pytest.mark.parametrize(
    ("state", "keys", "tone"),
    [
        ("unlocked", 2, "good"),
        ("locked", 2, "bad"),
        ("locked", 0, "warn"),
        ("not_initialized", 0, "warn"),
        ("disabled", 0, "good"),
    ],
)
def test_vault_is_wrong_where_keys_cannot_be_read(state: str, keys: int, tone: str) -> None:
    status = VaultStatus(
        state=state, slots=[], secrets=0, provider_keys=keys, data_key=0, rotated_at=None,
        idle_lock_s=0, max_unlock_s=0, locks_in_s=None, failures=0, retry_after_s=0,
    )  # fmt: skip

    assert tone == checks.of_vault(status).tone


def test_token_in_clear_is_told_but_for_this_machine() -> None:
    assert "good" == checks.of_way("https://a.example").tone
    assert "good" == checks.of_way("http://localhost:8080").tone
    assert "warn" == checks.of_way("http://a.example").tone


def test_what_is_wrong_comes_first() -> None:
    ok, bad = checks.of_way("https://a"), checks.of_token(Session(authenticated=True, role="owner"))
    worse = checks.Check(name="x", tone="bad", told="gone")

    assert ["x", "way", "token"] == [row.id for row in checks.rows([ok, bad, worse])]
