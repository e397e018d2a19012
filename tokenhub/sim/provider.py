"""One simulated provider: a request in, what goes over the wire out. No sockets, no clock."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote

import msgspec

from tokenhub.sim import anthropic_read, framing, openai_read
from tokenhub.sim.answer import Say
from tokenhub.sim.anthropic import Anthropic
from tokenhub.sim.cache import Cache
from tokenhub.sim.call import Call, Refused
from tokenhub.sim.embeddings import embeddings, from_embeddings
from tokenhub.sim.fault import AnyFault, Headers
from tokenhub.sim.openai import OpenAI
from tokenhub.sim.playing import Dialect, Reply
from tokenhub.sim.profile import Model, Profile
from tokenhub.sim.reply import overflow, reply
from tokenhub.sim.script import Script

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
EMBEDDINGS = "/v1/embeddings"
MODELS = "/v1/models"
HEALTH = "/health"
METHODS = {
    CHAT: "POST",
    MESSAGES: "POST",
    COUNT: "POST",
    EMBEDDINGS: "POST",
    MODELS: "GET",
    HEALTH: "GET",
}


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came: header names in lower case, the path without its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    http_1_1: bool = True

    def json(self) -> object:
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    def key(self) -> str:
        """The key that came with it, in either vendor's header; empty where none did."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or bearer


