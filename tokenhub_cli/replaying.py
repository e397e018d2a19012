"""Logged requests under other policies: what is asked, and how the answer is shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import typer

from tokenhub.client.calls import routing as calls
from tokenhub.client.text import local, milliseconds, usd
from tokenhub.wire.replay import Estimate, Replayed, ReplayIn, ReplayResult
from tokenhub_cli.fields import build
from tokenhub_cli.output import Column, View, table
from tokenhub_cli.policies import label
from tokenhub_cli.progress import waiting
from tokenhub_cli.session import session

_ALL = ReplayIn.__struct_fields__


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _quality(mean: float) -> str:
    return f"{mean:.3f}"


def _cost(mean: float) -> str:
    """A mean has more digits than it means."""
    return usd(float(f"{mean:.3g}"))


class _Line(msgspec.Struct, frozen=True):
    """A line of the comparison, in words."""

    policy: str
    quality: str
    failures: str
    latency: str
    cost: str
    refused: str = ""


_VIEW: View[Replayed] = View(
    kind="policy",
    name=lambda it: label(it.policy),
    columns=(
        Column("policy", lambda it: label(it.policy)),
        Column("decided", lambda it: it.decided, right=True),
        Column("refused", lambda it: it.refused, right=True),
        Column("quality", lambda it: it.quality.mean, right=True),
        Column("failures", lambda it: it.failures.mean, right=True),
        Column("latency_ms", lambda it: it.latency_ms.mean, right=True),
        Column("cost_usd", lambda it: it.cost_usd.mean, right=True),
        Column("support", lambda it: it.failures.support, right=True),
    ),
)
_TABLE: View[_Line] = View(
    kind="policy",
    name=lambda it: it.policy,
    columns=(
        Column("policy", lambda it: it.policy),
        Column("quality", lambda it: it.quality),
        Column("failures", lambda it: it.failures),
        Column("latency", lambda it: it.latency),
        Column("cost", lambda it: it.cost, head="COST A REQUEST"),
        Column("refused", lambda it: it.refused),
    ),
)


def replayed(
    ctx: typer.Context, policies: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]
) -> None:
    """Have logged requests decided under these policies, and show what it would come to."""
    if not policies:
        raise typer.BadParameter("say which policies, with --mode or --policy")
    for name in fields:
        if name not in _ALL:
            raise typer.BadParameter(f"{name} does not go with a replay: each request has its own")
    question = build(ReplayIn, {**fields, "policies": list(policies)})
    with session(ctx) as tokenhub:
        with waiting("deciding the logged requests again", quiet=tokenhub.output.quiet):
            found = tokenhub(calls.replay(question))
        tokenhub.output.show(found, _VIEW, found.policies, lines=list(_lines(found)))


def _lines(it: ReplayResult) -> Iterator[str]:
    left = f", {it.left_out} left out" if it.left_out else ""
    yield f"{it.requests} requests from {local(it.since)} to {local(it.until)}{left}"
    if not it.requests:
        return
    yield ""
    was = it.was
    first = _Line(
        policy="as it was",
        quality=_known(was.quality, _quality),
        failures=_known(was.failures, _percent),
        latency=_known(was.latency_ms, milliseconds),
        cost=_known(was.cost_usd, _cost),
    )
    yield from table(_TABLE, [first, *map(_line, it.policies)])
    yield from _reasons(it.policies)
    for policy in it.policies:
        yield ""
        yield f"{label(policy.policy)}, part of the requests"
        for share in policy.shares:
            yield f"  {share.route}  {share.was:.0%} -> {share.would:.0%}"


def _line(it: Replayed) -> _Line:
    return _Line(
        policy=label(it.policy),
        quality=_estimated(it.quality, _quality),
        failures=_estimated(it.failures, _percent),
        latency=_estimated(it.latency_ms, milliseconds),
        cost=_estimated(it.cost_usd, _cost),
        refused=str(it.refused),
    )


def _known(value: float | None, show: Callable[[float], str]) -> str:
    return "-" if value is None else show(value)


def _estimated(it: Estimate, show: Callable[[float], str]) -> str:
    """The mean with the ends of its interval; `?` where the log cannot tell."""
    if it.mean is None:
        return "?"
    ends = "" if it.low is None or it.high is None else f" ({show(it.low)} to {show(it.high)})"
    return show(it.mean) + ends


def _reasons(policies: Sequence[Replayed]) -> Iterator[str]:
    """Why there is no estimate, each reason once."""
    told = [
        one.refused
        for it in policies
        for one in (it.quality, it.failures, it.latency_ms, it.cost_usd)
        if one.refused
    ]
    for reason in dict.fromkeys(told):
        yield f"? is: {reason}"
