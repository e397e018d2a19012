"""Why not another route: what lost it, in a sentence or two."""

from tokenhub.client.text import milliseconds
from tokenhub.wire.observe import Candidate, Decision
from tokenhub_tui.state.candidates import drawn, left_out, parts, term
from tokenhub_tui.state.feed import Line
from tokenhub_tui.state.reasons import trouble

_TERMS = {"cost": "cost", "latency": "latency", "failure": "failures", "weight": "weight"}
# A difference that three decimals do not show.
_NOTHING = 0.0005


def why(line: Line, route: str) -> str:
    """Why this route answered the request, or did not."""
    decision = line.decision
    if decision is None:
        return "No decision is on record."
    for skipped in decision.skipped:
        if skipped.route == route:
            return f"{route} was left out: {left_out(skipped)}."
    place = next((n for n, one in enumerate(decision.candidates) if one.route == route), None)
    if place is None:
        return f"{route} was not looked at."
    said = _first(decision) if place == 0 else _lost(decision, decision.candidates[place], place)
    return " ".join(filter(None, (said, _came_of(line, route))))


def _first(decision: Decision) -> str:
    one, many = decision.candidates[0], len(decision.candidates)
    if many == 1:
        return f"{one.route} was the only one that could answer."
    if decision.reason == "routed-hint-exact":
        return f"{one.route} was asked for by name, and so comes first."
    if decision.explored:
        place = decision.explored + 1
        return f"A draw put {one.route} first, to try it out; its score had place {place}."
    if one.sample is not None:
        return f"{one.route} drew {term(one.sample.draw)}, the highest of {many}."
    return f"{one.route} has the lowest score of {many}: {term(one.score)}."


def _lost(decision: Decision, one: Candidate, place: int) -> str:
    best = decision.candidates[0]
    if one.last_resort and not best.last_resort:
        return (
            f"{one.route} is down for {milliseconds(one.closed_ms)} yet: "
            "it is tried after all that are not."
        )
    if one.too_slow and not best.too_slow:
        limit = milliseconds(decision.policy.max_latency_ms)
        return f"{one.route} usually takes longer than {limit}, and comes after those that do not."
    if drawn(decision) and one.sample is not None and best.sample is not None:
        return (
            f"{one.route} drew {term(one.sample.draw)}, {best.route} {term(best.sample.draw)}: "
            "the highest draw wins."
        )
    if one.score < best.score:
        who = "a draw" if decision.explored else "the request, by its name,"
        return f"{one.route} has a better score, {term(one.score)}; {who} put {best.route} first."
    return f"{one.route} is at place {place + 1} by its score: {_behind(decision, one, best)}"


def _behind(decision: Decision, one: Candidate, best: Candidate) -> str:
    """By which terms a candidate is behind the best, the largest first, and where it leads."""
    ours, theirs = parts(one, decision.weights), parts(best, decision.weights)
    by = sorted(((ours[name] - theirs[name], name) for name in ours), reverse=True)
    worse = [f"{_TERMS[name]} +{term(more)}" for more, name in by if more >= _NOTHING]
    better = [f"{_TERMS[name]} {term(more)}" for more, name in reversed(by) if more <= -_NOTHING]
    said = f"{term(one.score)} against {term(best.score)} of {best.route}."
    if worse:
        said += f" It loses by {', '.join(worse)}."
    if better:
        said += f" It leads by {', '.join(better)}."
    return said if worse or better else f"{said} They are even, and the seed has chosen."


def _came_of(line: Line, route: str) -> str:
    """What came of the calls to it."""
    calls = [one for one in line.attempts if f"{one.provider_id}/{one.model_id}" == route]
    failed = [trouble(one.error_class) for one in calls if one.error_class]
    if failed:
        return f"It was tried and failed: {', '.join(failed)}."
    if calls and f"{line.provider_id}/{line.model_id}" == route:
        return "It answered."
    return ""
