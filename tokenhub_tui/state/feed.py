"""The requests as they go on: a ring of the newest, built from events and from the log."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime

import msgspec

from tokenhub.wire.events import Event
from tokenhub.wire.observe import AttemptLog, Candidate, Decision, RequestLog

RING = 2000
# How long a request counts for the rate: short enough to see a change, long enough to be steady.
RATE_S = 10.0
# A request that has gone on for longer is not looked for in the log of a gap.
LONGEST_S = 600.0

RUNNING, STREAMING, OK, RESCUED, FAILED = "running", "streaming", "ok", "rescued", "failed"
# The server was started anew while it went on: nobody will tell how it ended.
LOST = "lost"
MARKS = {RUNNING: "·", STREAMING: "⇢", OK: "✓", RESCUED: "↻", FAILED: "✗", LOST: "?"}
# An orchestration: what its steps answer to. Its words say how it stands.
PARENT = "◌"
# The events that end a request.
ENDED = frozenset(("route_success", "route_error"))
_GAP, _DROPPED = "gap", "dropped"


class Line(msgspec.Struct, kw_only=True):
    """One request. `first_ms` is the wait for the first tokens of a stream.

    `at` is when it began, or ended where its begin was not heard, in Unix seconds. `plan` is the
    kind of orchestration that it is, or a step of; `step` is its name within one. `steps` counts
    those of an orchestration. `turn` counts up with each change.
    """

    request_id: str
    at: float
    state: str = RUNNING
    model_id: str = ""
    provider_id: str = ""
    mode: str = ""
    task: str = ""
    key: str = ""
    stream: bool = False
    latency_ms: float = 0.0
    first_ms: float = 0.0
    cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    status_code: int = 0
    error_class: str = ""
    reason: str = ""
    parent_id: str = ""
    decision: Decision | None = None
    attempts: list[AttemptLog] = []
    plan: str = ""
    step: str = ""
    steps: int = 0
    turn: int = 0

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in _ENDS

    @property
    def parent(self) -> bool:
        """Whether it is an orchestration, and no request to a provider."""
        return bool(self.plan) and not self.step

    @property
    def candidate(self) -> Candidate | None:
        """The route that answered, or the best; None where nothing was scored."""
        if self.decision is None or not self.decision.candidates:
            return None
        route = f"{self.provider_id}/{self.model_id}"
        found = [one for one in self.decision.candidates if one.route == route]
        return (found or self.decision.candidates)[0]

    def row(self) -> dict[str, object]:
        """As the filter grammar reads rows."""
        given = msgspec.structs.asdict(self)
        return given | {
            "api_key_name": self.key,
            "total_tokens": self.input_tokens + self.output_tokens,
            "timestamp": self.at,
            "attempts": len(self.attempts),
        }


_ENDS = frozenset((OK, RESCUED, FAILED, LOST))


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Events that nobody will tell again, of between two times of the server, in Unix seconds.

    `since` is 0 where nothing had been heard before. `count` is None where the server cannot know,
    since it was started anew: then nothing of before it goes on any more.
    """

    since: float
    until: float
    count: int | None


