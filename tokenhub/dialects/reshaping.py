"""Exchanges between equals whose answer is to be shaped: its texts change, and nothing else."""

from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Answer, Ask, Shape
from tokenhub.core.outcome import Usage
from tokenhub.dialects.editing.edited import Editor
from tokenhub.dialects.fitting import JSON, fitted, whole
from tokenhub.dialects.speeches import SPEECHES
from tokenhub.dialects.translation import Follower
from tokenhub.wire import sse


class Reshaping:
    """The provider's answer with its texts edited.

    A stream with a schema is asked for whole, since only a whole answer can be checked; the
    caller gets it as the events of a stream.
    """

    dropped: tuple[str, ...] = ()

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._speech = SPEECHES[ask.speech]
        self._shape = (JSON if ask.schema else Shape()) if ask.shape is None else ask.shape

    def payload(self, model_id: str) -> bytes:
        ask = self._ask
        if not ask.schema:
            return self._speech.payload(ask, model_id)
        body = fitted(whole(ask.payload) if ask.stream else ask.payload, ask, ask.speech, model_id)
        return self._speech.payload(replace(ask, payload=body, stream=False), model_id)

    def answer(self, body: bytes) -> Answer:
        ask = self._ask
        usage = self._speech.usage_of(body)
        edited = self._speech.edited(body, self._shape)
        text = edited.text if ask.schema else ""
        told, terminal = edited.body, b""
        if ask.stream:
            told, terminal = self._speech.events(ask, told), self._speech.terminal
        return Answer(
            body=told,
            usage=usage,
            text=text,
            terminal=terminal,
            # As of an answer that passes.
            output_tokens=tokens.of_bytes(len(body)),
        )

    def follower(self) -> Follower:
        assert self._speech.editor is not None
        return Reshaped(self._speech.follower(self._ask), self._speech.editor(self._shape))


class Reshaped:
    """A stream of equals that is edited as it passes."""

    __slots__ = ("_editor", "_passing", "_splitter")

    def __init__(self, passing: Follower, editor: Editor) -> None:
        self._passing = passing
        self._editor = editor
        self._splitter = sse.Splitter()

    @property
    def started(self) -> bool:
        return self._passing.started

    @property
    def done(self) -> bool:
        return self._passing.done

    @property
    def terminal(self) -> bytes:
        return self._passing.terminal

    @property
    def usage(self) -> Usage | None:
        return self._passing.usage

    @property
    def output_tokens(self) -> int:
        return self._passing.output_tokens

    def feed(self, data: bytes) -> bytes:
        done = self._passing.done
        return self._edited(self._passing.feed(data), ends=self._passing.done and not done)

    def end(self) -> bytes:
        done = self._passing.done
        return self._edited(self._passing.end(), ends=self._passing.done and not done)

    def _edited(self, passed: bytes, *, ends: bool) -> bytes:
        events = [self._editor.event(event) for event in self._splitter.feed(passed)]
        return b"".join([*events, self._editor.end()] if ends else events)
