"""How providers and their routes are doing, as rows, and what is said of the one under the cursor.

Times are Unix seconds of this machine's clock; those of the server are text, as the API has it.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from tokenhub.client.text import milliseconds, timed
from tokenhub.filters import Field, Fields
from tokenhub.wire.events import Event
from tokenhub.wire.health import (
    Health,
    Probe,
    ProviderHealth,
    RouteHealth,
    Standing,
    Tested,
)
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.decisions import at
from tokenhub_tui.state.feed import Line, unix
from tokenhub_tui.state.spans import ago, short

KEPT_CHANGES = 500
# How many of the last probes and calls are kept of each: as many as are ever drawn.
MOST_SLOTS = 44
CALLER, FAILED = "client", "✗"
# Failures of connection and key: the provider's own. Those of all other classes are a route's.
OF_THE_PROVIDER = frozenset({"unreachable", "credential", "exhausted"})
# What each state is called, its mark, and its tone.
STATES: Mapping[str, tuple[str, str, str]] = {
    "healthy": ("✓", "healthy", "good"),
    "degraded": ("!", "degraded", "warn"),
    "half-open": ("◐", "half-open", "warn"),
    "down": ("✗", "down", "bad"),
    "credential": ("✗", "key refused", "bad"),
}
# What each class of failure is, and what helps.
MEANINGS: Mapping[str, str] = {
    "unreachable": "nobody answers there; is the address right, and is it running?",
    "timeout": "it took longer than it may",
    "lost": "the connection broke before the answer was whole",
    "throttled": "it wants to be asked less often; it is left alone until it may be asked again",
    "exhausted": "the account is empty, or over its limit; fill it up, then t tries it",
    "credential": "its key is refused; give it another in Fleet (4), then t tries it",
    "forbidden": "its key may not use this model",
    "overloaded": "it says that it is overloaded",
    "broken": "it gave an answer that nobody can read",
    "missing": "it does not know this model",
}
FIELDS: Fields = {
    "provider": Field(("provider_id",)),
    "model": Field(("model_id",)),
    "state": Field(("state",)),
    "error": Field(("last_error",)),
}
_BARS = "▁▂▃▄▅▆▇"
_BLOCKS = 4


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A provider or a route went from one state to another."""

    at: float
    name: str
    old: str
    new: str
    reason: str