class Feed:
    """The newest RING requests, by when they began.

    `gap` is what the log must still be asked for; None where nothing is missing.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._ends: deque[float] = deque()
        self._latest = 0.0
        self._jumbled = False
        self.gap: Gap | None = None
        self.heard = 0
        self.errors = 0

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def lines(self) -> list[Line]:
        """Oldest first."""
        return list(self._lines.values())

    def get(self, request_id: str) -> Line | None:
        """The line of a request, if it is here yet."""
        return self._lines.get(request_id)

    def per_s(self, now: float) -> float:
        """Requests that ended in the last RATE_S seconds, a second."""
        while self._ends and self._ends[0] < now - RATE_S:
            self._ends.popleft()
        return len(self._ends) / RATE_S

    def seed(self, logs: Iterable[RequestLog]) -> None:
        """Take rows of the log in, each at its time.

        What was heard of a request counts for more than its row of the log, but for when it began.
        """
        missing = []
        for row in logs:
            line = self._lines.get(row.request_id)
            if line is None:
                missing.append(logged(row))
            else:
                line.at, line.turn = unix(row.timestamp), line.turn + 1
        self._add(missing)

    def fill(self, logs: Iterable[RequestLog], gap: Gap) -> int:
        """Take in what the log has of a gap; how many requests it is that were missing.

        Those that went on when it began, and of which the log knows, have ended. A server that was
        started anew has none of the others any more.
        """
        missing = []
        for row in logs:
            line = self._lines.get(row.request_id)
            if line is None:
                missing.append(logged(row))
            elif not line.over:
                _end(line, row)
        if gap.count is None:
            for line in self._lines.values():
                if not line.over and line.at <= gap.since:
                    line.state, line.turn = LOST, line.turn + 1
        self._add(missing)
        if self.gap == gap:
            self.gap = None
        return len(missing)

    def filled_from(self) -> float:
        """The time from which on the log is to be asked for what the gap has hidden."""
        if self.gap is None or not self.gap.since:
            return 0.0
        began = [line.at for line in self._lines.values() if not line.over]
        return max(self.gap.since - LONGEST_S, min([self.gap.since, *began]))

    def apply(self, events: Iterable[Event]) -> None:
        """Take events in, in their order; those that are about no request change nothing."""
        for event in events:
            if (event.type == _GAP and event.after_id) or event.type == _DROPPED:
                self._missed(event)
            elif event.request_id and event.type in _EFFECTS:
                line = self._line(event)
                _EFFECTS[event.type](self, line, event)
                line.turn += 1
            self._latest = max(self._latest, unix(event.timestamp))
        if self._jumbled:
            # What is told again after a loss, or was in the log before, is not the newest.
            self._add(())
        self._trim()

    def _missed(self, event: Event) -> None:
        since, count = self._latest, event.dropped or None
        if self.gap is not None:
            since = min(since, self.gap.since)
            count = None if self.gap.count is None or not count else count + self.gap.count
        self.gap = Gap(since=since, until=unix(event.timestamp), count=count)

    def _add(self, lines: Iterable[Line]) -> None:
        ordered = sorted([*self._lines.values(), *lines], key=_place)
        self._lines = OrderedDict((line.request_id, line) for line in ordered)
        self._jumbled = False
        self._trim()

    def _line(self, event: Event) -> Line:
        line = self._lines.get(event.request_id)
        if line is None:
            line = Line(request_id=event.request_id, at=unix(event.timestamp))
            newest = next(reversed(self._lines.values()), line)
            self._jumbled = self._jumbled or _place(line) < _place(newest)
            self._lines[event.request_id] = line
        return line

    def _trim(self) -> None:
        while len(self._lines) > RING:
            self._lines.popitem(last=False)

    def _started(self, line: Line, event: Event) -> None:
        line.key, line.mode, line.task = event.api_key_name, event.mode, event.task
        line.stream, line.parent_id = event.stream, event.parent_id or line.parent_id

    def _decided(self, line: Line, event: Event) -> None:
        line.decision, line.reason = event.decision, event.reason or line.reason
        line.mode, line.task = event.mode or line.mode, event.task or line.task
        if event.decision is not None and event.decision.candidates and not line.model_id:
            line.provider_id, _, line.model_id = event.decision.candidates[0].route.partition("/")

    def _streams(self, line: Line, event: Event) -> None:
        line.state, line.first_ms, line.stream = STREAMING, event.latency_ms, True
        line.model_id, line.provider_id = event.model_id, event.provider_id

    def _asked(self, line: Line, event: Event) -> None:
        line.model_id, line.provider_id = event.model_id, event.provider_id

    def _plan(self, line: Line, event: Event) -> None:
        """An orchestration began, or ended."""
        line.plan = line.mode = event.workflow_type
        line.key = event.api_key_name or line.key
        if event.type == "workflow_started":
            return
        line.state = FAILED if event.type == "workflow_failed" else OK
        line.latency_ms, line.cost_usd = event.latency_ms, event.cost_usd
        line.reason, line.error_class = event.reason, event.error_class

    def _step(self, line: Line, event: Event) -> None:
        line.plan, line.step = event.workflow_type, event.activity_type
        line.parent_id = event.workflow_id
        parent = self._lines.get(event.workflow_id)
        if parent is not None and event.new_state == "started":
            parent.steps += 1
            parent.turn += 1

    def _ended(self, line: Line, event: Event) -> None:
        known, failed = line.over, event.type == "route_error"
        rescued = len(event.attempts) > 1
        line.state = FAILED if failed else RESCUED if rescued else OK
        line.model_id = event.model_id or line.model_id
        line.provider_id = event.provider_id or line.provider_id
        line.mode, line.task = event.mode or line.mode, event.task or line.task
        line.key, line.stream = event.api_key_name or line.key, event.stream
        line.latency_ms, line.cost_usd = event.latency_ms, cost_usd(event)
        line.input_tokens, line.output_tokens = event.input_tokens, event.output_tokens
        line.status_code, line.error_class = event.status_code, event.error_class
        line.reason = event.reason or line.reason
        line.parent_id, line.attempts = event.parent_id or line.parent_id, event.attempts
        self._ends.append(unix(event.timestamp))
        # What the log had told already, or what is told again, is nothing new.
        if not known:
            self.heard += 1
            self.errors += failed


_EFFECTS = {
    "request_started": Feed._started,  # noqa: SLF001 - the table of this class
    "decision": Feed._decided,  # noqa: SLF001
    "stream_started": Feed._streams,  # noqa: SLF001
    "attempt": Feed._asked,  # noqa: SLF001
    "route_success": Feed._ended,  # noqa: SLF001
    "route_error": Feed._ended,  # noqa: SLF001
    "workflow_started": Feed._plan,  # noqa: SLF001
    "workflow_completed": Feed._plan,  # noqa: SLF001
    "workflow_failed": Feed._plan,  # noqa: SLF001
    "orchestration_step": Feed._step,  # noqa: SLF001
}


def cost_usd(ended: Event) -> float | None:
    """What a request cost; None where a price is unknown, which an event tells as it does zero."""
    unknown = any(one.cost_usd is None for one in ended.attempts)
    return None if unknown else ended.cost_usd


def _place(line: Line) -> tuple[float, bool, str]:
    """Where it stands: those of one millisecond by their ids, whoever told first, steps below."""
    return line.at, bool(line.parent_id), line.request_id


def logged(row: RequestLog) -> Line:
    """The line of a row of the log."""
    rescued = len(row.attempts) > 1 and row.answered
    return Line(
        request_id=row.request_id,
        at=unix(row.timestamp),
        state=FAILED if row.error_class else RESCUED if rescued else OK,
        model_id=row.model_id,
        provider_id=row.provider_id,
        mode=row.mode,
        task=row.task,
        key=row.api_key_name,
        stream=row.stream,
        latency_ms=row.latency_ms,
        cost_usd=row.estimated_cost_usd,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        status_code=row.status_code,
        error_class=row.error_class,
        reason=row.reason,
        parent_id=row.parent_id,
        attempts=row.attempts,
    )


def _end(line: Line, row: RequestLog) -> None:
    """Let a line end as the log says; its decision is the one that was heard."""
    ended = logged(row)
    for name in line.__struct_fields__:
        if name not in _HEARD_ONLY:
            setattr(line, name, getattr(ended, name))
    line.turn += 1


_HEARD_ONLY = frozenset(("decision", "first_ms", "plan", "step", "steps", "turn"))


def unix(timestamp: str) -> float:
    """Unix seconds of a time of the API; 0 where it is none."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return 0.0
