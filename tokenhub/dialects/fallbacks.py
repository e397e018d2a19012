"""`models`: the models that may answer in place of the first, in the order of the caller's choice.

No vendor knows the field: it is read here, and the provider never sees it.
"""

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Ask
from tokenhub.dialects.decoding import check_count, checked_name

MAX_FALLBACKS = 16

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode


def with_fallbacks(ask: Ask, models: list[str] | None) -> Ask:
    """The ask that names these models, its body without them. Raises BadRequest."""
    if models is None:
        return ask
    named = checked_names(models)
    fields = _FIELDS.decode(ask.payload)
    fields.pop("models", None)
    return msgspec.structs.replace(ask, payload=_ENCODE(fields), fallbacks=named)


def checked_names(models: list[str]) -> tuple[str, ...]:
    """The names of such a list, without the empty ones. Raises BadRequest."""
    check_count(len(models), MAX_FALLBACKS, field="models")
    named = [
        checked_name(name, field=f"models[{number}]").strip() for number, name in enumerate(models)
    ]
    return tuple([name for name in named if name])
