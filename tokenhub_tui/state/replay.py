"""A recording, and the place in it that is shown.

    tokenhubctl events -o jsonl > incident.jsonl      events alone
    tokenhub-tui --record incident.jsonl              with what the server answered meanwhile

Each line is an event, or an answer: `{"type": "answer", "timestamp", "path", "query", "body"}`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from tokenhub.client.stream import CONNECTED, DROPPED, END, GAP, HEARTBEAT, Heard
from tokenhub_tui.state.feed import unix

ANSWER = "answer"
SPEEDS = (0, 1, 2, 5, 10, 20, 50, 100)
OF_THE_STREAM = frozenset((CONNECTED, GAP, DROPPED, HEARTBEAT, END))


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered to a question, and when, in RFC 3339."""

    type: str = ANSWER
    timestamp: str
    path: str
    query: str = ""
    body: msgspec.Raw


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded, in its order. Times are Unix seconds, and never go back."""

    events: Sequence[Heard]
    times: Sequence[float]
    answers: dict[tuple[str, str], list[tuple[float, msgspec.Raw]]]

    @property
    def begin(self) -> float:
        """When its first event was."""
        return self.times[0]

    @property
    def end(self) -> float:
        """When its last event was."""
        return self.times[-1]


class _Kind(msgspec.Struct):
    type: str


def read(lines: Iterable[bytes]) -> Tape:
    """The tape of a file's lines; a last one that was cut off is left out.

    Raises ValueError, which names the line that is no event.
    """
    events: list[Heard] = []
    times: list[float] = []
    answers: dict[tuple[str, str], list[tuple[float, msgspec.Raw]]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            if msgspec.json.decode(line, type=_Kind).type == ANSWER:
                one = msgspec.json.decode(line, type=Answer)
                told = answers.setdefault((one.path, one.query), [])
                told.append((unix(one.timestamp), one.body))
                continue
            event = msgspec.json.decode(line, type=Heard)
        except msgspec.MsgspecError as error:
            if events and not line.endswith(b"\n"):
                # Whoever wrote it was killed, or the disk was full: what came before is whole.
                break
            raise ValueError(f"line {number} is no event: {error}") from error
        if event.type in OF_THE_STREAM:
            continue
        at = unix(event.timestamp)
        if not at:
            raise ValueError(f"line {number} has no time: {event.timestamp!r}")
        events.append(event)
        times.append(max(at, times[-1] if times else 0.0))
    if not events:
        raise ValueError("there is no event in it")
    return Tape(events=events, times=times, answers=answers)


class Player:
    """Plays a tape. `at` is the time in it, Unix seconds; `speed` 0 holds it."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.at = tape.begin
        self.speed = 1
        self._next = 0

    def now(self) -> float:
        """The time in the recording: the clock of a console that plays it."""
        return self.at

    @property
    def over(self) -> bool:
        """Whether all of it has been played."""
        return self._next >= len(self.tape.events)

    @property
    def played(self) -> Sequence[Heard]:
        """The events up to here."""
        return self.tape.events[: self._next]

    @property
    def part(self) -> float:
        """How much of it has been played, 0 to 1."""
        whole = self.tape.end - self.tape.begin
        return (self.at - self.tape.begin) / whole if whole else 1.0

    def move(self, passed_s: float) -> list[Heard]:
        """The events that happen while so many real seconds pass."""
        return self._until(self.at + passed_s * self.speed)

    def seek(self, to: float) -> list[Heard]:
        """Go to a time. What happened up to it: since here, or since the begin where it is back."""
        if to < self.at:
            self._next = 0
        return self._until(to)

    def seek_part(self, part: float) -> list[Heard]:
        """Go to a part of it, 0 to 1."""
        return self.seek(self.tape.begin + part * (self.tape.end - self.tape.begin))

    def _until(self, to: float) -> list[Heard]:
        self.at = min(max(to, self.tape.begin), self.tape.end)
        end = bisect_right(self.tape.times, self.at)
        found = list(self.tape.events[self._next : end])
        self._next = max(self._next, end)
        return found

    def faster(self, by: int) -> None:
        """The next speed up, or down where `by` is -1."""
        place = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[max(0, min(place, len(SPEEDS) - 1))]

    def answer(self, path: str, query: str) -> tuple[float, msgspec.Raw] | None:
        """The last that was answered by now, and when; before the first, the first."""
        told = self.tape.answers.get((path, query))
        if not told:
            return None
        place = bisect_right(told, self.at, key=lambda one: one[0])
        return told[max(0, place - 1)]

    def since(self, at: float) -> bool:
        """Whether anything has happened between a time and now."""
        return self._next > bisect_right(self.tape.times, at)
