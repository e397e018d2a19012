"""A server of a recording: the same answers, the same events, the same time, on every machine.

`python -m tests.tui.record` makes the recordings. Their providers were simulated.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path

import httpx
import msgspec

from tokenhub.client.calls.events import EVENTS

# What a stream without events begins with.
CONNECTED = 'id: 1\nevent: connected\ndata: {"type":"connected"}\n\n'
FOLDER = Path(__file__).parent / "sessions"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said to a question. JSON is kept as it is, other text as a string."""

    ask: str
    status: int
    type: str
    answer: msgspec.Raw

    @property
    def content(self) -> bytes:
        """As it was sent."""
        if "json" in self.type:
            return bytes(self.answer)
        return msgspec.json.decode(self.answer, type=str).encode()


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded: when, in Unix seconds, what was asked, and what the events were."""

    note: str
    at: float
    events: str = ""
    answers: Mapping[str, Answer] = {}


def asked(request: httpx.Request) -> str:
    """A request as a recording names it."""
    body = request.content.decode()
    return f"{request.method} {request.url.raw_path.decode()}{' ' + body if body else ''}"


@cache
def load(name: str) -> Session:
    """The recording of that name."""
    head, *lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    session = msgspec.json.decode(head, type=Session)
    answers = [msgspec.json.decode(line, type=Answer) for line in lines]
    return msgspec.structs.replace(session, answers={one.ask: one for one in answers})


def write(name: str, session: Session) -> None:
    """Keep a recording; one answer a line, in the order of their names."""
    head = msgspec.structs.replace(session, answers={})
    answers = [session.answers[ask] for ask in sorted(session.answers)]
    lines = [msgspec.json.encode(one) for one in (head, *answers)]
    (FOLDER / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


class SetClock:
    """A clock that stands."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        return self.at


class Recorded(httpx.AsyncBaseTransport):
    """Answers from a recording. `asking` is how many questions wait; streams do not count."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.asking = 0
        self.missing: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == EVENTS:
            head = {"content-type": "text/event-stream"}
            return httpx.Response(
                200, headers=head, stream=_Endless(self._session.events or CONNECTED)
            )
        self.asking += 1
        try:
            await asyncio.sleep(0)
            return self._answer(asked(request))
        finally:
            self.asking -= 1

    def _answer(self, ask: str) -> httpx.Response:
        found = self._session.answers.get(ask)
        if found is None:
            self.missing.append(ask)
            problem = {"type": "about:blank", "title": "Not Found", "status": 404,
                       "detail": "not in the recording", "code": "not_found",
                       "error": "not in the recording"}  # fmt: skip
            head = {"content-type": "application/problem+json"}
            return httpx.Response(404, headers=head, content=json.dumps(problem))
        head = {"content-type": found.type}
        return httpx.Response(found.status, headers=head, content=found.content)

    async def aclose(self) -> None:
        """Nothing is open."""


class Silent(Recorded):
    """A server that takes questions and does not answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise httpx.ReadTimeout("silence", request=request)


class Broken(Recorded):
    """A server that has failed, but for its events."""

    def _answer(self, ask: str) -> httpx.Response:
        problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500,
                   "detail": "the database is locked", "error": "the database is locked",
                   "code": "internal_error",
                   "request_id": "req_0123456789abcdef"}  # fmt: skip
        head = {"content-type": "application/problem+json"}
        return httpx.Response(500, headers=head, content=json.dumps(problem))


class Away(Recorded):
    """Nobody is there."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)


class _Endless(httpx.AsyncByteStream):
    """Events that were, and then a stream that is open and silent."""

    def __init__(self, events: str) -> None:
        self._events = events.encode()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._events:
            yield self._events
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        """It ends with its reader."""
