"""A body with a JSON Schema for its answer, and with the request to mend one that did not fit.

All bytes that need not change are kept. The answer is validated whatever the provider promised.
"""

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Ask, Rework, Shape
from tokenhub.dialects import structured
from tokenhub.dialects.translation import Unsayable

# What has a schema is to be JSON, without a fence around it.
JSON = Shape(type="json")

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_ENCODE = msgspec.json.Encoder().encode
_NOTHING = (b"", b"null")

_MEND = (
    "Your answer does not fit the JSON Schema that it must fit: {complaint}\n"
    "Answer again with the corrected JSON only, without any other text."
)


def fitted(body: bytes, ask: Ask, speech: str, model_id: str) -> bytes:
    """The body with what the schema of an ask and a second try at it add, in this speech.

    After a translation, not before: what its structured output takes, each vendor says. Raises
    Unsayable where several answers are asked for: only one of them could be checked and mended.
    """
    if not ask.schema:
        return body
    if ask.answers > 1:
        raise Unsayable("n must be 1 with an output schema", field="n", code="invalid_value")
    body = with_schema(body, speech, ask.schema, model_id=model_id)
    return body if ask.rework is None else with_rework(body, ask.rework)


def whole(body: bytes) -> bytes:
    """The same request for an answer in one piece."""
    fields = _FIELDS.decode(body)
    return _ENCODE({k: v for k, v in fields.items() if k not in {"stream", "stream_options"}})


def with_schema(payload: bytes, speech: str, schema: str, *, model_id: str) -> bytes:
    """The body of that speech, asking this model for an answer that fits the schema.

    A caller's own wish for a format stays as it is. `schema` has been checked.
    """
    raw = schema.encode()
    if not raw.startswith(b"{"):
        return payload
    fields = _FIELDS.decode(payload)
    own = structured.said(raw, speech, model_id)
    return _ENCODE(fields) if _PUT[speech](fields, raw, own) else payload


def with_rework(payload: bytes, rework: Rework) -> bytes:
    """The body with two more turns: what was said, and what is wrong with it.

    Turns of plain text are alike in both formats.
    """
    fields = _FIELDS.decode(payload)
    # Anthropic takes no empty turn.
    turns = [{"role": "assistant", "content": rework.said}] if rework.said.strip() else []
    turns.append({"role": "user", "content": _MEND.format(complaint=rework.complaint)})
    fields["messages"] = _more(fields["messages"], turns)
    return _ENCODE(fields)


def _openai(fields: dict[str, Raw], schema: bytes, own: bytes | None) -> bool:
    """Whether the fields were changed: they are, unless the caller wished for a format."""
    if not _absent(fields.get("response_format")):
        return False
    if own is None:
        told = {"role": "system", "content": structured.in_words(schema)}
        fields["messages"] = Raw(_ENCODE([told, *_LIST.decode(fields["messages"])]))
        return True
    answer = {"name": "answer", "schema": Raw(own), "strict": structured.strict(own)}
    fields["response_format"] = Raw(_ENCODE({"type": "json_schema", "json_schema": answer}))
    return True


def _anthropic(fields: dict[str, Raw], schema: bytes, own: bytes | None) -> bool:
    config = fields.get("output_config")
    within = {} if config is None or _absent(config) else _FIELDS.decode(config)
    # `output_format` is the same field by its name of the beta.
    if not (_absent(within.get("format")) and _absent(fields.get("output_format"))):
        return False
    if own is None:
        fields["system"] = _with_system(fields.get("system"), structured.in_words(schema))
        return True
    within["format"] = Raw(_ENCODE({"type": "json_schema", "schema": Raw(own)}))
    fields["output_config"] = Raw(_ENCODE(within))
    return True


_PUT = {"openai": _openai, "anthropic": _anthropic}


def _with_system(system: Raw | None, told: str) -> Raw:
    """Behind what is there, so that a cached beginning stays one."""
    if system is None or _absent(system):
        return Raw(_ENCODE(told))
    if bytes(system).startswith(b'"'):
        return Raw(_ENCODE(f"{msgspec.json.decode(system, type=str)}\n\n{told}"))
    return _more(system, [{"type": "text", "text": told}])


def _more(turns: Raw, added: list[dict[str, str]]) -> Raw:
    return Raw(_ENCODE([*_LIST.decode(turns), *added]))


def _absent(raw: Raw | None) -> bool:
    return raw is None or bytes(raw) in _NOTHING
