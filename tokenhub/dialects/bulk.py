"""What a prompt may come to that the estimate does not see: money is held for it as well.

The estimate is made of texts and tools, so that what a request says elsewhere (functions, schemas,
files, parameters that are one server's own) would be paid for by nobody. All of the body is
counted here but the pictures, which have a price of their own.
"""

import msgspec
from msgspec.structs import replace

from tokenhub.core import tokens
from tokenhub.core.ask import Ask

# A body that is no larger than what was counted of it and this much is not looked at again.
SLACK_BYTES = 1024
# A number or a word such as `true`: a token, as in lists of tokens.
_WORD_BYTES = tokens.BYTES_PER_TOKEN
# What holds the picture in a part of each of these kinds.
_PICTURES = {"image_url": "image_url", "image": "source"}
_BODY = msgspec.json.Decoder()


def weighed(ask: Ask) -> Ask:
    """The ask with the most tokens that its prompt may come to, where that is above its count."""
    if len(ask.payload) <= tokens.BYTES_PER_TOKEN * ask.input_tokens + SLACK_BYTES:
        return ask
    most = tokens.of_bytes(_size(_BODY.decode(ask.payload)))
    return replace(ask, most_tokens=most) if most > ask.input_tokens else ask


def _size(body: dict[str, object]) -> int:
    """Bytes of all names and values. What is called a picture is one in messages only."""
    talk = body.get("messages")
    rest = [value for name, value in body.items() if name != "messages"]
    return _bytes(rest, pictured=False) + _bytes([talk], pictured=True)


def _bytes(values: list[object], *, pictured: bool) -> int:
    total = 0
    while values:
        one = values.pop()
        if isinstance(one, str):
            total += len(one) if one.isascii() else len(one.encode("utf-8", "surrogatepass"))
        elif isinstance(one, dict):
            picture = _PICTURES.get(str(one.get("type")), "") if pictured else ""
            if picture:
                total += tokens.PER_IMAGE * tokens.BYTES_PER_TOKEN
            total += sum(map(len, one))
            values += [value for name, value in one.items() if name != picture]
        elif isinstance(one, list):
            values += one
        else:
            total += _WORD_BYTES
    return total
