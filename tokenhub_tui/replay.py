"""A recording in the place of a server, and how one is made."""

import asyncio
import hashlib
import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from tokenhub.client.call import Call
from tokenhub.client.profile import Profile
from tokenhub.client.stream import Heard
from tokenhub.client.text import from_ms
from tokenhub.wire.problem import Problem
from tokenhub_tui.link import Link
from tokenhub_tui.state.replay import OF_THE_STREAM, Answer, Player, read
from tokenhub_tui.state.retold import retold

T = TypeVar("T")

# As often as the app draws what has come.
STEP_S = 0.25
# Of how many questions, the last ones, a recorder knows what was answered.
TOLD = 300


def load(file: Path) -> Player:
    """The player of a file. Raises OSError and ValueError."""
    with file.open("rb") as lines:
        return Player(read(lines))


class Recording(httpx.AsyncBaseTransport):
    """Answers as the server did by then; what nobody had asked is not in the recording."""

    def __init__(self, player: Player) -> None:
        self._player = player

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, request.url.query.decode()
        if request.method != "GET":
            return _problem(405, "a recording cannot be changed, or asked anew")
        player = self._player
        told = player.answer(path, query)
        # What has happened since an answer, it does not know, and the events do.
        made = None
        if told is None or player.since(told[0]):
            made = retold(path, query, player.played, player.at)
        if made is not None:
            return httpx.Response(200, content=msgspec.json.encode(made))
        if told is not None:
            return httpx.Response(200, content=bytes(told[1]))
        return _problem(501, "this is not in the recording")


def _problem(status: int, detail: str) -> httpx.Response:
    problem = Problem(
        type="about:blank",
        title="",
        status=status,
        detail=detail,
        code="not_recorded",
        error=detail,
    )
    return httpx.Response(status, content=msgspec.json.encode(problem))


class Played(Link):
    """A link to a recording: its events come as they came, at the player's speed."""

    def __init__(self, player: Player, file: Path) -> None:
        profile = Profile(url="http://recording.invalid", token_source=str(file))
        super().__init__(profile, player, Recording(player))
        self.player = player

    async def listen(self) -> None:
        """Play, for ever: whoever goes back goes on from there."""
        self.standing = self.standing.live(self.player.at)
        before = time.perf_counter()
        while True:
            await asyncio.sleep(STEP_S)
            now = time.perf_counter()
            self.inbox += self.player.move(now - before)
            before = now


class Recorder:
    """Writes events and answers to a file that only its owner can read. Raises OSError.

    A file that takes no more is `closed` by itself: what is recorded must not stop what is seen.
    `why` tells then what was the matter, and is empty otherwise.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.why = ""
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._lines = os.fdopen(descriptor, "wb", buffering=0)
        self._told: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def heard(self, events: list[Heard]) -> None:
        """Events, as they come."""
        found = [one for one in events if one.type not in OF_THE_STREAM]
        self._write(b"".join(msgspec.json.encode(one) + b"\n" for one in found))

    def answered(self, call: Call[T], answer: T, at: float) -> None:
        """What the server answered to a question, where it is another answer than before.

        `at` is when, in Unix seconds of the server: so it stands among the events of that time.
        """
        if call.method != "GET" or not isinstance(answer, msgspec.Struct):
            return
        key = (call.path, str(httpx.QueryParams(list(call.query))))
        body = msgspec.json.encode(answer)
        digest = hashlib.sha256(body).digest()
        before = self._told.pop(key, b"")
        self._told[key] = digest
        if len(self._told) > TOLD:
            self._told.popitem(last=False)
        if before == digest:
            return
        one = Answer(
            timestamp=from_ms(at * 1000), path=key[0], query=key[1], body=msgspec.Raw(body)
        )
        self._write(msgspec.json.encode(one) + b"\n")

    def _write(self, lines: bytes) -> None:
        if self.closed:
            return
        try:
            self._lines.write(lines)
        except OSError as error:
            self.why = error.strerror or str(error)
            self.close()

    @property
    def closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._lines.closed

    def close(self) -> None:
        """End the file."""
        self._lines.close()
