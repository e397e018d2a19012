"""What Anthropic's models refuse each by itself: a simulation of what is known of them.

Sources: docs.anthropic.com, the overview of models and the pages on effort, on extended and
adaptive thinking, on structured outputs, on prefilling and on migrating to Claude 4.6 and 4.7, as
of January 2026 and later. Names that are not the vendor's are under no rule of this kind.
"""

import re

import msgspec

from tokenhub.sim.anthropic_ask import Adaptive, Enabled, Request
from tokenhub.sim.call import Refused

MAX_USER_ID = 256
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
ALL = ("low", "medium", "high", "xhigh", "max")


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """Models that refuse alike; `limit` is the most tokens of an answer, where it is known.

    `thinks` names the ways to think. `both` is whether temperature and top_p go together,
    `samples` whether they are taken at all, `prefill` whether an answer may be begun.
    """

    names: re.Pattern[str]
    limit: int | None = None
    thinks: tuple[type, ...] = ()
    efforts: tuple[str, ...] = ()
    schemas: bool = False
    both: bool = False
    samples: bool = True
    prefill: bool = True


def _named(names: str) -> re.Pattern[str]:
    """These names, alone or with the day of their version."""
    return re.compile(rf"claude-({names})(-\d{{8}}|-latest)?$")


_OLD, _NEW = (Enabled,), (Adaptive,)
_TO_HIGH = ("low", "medium", "high")
_TO_MAX = (*_TO_HIGH, "max")

# The first that matches counts; whatever comes later is taken for the latest that is known.
GENERATIONS = (
    Generation(names=_named("3-(opus|sonnet|haiku)"), limit=4_096, both=True),
    Generation(names=_named("3-5-(sonnet|haiku)"), limit=8_192, both=True),
    Generation(names=_named("3-7-sonnet"), limit=64_000, thinks=_OLD, both=True),
    Generation(names=_named("opus-4(-0)?"), limit=32_000, thinks=_OLD, both=True),
    Generation(names=_named("sonnet-4(-0)?"), limit=64_000, thinks=_OLD, both=True),
    Generation(names=_named("opus-4-1"), limit=32_000, thinks=_OLD),
    Generation(names=_named("(sonnet|haiku)-4-5"), limit=64_000, thinks=_OLD, schemas=True),
    Generation(names=_named("opus-4-5"), limit=64_000, thinks=_OLD, efforts=_TO_HIGH, schemas=True),
    Generation(
        names=_named("opus-4-6"),
        limit=128_000,
        thinks=(Enabled, Adaptive),
        efforts=_TO_MAX,
        schemas=True,
        prefill=False,
    ),
    Generation(
        names=_named("sonnet-4-6"),
        limit=64_000,
        thinks=(Enabled, Adaptive),
        efforts=_TO_MAX,
        schemas=True,
        prefill=False,
    ),
    Generation(
        names=_named("opus-4-7"),
        limit=128_000,
        thinks=_NEW,
        efforts=ALL,
        schemas=True,
        samples=False,
        prefill=False,
    ),
    Generation(
        names=re.compile(r"claude-(opus|sonnet|haiku)-\d"),
        thinks=_NEW,
        efforts=ALL,
        schemas=True,
        samples=False,
        prefill=False,
    ),
)


def check(request: Request) -> None:
    """Raises Refused for what this model would not take."""
    model = next((one for one in GENERATIONS if one.names.match(request.model)), None)
    if model is None:
        return
    if model.limit is not None and request.max_tokens > model.limit:
        raise Refused(
            f"{request.max_tokens} > {model.limit}, which is the maximum allowed number of output "
            f"tokens for {request.model}",
            param="max_tokens",
        )
    _user(request)
    _sampling(request, model)
    _thinking(request, model)
    _output(request, model)
    begun = request.messages[-1].role == "assistant"
    if begun and not model.prefill:
        raise Refused(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
    if begun and isinstance(request.thinking, Enabled | Adaptive):
        raise Refused("Prefilling the assistant's message is not supported with thinking.")


def _user(request: Request) -> None:
    user = (request.metadata.user_id if request.metadata else None) or ""
    if len(user) > MAX_USER_ID:
        raise Refused(
            f"String should have at most {MAX_USER_ID} characters", param="metadata.user_id"
        )
    if EMAIL.match(user):
        raise Refused("user_id appears to contain an email address", param="metadata.user_id")


def _sampling(request: Request, model: Generation) -> None:
    if not model.samples:
        for name in ("temperature", "top_p", "top_k"):
            if getattr(request, name) is not None:
                raise Refused(f"`{name}` is not supported on this model.")
    elif request.temperature is not None and request.top_p is not None and not model.both:
        raise Refused(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only "
            "one."
        )


def _thinking(request: Request, model: Generation) -> None:
    wish = request.thinking
    if isinstance(wish, Enabled | Adaptive) and not isinstance(wish, model.thinks):
        kind = "enabled" if isinstance(wish, Enabled) else "adaptive"
        raise Refused(f'"thinking.type.{kind}" is not supported for this model.')


def _output(request: Request, model: Generation) -> None:
    effort = request.output_config.effort
    if effort is not None and not model.efforts:
        raise Refused("This model does not support the effort parameter.")
    if effort is not None and effort not in model.efforts:
        raise Refused(
            f"This model does not support effort level '{effort}'. Supported levels: "
            f"{', '.join(model.efforts)}."
        )
    if request.output_config.format is not None and not model.schemas:
        raise Refused(f"'{request.model}' does not support output format.")
