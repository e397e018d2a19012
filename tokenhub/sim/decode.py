"""JSON bodies into structs, and what is wrong with them as a place and a kind."""

import re
from typing import Annotated, Literal, TypeVar

import msgspec

from tokenhub.sim.call import Refused

Limit = Annotated[int, msgspec.Meta(ge=1)]
T = TypeVar("T")


class Wrong(Exception):
    """A body that does not fit: at `path` (`messages[0].role`) something is missing or unknown.

    `invalid` is everything else, as `text` says.
    """

    def __init__(
        self, path: str, kind: Literal["missing", "unknown", "invalid"], text: str
    ) -> None:
        super().__init__(text)
        self.path = path
        self.kind = kind
        self.text = text


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as the decoder's type. Raises Wrong, or Refused for what is no JSON at all."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(
            "We could not parse the JSON body of your request. "
            "The API expects a JSON payload, but what was sent was not valid JSON."
        ) from error


def _wrong(complaint: str) -> Wrong:
    found = re.search(r"at `\$\.?([^`]*)`$", complaint)
    path = found[1] if found else ""
    text = complaint.partition(" - at `")[0]
    named = re.match(r"Object (missing required|contains unknown) field `(.*)`$", text)
    if not named:
        return Wrong(path, "invalid", text)
    whole = f"{path}.{named[2]}" if path else named[2]
    return Wrong(whole, "missing" if named[1] == "missing required" else "unknown", text)