class Changes:
    """The newest changes of health that were heard, whichever screen was shown then."""

    def __init__(self) -> None:
        self._kept: deque[Change] = deque(maxlen=KEPT_CHANGES)

    def apply(self, events: Iterable[Event]) -> None:
        """Take events in; others change nothing."""
        for event in events:
            if event.type == "health_change":
                name = f"{event.provider_id}/{event.model_id}".removesuffix("/")
                self._kept.appendleft(
                    Change(
                        at=unix(event.timestamp),
                        name=name,
                        old=event.old_state,
                        new=event.new_state,
                        reason=event.reason,
                    )
                )

    def of(self, name: str) -> list[Change]:
        """Those of a provider and its routes, or of a route; newest first."""
        return [one for one in self._kept if one.name == name or one.name.startswith(f"{name}/")]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A call or a probe: when it ended, how long it took, and the class of its failure."""

    at: float
    ms: float
    error: str = ""


class Probes:
    """The probes that were seen: the API tells of the last one alone."""

    def __init__(self) -> None:
        self._slots: dict[str, deque[Slot]] = {}
        self._last: dict[str, str] = {}

    def saw(self, health: Health) -> None:
        """Keep those that are new."""
        for provider in health.providers:
            probe, name = provider.probe, provider.provider_id
            if probe is None or probe.at is None or self._last.get(name) == probe.at:
                continue
            self._last[name] = probe.at
            slot = Slot(at=unix(probe.at), ms=probe.latency_ms or 0.0, error=probe.error)
            self._slots.setdefault(name, deque(maxlen=MOST_SLOTS)).append(slot)

    def of(self, name: str) -> Sequence[Slot]:
        """Those of a provider, oldest first."""
        return tuple(self._slots.get(name, ()))


def slots(lines: Iterable[Line]) -> dict[str, list[Slot]]:
    """The last calls of each provider and route, oldest first. `lines` are oldest first.

    What the caller did wrong says nothing of anybody's health; what is the provider's fault, none
    of a route's, as the server counts them.
    """
    found: dict[str, deque[Slot]] = {}
    for line in lines:
        for attempt in line.attempts:
            if attempt.error_class == CALLER:
                continue
            slot = Slot(at=line.at, ms=attempt.latency_ms, error=attempt.error_class)
            names = [attempt.provider_id]
            if attempt.error_class not in OF_THE_PROVIDER:
                names.append(f"{attempt.provider_id}/{attempt.model_id}")
            for name in names:
                found.setdefault(name, deque(maxlen=MOST_SLOTS)).append(slot)
    return {name: list(kept) for name, kept in found.items()}


def strip(history: Sequence[Slot], room: int) -> str:
    """The last of them, the newest at the right: as high as it was slow, or the mark of a failure.

    The slowest of those that are shown is the highest.
    """
    shown = history[-room:] if room else ()
    slowest = max((one.ms for one in shown if not one.error), default=0.0)
    return "".join(_bar(one, slowest) for one in shown)


def _bar(slot: Slot, slowest: float) -> str:
    if slot.error:
        return FAILED
    share = slot.ms / slowest if slowest else 0.0
    return _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))]


def room(width: int) -> int:
    """How many cells a strip has on a screen of so many."""
    return 12 if width < 100 else 30 if width < 160 else MOST_SLOTS  # noqa: PLR2004 - the breakpoints


def columns(room: int) -> tuple[Column, ...]:
    """Those of the table; its strip takes `room` cells."""
    return (
        Column(id="name", title="provider", width=20, most=40),
        Column(id="state", title="state", width=13),
        Column(id="row", title="err", width=3, right=True),
        Column(id="failed", title="failed", width=6, right=True, rank=5),
        Column(id="ms", title="avg", width=6, right=True, rank=3),
        Column(id="ok", title="last ok", width=7, right=True),
        Column(id="rests", title="rests for", width=9, rank=1),
        Column(id="calls", title="calls", width=7, right=True, rank=6),
        Column(id="strip", title=_strip_title(room), width=room, rank=2, right=True),
    )


def _strip_title(room: int) -> str:
    full = f"last {room} calls"
    return full if len(full) <= room else "last calls"


def rows(
    health: Health,
    calls: Mapping[str, Sequence[Slot]],
    probes: Probes,
    *,
    now: float,
    room: int,
    wanted: Callable[[Mapping[str, object]], bool] | None = None,
) -> list[Row]:
    """Providers, each with its routes below it; with `wanted`, those that it holds for."""
    found = []
    for provider in health.providers:
        name = provider.provider_id
        given = {"provider_id": name, "last_error": provider.last_error}
        if wanted is None or wanted(given | {"state": provider.state}):
            history = sorted([*calls.get(name, ()), *probes.of(name)], key=lambda slot: slot.at)
            found.append(_row(name, name, provider, now, strip(history, room)))
        for route in provider.routes:
            told = {"model_id": route.model_id, "state": route.state}
            if wanted is not None and not wanted(given | told | {"last_error": route.last_error}):
                continue
            history = list(calls.get(route.route, ()))
            # Where its provider may be missing above, a route has its whole name.
            shown = f"  {route.model_id}" if wanted is None else route.route
            found.append(_row(route.route, shown, route, now, strip(history, room)))
    return found


def _row(row_id: str, name: str, it: Standing, now: float, drawn: str) -> Row:
    mark, word, tone = STATES.get(it.state, ("?", it.state, ""))
    return Row(
        id=row_id,
        cells=(
            Cell(name, "head") if isinstance(it, ProviderHealth) else name,
            Cell(f"{mark} {word}", tone),
            Cell(str(it.consec_errors), "warn" if it.consec_errors else "dim"),
            failed(it),
            timed(it.avg_latency_ms),
            ago(it.last_success_at, now),
            Cell(resting(it, now), "warn"),
            str(it.calls) if it.calls else Cell("-", "dim"),
            Cell(drawn, tone),
        ),
    )


def failed(it: Standing) -> str:
    """The part of all calls that failed; `-` without one."""
    if not it.calls:
        return "-"
    share = it.failed
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"  # noqa: PLR2004 - two digits do


def rests_s(it: Standing, now: float) -> float | None:
    """Seconds until it may be asked again; None where it may be now, or nobody knows."""
    until = unix(it.cooldown_until or "")
    return max(0.0, until - now) if until else None


def resting(it: Standing, now: float) -> str:
    """The same, with what is left of it drawn; empty where it does not rest."""
    left_s = rests_s(it, now)
    if left_s is None:
        return ""
    if not left_s:
        return "due"
    whole_s = unix(it.cooldown_until or "") - unix(it.last_error_time or "")
    share = min(1.0, left_s / whole_s) if whole_s > 0 and it.last_error_time else 0.0
    full = math.ceil(share * _BLOCKS)
    return f"{short(math.ceil(left_s)):>4} {'▮' * full}{'▯' * (_BLOCKS - full)}"


def known(health: Health) -> dict[str, list[str]]:
    """Values of the fields of a filter that there are."""
    routes = [route for provider in health.providers for route in provider.routes]
    found = {
        "provider": {one.provider_id for one in health.providers},
        "model": {one.model_id for one in routes},
        "state": set(STATES),
        "error": {one.last_error for one in (*health.providers, *routes) if one.last_error},
    }
    return {name: sorted(values) for name, values in found.items()}


def counted(health: Health) -> str:
    """How many are well, in a few words."""
    ill = [one for one in health.providers if one.state != "healthy"]
    routes = [one for provider in health.providers for one in provider.routes]
    lame = [one for one in routes if one.state != "healthy"]
    told = f"{len(health.providers) - len(ill)} of {len(health.providers)} providers healthy"
    return f"{told} · {len(routes) - len(lame)} of {len(routes)} routes" if routes else told


def find(health: Health, row_id: str) -> ProviderHealth | RouteHealth | None:
    """The provider or the route of a row."""
    for provider in health.providers:
        if provider.provider_id == row_id:
            return provider
        for route in provider.routes:
            if route.route == row_id:
                return route
    return None


def provider_of(health: Health, row_id: str) -> str:
    """The id of the provider that a row is of; empty where it is of none."""
    for provider in health.providers:
        if provider.provider_id == row_id or any(one.route == row_id for one in provider.routes):
            return provider.provider_id
    return ""


def answered(answer: Tested) -> tuple[str, str]:
    """How a test went, and its tone."""
    if not answer.ok:
        return answer.message or f"{answer.provider_id}: {answer.error}", "bad"
    took = milliseconds(answer.latency_ms)
    offers = "1 model" if answer.models == 1 else f"{answer.models} models"
    return f"{answer.provider_id} answered in {took}: it offers {offers}", "good"


def effect_of_reset(health: Health, row_id: str) -> str:
    """What a reset comes to."""
    one = find(health, row_id)
    if isinstance(one, ProviderHealth) and one.routes:
        routes = "route" if len(one.routes) == 1 else f"{len(one.routes)} routes"
        what = f"{row_id} and its {routes}"
    else:
        what = row_id
    state = STATES.get(one.state, ("", one.state, ""))[1] if one is not None else "gone"
    return (
        f"Forget what is known of {what}?\nIt is {state} now; after that it is asked at once, "
        "as if it had never failed."
    )


def facts(it: ProviderHealth | RouteHealth, now: float) -> list[tuple[str, str]]:
    """What is known of one, in lines with their tones."""
    mark, word, tone = STATES.get(it.state, ("?", it.state, ""))
    calls = "1 call" if it.calls == 1 else f"{it.calls} calls"
    told = [f"{mark} {word}", f"{calls}, {failed(it)} failed"]
    if it.consec_errors:
        told.insert(1, f"{it.consec_errors} failures in a row")
    if it.avg_latency_ms is not None:
        told.append(f"{milliseconds(it.avg_latency_ms)} on average")
    told.append(_last_ok(it, now))
    lines = [(" · ".join(told), tone)]
    left_s = rests_s(it, now)
    if left_s is not None:
        then = at(unix(it.cooldown_until or ""), now)
        lines.append(
            (f"Rests until {then}, {short(math.ceil(left_s))} from now; R ends it.", "warn")
        )
    if it.last_error:
        when = f"{at(unix(it.last_error_time or ''), now)}, {ago(it.last_error_time, now)} ago"
        meaning = MEANINGS.get(it.last_error, "")
        lines.append((f"Last error {it.last_error} at {when}", ""))
        if meaning and it.state != "healthy":
            lines.append((f"  {meaning}", "dim"))
    if isinstance(it, ProviderHealth):
        lines.append((_probed(it.probe, now), ""))
    return lines


def _last_ok(it: Standing, now: float) -> str:
    if it.last_success_at is None:
        return "never answered"
    return f"last ok {ago(it.last_success_at, now)} ago"


def _probed(probe: Probe | None, now: float) -> str:
    """The last probe, and the next."""
    if probe is None:
        return "Never probed; t tests it now."
    said = "Not probed yet"
    if probe.at is not None:
        how = f"✗ {probe.error}" if probe.error else "✓ ok"
        said = f"Probed {ago(probe.at, now)} ago: {how} in {timed(probe.latency_ms)}"
    if probe.next_at is None:
        return said
    return f"{said} · again in {short(max(0.0, unix(probe.next_at) - now))}"


def count_of(changes: Sequence[Change]) -> str:
    """How many changes were heard."""
    if not changes:
        return "no change heard yet"
    return "1 change heard" if len(changes) == 1 else f"{len(changes)} changes heard"


CHANGES = (
    Column(id="at", title="time", width=8, most=11),
    Column(id="change", title="change", width=22, most=30),
    Column(id="why", title="why", width=11, most=24),
    Column(id="model", title="model", width=10, most=60),
)


def heard(changes: Sequence[Change], name: str, now: float) -> list[Row]:
    """The changes as rows of a table; those of the routes of `name` say which model it was."""
    return [
        Row(
            id=str(place),
            cells=(
                at(one.at, now),
                Cell(f"{_word(one.old)} → {_word(one.new)}", STATES.get(one.new, ("", "", ""))[2]),
                one.reason,
                one.name.removeprefix(name).removeprefix("/"),
            ),
        )
        for place, one in enumerate(changes)
    ]


def _word(state: str) -> str:
    return STATES.get(state, ("", state, ""))[1]
