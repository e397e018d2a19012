"""Exchanges between different formats."""

from collections.abc import Mapping

from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Answer, Ask
from tokenhub.core.outcome import Usage
from tokenhub.core.pieces import pieces, text_of
from tokenhub.core.shaping import Shaper, shaped
from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from tokenhub.dialects.fitting import JSON, fitted, whole
from tokenhub.dialects.openai.names import pieces_with_long_names, with_long_names
from tokenhub.dialects.speeches import SPEECHES, Reader, Writer
from tokenhub.dialects.translation import Follower


class Translating:
    """Reads what the one side says and writes it for the other.

    A stream with a schema is asked for whole, since only a whole answer can be checked; the
    caller gets it as the events of a stream.
    """

    def __init__(self, ask: Ask, speech: str, *, created: int) -> None:
        self.dropped: tuple[str, ...] = ()
        self._ask = ask
        self._name = speech
        self._theirs = SPEECHES[speech]
        self._ours = SPEECHES[ask.speech]
        self._created = created
        self._shape = JSON if ask.schema and ask.shape is None else ask.shape
        self._names: Mapping[str, str] = {}

    def payload(self, model_id: str) -> bytes:
        ask = self._ask
        body = whole(ask.payload) if ask.schema and ask.stream else ask.payload
        talk = self._ours.read_request(body)
        written = self._theirs.write_request(talk, model_id)
        self._names = self._theirs.long_names(talk.tools)
        self.dropped = written.dropped
        return fitted(written.body, ask, self._name, model_id)

    def answer(self, body: bytes) -> Answer:
        ask = self._ask
        said = with_long_names(self._theirs.read_answer(body), self._names)
        usage, count = said.usage, _count(pieces(said))
        said = replace(said, usage=_shown(usage, ask, count))
        if self._shape is not None:
            said = shaped(said, self._shape)
        text = text_of(said.parts) if ask.schema else ""
        terminal = b""
        if ask.stream:
            writer = self._ours.writer(ask, self._created)
            told, terminal = writer.write(pieces(said)), writer.terminal
        else:
            told = self._ours.write_answer(said, ask, self._created)
        return Answer(
            body=told,
            usage=usage,
            text=text,
            dropped=self.dropped,
            terminal=terminal,
            output_tokens=count.tokens,
        )

    def follower(self) -> Follower:
        return Translator(
            self._ask,
            self._theirs.reader(),
            self._ours.writer(self._ask, self._created),
            shaper=None if self._shape is None else Shaper(self._shape),
            names=self._names,
        )


class Translator:
    """A stream of one format on its way to a caller of another: read, shaped, written."""

    def __init__(
        self,
        ask: Ask,
        reader: Reader,
        writer: Writer,
        *,
        shaper: Shaper | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.started = False
        self._ask = ask
        self._reader = reader
        self._writer = writer
        self._shaper = shaper
        self._names = names
        self._usage: Usage | None = None
        self._count = _Count()

    @property
    def done(self) -> bool:
        return self._reader.done

    @property
    def terminal(self) -> bytes:
        return self._writer.terminal

    @property
    def usage(self) -> Usage | None:
        return self._usage

    @property
    def output_tokens(self) -> int:
        return self._count.tokens

    def feed(self, data: bytes) -> bytes:
        return self._written(self._reader.feed(data))

    def end(self) -> bytes:
        return self._written(self._reader.end())

    def _written(self, deltas: list[Delta]) -> bytes:
        if not deltas:
            return b""
        for delta in deltas:
            self._note(delta)
        if isinstance(deltas[-1], Ended):
            shown = _shown(self._usage, self._ask, self._count)
            deltas = [*deltas[:-1], replace(deltas[-1], usage=shown)]
        if self._names:
            deltas = pieces_with_long_names(deltas, self._names)
        if self._shaper is not None:
            deltas = self._shaper.feed(deltas)
        return self._writer.write(deltas)

    def _note(self, delta: Delta) -> None:
        match delta:
            case Began():
                # The prompt's count holds already; the answer's is only known at its end.
                if delta.usage is not None:
                    self._usage = replace(delta.usage, output_tokens=None)
                return
            case Ended():
                self._usage = delta.usage or self._usage
            case _:
                self._count.add(delta)
        self.started = True


class _Count:
    """Our own count of what was generated.

    Providers send about a token an event; where they send more, the text tells.
    """

    __slots__ = ("_bytes", "_pieces")

    def __init__(self) -> None:
        self._pieces = 0
        self._bytes = 0

    def add(self, delta: Delta) -> None:
        match delta:
            case TextPiece(text) | ThinkingPiece(text) | RefusalPiece(text) | CallPiece(_, text):
                self._pieces += 1
                self._bytes += len(text) if text.isascii() else len(text.encode())
            case CallBegan(_, _, name):
                self._bytes += len(name)
            case _:
                pass

    @property
    def tokens(self) -> int:
        return max(self._pieces, tokens.of_bytes(self._bytes))


def _count(deltas: list[Delta]) -> _Count:
    count = _Count()
    for delta in deltas:
        count.add(delta)
    return count


def _shown(usage: Usage | None, ask: Ask, count: _Count) -> Usage:
    """The usage for the caller: where the provider gave none, our estimate, which is charged too.

    A zero would tell those who reckon with it that the answer was free. No prompt has zero tokens:
    servers that do not count put zeros there.
    """
    given = usage or Usage()
    uncounted = not given.input_tokens
    out = given.output_tokens or None if uncounted else given.output_tokens
    return replace(
        given,
        input_tokens=ask.input_tokens if uncounted else given.input_tokens,
        output_tokens=count.tokens if out is None else out,
    )