class Provider:
    """Answers requests by its profile; scripted faults come before drawn ones."""

    def __init__(self, profile: Profile) -> None:
        self.play(profile)
        self._number = 0
        self._next: dict[str, deque[AnyFault]] = {}
        self._say: deque[Say] = deque()
        self._cache = Cache()

    @property
    def profile(self) -> Profile:
        return self._script.profile

    def play(self, profile: Profile) -> None:
        """Behave by this profile from the next request on."""
        self._script = Script(profile)
        self._openai = OpenAI(vllm=profile.dialect == "vllm")
        self._anthropic = Anthropic()
        self._key = profile.api_key
        self._read_openai = partial(openai_read.from_openai, lenient=profile.dialect == "vllm")
        self._read_anthropic = partial(
            anthropic_read.from_anthropic, system_turns=profile.system_turns
        )

    def queue(self, faults: tuple[AnyFault, ...], path: str) -> None:
        """Let the next requests of this path meet these; path "" is any that asks a model."""
        self._next.setdefault(path, deque()).extend(faults)

    def say(self, say: Say) -> None:
        """Let the next conversation be answered with this."""
        self._say.append(say)

    def answer(self, request: Received) -> Reply:
        """What to send for a request. Each one takes the next number of the story."""
        self._number += 1
        dialect = self._dialect(request)
        if self._key and not self._let_in(request):
            return self._refusal(dialect, 401)
        if request.path == CHAT and request.method == "POST":
            return self._chat(request, self._openai, self._read_openai)
        if request.path == MESSAGES and request.method == "POST":
            return self._messages(request)
        if request.path == COUNT and request.method == "POST":
            return self._counted(request)
        if request.path == EMBEDDINGS and request.method == "POST":
            return self._embeddings(request)
        return self._rest(request, dialect)

    def too_large(self, path: str) -> Reply:
        """The refusal of a body over the limit of the wire."""
        dialect = self._anthropic if path.startswith(MESSAGES) else self._openai
        return self._refusal(dialect, 413)

    def _dialect(self, request: Received) -> Dialect:
        if request.path.startswith(MESSAGES):
            return self._anthropic
        if request.path.startswith(MODELS) and (
            "anthropic-version" in request.headers or self.profile.dialect == "anthropic"
        ):
            return self._anthropic
        return self._openai

    def _let_in(self, request: Received) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return request.path == HEALTH or self._key in {bearer, request.headers.get("x-api-key")}

    def _messages(self, request: Received) -> Reply:
        if "anthropic-version" not in request.headers:
            return self._refusal(self._anthropic, 400, "anthropic-version: header is required")
        return self._chat(request, self._anthropic, self._read_anthropic)

    def _chat(self, request: Received, dialect: Dialect, read: Callable[[bytes], Call]) -> Reply:
        try:
            call = read(request.body)
        except Refused as refused:
            return self._refused(dialect, refused)
        model = self._script.model(call.model)
        if model is None:
            return self._unknown(dialect, call.model)
        turn = self._script.turn(
            call,
            model,
            self._number,
            self._scripted(request.path),
            say=self._say.popleft() if self._say else None,
            cached=self._cache.used(call.prefix) if call.prefix else (0, 0),
        )
        if call.prompt_tokens >= model.context_tokens:
            return overflow(turn, dialect)
        return reply(turn, dialect, drip_s=self.profile.drip_s, chunked=request.http_1_1)

    def _counted(self, request: Received) -> Reply:
        if "anthropic-version" not in request.headers:
            return self._refusal(self._anthropic, 400, "anthropic-version: header is required")
        try:
            name, tokens = anthropic_read.from_count(
                request.body, system_turns=self.profile.system_turns
            )
        except Refused as refused:
            return self._refused(self._anthropic, refused)
        model = self._script.model(name)
        if model is None:
            return self._unknown(self._anthropic, name)
        body = self._anthropic.counted(tokens)
        return self._ready(body, self._anthropic, model, self._scripted(request.path))

    def _embeddings(self, request: Received) -> Reply:
        try:
            wish = from_embeddings(request.body)
        except Refused as refused:
            return self._refused(self._openai, refused)
        model = self._script.model(wish.model)
        if model is None:
            return self._unknown(self._openai, wish.model)
        body = embeddings(wish, model, self.profile.seed)
        return self._ready(body, self._openai, model, self._scripted(request.path))

    def _rest(self, request: Received, dialect: Dialect) -> Reply:
        """Everything but asking a model: lists, health, and what does not exist."""
        path = request.path.rstrip("/") or "/"
        name = path.removeprefix(f"{MODELS}/")
        known = METHODS.get(path) or ("GET" if name != path else "")
        if not known:
            return self._refusal(dialect, 404, f"Invalid URL ({request.method} {request.path})")
        if known != request.method:
            return self._refusal(dialect, 405, headers=(("allow", known),))
        if path == HEALTH:
            return self._listed(b"", dialect, path)
        if path == MODELS:
            return self._listed(dialect.models(self.profile.models), dialect, path)
        model = self._script.model(unquote(name))
        if model is None:
            return self._unknown(dialect, unquote(name))
        return self._listed(dialect.one_model(model), dialect, MODELS)

    def _listed(self, body: bytes, dialect: Dialect, path: str) -> Reply:
        """A list or health answer: at once and without drawn faults, but a scripted one holds."""
        waiting = self._next.get(path)
        if waiting:
            return self._ready(body, dialect, self.profile.models[0], waiting.popleft())
        headers = dialect.headers(self._script.id(self._number))
        return Reply((framing.whole(200, body, headers=headers),))

    def _ready(self, body: bytes, dialect: Dialect, model: Model, fault: AnyFault | None) -> Reply:
        """The reply with a body that is no conversation: it takes as long as one token."""
        call = Call(model=model.id, prompt_tokens=0, max_tokens=1)
        turn = self._script.turn(call, model, self._number, fault)
        turn = msgspec.structs.replace(turn, body=body)
        return reply(turn, dialect, drip_s=self.profile.drip_s)

    def _scripted(self, path: str) -> AnyFault | None:
        for name in (path, ""):
            if waiting := self._next.get(name):
                return waiting.popleft()
        return None

    def _refused(self, dialect: Dialect, refused: Refused) -> Reply:
        id_ = self._script.id(self._number)
        body = dialect.error(
            400, id_, message=refused.message, param=refused.param, code=refused.code
        )
        return Reply((framing.whole(400, body, headers=dialect.headers(id_)),))

    def _unknown(self, dialect: Dialect, model: str) -> Reply:
        id_ = self._script.id(self._number)
        body = dialect.unknown_model(model, id_)
        return Reply((framing.whole(404, body, headers=dialect.headers(id_)),))

    def _refusal(
        self, dialect: Dialect, status: int, message: str = "", headers: Headers = ()
    ) -> Reply:
        id_ = self._script.id(self._number)
        body = dialect.error(status, id_, message=message)
        return Reply((framing.whole(status, body, headers=dialect.headers(id_) + headers),))
