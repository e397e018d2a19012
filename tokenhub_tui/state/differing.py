"""Why two policies choose otherwise, and why a candidate is where it is: in a sentence each."""

from collections.abc import Sequence

from tokenhub.client.text import milliseconds
from tokenhub.wire.observe import Candidate, Decision
from tokenhub.wire.simulate import Result
from tokenhub_tui.state.candidates import left_out, parts, term
from tokenhub_tui.state.compared import best, ranking
from tokenhub_tui.state.policies import LETTERS, TERMS, THOMPSON


def difference(results: Sequence[Result], at: int) -> str:
    """Why a policy chooses otherwise than A, or A than the next that does, in a sentence."""
    if len(results) == 1:
        return _refused("A", results[0]) or "One policy; n adds another to hold it against."
    other = at
    if at == 0:
        names = [_first(it) for it in results]
        other = next((n for n in range(1, len(results)) if names[n] != names[0]), 1)
    return _told(results[0], results[other], "A", LETTERS[other])


def _told(one: Result, two: Result, a: str, b: str) -> str:
    refusal = _refused(a, one) or _refused(b, two)
    mine, theirs = best(one), best(two)
    if refusal or mine is None or theirs is None:
        return refusal
    if mine.route == theirs.route:
        return _alike(one, two, a, b)
    said = (
        _left_out(mine, two, b)
        or _left_out(theirs, one, a)
        or _put_back(mine, theirs, two, b)
        or _put_back(theirs, mine, one, a)
        or _draws(two, one, b)
        or _draws(one, two, a)
        or _weighs(one, two, a, b)
    )
    return f"{a} and {b} differ: {said}"


def _first(it: Result) -> str:
    chosen = best(it)
    return chosen.route if chosen else ""


def _refused(name: str, it: Result) -> str:
    return f"{name} would answer nobody: {it.error}" if it.error else ""


def _alike(one: Result, two: Result, a: str, b: str) -> str:
    assert one.explained is not None
    assert two.explained is not None
    route = _first(one)
    here = {skipped.route for skipped in one.explained.skipped}
    there = {skipped.route: skipped for skipped in two.explained.skipped}
    for left in there.keys() - here:
        return f"{a} and {b} choose {route}; {b} leaves {left} out, {left_out(there[left])}"
    ours = [place.route for place in ranking(one)]
    if ours != [place.route for place in ranking(two)]:
        return f"{a} and {b} choose {route}; who comes after it differs"
    return f"{a} and {b} choose the same, {route}, and in the same order"


def _left_out(wanted: Candidate, it: Result, name: str) -> str:
    assert it.explained is not None
    for one in it.explained.skipped:
        if one.route == wanted.route:
            return f"{name} leaves {one.route} out, {left_out(one)}"
    return ""


def _put_back(wanted: Candidate, chosen: Candidate, it: Result, name: str) -> str:
    """Where the route is behind for another reason than its score."""
    assert it.explained is not None
    for one in it.explained.candidates:
        if one.route != wanted.route or one.latency_ms is None:
            continue
        if one.too_slow and not chosen.too_slow:
            limit = milliseconds(it.policy.max_latency_ms)
            return (
                f"{name} tries {one.route} last, since it usually takes "
                f"{milliseconds(one.latency_ms)}, more than {limit}"
            )
    return ""


def _draws(it: Result, other: Result, name: str) -> str:
    """Where one of them draws, or draws otherwise, that is why."""
    first = next(iter(ranking(it)), None)
    alike = bool(other.shares) and THOMPSON not in {it.policy.mode, other.policy.mode}
    if first is None or first.share is None or alike:
        return ""
    how = "by what it has learned" if it.policy.mode == THOMPSON else "to explore"
    return (
        f"{name} draws {how}; {first.route} comes first in {first.share:.0%} of {it.draws:,} draws"
    )


def _weighs(one: Result, two: Result, a: str, b: str) -> str:
    """The term that speaks for the choice of the second more than it does in the first."""
    assert one.explained is not None
    assert two.explained is not None
    mine, theirs = _first(one), _first(two)
    here, there = _lead(one.explained, mine, theirs), _lead(two.explained, mine, theirs)
    if not here or not there:
        return f"{a} prefers {mine}, {b} {theirs}"
    name = max(TERMS, key=lambda each: there[each] - here[each])
    count = [getattr(it.explained.weights, name) for it in (one, two) if it.explained]
    return (
        f"{_WORDS[name]} counts {count[1]:.0%} of the score in {b} and {count[0]:.0%} in {a}; "
        f"{theirs if here[name] + there[name] > 0 else mine} {_BETTER[name]}"
    )


_BETTER = {
    "cost": "is cheaper", "latency": "is faster", "failure": "fails less",
    "weight": "has more of it",
}  # fmt: skip
_WORDS = {
    "cost": "cost", "latency": "time", "failure": "failing", "weight": "the model's weight",
}  # fmt: skip


def _lead(decision: Decision, mine: str, theirs: str) -> dict[str, float]:
    """By how much each term speaks for the second route; empty where one is no candidate."""
    found = {one.route: parts(one, decision.weights) for one in decision.candidates}
    if mine not in found or theirs not in found:
        return {}
    return {name: found[mine][name] - found[theirs][name] for name in TERMS}


def standing(it: Result, route: str) -> str:
    """Why a route is where it is under a policy, in a sentence."""
    place = next((place for place in ranking(it) if place.route == route), None)
    first = best(it)
    if it.explained is None or place is None:
        return it.error
    if place.skipped is not None:
        return f"{route} is left out: {left_out(place.skipped)}"
    if first is None or place.candidate is None:
        return ""
    drawn = f"first in {place.share or 0:.0%} of {it.draws:,} draws" if it.draws else ""
    if it.policy.mode == THOMPSON:
        return f"{route} comes {drawn}{_believed(place.candidate)}"
    return _behind(place.candidate, first, it.explained) + (drawn and f"; {drawn}")


def _believed(one: Candidate) -> str:
    sample = one.sample
    if sample is None or sample.quality is None:
        return ""
    spread = "" if sample.spread is None else f" ± {sample.spread:.2f}"
    failing = "" if sample.failing is None else f", {sample.failing:.1%} of its calls fail"
    price = "" if sample.price is None else f", cost and time take {sample.price:.2f} off"
    return f": quality {sample.quality:.2f}{spread}{failing}{price}"


def _behind(one: Candidate, first: Candidate, decision: Decision) -> str:
    """Why a candidate is not the first, or why it is."""
    if one.route == first.route:
        return f"{one.route} is chosen: nobody has a lower score than its {term(first.score)}"
    if one.last_resort and not first.last_resort:
        return f"{one.route} is the last resort: it is down"
    if one.too_slow and not first.too_slow:
        return f"{one.route} is tried last: it is usually slower than the policy allows"
    ours, theirs = parts(one, decision.weights), parts(first, decision.weights)
    name = max(TERMS, key=lambda each: ours[each] - theirs[each])
    return (
        f"{one.route} is {term(one.score - first.score)} behind {first.route}, "
        f"most of it for {_WORDS[name]}: {term(ours[name])} against {term(theirs[name])}"
    )
