"""A replay as lines: who would have answered, for how much, and how sure that is."""

from tests.unit.tui.test_compared import told
from tokenhub.wire.native import PolicyIn
from tokenhub.wire.replay import Estimate, Replayed, ReplayResult, RouteShare, Was
from tokenhub_tui.state.replayed import caption, lines, remark


def estimate(mean: float | None, low: float = 0.0, high: float = 0.0, why: str = "") -> Estimate:
    known = mean is not None
    return Estimate(
        requests=200, effective=80.0, support=0.84, mean=mean, low=low if known else None,
        high=high if known else None, snips=None, refused=why,
    )  # fmt: skip


def found(*several: Replayed, requests: int = 200) -> ReplayResult:
    was = Was(judged=80, quality=0.8, failures=0.02, latency_ms=800.0, cost_usd=0.004)
    return ReplayResult(
        requests=requests, left_out=3, since="2026-01-02T03:04:05.000Z",
        until="2026-01-02T04:04:05.000Z", was=was, policies=list(several),
    )  # fmt: skip


def policy(mode: str = "cheap", *, decided: int = 200, why: str = "") -> Replayed:
    mean = None if why else 1.0
    return Replayed(
        policy=PolicyIn(mode), decided=decided, refused=200 - decided,
        quality=estimate(mean and 0.7, 0.6, 0.8, why), failures=estimate(mean and 0.01, why=why),
        latency_ms=estimate(mean and 400.0, 390.0, 410.0, why),
        cost_usd=estimate(mean and 0.001, 0.0009, 0.0011, why),
        shares=[RouteShare(route="one/small", was=0.2, would=0.9)] if decided else [],
    )  # fmt: skip


def test_a_policy_is_held_against_what_was() -> None:
    said = told(lines(found(policy()), [0], width=40, room=20))

    assert "200 requests (3 left out) · $0.0040 each · 800ms · 2.0% failed · quality 0.80" in said
    assert "one/small" in said
    assert "20% →  90%" in said
    assert "$ each|$0.0010 -75%  ± 10%" in said
    assert "$ in all|$0.2000  (was $0.8000)" in said
    assert "time|400ms -50%  ± 2%" in said
    assert "refused|none" in said
    assert "84% of its choices" in remark(found(policy()), 0)


def test_what_the_log_cannot_tell_is_a_question_mark_with_its_reason() -> None:
    it = found(policy(why="too few of them"))

    assert "$ each|?" in told(lines(it, [0], width=40, room=20))
    assert "A: ? since too few of them" == remark(it, 0)


def test_refusals_are_counted_and_what_only_thompson_could_know_is_none() -> None:
    every = found(policy(decided=0, why="none"))
    some = found(policy(decided=150))
    drawn = found(policy("thompson", decided=0, why="none"))

    assert "refuses every one" in told(lines(every, [0], width=40, room=20))
    assert "refused|50 of 200" in told(lines(some, [0], width=40, room=20))
    assert "cannot be told" in told(lines(drawn, [0], width=40, room=20))
    assert "only what was routed by thompson" in remark(drawn, 0)


def test_an_empty_log_says_what_to_do() -> None:
    nothing = found(policy(decided=0), requests=0)

    assert [] == lines(nothing, [0], width=40, room=20)
    assert "Send some, then p" in remark(nothing, 0)
    assert caption(nothing).startswith("0 requests")


def test_long_names_have_a_line_of_their_own_or_keep_both_ends() -> None:
    long = policy()
    long.shares = [RouteShare(route="anthropic/claude-sonnet-4-5-20250929", was=0.5, would=0.25)]

    roomy = told(lines(found(long), [0], width=38, room=20))
    tight = told(lines(found(long), [0], width=30, room=8))

    assert "anthropic/claude-sonnet-4-5-20250929\n" in roomy
    assert " 50% →  25%" in roomy
    assert "0929  50% →  25%" in tight
