"""The caller's request with a lower limit of the answer, for a context that has no more room."""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tokenhub.core.ask import Ask
from tokenhub.dialects.openai.models import family

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_THINKING = msgspec.json.Decoder(dict[str, object])
_ENCODE = msgspec.json.Encoder().encode
# OpenAI's two names; whoever gave both keeps both.
_LIMITS = ("max_completion_tokens", "max_tokens")


def shrunk(ask: Ask, max_tokens: int, model_id: str) -> Ask | None:
    """The ask for an answer of at most so many tokens.

    None where the caller bought more for thought alone: what would be left of that is theirs to
    say.
    """
    fields = _FIELDS.decode(ask.payload)
    if _thinks_longer(fields.get("thinking"), max_tokens):
        return None
    value = Raw(_ENCODE(max_tokens))
    for name in _names(ask, fields, model_id):
        fields[name] = value
    return replace(ask, payload=_ENCODE(fields), max_tokens=max_tokens)


def _names(ask: Ask, fields: dict[str, Raw], model_id: str) -> list[str]:
    if ask.speech != "openai":
        return ["max_tokens"]
    given = [name for name in _LIMITS if bytes(fields.get(name, Raw(b"null"))) != b"null"]
    own = family(model_id).own
    return given or ["max_completion_tokens" if own else "max_tokens"]


def _thinks_longer(thinking: Raw | None, max_tokens: int) -> bool:
    """Whether a budget of Anthropic's for thinking, which counts as answer, is not below it."""
    if thinking is None or not bytes(thinking).startswith(b"{"):
        return False
    budget = _THINKING.decode(thinking).get("budget_tokens")
    return isinstance(budget, int) and budget >= max_tokens
